# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a forward computes without a module: sums, shapes, steps of the input, and what is made of all steps."""

import math
import operator

import torch
from torch import fx, nn
from torch.nn import functional

from . import layers
from .errors import ConversionError
from .examples import a_real_of
from .graph import Layer
from .memory import COPIES, RELUS, in_place, is_alias, name_of, swaps, view
from .values import SAMPLES, Call, Extents, Series, Total, Turned, Value


def step_of(index):
    """The axis and the number of the time step that x[step], x[step, :] and x[:, step] take, or x[..., step] and x[:, :, step] along the last
    axis, which is -1. None if it is something else."""
    places = index if isinstance(index, tuple) else (index,)
    numbers = [axis for axis, place in enumerate(places) if place is not Ellipsis and place != slice(None)]
    if len(numbers) != 1 or not isinstance(places[numbers[0]], int) or places[numbers[0]] < 0:
        return None
    axis, = numbers
    if axis > 1 or any(place is Ellipsis for place in places[:axis]):
        return (-1, places[axis]) if axis == len(places) - 1 else None
    return axis, places[axis]


def _written(index):
    """An index as it is written."""
    if isinstance(index, tuple):
        return ", ".join(map(_written, index))
    if index is Ellipsis:
        return "..."
    if not isinstance(index, slice):
        return str(index)
    ends = ["" if end is None else str(end) for end in (index.start, index.stop, index.step)]
    return ":".join(ends[:2] if index.step is None else ends)


