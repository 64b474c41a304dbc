# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of other frameworks as text and weights.

    converted = snnc.from_snntorch(net)
    print(converted.text)                       # what a person would have written
    net = converted.torch()                     # an nn.Module that is compiled
    converted.save("net.snn")                   # and net.safetensors
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from .. import _runtime
from .._model import Model, compile
from ..torch import Module
from . import checkpoints, known, read, step
from .errors import ConversionError
from .examples import Given
from .graph import Writer
from .surrounded import Around, Surrounded

__all__ = ["ConversionError", "Converted", "from_norse", "from_snntorch", "from_spikingjelly"]


@dataclasses.dataclass(frozen=True)
class Converted:
    """A network as text, with its weights.

    Attributes:
        text: the model.
        weights: arrays under the names of the text.
        names: of the text's tensors, what the network calls them.
        fixed: buffers of the network's layers, some of which are numbers in the text.
        shapes: of parameters that have other axes of one element in the network than in the text, by the text's names: the network's.
        outputs: what a call of the network gives, as names of `snnc.torch.Module`.
        single: whether it gives one tensor, not a tuple.
        time_axes: where time stands in the network's input and in what it stacks, as `snnc.torch.Module` takes it. A
            `snnc.Model` has it in front.
        likeness: what else the network is: its mode, which parameters are trained, names and shapes of its checkpoints.
        around: what PyTorch computes of the input, ahead of the network of the text, and of its outputs, behind it; None: nothing.
            With it there is a module alone.
    """

    text: str
    weights: dict = dataclasses.field(repr=False)
    names: dict = dataclasses.field(repr=False)
    fixed: dict = dataclasses.field(repr=False)
    shapes: dict = dataclasses.field(repr=False)
    outputs: tuple
    single: bool = dataclasses.field(repr=False)
    time_axes: tuple
    likeness: checkpoints.Likeness = dataclasses.field(repr=False)
    around: Around | None = dataclasses.field(repr=False)

    def compile(self, **options) -> Model:
        """A `snnc.Model` with the weights; options as of `snnc.compile`. ConversionError if PyTorch computes a part."""
        self._expect_whole("compile")
        return self._compile(options)

    def _compile(self, options):
        model = compile(self.text, **options)
        model.load_state_dict(self.weights)
        return model

    def _expect_whole(self, what):
        if self.around is not None:
            raise ConversionError(f"{what}: PyTorch computes a part of what forward does, {self.around.words}, and the text has the rest alone; "
                                  "say torch(), or move this out of forward")

    def torch(self, **options) -> Module:
        """A `snnc.torch.Module` with the weights, under the network's own names: its `state_dict` fits the network. It is in
        the network's mode, train() or eval(), and what has requires_grad=False there has it here."""
        takes_all = self.around is not None and self.around.behind is not None
        outputs = self.outputs[0] if self.single and not takes_all else self.outputs
        given = {"outputs": outputs, "names": self.names, "fixed": self.fixed, "shapes": self.shapes, "time_axes": self.time_axes}
        model = self._compile(options)
        return self.likeness.apply(Module(model, **given) if self.around is None else Surrounded(self.around, model, **given))

    def save(self, path: str | os.PathLike) -> None:
        """Writes the text, and beside it the weights as safetensors. ConversionError if PyTorch computes a part."""
        self._expect_whole("save")
        path = pathlib.Path(path)
        tensors = {name: np.array(array, order="C") for name, array in self.weights.items()}
        _runtime.write_safetensors(str(path.with_suffix(".safetensors")), tensors, {"format": "pt"})
        path.write_text(self.text)


def from_snntorch(net: nn.Module, sample: torch.Tensor | Sequence[int] | None = None, *, steps: int | None = None,
                  over_time: bool = False, name: str | None = None, arguments: Mapping[str, object] | None = None) -> Converted:
    """Turns a network of snnTorch's neurons and PyTorch's layers into text and weights.

    Args:
        net: an `nn.Sequential`, which says what happens in one time step, or another module that does, with `steps` or `over_time`; or
            a module whose `forward` goes through all steps, as in snnTorch's tutorials. All are traced with torch.fx. What such a
            `forward` makes of its input before the first layers, and of what neurons give, PyTorch goes on computing.
        sample: an input as `net` takes it, or its shape, where that does not follow from the first layer, or `forward` asks
            for it. It is traced for other numbers of samples as well.
        steps: of a module of one time step, the number of these; None: each call says it.
        over_time: of a module of one time step, whether its input is another one in each step, [time, sample, ...].
        name: of the model; None: that of the network's class.
        arguments: what `forward` takes beside its input, by name, such as the number of steps; a call of what it is converted to takes
            the input alone.

    Raises:
        ConversionError: with the layer that cannot be expressed, and why.
    """
    from . import snntorch  # which imports snnTorch, which not everyone has

    return _convert(net, sample, steps, over_time, name, arguments, snntorch.Framework)


