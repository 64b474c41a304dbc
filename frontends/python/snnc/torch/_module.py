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
from .._model import Model, State, compile, own_threads

_LAST = "[-1]"  # behind the name of an output
_TYPES = {"f32": torch.float32, "f64": torch.float64, "i64": torch.int64, "u8": torch.uint8}


@dataclasses.dataclass
class _Made:
    """What a call of forward leaves for backward, which makes the same call again."""

    call: object
    epoch: int
    state: object
    training: bool
    given: list  # arrays of parameters and buffers
    content: int  # the parameters' number: they need not be brought again if no other call came between


@dataclasses.dataclass
class _Behind:
    """What a call leaves beside its outputs: its steps, and the state behind them if that is `wanted`."""

    wanted: bool
    steps: int | None = None
    state: State | None = None


@dataclasses.dataclass
class _Compiled:
    """A buffer that is a number in the text, and says what this is."""

    name: str
    path: tuple
    expected: torch.Tensor
    seen: torch.Tensor | None = None  # to be this, at this version
    version: int | None = None

    def check(self, module):
        tensor = getattr(*_held(module, self.path), None)
        if tensor is None:
            raise ValueError(f"{self.name}: expected the buffer that is compiled into the model, found none")
        version = None if tensor.is_inference() else tensor._version
        if tensor is self.seen and version is not None and version == self.version:
            return
        if not torch.equal(tensor.to("cpu", self.expected.dtype), self.expected):
            raise ValueError(f"{self.name}: the buffer has other values than those that are compiled into the model; to change "
                             "them, change the text")
        self.seen, self.version = tensor, version


class _Network(torch.autograd.Function):
    """Outputs of a model, whose gradients are its entry `backward`."""

    @staticmethod
    def forward(ctx, module, x, steps, state, behind, *tensors):
        if state is not None and any(ctx.needs_input_grad):
            state = state.copy()  # a change before backward cannot be found
        outputs, ctx.made = module._run_forward(x, steps, state, behind, tensors)
        ctx.module = module
        ctx.save_for_backward(x, *tensors)  # so that changes in place before backward are found
        ctx.set_materialize_grads(False)
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *gradients):
        x, *_ = ctx.saved_tensors  # raises if one of them was changed in place
        _, wants_input, _, _, _, *wanted = ctx.needs_input_grad
        of_input, of_tensors = ctx.module._run_backward(ctx.made, gradients, wants_input, wanted)
        of_input = of_input.reshape(x.shape) if of_input is not None else None
        return None, of_input, None, None, None, *of_tensors


class _Layer(nn.Module):
    """Holds the tensors of a layer, or layers."""

    _IN_TEXT = ("momentum", "eps", "track_running_stats", "affine", "p", "stride", "padding", "dilation")

    def __setattr__(self, name, value):
        if name in self._IN_TEXT and isinstance(value, (bool, int, float, str, tuple)):
            raise AttributeError(f"{name} of a compiled layer is a number in the model's text, which cannot be changed here")
        super().__setattr__(name, value)