class Operations:
    """Reads the nodes that are operations: a part of `Reader`, on whose members it works."""

    all_steps = False  # a call of a layer takes all steps, [time, sample, ...]
    takes_steps = True  # forward takes its steps of an input over time

    def _operation(self, node):
        target = node.target
        if target is operator.getitem:
            return self._item(node, *node.args)
        if target is torch.stack:
            return self._stack(node)
        name = f".{node.args[1]}" if target is getattr else getattr(target, "__name__", target)
        what = f"operation {_SIGNS.get(target, name)}"
        if self._asks_for_extents(node):
            return self._extents(node, what)
        numbers = self._resolved(node.args)
        if numbers and callable(target) and all(isinstance(number, int) for number in numbers):
            return target(*numbers)
        if in_place(node) and not self._is_alone(node.args[0] if node.args else node.kwargs.get("input")):
            raise ConversionError(f"{self._forward_of(node)} has an {what}, which changes a tensor in place that is used elsewhere as well; "
                                  "write a = a + b")
        if target in SUMS and len(node.args) == 2 and not node.kwargs:
            return self._unchanged(node) or self._total(node) or self._sum(node, what)
        if (total := self._over_time(node)) is not None:
            return total
        if target in (torch.cat, torch.concat):
            return self._joined(node, what)
        if target in FLATTENS:
            return self._flattened(node, what)
        if target in _FUNCTIONS:
            return self._function(node, what)
        if target in ZEROS:
            return 0  # a state at rest; snnTorch gives it the shape of the input
        if self.lead == 1 and swaps(node) and view(node) is not None:
            return self._turned(node)
        if target in COPIES and self._keeps_numbers(node):
            return self.values.get(node.args[0])
        if any(isinstance(self.values.get(argument), Series) for argument in node.all_input_nodes):
            raise ConversionError(f"{self._forward_of(node)} has an {what} behind torch.stack: return what is stacked, [time, sample, ...], or "
                                  "its sum or mean over time, and compute with what the converted network gives")
        raise ConversionError(f"{self._forward_of(node)} has an {what}, which cannot be expressed; layers of "
                              "torch.nn, a + b, torch.cat, flatten, view, pooling, relu and torch.stack over time can" +
                              _HINTS.get(name, ""))

    def _turned(self, node):
        """The input with its first two axes exchanged: of one over time, steps can still be taken."""
        return Turned() if view(node) and not (self.takes_steps and self.graph.over_time) else self._input(node)

    def _resolved(self, words):
        """Arguments, with the numbers that extents are."""
        return [self._resolved(word) if isinstance(word, (tuple, list)) else
                self.values.get(word, word) if isinstance(word, fx.Node) else word for word in words]

    def _parts(self, node, what):
        """What torch.cat and torch.stack join, and along which axis."""
        words = {**dict(zip(("tensors", "dim"), node.args)), **node.kwargs}
        parts, dim = words.pop("tensors", None), words.pop("dim", words.pop("axis", 0))
        if not isinstance(parts, (tuple, list)) or not isinstance(dim, int) or words:
            raise ConversionError(f"{what}: expected a list of tensors, and an axis")
        return parts, dim

    def _asks_for_extents(self, node):
        return node.target == "size" or (node.target is getattr and node.args[1] == "shape")

    def _extents(self, node, what):
        extents = Extents(self._of(node.args[0], what))
        dims = node.args[1:] if node.target == "size" else ()
        return self._extent(node, extents, *dims) if dims else extents

    def _extent(self, node, extents, index):
        """A number, but for that of samples, which no network depends on."""
        axes = [SAMPLES] * self.lead + list(self._shape_of(extents.of))
        if self.lead > 1 or not isinstance(index, int) or not -len(axes) <= index < len(axes):
            raise ConversionError(f"{self._forward_of(node)} asks for the extent {index} of a value, which has {len(axes)}")
        return axes[index]

    def _sum(self, node, what):
        values = [self._of(argument, what) for argument in node.args]
        if in_place(node) and not self._is_own(values[0]):
            raise ConversionError(f"{self._forward_of(node)} has an {what}, which changes what \"{self._path(values[0])}\" has made in place; "
                                  "write a = a + b")
        shapes = [self._shape_of(value) for value in values]
        if shapes[0] != shapes[1]:
            raise ConversionError(f"{what}: samples have the shapes {list(shapes[0])} and {list(shapes[1])}, expected equal ones")
        return self._layer(values, what, Layer(
            f"sum{len(self.graph.layers)}", "add", [value.layer for value in values], shape=shapes[0]))

    def _total(self, node):
        """What a loop makes that adds the spikes of each step to those before, or None."""
        before, after = self._resolved(node.args)
        if not isinstance(after, Value):
            before, after = after, before
        if not self._is_spikes(after):
            return None
        count = None
        if isinstance(before, Total) and before.layer == after.layer and not before.mean:
            count = before.steps
        elif self._is_spikes(before) and before.layer == after.layer and before.step == 0:
            count = 1
        return Total(after.layer, count + 1) if count is not None and after.step == count else None

    def _unchanged(self, node):
        """The value that zeros are added to, or None."""
        for zero, place in ((0, 1), (1, 0)):
            value = self.values.get(node.args[place]) if isinstance(node.args[place], fx.Node) else None
            number = self._resolved([node.args[zero]])[0]
            if isinstance(value, Value) and isinstance(number, (int, float)) and number == 0 and self._keeps_shape(node.args[zero], value):
                return value
        return None

    def _keeps_shape(self, zero, value):
        """Whether a sum with zeros has the value's shape: a tensor of them that forward makes may have more axes."""
        if not isinstance(zero, fx.Node):
            return True
        shape = self._shape_of(value)
        if zero.op == "get_attr":
            extents = list(getattr(self.net, zero.target).shape)
        elif zero.target == "new_zeros":
            extents = self._resolved(zero.args[1:])
            extents = extents[0] if len(extents) == 1 and isinstance(extents[0], list) else extents
        else:
            like = self.values.get(zero.args[0])
            extents = [SAMPLES] * self.lead + list(self._shape_of(like)) if isinstance(like, Value) else [None]
            if isinstance(like, Value) and like == Value(-1, None) and self.graph.over_time:
                extents = [None]
        inner, outer = extents[-len(shape):], extents[:-len(shape)]
        samples = (1, SAMPLES, self.samples if self.samples is not None else SAMPLES)
        return all(own in (1, extent) for own, extent in zip(inner[::-1], shape[::-1])) and (not outer or (
            len(outer) <= self.lead and all(extent in samples for extent in outer)))

    def _is_spikes(self, value):
        layer = self.graph.layers[value.layer] if isinstance(value, Value) and value.layer >= 0 else None
        return layer is not None and layer.neuron and layer.fires and value.output == "spikes"

    def _over_time(self, node):
        """x.sum(0) and x.mean(0) of spikes of all steps, and a sum that is divided by their number; None if it is neither."""
        name = name_of(node)
        if len(node.args) > 3:
            return None
        words = {**dict(zip(("input", "other", "keepdim"), self._resolved(node.args))), **node.kwargs}
        taken = words.pop("input", None)
        if name in ("truediv", "div", "itruediv", "div_") and isinstance(taken, Value) and taken.step == 0 and words == {"other": 1}:
            return taken  # a sum of one step
        if isinstance(taken, Total) and name in ("truediv", "div", "itruediv", "div_"):
            steps = self.graph.steps if taken.steps is None else taken.steps
            return Total(taken.layer, taken.steps, mean=True) if words == {"other": steps} and steps is not None and not taken.mean else None
        axis = taken.axis if isinstance(taken, Series) else 0
        if words.get("keepdim") is False:
            del words["keepdim"]
        if name not in ("sum", "mean") or list(words.values()) not in ([axis], [[axis]], [(axis,)]) or not {"dim", "axis", "other"} >= set(words):
            return None
        if isinstance(taken, Series) and self._is_spikes(Value(taken.layer, None, taken.output)):
            return Total(taken.layer, taken.steps, name == "mean")
        if self.all_steps and self._is_spikes(taken):
            return Total(taken.layer, None, name == "mean")
        return None

    def _is_own(self, value):
        """Whether a value is a tensor that nothing but its layer has made, and that this does not look at on the way back."""
        layer = self.graph.layers[value.layer] if value.layer >= 0 else None
        return layer is not None and not layer.neuron and bool(layer.tensors or len(layer.sources) > 1)

    def _is_alone(self, node):
        """Whether a tensor that is changed by its last name has no other names that are used."""
        while isinstance(node, fx.Node) and len(node.users) == 1:
            if node.op == "get_attr":
                return node.meta["made here"] and len(self._looking_at(node)) == 1
            if node.target is operator.getitem:
                call = self.values.get(node.args[0])
                return isinstance(call, Call) and 1 == sum(
                    (user.args[1] - node.args[1]) % len(call.outputs) == 0 for user in node.args[0].users if user.target is operator.getitem)
            if in_place(node) or not (is_alias(node) or self._passes_on(node)):
                return True
            node = node.args[0]
        return not isinstance(node, fx.Node)

    def _looking_at(self, node):
        """The nodes that look at the memory of a tensor that forward has made."""
        if not self.lookers:
            for other in node.graph.nodes:
                if other.op == "get_attr" and other.meta["made here"] and other.users:
                    self.lookers[getattr(self.net, other.target).untyped_storage().data_ptr()].append(other)
        return self.lookers[getattr(self.net, node.target).untyped_storage().data_ptr()]

    def _passes_on(self, node):
        """Whether a call of a layer may return the tensor that it was given."""
        return node.op == "call_module" and isinstance(self.net.get_submodule(node.target), (nn.Identity, nn.Dropout, nn.Flatten))

    def _path(self, value):
        return self.graph.layers[value.layer].path if value.layer >= 0 else "input"

    def _joined(self, node, what):
        parts, dim = self._parts(node, what)
        values = [self._of(argument, what) for argument in parts]
        shapes = [self._shape_of(value) for value in values]
        if dim < 0:
            dim += self.lead + len(shapes[0])
        if dim != self.lead or len(values) < 2 or len({shape[1:] for shape in shapes}) != 1:
            raise ConversionError(f"{what}: expected values of equal extents but for the channels, joined along these, dim={self.lead}")
        joined, count = values[0], shapes[0][0]
        for value, shape in zip(values[1:], shapes[1:]):
            count += shape[0]
            joined = self._layer([joined, value], what, Layer(f"joined{len(self.graph.layers)}", "concat", [joined.layer, value.layer],
                                                              shape=(count, *shape[1:])))
        return joined

    def _flattened(self, node, what):
        """flatten(x, 1), x.view(batch, -1), x.reshape(batch, -1)."""
        value = self._of(node.args[0], what)
        shape = self._shape_of(value)
        if not self._flattens(node, math.prod(shape)):
            raise ConversionError(f"{self._forward_of(node)} has an {what}, expected one that makes one extent of a sample, such as "
                                  f"flatten({self.lead})")
        return self._layer([value], what, Layer(
            f"flat{len(self.graph.layers)}", "flatten", [value.layer], shape=(math.prod(shape),)))

    def _flattens(self, node, size):
        rest = self._resolved(node.args[1:])
        if node.target in (torch.flatten, "flatten"):
            start = rest[0] if rest else node.kwargs.get("start_dim", 0)
            end = rest[1] if len(rest) > 1 else node.kwargs.get("end_dim", -1)
            return start == self.lead and end == -1
        extents = rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest or self._resolved(node.kwargs.get("shape", ()))
        if self.lead > 1 or len(extents) != 2:
            return False
        samples, rest = extents
        if rest == -1:
            return samples is SAMPLES or samples == self.samples or (self.samples is None and isinstance(samples, int) and samples > 0)
        return rest == size  # whatever number of samples that leaves

    def _function(self, node, what):
        kind = _FUNCTIONS[node.target]
        options = {name: option for name, option in zip(node.kwargs, self._resolved(node.kwargs.values())) if option is not None}
        value = self._of(node.args[0] if node.args else node.kwargs.get("input"), what)
        options.pop("input", None)
        if options.get("antialias") is False:  # what interpolate says for itself
            del options["antialias"]
        use = layers.Use(False)
        if kind is nn.Dropout:
            options.pop("training", None)  # which is the network's mode (trace.py)
            use = self._use_of_function(node, value)
        try:
            module = kind(*self._resolved(node.args[1:]), **options)
        except TypeError as error:
            raise ConversionError(f"{self._forward_of(node)} has an {what} that torch.nn's {kind.__name__} cannot be: {error}") from error
        path = f"{_WORDS.get(kind, 'pool')}{len(self.graph.layers)}"
        return self._layer([value], what, layers.layer(
            self.graph, path, module, kind, value.layer, self._shape_of(value), use, self.lead))

    def _keeps_numbers(self, node):
        """Whether x.to(...) and the like give x as it is; an input may have another type before."""
        kinds = [word for word in [*node.args[1:], *node.kwargs.values()] if isinstance(word, torch.dtype)]
        kinds += [{"float": torch.float32, "double": torch.float64}[node.target]] if node.target in ("float", "double") else []
        if view(node) is None and any(kind != a_real_of(self.net).dtype for kind in kinds):
            return False
        return all(isinstance(word, (bool, str, torch.device)) or word in (torch.float32, torch.float64) for word in
                   [*node.args[1:], *node.kwargs.values()])

    def _item(self, node, taken, index):
        value = self.values[taken]
        if isinstance(value, Extents):
            return self._extent(node, value, index)
        if isinstance(value, Series) and index == (-1 if value.axis == 0 else (slice(None), -1)):
            return Value(value.layer, value.steps - 1, value.output)
        if isinstance(value, Series) and (step_of(index) or (None,))[0] == value.axis and step_of(index)[1] < value.steps:
            return Value(value.layer, step_of(index)[1], value.output)
        if isinstance(value, Call) and isinstance(index, int) and -len(value.outputs) <= index < len(value.outputs):
            return Value(value.layer, value.step, value.outputs[index])
        if value == Value(-1, None) and view(taken) is not None:
            place = step_of(index)
            if self.lead > 1 or not self.takes_steps:
                raise ConversionError(f"forward takes [{_written(index)}] of its input, which layers are to take as a whole")
            if place is None:
                raise ConversionError(f"forward takes [{_written(index)}] of its input, expected a time step, x[step], x[:, step] or x[..., step]")
            return Value(-1, place[1])
        raise ConversionError(f"forward takes [{_written(index)}] of something, expected a step of the input, or spikes or states of neurons")

    def _stack(self, node):
        parts, dim = self._parts(node, "torch.stack")
        values = [self.values.get(part) for part in parts]
        first = values[0] if values else None
        alike = isinstance(first, Value) and all(
            value == Value(first.layer, now, first.output) for now, value in enumerate(values))
        if dim not in (0, 1) or not alike:
            raise ConversionError("torch.stack: expected all steps of one output of neurons, in their order, along dim=0 or dim=1")
        return Series(first.layer, len(values), first.output, dim)