def from_spikingjelly(net: nn.Module, sample: torch.Tensor | Sequence[int] | None = None, *, steps: int | None = None,
                      name: str | None = None, arguments: Mapping[str, object] | None = None) -> Converted:
    """The same of SpikingJelly's LIFNode, ParametricLIFNode and IFNode. In step mode "m" the input is [time, sample, ...], and a call
    of any module goes through all steps; in step mode "s" an `nn.Sequential` says what happens in one step, and another module with
    `steps`. What the network returns are spikes."""
    from . import spikingjelly

    all_steps = spikingjelly.is_multi_step(net)
    framework = spikingjelly.MultiStep if all_steps else spikingjelly.Framework
    return _convert(net, sample, steps, all_steps, name, arguments, framework)


def from_norse(net: nn.Module, sample: torch.Tensor | Sequence[int] | None = None, *, steps: int | None = None,
               over_time: bool = False, name: str | None = None, arguments: Mapping[str, object] | None = None) -> Converted:
    """The same of Norse's LIFBoxCell, LIFCell, LIFRecurrentCell, IAFCell, LICell and LILinearCell, in its `SequentialState` or in a module
    with a loop. What a layer of the last two gives is its membrane."""
    from . import norse

    return _convert(net, sample, steps, over_time, name, arguments, norse.Framework)


def _convert(net, sample, steps, over_time, name, arguments, framework):
    if not isinstance(net, nn.Module):
        raise TypeError(f"expected an nn.Module, found {type(net).__name__}")
    if not isinstance(name, str | None):
        raise TypeError(f"name: expected a string, found {name!r}")
    if steps is not None and not _is_extent(steps):
        raise ValueError(f"steps: expected their number, found {steps!r}")
    arguments = dict(arguments or {})
    _expect_arguments(net, arguments)
    # Whoever calls may do so in a region of his own.
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        return _converted(net, Given(_extents(sample), getattr(sample, "dtype", None), arguments), steps, over_time, name, framework)


def _expect_arguments(net, arguments):
    _, *further = inspect.signature(net.forward).parameters or [None]
    for name in arguments:
        if name not in further:
            raise TypeError(f"arguments: forward of {type(net).__name__} takes no {name!r} beside its input; it takes {', '.join(further) or 'nothing'}")


def _is_extent(number):
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def _extents(sample):
    """The shape of an input that is given, or that is this shape; None if none is."""
    if sample is None:
        return None
    shape = getattr(sample, "shape", sample)
    if not isinstance(shape, Sequence) or not all(map(_is_extent, shape)):
        raise TypeError(f"sample: expected a tensor, or the extents of one, found {sample!r}")
    return tuple(shape)


def _expect_any_samples(reader_for, reader, given, graph):
    """For another number of samples forward is the same network."""
    axis = graph.around.axis if graph.around is not None else 1 if graph.over_time and graph.time_axes[0] == 0 else 0
    few, many = given.shape[axis], 2 * given.shape[axis] + 7
    others = given.of_samples(axis, many)
    try:
        same = reader.says_the_same(others) or _essence(reader_for(others).read()) == _essence(graph)
    except ConversionError as error:
        raise ConversionError(f"forward does something else for {many} samples than for {few}: {error}") from error
    if not same:
        raise ConversionError(f"forward does something else for {many} samples than for {few}, or takes their number for that of time steps")


def _essence(graph):
    """What two graphs have in common that are the same network."""
    writer = Writer(graph)
    codes = [] if graph.around is None else [part and part.code.code for part in (graph.around.ahead, graph.around.behind)]
    return writer.text("net", ""), writer.outputs(), graph.single, graph.time_axes, codes


def _converted(net, given, steps, over_time, name, framework):
    checkpoints.check_types(net)
    known.check(net, framework.own_hooks)
    known.check_framework(net, framework)

    def reader_for(given):
        if isinstance(net, nn.Sequential) or framework.layers_take_all_steps or steps is not None or over_time:
            return step.step(net, given, steps, over_time, framework)
        return read.loop(net, given, framework)

    reader = reader_for(given)
    graph = reader.read()
    if given.shape is not None:
        _expect_any_samples(reader_for, reader, given, graph)
    checkpoints.freeze(net, graph)
    writer = Writer(graph)
    comment = f"Made of the network {type(net).__name__} of {framework.name}"
    comment += f", but for what PyTorch computes: {graph.around.words}." if graph.around is not None else "."
    text = writer.text(name or type(net).__name__.lower(), comment)
    names, shapes = writer.names(), writer.shapes()
    checkpoints.check_apart(net, names.values())
    state = {theirs: tensor.detach().cpu() for theirs, tensor in net.state_dict().items()}
    weights = {own: (state[theirs].reshape(shapes[own]) if own in shapes else state[theirs]).numpy()
               for own, theirs in names.items() if theirs in state}
    free = checkpoints.free_buffers(net, graph, framework)
    outside = graph.around.names() if graph.around is not None else set()
    fixed = {theirs: state[theirs].numpy() for theirs, tensor in net.named_buffers()
             if theirs in state and theirs not in free and theirs not in outside and not theirs.endswith(".num_batches_tracked")}
    parameters = dict(net.named_parameters(remove_duplicate=False))
    own_shapes = {own: tuple(parameters[names[own]].shape) for own in shapes if names[own] in parameters}
    likeness = checkpoints.Likeness.of(net, list(names.values()), {names[own]: shape for own, shape in shapes.items()}, free)
    return Converted(text, weights, names, fixed, own_shapes, writer.outputs(), graph.single, graph.time_axes, likeness, graph.around)