class Module(nn.Module):
    """A compiled network whose parameters PyTorch trains.

    Args:
        model: the path or the text of a model, or a `snnc.Model`, whose parameters are copied.
        outputs: names of what a call gives, a tuple if there are several: "spikes", "membrane", "count", "rate" (counts as shares
            of the steps), and of the layers inside "hidden.NAME" and "hidden_membrane.NAME"; with "[-1]" behind it, of the last time
            step alone, [sample, neuron]. One name: its tensor alone. What is not asked for is not computed.
        names: what the module calls tensors that have another name in the text.
        fixed: tensors of its `state_dict` that are no tensors of the model, but numbers in its text.
        shapes: of parameters, by the text's names, that have other axes of one element here than in the text.
        time_axes: where time stands in the input, if it is over time, and in spikes and membranes: 0, or 1 behind the samples, of the
            input also -1 behind all others.
        options: of `snnc.compile`.

    A call takes `x`, [sample, ...], or [time, sample, ...] where the text says `over time` (see `time_axes`), runs all time steps from rest and gives
    outputs [time, sample, neuron]. All tensors are in the CPU's memory; parameters and reals are float32, or float64 with
    precision="f64". There are no second derivatives. Parameters and buffers are the module's own, or whose they are that
    `torch.func.functional_call` brings: each call copies them into the model's layout.
    """

    def __init__(self, model: Model | str | os.PathLike, *, outputs: str | tuple[str, ...] = ("spikes", "membrane"),
                 names: Mapping[str, str] | None = None, fixed: Mapping[str, np.ndarray] | None = None,
                 shapes: Mapping[str, tuple[int, ...]] | None = None, time_axes: tuple[int, int] = (0, 0), **options):
        super().__init__()
        if not isinstance(model, Model):
            model = compile(model, **options)
        elif options:
            raise TypeError(f"{', '.join(options)}: the model has been compiled")
        if not model.library.trains:
            raise ValueError(f"model {model.name} was compiled without training (mode=\"infer\")")
        self._model = model.copy()
        self._tuned = None  # made when gradients are asked for while the module evaluates
        self._model.workers = _runtime.Threads.openmp(min(model.threads, torch.get_num_threads())) or model.workers
        self._outputs = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        self._single = isinstance(outputs, str)
        if len(time_axes) != 2 or time_axes[0] not in (0, 1, -1) or time_axes[1] not in (0, 1):
            raise ValueError(f"time_axes: expected two of 0 and 1, the first of which may be -1, found {time_axes!r}")
        if time_axes[0] != 0 and model.library.inputs[0].shape[0] != "T":
            raise ValueError("time_axes: the model's input has no time; write `over time` behind it")
        self._time_axes = tuple(time_axes)
        self._names = dict(names or {})
        self._shapes = {info.name: info.shape for info in (*model.library.parameters, *model.library.buffers)} | dict(shapes or {})
        for name in self._outputs:
            if name in ("count" + _LAST, "rate" + _LAST):
                raise ValueError(f"outputs: {name.removesuffix(_LAST)} is of all time steps; of one there are spikes and membranes")
        self._paths, self._norms, self._fixed, self._compiled = [], [], {}, []
        for name in self._computed():
            model._place(name, of_forward=True)
        self._declare(dict(fixed or {}))
        self._register_load_state_dict_pre_hook(self._check_constants)

    def to_model(self) -> Model:
        """A model of its own with the parameters and buffers as they are now, to be saved or used without PyTorch."""
        model = self._model.copy()
        targets = (*model.parameters.values(), *model.buffers.values())
        for target, tensor in zip(targets, self._checked(self._tensors())):
            target[...] = tensor.numpy()
        model.workers = own_threads(model.threads) if model.threads > 1 else None
        return model

    def forward(self, x: torch.Tensor, *, steps: int | None = None, state: State | None = None, with_state: bool = False):
        """Outputs of all time steps, and the state behind the last one if `with_state`.

        Args:
            x: the input; gradients go back to it where its elements are reals.
            steps: their number, for a model that leaves it open and an input that does not vary over time.
            state: where to start, what a call `with_state` has given (no gradient goes back to it); None: at rest.
        """
        return self._call(x, steps, state, with_state)

    def extra_repr(self):
        library = self._model.library
        return f"{library.name}: {library.inputs[0]!r} -> {', '.join(self._outputs)}"

    @property
    def _dtype(self):
        """Of parameters and reals."""
        return _TYPES[self._model.library.precision]

    # Names with dots are modules in modules.

    def _declare(self, fixed):
        model, named = self._model, lambda name: self._names.get(name, name)
        for name, array in model.parameters.items():
            owner, last = self._owner(named(name))
            owner.register_parameter(last, nn.Parameter(_tensor_of(array).reshape(self._shapes[name])))
        for name, array in model.buffers.items():
            owner, last = self._owner(named(name))
            owner.register_buffer(last, _tensor_of(array))
            if last == "running_mean":  # stands beside it in PyTorch, and changes no result
                owner.register_buffer("num_batches_tracked", torch.tensor(0, device="cpu"))
        tensors = (*model.parameters, *model.buffers)
        self._paths = [tuple(named(name).split(".")) for name in tensors]
        self._norms = [path for path in self._paths if path[-1] == "running_mean"]
        self._fixed = {name: _tensor_of(array) for name, array in fixed.items() if name not in map(named, tensors)}
        constants = {named(info.name): torch.full(info.shape, info.value, dtype=_TYPES[info.dtype], device="cpu")
                     for info in model.library.constants}
        for name, tensor in (constants | self._fixed).items():
            owner, last = self._owner(name)
            owner.register_buffer(last, tensor.clone())
            self._compiled.append(_Compiled(name, tuple(name.split(".")), tensor))

    def _owner(self, name):
        """The module that holds the tensor of this name, and its name there."""
        *path, last = name.split(".")
        owner = self
        for part in path:
            if part not in owner._modules:
                if hasattr(owner, part):
                    raise ValueError(f"layer {part!r}: modules of PyTorch have something of their own under this name; give the "
                                     "layer another label")
                owner.add_module(part, _Layer())
            owner = owner._modules[part]
        return owner, last

    def _tensors(self):
        """Parameters and buffers in the model's order, as they are now."""
        tensors = []
        for path in self._paths:
            owner, last = _held(self, path)
            tensor = owner._parameters.get(last)
            if tensor is None:  # a buffer, or computed from other parameters
                for hook in owner._forward_pre_hooks.values():  # pruning does that when its layer is called
                    if type(hook).__module__.startswith("torch.nn.utils."):
                        hook(owner, ())
                tensor = getattr(owner, last, None)
            if not isinstance(tensor, torch.Tensor):
                raise TypeError(f"{'.'.join(path)}: expected a tensor, found {tensor!r}")
            tensors.append(tensor)
        return tensors

    def _trains(self):
        """Whether a call is of the network as it trains. One in train() whose norms are all in eval() and that drops nothing is not:
        its parameters are trained with running statistics as they are."""
        library = self._model.library
        if not self._norms or not library.trains_apart:
            return self.training
        others = [path for path in self._norms if _held(self, path)[0].training != self.training]
        if not others:
            return self.training
        if self.training and len(others) == len(self._norms) and not library.random:
            return False
        owner, _ = _held(self, others[0])
        raise RuntimeError(f"{'.'.join(others[0][:-1])}: the layer is in {_mode(owner)}, and the module in {_mode(self)}; a compiled network has "
                           "one mode, but for a module in train() without dropout whose norms are all in eval()")

    def _checked(self, tensors):
        """Views of the tensors without gaps, or copies where they have some. TypeError where one does not fit."""
        views, library = [], self._model.library
        dtype = self._dtype
        for info, tensor in zip((*library.parameters, *library.buffers), tensors):
            if not tensor.is_cpu or tensor.dtype != dtype or tensor.shape != self._shapes[info.name]:
                raise TypeError(f"{info.name}: expected {dtype} of shape {list(self._shapes[info.name])} in the CPU's memory, found "
                                f"{tensor.dtype} of shape {list(tensor.shape)} on {tensor.device}")
            views.append(tensor.detach().contiguous().reshape(info.shape))
        return views

    def _check_constants(self, state_dict, prefix, *_):
        names = {constant.name: self._names.get(constant.name, constant.name) for constant in self._model.library.constants}
        _weights.check_constants(self._model, {constant: state_dict[prefix + name] for constant, name in names.items()
                                              if prefix + name in state_dict and name not in self._fixed}, "the state_dict")
        for name, tensor in self._fixed.items():
            if prefix + name in state_dict and not torch.equal(state_dict[prefix + name].cpu(), tensor):
                raise ValueError(f"the state_dict: tensor {prefix + name!r} differs from what is compiled into the model")

    # Calls

    @torch.compiler.disable
    def _call(self, x, steps, state, with_state):
        self._expect_tensor(x)
        if state is not None and not isinstance(state, State):
            raise TypeError(f"state: expected what a call with_state=True has given, found {type(state).__name__}")
        x = x.resolve_neg()
        if self._time_axes[0] != 0 and x.ndim > 1:
            x = x.movedim(self._time_axes[0], 0)
        behind = _Behind(with_state)
        found = dict(zip(self._computed(), _Network.apply(self, x, steps, state, behind, *self._tensors())))
        if "rate" in self._outputs:
            found["rate"] = found["count"] / behind.steps
        if self._time_axes[1] == 1:
            found = {name: tensor if name in ("count", "rate") else tensor.transpose(0, 1) for name, tensor in found.items()}
        for name in self._outputs:
            if name.endswith(_LAST):
                found[name] = found[name.removesuffix(_LAST)].select(self._time_axes[1], -1)
        outputs = tuple(found[name] for name in self._outputs)
        if with_state:
            return (*outputs, behind.state)
        return outputs[0] if self._single else outputs

    @staticmethod
    def _expect_tensor(x):
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"expected a tensor, found {type(x).__name__}")

    def _computed(self):
        return tuple(dict.fromkeys("count" if name == "rate" else name.removesuffix(_LAST) for name in self._outputs))

    def _run_forward(self, x, steps, state, behind, tensors):
        model = self._model
        call = model._prepare(x, steps=steps)
        views = self._checked(tensors)
        for compiled in self._compiled:
            compiled.check(self)
        given = [view.numpy() for view in views]
        training = self._trains()
        made = _Made(call, self._draw(training), state, training, given, model._arena.number())
        arrays, outputs = [None] * len(model._places), []
        for name in self._computed():
            tensor = model.library.outputs[model._places[name]]
            extents = {"T": call.steps, "B": call.batch}
            outputs.append(torch.empty([extents.get(e, e) for e in tensor.shape], dtype=_TYPES[tensor.dtype], device="cpu"))
            arrays[model._places[name]] = outputs[-1].numpy()
        behind.steps = call.steps
        if behind.wanted:
            behind.state = model._state_behind(call, state)
        buffers = len(model.parameters)  # where they begin
        taken = None
        if training and model.library.trains_apart and model.buffers:
            taken = [None] * buffers + given[buffers:]
            made.given = given[:buffers] + [array.copy() for array in given[buffers:]]  # backward begins from these again
        model._call("forward_training" if training else "forward", call, outputs=arrays, state=state,
                    state_out=behind.state, epoch=made.epoch, given=given, content=made.content, taken=taken)
        if taken:
            self._take_buffers(tensors[buffers:], views[buffers:])
        return tuple(outputs), made

    def _draw(self, training):
        """The number on which a call's random numbers depend: PyTorch's next one, so that its seeds and what keeps its state, such
        as checkpoints, mean them too. While the module evaluates, all calls have the same, as those of `Model.evaluate`."""
        return int(torch.randint(1 << 32, (), device="cpu")) if training and self._model.library.random else 0

    def _take_buffers(self, buffers, contiguous):
        for path, buffer, changed in zip(self._paths[len(self._model.parameters):], buffers, contiguous):
            if buffer.data_ptr() != changed.data_ptr():
                buffer.copy_(changed)
            owner, last = _held(self, path)
            if last == "running_mean" and getattr(owner, "num_batches_tracked", None) is not None:
                owner.num_batches_tracked += 1

    def _place_of_sum(self, name, gradient):
        """Where the gradient of the sum over time goes, if this output's is that and says the same for each step: a loss of counts
        leaves one step's array, seen as many. None: nowhere. The network adds what it is given for spikes and counts to the same
        sum, so bits are the same."""
        model = self._model
        if name != "spikes" or "count" in self._computed() or "count" not in model._places or gradient.stride(0) != 0:
            return None
        place = model._places["count"]
        return place if list(model.library.outputs[place].shape[1:]) == list(gradient.shape[2:]) else None

    def _of_gradients(self, made):
        """The model whose `backward` is of what this call has computed, and the number of its parameters there."""
        if made.training or not self._model.library.trains_apart:
            return self._model, made.content
        if self._tuned is None:
            self._tuned = self._model._tuned()
        self._tuned.workers, self._tuned.seed = self._model.workers, self._model.seed
        return self._tuned, 0

    def _run_backward(self, made, gradients, wants_input, wanted):
        model, content = self._of_gradients(made)
        library = model.library
        seeds = [None] * len(model._places)
        for name, gradient in zip(self._computed(), gradients):
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
            of_input = torch.empty(made.call.inputs[0].shape, dtype=self._dtype, device="cpu")
            results[model._places["grad.input"]] = of_input.numpy()
        of_tensors = [torch.empty(info.shape, dtype=_TYPES[info.dtype], device="cpu") if wants else None
                      for info, wants in zip(library.parameters, wanted)] + [None] * len(library.buffers)
        model._call("backward", made.call, outputs=results, output_gradients=seeds, state=made.state, epoch=made.epoch,
                    given=made.given, content=content, taken=[None if t is None else t.numpy() for t in of_tensors])
        return of_input, [None if tensor is None else tensor.reshape(self._shapes[info.name])
                          for info, tensor in zip((*library.parameters, *library.buffers), of_tensors)]


def _held(module, path):
    """The module that holds the tensor of this path now, and its name there: modules may have been replaced."""
    for part in path[:-1]:
        module = module._modules.get(part)
        if module is None:
            raise AttributeError(f"{'.'.join(path)}: the module has no {part} any more")
    return module, path[-1]


def _mode(module):
    return "train()" if module.training else "eval()"


def _tensor_of(array):
    """A copy, without gaps."""
    return torch.from_numpy(np.array(array, order="C"))