SUMS = (operator.add, torch.add, "add", operator.iadd, "add_")
FLATTENS = (torch.flatten, "flatten", "view", "reshape", torch.reshape)
_SIGNS = {operator.iadd: "+=", operator.itruediv: "/="}
_HINTS = {**dict.fromkeys(("mean", "sum"), "; take it of what the converted network gives"),
          "detach": "; gradients end where a call does: call the converted network for each window of steps, with the state= of the one before"}
ZEROS = (torch.zeros_like, "new_zeros")
# Functions that are what a layer without parameters does.
_FUNCTIONS = {functional.max_pool2d: nn.MaxPool2d, functional.max_pool1d: nn.MaxPool1d, functional.avg_pool2d: nn.AvgPool2d,
              functional.avg_pool1d: nn.AvgPool1d, **dict.fromkeys(RELUS, nn.ReLU), functional.leaky_relu: nn.LeakyReLU, functional.silu: nn.SiLU,
              functional.interpolate: nn.Upsample, functional.dropout: nn.Dropout,
              **dict.fromkeys((torch.sigmoid, functional.sigmoid, "sigmoid"), nn.Sigmoid),
              **dict.fromkeys((torch.tanh, functional.tanh, "tanh"), nn.Tanh)}
_WORDS = {nn.ReLU: "relu", nn.Upsample: "upsample", nn.Dropout: "dropout", **{kind: kind.__name__.lower() for kind in layers.POINTWISE}}  # of layers that no module has a name for
