# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The module: what a call of it, and autograd's way back, make of the entries `forward` and `backward`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from .. import _runtime, _weights
from .._model import Model, State, compile

_TYPES = {"f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "u8": torch.uint8}


@dataclasses.dataclass
class _Made:
    """What a call of forward leaves for backward, which makes the same call again."""

    call: object
    epoch: int
    state: object
    training: bool


class _Network(torch.autograd.Function):
    """Outputs of a model, whose gradients are its entry `backward`."""

    @staticmethod
    def forward(ctx, module, x, steps, state, behind, *parameters):
        outputs, ctx.made = module._run_forward(x, steps, state, behind)
        ctx.module = module
        ctx.save_for_backward(x, *parameters)  # so that changes in place before backward are found
        ctx.set_materialize_grads(False)
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients):
        x, *_ = ctx.saved_tensors  # raises if one of them was changed in place
        of_input, of_parameters = ctx.module._run_backward(ctx.made, gradients, ctx.needs_input_grad[1])
        of_input = of_input.reshape(x.shape) if of_input is not None else None
        wanted = ctx.needs_input_grad[5:]
        of_parameters = (gradient if want else None for gradient, want in zip(of_parameters, wanted))
        return None, of_input, None, None, None, *of_parameters


class Module(nn.Module):
    """A compiled network whose parameters PyTorch trains.

    Args:
        model: the path or the text of a model, or a `snnc.Model`, whose parameters are copied.
        outputs: names of what a call gives, a tuple if there are several: "spikes", "membrane", "count", and of the layers
            inside "hidden.NAME" and "hidden_membrane.NAME". One name: its tensor alone. What is not asked for is not
            computed.
        names: what the module calls tensors that have another name in the text.
        fixed: tensors of its `state_dict` that are no tensors of the model, but numbers in its text.
        options: of `snnc.compile`.

    A call takes `x`, [sample, ...], or [time, sample, ...] where the text says `over time`, runs all time steps from rest and gives
    outputs [time, sample, neuron]. All tensors are in the CPU's memory; parameters and reals are float32, or float64 with
    precision="f64". There are no second derivatives.
    """

    def __init__(self, model: Model | str | os.PathLike, *, outputs: str | tuple[str, ...] = ("spikes", "membrane"),
                 names: Mapping[str, str] | None = None, fixed: Mapping[str, np.ndarray] | None = None, **options):
        super().__init__()
        if not isinstance(model, Model):
            model = compile(model, **options)
        elif options:
            raise TypeError(f"{', '.join(options)}: the model has been compiled")
        if not model.library.trains:
            raise ValueError(f"model {model.name} was compiled without training (mode=\"infer\")")
        self.model = model.copy()
        self.model.workers = _runtime.Threads.openmp(min(self.model.threads, torch.get_num_threads())) or self.model.workers
        self.outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        self._single = isinstance(outputs, str)
        self._names = dict(names or {})
        self._fixed = dict(fixed or {})
        for name in self.outputs:
            model._place(name)
        self._calls = 0
        self._declare()
        self._register_load_state_dict_pre_hook(self._check_constants)

    def forward(self, x: torch.Tensor, *, steps: int | None = None, state: State | None = None, with_state: bool = False):
        """Outputs of all time steps, and the state behind the last one if `with_state`.

        Args:
            x: the input; gradients go back to it where its elements are reals.
            steps: their number, for a model that leaves it open and an input that does not vary over time.
            state: where to start, what a call `with_state` has given (no gradient goes back to it); None: at rest.
        """
        return self._call(x, steps, state, with_state)

    def extra_repr(self):
        library = self.model.library
        return f"{library.name}: {library.inputs[0]!r} -> {', '.join(self.outputs)}"

    # Parameters live in the model's spans; names with dots are modules in modules.

    def _declare(self):
        model = self.model
        for name, array in model.parameters.items():
            owner, last = self._owner(name)
            owner.register_parameter(last, nn.Parameter(torch.from_numpy(array)))
        for name, array in model.buffers.items():
            owner, last = self._owner(name)
            owner.register_buffer(last, torch.from_numpy(array))
            if last == "running_mean":  # stands beside it in PyTorch, and changes no result
                owner.register_buffer("num_batches_tracked", torch.tensor(0))
        for constant in model.library.constants:
            owner, last = self._owner(constant.name)
            owner.register_buffer(last, torch.full(constant.shape, constant.value, dtype=_TYPES[constant.dtype]))
        known = {self._names.get(name, name) for name in model.buffers}
        self._fixed = {name: torch.from_numpy(array.copy()) for name, array in self._fixed.items() if name not in known}
        for name, tensor in self._fixed.items():
            owner, last = self._owner(name)
            owner.register_buffer(last, tensor.clone())

    def _owner(self, name):
        *path, last = self._names.get(name, name).split(".")
        owner = self
        for part in path:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner._modules[part]
        return owner, last

    def _tensors(self, names, kind):
        for name in names:
            owner, last = self._owner(name)
            yield name, getattr(owner, kind)[last]

    def _bound(self):
        """The parameters, in the model's order and memory.

        Who sets `.data`, copies the module or moves it there and back has put them elsewhere: their values are taken from there.
        """
        spans = ((self.model.parameters, "_parameters"), (self.model.buffers, "_buffers"))
        for arrays, kind in spans:
            for name, tensor in self._tensors(arrays, kind):
                if tensor.data_ptr() == arrays.addresses[name]:
                    continue
                view = torch.from_numpy(arrays[name])
                if tensor.device.type != "cpu" or tensor.dtype != view.dtype or tensor.shape != view.shape:
                    raise TypeError(f"{name}: expected {view.dtype} of shape {list(view.shape)} in the CPU's memory, found "
                                    f"{tensor.dtype} of shape {list(tensor.shape)} on {tensor.device}")
                with torch.no_grad():
                    view.copy_(tensor)
                tensor.data = view
        return [parameter for _, parameter in self._tensors(self.model.parameters, "_parameters")]

    def _check_constants(self, state_dict, prefix, *_):
        names = {constant.name: self._names.get(constant.name, constant.name) for constant in self.model.library.constants}
        _weights.check_constants(self.model, {constant: state_dict[prefix + name] for constant, name in names.items()
                                              if prefix + name in state_dict and name not in self._fixed}, "the state_dict")
        for name, tensor in self._fixed.items():
            if prefix + name in state_dict and not torch.equal(state_dict[prefix + name].cpu(), tensor):
                raise ValueError(f"the state_dict: tensor {prefix + name!r} differs from what is compiled into the model")

    def _count_batches(self):
        for name in self.model.buffers:
            if name.endswith(".running_mean"):
                self._owner(name)[0].num_batches_tracked += 1

    # Calls

    @torch.compiler.disable
    def _call(self, x, steps, state, with_state):
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"expected a tensor, found {type(x).__name__}")
        behind = [] if with_state else None
        outputs = _Network.apply(self, x, steps, state, behind, *self._bound())
        if with_state:
            return (*outputs, *behind)
        return outputs[0] if self._single else outputs

    def _run_forward(self, x, steps, state, behind):
        model = self.model
        call = model._prepare(x, steps=steps)
        self._calls += self.training
        made = _Made(call, self._calls, state, self.training)
        arrays, outputs = [None] * len(model._places), []
        for name in self.outputs:
            tensor = model.library.outputs[model._places[name]]
            extents = {"T": call.steps, "B": call.batch}
            outputs.append(torch.empty([extents.get(e, e) for e in tensor.shape], dtype=_TYPES[tensor.dtype]))
            arrays[model._places[name]] = outputs[-1].numpy()
        state_out = None
        if behind is not None:
            state_out = model._state_behind(call, state)
            behind.append(state_out)
        if self.training:
            self._count_batches()
        model._call("forward_training" if self.training else "forward", call, outputs=arrays, state=state,
                    state_out=state_out, epoch=made.epoch)
        return tuple(outputs), made

    def _place_of_sum(self, name, gradient):
        """Where the gradient of the sum over time goes, if this output's is that and says the same for each step: a loss of counts
        leaves one step's array, seen as many. None: nowhere. The network adds what it is given for spikes and counts to the same
        sum, so bits are the same."""
        if name != "spikes" or "count" in self.outputs or "count" not in self.model._places or gradient.stride(0) != 0:
            return None
        place = self.model._places["count"]
        return place if list(self.model.library.outputs[place].shape[1:]) == list(gradient.shape[2:]) else None

    def _run_backward(self, made, gradients, wants_input):
        model, library = self.model, self.model.library
        if not made.training and library.trains_apart:
            raise RuntimeError(f"model {library.name} differs in training, and gradients are of that: call train() first")
        seeds = [None] * len(model._places)
        for name, gradient in zip(self.outputs, gradients):
            if gradient is None:
                continue
            place = self._place_of_sum(name, gradient)
            if place is not None:
                gradient = gradient[0]
            else:
                place = model._places[name]
            seeds[place] = gradient.contiguous().numpy()
        results = [None] * len(model._places)
        of_input = None
        if wants_input:
            of_input = torch.empty(made.call.inputs[0].shape, dtype=_TYPES[library.precision])
            results[model._places["grad.input"]] = of_input.numpy()
        span = torch.empty(max(library.parameter_bytes, 1), dtype=torch.uint8)
        model._call("backward", made.call, outputs=results, output_gradients=seeds, state=made.state,
                    gradients=span.numpy(), epoch=made.epoch)
        reals = span[:library.parameter_bytes].view(_TYPES[library.precision])
        return of_input, [reals.as_strided(tensor.shape, tensor.strides, tensor.offset // reals.element_size())
                          for tensor in library.parameters]
