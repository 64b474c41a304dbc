# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A network as a list of layers, whatever framework it came from, and the text of it."""

import dataclasses
import itertools
import re

import numpy as np

from .errors import ConversionError


@dataclasses.dataclass
class Layer:
    """A line of the text.

    `call` is what stands in the line; `sources` are the places of the layers that it takes, -1 for the input. `tensors` maps its
    tensors' names in the text, behind the layer's own name, to the network's names; `shapes` has those of the text where the
    network's differ in axes of one element. `shape` is that of a sample of what it gives; `per_step`: which is another in each
    step even if the input is not. A layer that is `frozen` has parameters, and none is trained. Neurons that do not fire give their
    membrane; those that `keep_spikes` have the tensor that they give as their state, too.
    """

    path: str
    call: str
    sources: list
    tensors: dict = dataclasses.field(default_factory=dict)
    neuron: bool = False
    fires: bool = True
    shape: tuple = ()
    shapes: dict = dataclasses.field(default_factory=dict)
    per_step: bool = False
    frozen: bool = False
    keep_spikes: bool = False


@dataclasses.dataclass
class Graph:
    layers: list
    shape: tuple  # of one sample
    dtype: str = "f32"
    steps: int | None = None
    over_time: bool = False
    time_axes: tuple = (0, 0)  # where time stands in the network's input, if it is over time, and in what it stacks
    outputs: tuple = ()  # of (place of a layer, "spikes", "membrane", or of the last one "count" or "rate")
    of_last_step: tuple = ()  # whether an output is that of the last time step alone
    single: bool = True  # there is one output, which is returned itself and not in a tuple
    definitions: list = dataclasses.field(default_factory=list)
    read: set = dataclasses.field(default_factory=set)  # names of tensors that forward looks at itself
    around: object = None  # an `Around`, if PyTorch computes something ahead of the network or behind it


# Words of the language and of its interface, which no label and no model may be called (frontends/snn: isReservedWord, isOwnSymbol).
_WORDS = set("""param neuron model train input steps let from state fixed spike if else learn each fired attached labels spikes
membrane hidden hidden_membrane count loss grad forward forward_training step evaluate backward update loss_and_gradient train_step
arena_size optimizer schedule metric target label snn""".split())


def label_of(path, taken):
    """A label like the path, that no other layer has."""
    label = re.sub(r"[^A-Za-z0-9_]", "_", path)
    if not label or not label[0].isalpha() or label in _WORDS or label.startswith("snn_"):
        label = f"layer_{label}"
    while label in taken:
        label += "_"
    return label


def number(value):
    """The shortest text that reads as this number, in single precision if it is one of that."""
    value = float(value.detach() if hasattr(value, "detach") else value)
    if not np.isfinite(value):
        raise ConversionError(f"a parameter is {value}")
    single = np.float32(value)
    text = np.format_float_positional(single if float(single) == value else np.float64(value), unique=True, trim="0")
    return text.removesuffix(".0") if "." in text and float(text) == int(float(text)) and abs(value) >= 2 else text


def arguments(call, *pairs):
    """`call(name = value, ...)` of those that are given."""
    words = [text if name is None else f"{name} = {text}" for name, text in pairs if text is not None]
    return f"{call}({', '.join(words)})" if words else call


class Writer:
    """Gives layers their names and lines."""

    def __init__(self, graph):
        self.graph = graph
        self.keys = []
        self._labels = {}
        self._name()

    def _name(self):
        """A layer has a label if another line names it, or if its path is not its place in the text; one with no path has none
        of its own."""
        named = set()
        for place, layer in enumerate(self.graph.layers):
            named.update(source for source in layer.sources if source >= 0 and (len(layer.sources) > 1 or source != place - 1))
        for place, layer in enumerate(self.graph.layers):
            if layer.path in (str(place), "") and place not in named and not layer.frozen:
                self.keys.append(str(place))
                continue
            label = label_of(layer.path, self._labels.values())
            self._labels[place] = label
            self.keys.append(label)

    def _line(self, place, layer):
        lines = []
        if len(layer.sources) == 1 and layer.sources[0] != place - 1:
            lines.append(f"from {self._label(layer.sources[0])}")
        call = layer.call
        if len(layer.sources) > 1:
            call = f"{call}({', '.join(self._label(source) for source in layer.sources)})"
        label = self._labels.get(place)
        lines.append(f"{label}: {call}" if label else call)
        return lines

    def _label(self, place):
        return "input" if place < 0 else self._labels[place]

    def text(self, name, comment):
        graph = self.graph
        name = label_of(name, ())[:100]
        shape = ", ".join(map(str, graph.shape))
        lines = [f"input {graph.dtype}[{shape}]" + (" over time" if graph.over_time else ""),
                 f"steps {graph.steps}" if graph.steps is not None else "steps ? <= 10000", ""]
        for place, layer in enumerate(graph.layers):
            lines += self._line(place, layer)
        body = "".join(f"  {line}\n" if line else "\n" for line in lines)
        head = "".join(f"{definition}\n" for definition in graph.definitions)
        lines = [f"  group {key}(lr = 0)\n" for key, layer in zip(self.keys, graph.layers) if layer.frozen]
        if not graph.layers[-1].fires:  # what usually is said of spikes
            lines += ["  loss ce_max_membrane\n", "  metric accuracy_membrane\n"]
        train = f"\ntrain {{\n{''.join(lines)}}}\n" if lines else ""
        return f"snn 1\n# {comment}\n{head}model {name} {{\n{body}}}\n{train}"

    def names(self):
        """Of the text's tensors, the network's."""
        return {f"{key}.{tensor}": f"{layer.path}.{own}" if layer.path else own
                for key, layer in zip(self.keys, self.graph.layers) for tensor, own in layer.tensors.items()}

    def shapes(self):
        """Of the text's tensors that have not the network's shape, by the text's names."""
        return {f"{key}.{tensor}": shape for key, layer in zip(self.keys, self.graph.layers)
                for tensor, shape in layer.shapes.items()}

    def outputs(self):
        """Names of what the network gives."""
        last = max((place for place, layer in enumerate(self.graph.layers) if layer.neuron), default=None)
        names = []
        for place, kind in self.graph.outputs:
            if place == last:
                names.append(kind)
            else:
                names.append(f"{'hidden' if kind == 'spikes' else 'hidden_membrane'}.{self.keys[place]}")
        return tuple(name + "[-1]" * last for name, last in itertools.zip_longest(names, self.graph.of_last_step, fillvalue=False))
