# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How data flows through a module: each layer once, whatever number of times `forward` calls it.

torch.fx gives a graph in which the loop over time is unrolled. What a node computes is told apart by its layer and its time step:
that each step does the same, and that neurons take their own states of the step before, is checked, not assumed.
"""

import dataclasses
import operator

import torch
from torch import fx, nn
from torch.nn import functional

from . import layers
from .errors import ConversionError
from .graph import Graph, Layer


@dataclasses.dataclass(frozen=True)
class Value:
    """What a layer (-1: the input) gives: at one time step, or the same at all (`step` None)."""

    layer: int
    step: int | None
    output: str = "spikes"


@dataclasses.dataclass(frozen=True)
class Series:
    """All steps of an output of a layer, stacked."""

    layer: int
    steps: int
    output: str


@dataclasses.dataclass(frozen=True)
class Call:
    """What a call of neurons returns, before somebody takes one of it."""

    layer: int
    step: int
    module: object


def sequential(net, shape, steps, over_time, framework):
    """Each layer takes what the one before gives; neurons keep their states themselves."""
    graph = Graph([], (), steps=steps, over_time=over_time)
    modules = [(path, module) for path, module in net.named_modules() if not list(module.children()) or framework.is_neuron(module)]
    modules = [(path, module) for path, module in modules
               if not any(path.startswith(f"{other}.") for other, neurons in modules if framework.is_neuron(neurons))]
    static, source = not over_time, -1
    all_steps = getattr(framework, "layers_take_all_steps", False)
    for path, module in modules:
        if framework.is_neuron(module):
            if not framework.hides_state(module) and not getattr(framework, "sequential_keeps_state", False):
                layers.refuse(path, module, "in an nn.Sequential it has no state from step to step: say init_hidden=True")
            layer = framework.neuron(graph, path, module, source)
            static = False
        else:
            layer = layers.layer(graph, path, module, source, static, all_steps)
        if layer is not None:
            graph.layers.append(layer)
            source = len(graph.layers) - 1
    if not graph.layers or not graph.layers[-1].neuron:
        raise ConversionError("the network ends with no neurons, expected a layer of neurons at its end")
    last = modules[-1][1]
    graph.outputs = ((source, "spikes"), (source, "membrane")) if framework.gives_membrane(last) else ((source, "spikes"),)
    graph.shape = _sample_shape(shape[2 if over_time else 1:] if shape else None, [module for _, module in modules])
    return graph


def _sample_shape(given, modules):
    found = given or layers.input_shape(modules)
    if not found:
        raise ConversionError("the shape of a sample does not follow from the first layer: give an input as the second argument")
    return tuple(found)


class _Input(fx.Proxy):
    """The input, whose extents are known if a sample was given."""

    known = None

    def size(self, dim=None):
        return self._extents("size()") if dim is None else self._extents("size()")[dim]

    @property
    def shape(self):
        return self._extents("shape")

    def __len__(self):
        return self._extents("its length")[0]

    def _extents(self, what):
        if self.known is None:
            raise ConversionError(f"forward asks for the input's {what}: give an input as the second argument")
        return torch.Size(self.known)


class _Tracer(fx.Tracer):
    def __init__(self, framework, shape):
        super().__init__()
        self.framework, self.shape = framework, shape

    def is_leaf_module(self, module, path):
        return self.framework.is_neuron(module) or super().is_leaf_module(module, path)

    def proxy(self, node):
        if node.op != "placeholder":
            return super().proxy(node)
        made = _Input(node, self)
        made.known = self.shape
        return made


def module(net, shape, framework):
    """The graph of a module whose forward goes through all time steps."""
    try:
        traced = _Tracer(framework, shape).trace(net)
    except ConversionError:
        raise
    except Exception as error:  # whatever forward does that a trace cannot follow
        raise ConversionError(f"forward of {type(net).__name__} cannot be traced: {error}") from error
    return _Reader(net, traced, shape, framework).read()


class _Reader:
    """Interprets the nodes of a trace."""

    def __init__(self, net, traced, shape, framework):
        self.net, self.traced, self.shape, self.framework = net, traced, shape, framework
        self.graph = Graph([], ())
        self.values = {}  # of nodes
        self.known = {}  # what was made of what -> place of the layer
        self.calls = {}  # of neurons: path -> how many there were
        self.sources = {}  # of neurons: path -> place of the layer
        self.lengths = set()

    def read(self):
        inputs = [node for node in self.traced.nodes if node.op == "placeholder"]
        used = [node for node in inputs if node.users]
        if len(used) != 1:
            raise ConversionError(f"forward takes {len(used)} inputs, expected one")
        for node in self.traced.nodes:
            if node.op == "output":
                self._finish(node.args[0])
            else:
                self.values[node] = self._value(node)
        return self.graph

    def _value(self, node):
        if node.op == "placeholder":
            return Value(-1, None)
        if node.op == "get_attr":
            return self._attribute(node)
        if node.op == "call_module":
            return self._call(node)
        return self._operation(node)

    def _attribute(self, node):
        """Constants that forward makes: states at rest."""
        value = self.net
        for part in node.target.split("."):
            value = getattr(value, part)
        if isinstance(value, torch.Tensor) and not value.count_nonzero():
            return 0
        raise ConversionError(f"forward uses the tensor \"{node.target}\", which is no state at rest")

    def _of(self, argument, what):
        """The value of a layer that an argument is."""
        value = self.values.get(argument, argument) if isinstance(argument, fx.Node) else argument
        if isinstance(value, Call):
            value = Value(value.layer, value.step)
        if not isinstance(value, Value):
            raise ConversionError(f"{what} takes something that is no output of a layer at one time step")
        if value.layer >= 0 and value.output != "spikes":
            raise ConversionError(f"{what} takes a {value.output} of \"{self.graph.layers[value.layer].path}\"; layers pass on "
                                  "spikes alone")
        return value

    def _call(self, node):
        path = node.target
        module = self.net.get_submodule(path)
        value = self._of(node.args[0], f"layer \"{path}\"")
        if self.framework.is_neuron(module):
            return self._neurons(path, module, value, node)
        if len(node.args) > 1 or node.kwargs:
            layers.refuse(path, module, "it is called with more than its input")
        return self._layer(("layer", path), [value], lambda place: layers.layer(self.graph, path, module, place,
                                                                               value.step is None), f"layer \"{path}\"")

    def _layer(self, key, values, make, what):
        """The value of a layer of these: a new one at first, then the same."""
        steps = {value.step for value in values if value.step is not None}
        if len(steps) > 1:
            raise ConversionError(f"{what} takes values of time steps {sorted(steps)} together")
        places = tuple(value.layer for value in values)
        step = steps.pop() if steps else None
        if (key, places) not in self.known:
            if any(other == key for other, _ in self.known):
                raise ConversionError(f"{what} is used in two places, so its weights would be shared")
            layer = make(*places)
            if layer is not None:
                self.graph.layers.append(layer)
            self.known[key, places] = places[0] if layer is None else len(self.graph.layers) - 1
        return Value(self.known[key, places], step)

    def _neurons(self, path, module, value, node):
        step = self.calls.get(path, 0)
        if value.step not in (None, step):
            layers.refuse(path, module, f"in its call {step} it takes a value of time step {value.step}")
        if path not in self.sources:
            self.graph.layers.append(self.framework.neuron(self.graph, path, module, value.layer))
            self.sources[path] = len(self.graph.layers) - 1
        place = self.sources[path]
        if self.graph.layers[place].sources != [value.layer]:
            layers.refuse(path, module, "it takes another layer in a later step, or is used twice in one")
        self._check_states(path, module, place, step, node)
        self.calls[path] = step + 1
        return Call(place, step, module)

    def _check_states(self, path, module, place, step, node):
        given = [*node.args[1:], *node.kwargs.values()]
        names = self.framework.states(module)
        if not given:
            if not self.framework.hides_state(module):
                layers.refuse(path, module, "it is called without its state, so it starts anew in each step")
            return
        if self.framework.hides_state(module) or len(given) != len(names):
            layers.refuse(path, module, f"it is called with {len(given)} states, expected {len(names)}")
        for argument, name in zip(given, names):
            value = self.values.get(argument) if isinstance(argument, fx.Node) else argument
            rest = value is None or (isinstance(value, (int, float)) and value == 0)
            if not (rest if step == 0 else value == Value(place, step - 1, name)):
                layers.refuse(path, module, f"in its call {step} it takes another state than " +
                              ("that at rest" if step == 0 else f"its own {name} of the step before"))

    def _operation(self, node):
        target = node.target
        if target is operator.getitem:
            return self._item(*node.args)
        if target is torch.stack:
            return self._stack(node)
        what = f"operation {getattr(target, '__name__', target)}"
        if target in (operator.add, torch.add, operator.iadd) and len(node.args) == 2 and not node.kwargs:
            values = [self._of(argument, what) for argument in node.args]
            return self._layer(("add", *(value.layer for value in values)), values,
                               lambda *places: Layer(f"sum{len(self.graph.layers)}", "add", list(places)), what)
        if target in (torch.cat, torch.concat):
            parts = node.args[0]
            dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
            values = [self._of(argument, what) for argument in parts]
            if dim != 1 or len(values) != 2:
                raise ConversionError(f"{what}: expected two values joined along the channels, dim=1")
            return self._layer(("concat", *(value.layer for value in values)), values,
                               lambda *places: Layer(f"joined{len(self.graph.layers)}", "concat", list(places)), what)
        if self._flattens(node):
            value = self._of(node.args[0], what)
            return self._layer(("flatten", value.layer), [value],
                               lambda place: Layer(f"flat{len(self.graph.layers)}", "flatten", [place]), what)
        pools = {functional.max_pool2d: nn.MaxPool2d, functional.max_pool1d: nn.MaxPool1d, functional.avg_pool2d: nn.AvgPool2d,
                 functional.avg_pool1d: nn.AvgPool1d}
        kind = pools.get(target)
        if kind is not None:
            value = self._of(node.args[0], what)
            options = {name: option for name, option in node.kwargs.items() if option is not None}
            pool = kind(*node.args[1:], **options)
            return self._layer(("pool", value.layer), [value],
                               lambda place: layers.layer(self.graph, f"pool{len(self.graph.layers)}", pool, place, False), what)
        raise ConversionError(f"forward of {type(self.net).__name__} has an {what}, which cannot be expressed; layers of "
                              "torch.nn, sums, torch.cat, flatten, view, pooling and torch.stack over time can")

    def _flattens(self, node):
        """flatten(x, 1), x.view(batch, -1), x.reshape(batch, -1)."""
        rest = node.args[1:]
        if node.target in (torch.flatten, "flatten"):
            start = rest[0] if rest else node.kwargs.get("start_dim", 0)
            return start == 1 and (len(rest) < 2 or rest[1] == -1)
        if node.target not in ("view", "reshape", torch.reshape):
            return False
        extents = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
        return len(extents) == 2 and extents[1] == -1 and isinstance(extents[0], int)

    def _item(self, taken, index):
        value = self.values[taken]
        if isinstance(value, Call) and isinstance(index, int):
            names = self.framework.outputs(value.module)
            return Value(value.layer, value.step, names[index])
        if value == Value(-1, None) and isinstance(index, int) and index >= 0:
            self.graph.over_time = True
            return Value(-1, index)
        raise ConversionError(f"forward takes [{index}] of something, expected a step of the input, or spikes or states of neurons")

    def _stack(self, node):
        parts = node.args[0]
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        values = [self.values.get(part) for part in parts]
        values = [Value(v.layer, v.step) if isinstance(v, Call) else v for v in values]
        first = values[0] if values else None
        alike = isinstance(first, Value) and all(
            value == Value(first.layer, step, first.output) for step, value in enumerate(values))
        if dim != 0 or not alike:
            raise ConversionError("torch.stack: expected all steps of one output of neurons, in their order, along dim=0")
        return Series(first.layer, len(values), first.output)

    def _finish(self, returned):
        series = [self.values.get(node) for node in (returned if isinstance(returned, (tuple, list)) else (returned,))]
        if not all(isinstance(value, Series) for value in series):
            raise ConversionError("forward is expected to return spikes and membranes of neurons, stacked over all time steps "
                                  "by torch.stack")
        for value in series:
            if value.output not in ("spikes", "membrane"):
                raise ConversionError(f"forward returns {value.output}; spikes and membranes can be had")
            if not self.graph.layers[value.layer].neuron:
                raise ConversionError(f"forward returns what \"{self.graph.layers[value.layer].path}\" gives, which are no neurons")
        lengths = {value.steps for value in series} | set(self.calls.values())
        if len(lengths) != 1:
            raise ConversionError(f"forward goes through different numbers of time steps: {sorted(lengths)}")
        self.graph.steps = lengths.pop()
        self.graph.outputs = tuple((value.layer, value.output) for value in series)
        first = [self.net.get_submodule(layer.path) for layer in self.graph.layers if layer.sources == [-1] and
                 layer.path in dict(self.net.named_modules())]
        lead = 2 if self.graph.over_time else 1
        self.graph.shape = _sample_shape(self.shape[lead:] if self.shape else None, first)
