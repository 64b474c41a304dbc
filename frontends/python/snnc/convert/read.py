# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How data flows through a module: each layer once, whatever number of times `forward` calls it.

What a node of the trace computes is told apart by its layer and its time step: that each step does the same, and that neurons take
their own states of the step before, is checked, not assumed.
"""

import collections
import inspect
import operator

import torch
from torch import fx, nn

from . import layers
from .errors import ConversionError
from .examples import Examples
from .graph import Graph
from .known import forbid_mode, kind_of, named, refuse
from .memory import COPIES, in_place, view
from .operations import FLATTENS, Operations, step_of
from .outside import MADE, MADE_EACH, OWN, Again, Surroundings
from .returned import Returned
from .trace import UntracedError, traced
from .values import Call, Outside, Turned, Value


def loop(net, given, framework):
    """A reader of a module whose forward goes through all time steps."""
    return Reader(net, given, framework)


class Reader(Surroundings, Returned, Operations):
    """Interprets the nodes of a trace of all time steps."""

    lead = 1  # the axes in front of a sample's, of what layers take
    # What may stand between the input and the first layer.
    passed = (operator.getitem, *FLATTENS, *COPIES, "transpose", "permute", torch.transpose, torch.permute)
    keeps_states = False  # neurons that keep their states keep them from one call of the network to the next
    surrounds = True  # PyTorch may compute what the network cannot, ahead of it and behind it

    def __init__(self, net, given, framework):
        self.net, self.given, self.shape, self.framework = net, given, given.shape, framework
        self.modules = {path: module for path, module in net.named_modules() if path}
        self.examples = Examples(net, given, framework)
        self.source = OWN
        self.outer = {}  # paths of layers, and operations, that the network is not to have, and why
        self.why = None  # something is computed ahead of the network
        self._reset()

    def _reset(self):
        self.graph = Graph([], ())
        self.values = {}  # of nodes
        self.made = {}  # of modules' paths and places of their inputs: layers
        self.known = {}  # what was made of what -> place of the layer
        self.places = {}  # of layers with weights, and of neurons: path -> place of the layer
        self.calls = collections.Counter()  # of neurons and of masks: how many there were
        self.masks = set()  # what was called in which step
        self.norms = {}  # layers of batch norm: whether their inputs are the same in all steps
        self.comes_from_neurons = {}  # places of layers: whether they do
        self.lookers = collections.defaultdict(list)  # of memory of constants: the nodes that look at it
        self.remembering = set()  # paths of neurons that are called without a state
        self.entries = {}  # nodes that are the network's input, if the module's is not: the time step of each
        self.samples = None  # of the input given
        self.given_steps = None
        self.sides = {}  # of memory that is written: the side of what it holds, and why PyTorch computes that
        self.kept = []  # calls of layers outside that may change their buffers, whatever becomes of what they give
        self.returned, self.returns_more = None, False  # what forward returns, and whether PyTorch makes it

    def says_the_same(self, given):
        """Whether forward does, word for word, for another input; of what was read."""
        if not self.asks_extents:
            return True
        with traced(self.net, given, self.framework, self.keeps_states, self.knows_extents) as trace:
            return trace.words == self.words

    def read(self):
        """The graph of the network."""
        try:
            return self._read_traced(knows_extents=False)
        except UntracedError as error:
            if self.shape is None or not self.surrounds:
                raise ConversionError(f"{error}{self._advice()}") from error
        try:
            return self._read_traced(knows_extents=True)
        except UntracedError as error:
            raise ConversionError(f"{error}{self._advice()}") from error

    def _advice(self):
        """What may help if a forward cannot be traced."""
        _, *further = inspect.signature(self.net.forward).parameters.values()
        names = [one.name for one in further if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD and one.name not in self.given.arguments]
        if names:
            return f"; it takes {', '.join(names)} beside its input: say arguments={{\"{names[0]}\": ...}}"
        return "; where it asks for extents, an input as the second argument says them" if self.shape is None else ""

    def _read_traced(self, knows_extents):
        with traced(self.net, self.given, self.framework, self.keeps_states, knows_extents) as trace:
            self.words, self.asks_extents, self.knows_extents = trace.words, trace.asks_extents, knows_extents
            nodes = list(trace.graph.nodes)
            while True:
                try:
                    self._read(nodes)
                    if self.entries or self.returns_more:
                        self.graph.around = self._surround(nodes, trace)
                    return self.graph
                except Again as found:
                    self.source = found.source if found.source is not None else self.source
                    self.outer.update(dict.fromkeys(found.layers, found.why))
                    self.why = self.why or found.why
                    self._reset()
                except ConversionError as error:
                    if self.why is None:
                        raise
                    raise ConversionError(f"{self.why}; nor can PyTorch compute it ahead of the network: {error}") from None

    def _read(self, nodes):
        inputs = [node for node in nodes if node.op == "placeholder" and node.users]
        if len(inputs) != 1:
            raise ConversionError(f"forward takes {len(inputs)} inputs, expected one")
        self.in_loop = collections.Counter(node.target for node in nodes if node.op == "call_module")
        self._begin(nodes, inputs[0])
        for node in nodes:
            if node.op == "output":
                self._finish(node.args[0])
            else:
                self.values[node] = self._value(node)

    # The input

    def _begin(self, nodes, node):
        if self.source != OWN:
            self.graph.over_time = self.source == MADE_EACH
            return
        steps = [(user.args[1], view(taken)) for taken in nodes if view(taken) is not None for user in taken.users
                 if user.target is operator.getitem]
        self.graph.over_time = bool(steps)
        try:
            self.graph.time_axes = (self._time_axis(steps), 0)
            self._take_shape(node, 2 if self.graph.over_time else 1)
        except ConversionError as why:  # then what it takes may be no steps
            if not self.surrounds or not steps:
                raise
            raise Again(source=MADE, why=why) from None

    def _time_axis(self, steps):
        """Along which axis of the input forward takes its steps: items of the input, or of the input with its first two axes exchanged."""
        axes = set()
        for index, swapped in steps:
            axis, _ = step_of(index) or (None, 0)
            if axis == -1:
                self._check_last(index, swapped)
            if axis is not None:
                axes.add(axis if axis == -1 else axis ^ swapped)
        if len(axes) > 1:
            names = {0: "first axis", 1: "second one", -1: "last one"}
            raise ConversionError("forward takes steps of its input " + " and ".join(f"along its {names[axis]}" for axis in names if axis in axes))
        return axes.pop() if axes else 0

    def _check_last(self, index, swapped):
        """An index behind others is along the last axis if the input has no more of them."""
        if swapped:
            raise ConversionError("forward takes steps along the last axis of its input, whose first two it has exchanged")
        if any(place is Ellipsis for place in index):
            return
        if self.shape is None:
            raise ConversionError(f"forward takes steps along axis {len(index) - 1} of its input, which may be the last one or not; give an input "
                                  "as the second argument, or write x[..., step]")
        if len(index) != len(self.shape):
            raise ConversionError(f"forward takes steps along axis {len(index) - 1} of its input, which has {len(self.shape)}; expected the first, "
                                  "the second or the last one")

    def _take_shape(self, node, lead):
        """The extents of a sample, as they were given or as the first layer asks for them."""
        time = self.graph.time_axes[0]
        if self.shape is not None and len(self.shape) <= lead:
            axes = "[sample, ...]" if lead == 1 else {0: "[time, sample, ...]", 1: "[sample, time, ...]", -1: "[sample, ..., time]"}[time]
            raise ConversionError(f"the input given has the shape {list(self.shape)}, expected {axes}")
        own = list(self.shape) if self.shape is not None else None
        self.given_steps = own.pop(time) if own is not None and lead == 2 else None
        self.samples = own.pop(0) if own is not None else None  # of the input given
        self.graph.shape = tuple(own) if own is not None else self._asked_shape(node)

    def _asked_shape(self, node):
        """What the first layer takes, or None."""
        while node.users:
            node = next(iter(node.users))
            found = () if node.target in self.passed else None
            if node.op == "call_module":
                module = self.net.get_submodule(node.target)
                found = (self.framework.input_shape(module) if self.framework.is_neuron(module) else
                         layers.first_shape(module, self.framework.layers.get(kind_of(module, self.framework.layers))))
            if found != ():
                return found
        return None

    # Nodes

    def _inside(self, node):
        """What the network has of a node."""
        if node.op == "get_attr":
            return self._attribute(node) if node.users else None
        if node.op == "call_module":
            return self._call(node)
        return self._operation(node)

    def _input(self, node):
        if self.source != OWN:
            return Outside(node, "ahead", ConversionError("forward gives layers its input and something that it makes of it"))
        return Value(-1, None)

    def _attribute(self, node):
        """Constants that forward makes: states at rest."""
        value = self.net
        for part in node.target.split("."):
            value = getattr(value, part)
        self.graph.read.add(node.target)
        if isinstance(value, nn.Parameter):
            raise ConversionError(f"{self._forward_of(node)} computes with the parameter \"{node.target}\" itself, which only layers of "
                                  "torch.nn and neurons can")
        if node.meta["made here"] and len(names := self._looking_at(node)) > 1 and any(in_place(user) for name in names for user in name.users):
            raise ConversionError(f"{self._forward_of(node)} changes a tensor in place that it has made, and that is used elsewhere as well")
        if isinstance(value, torch.Tensor) and not value.count_nonzero():
            return 0
        raise ConversionError(f"{self._forward_of(node)} uses the tensor \"{node.target}\", which is no state at rest")

    def _forward_of(self, node):
        """Whose forward has made a node, in words."""
        inside = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values() if path]
        if not inside:
            return f"forward of {type(self.net).__name__}"
        return f"forward of {named(inside[-1], self.net.get_submodule(inside[-1]))}"

    def _shape_of(self, value):
        shape = self.graph.shape if value.layer < 0 else self.graph.layers[value.layer].shape
        if shape is None:
            raise ConversionError("the shape of a sample does not follow from the first layer: give an input as the second argument")
        return shape

    def _of(self, argument, what):
        """The value of a layer that an argument is."""
        value = self.values.get(argument, argument) if isinstance(argument, fx.Node) else argument
        if isinstance(value, Outside):
            return self._entered(value)
        if isinstance(value, Call):
            raise ConversionError(f"{what} takes all that \"{self.graph.layers[value.layer].path}\" returns, {', '.join(value.outputs)}; "
                                  "layers take spikes alone")
        if isinstance(value, Turned):
            raise ConversionError(f"{what} takes the input with its samples and its first axis exchanged, which cannot be expressed")
        if not isinstance(value, Value) or (value.layer < 0 and self.graph.over_time and value.step is None):
            raise ConversionError(f"{what} takes something that is no output of a layer at one time step")
        if value.layer >= 0 and value.output != "spikes":
            raise ConversionError(f"{what} takes a {value.output} of \"{self.graph.layers[value.layer].path}\"; layers pass on "
                                  "spikes alone")
        return value

    # Layers

    def _call(self, node):
        path = node.target
        module = self.net.get_submodule(path)
        given = self._arguments(path, module, node)
        if self.framework.is_neuron(module):
            return self._neurons(path, module, self._of(given[0], f"layer \"{path}\""), given[1:])
        if len(given) > 1:
            refuse(path, module, "it is called with more than its input")
        if isinstance(module, self.framework.containers):
            return self._contained(path, module, given[0])
        kind = kind_of(module, self.framework.layers)
        if kind is None:
            refuse(path, module, self.framework.no_layer)
        value = self._of(given[0], f"layer \"{path}\"")
        if getattr(module, "inplace", False) and (self._is_kept(value) or not self._is_alone(given[0])):
            refuse(path, module, "inplace=True changes a tensor that is used elsewhere as well")
        torch_kind = self.framework.layers[kind]
        if torch_kind in layers.TRAINED_APART:
            forbid_mode(path, module, self.net)
        if torch_kind in layers.BATCH_NORMS:
            self.norms[path] = value.step is None
        key = (path, value.layer)
        if key not in self.made:
            self.made[key] = layers.layer(self.graph, path, module, torch_kind, value.layer, self._shape_of(value),
                                          self._use(path, value), self.lead)
        return self._layer([value], f"layer \"{path}\"", self.made[key], path)

    def _contained(self, path, module, given):
        """Layers of torch.nn one behind the other, each for all steps as one batch."""
        for name, child in module.named_children():
            if kind_of(child, layers.KINDS) is None or getattr(child, "inplace", False) or child.training != self.net.training:
                refuse(f"{path}.{name}", child, "there is no such layer in the language, or it is in place or in another mode")
        value = self._of(given, f"layer \"{path}\"")
        before = len(self.graph.layers)
        try:
            return self._contained_layers(path, module, value)
        except ConversionError:
            del self.graph.layers[before:]
            self.known = {key: place for key, place in self.known.items() if place < before}
            raise

    def _contained_layers(self, path, module, value):
        for name, child in module.named_children():
            inner, kind = f"{path}.{name}", kind_of(child, layers.KINDS)
            made = layers.layer(self.graph, inner, child, layers.KINDS[kind], value.layer, self._shape_of(value), self._use(inner, value), 1)
            value = self._layer([value], f"layer \"{inner}\"", made, inner)
        return value

    def _is_kept(self, value):
        """Whether a value's memory is the state of neurons, which go on from it."""
        place = value.layer
        while place >= 0 and self.graph.layers[place].call == "flatten":
            place = self.graph.layers[place].sources[0]
        return place >= 0 and self.graph.layers[place].keep_spikes

    def _arguments(self, path, module, node):
        """What a module is called with, in the order of its forward's arguments."""
        try:
            bound = inspect.signature(module.forward).bind(*node.args, **node.kwargs)
        except TypeError as error:
            refuse(path, module, str(error))
        if bound.kwargs or not bound.args:
            refuse(path, module, "it is called without its input, or with arguments that have no place")
        return bound.args

    def _use(self, path, value):
        return layers.Use(value.step is None, self.in_loop[path])

    def _use_of_function(self, node, value):
        """As of a layer. Whether calls in other steps take the same value is not known yet: all with the same options count."""
        calls = sum((other.target, other.args[1:], other.kwargs) == (node.target, node.args[1:], node.kwargs) for other in node.graph.nodes)
        return layers.Use(value.step is None, calls)

    def _layer(self, values, what, layer, owner=None):
        """The value of a layer of these: a new one at first, then the same. `owner`: the path of the module that it is."""
        steps = {value.step for value in values if value.step is not None}
        if len(steps) > 1:
            raise ConversionError(f"{what} takes values of time steps {sorted(steps)} together")
        now = steps.pop() if steps else None
        if layer is None:
            return values[0]
        key = (layer.call, *layer.sources, owner)
        if layer.tensors:
            key = owner
            if self.places.setdefault(key, layer.sources) != layer.sources:
                raise ConversionError(f"{what} is used in two places, so its weights would be shared")
        if layer.per_step:
            now = self._next_mask(key, now, what)
        if key not in self.known:
            if any(other.path == layer.path for other in self.graph.layers):
                layer.path = ""  # a module without weights, in another place
            self.graph.layers.append(layer)
            self.known[key] = len(self.graph.layers) - 1
        return Value(self.known[key], now)

    def _next_mask(self, key, now, what):
        """The step of a call that draws random numbers."""
        if now is None:
            now = self.calls[key]
            self.calls[key] += 1
        if (key, now) in self.masks:
            raise ConversionError(f"{what} is called twice with one input in a time step")
        self.masks.add((key, now))
        return now

    def _neurons(self, path, module, value, given):
        now = self.calls[path]
        if value.step not in (None, now):
            refuse(path, module, f"in its call {now} it takes a value of time step {value.step}; neurons are called once in each step, and "
                                 "what forward takes of its input, x[step] or x[:, step], is a time step")
        if path not in self.places:
            layer = self.framework.neuron(self.graph, path, module, value.layer, self._shape_of(value))
            layer.shape = layer.shape or self._shape_of(value)
            self.graph.layers.append(layer)
            self.places[path] = len(self.graph.layers) - 1
        place = self.places[path]
        if self.graph.layers[place].sources != [value.layer]:
            refuse(path, module, "it takes another layer in a later step, or is used twice in one")
        self._check_states(path, module, place, now, given)
        self.calls[path] = now + 1
        outputs = self.framework.outputs(module)
        return Value(place, now) if outputs == ("spikes",) else Call(place, now, outputs)

    def _check_states(self, path, module, place, now, given):
        names = self.framework.states(module)
        if not given:
            if self.framework.remembers_states:
                self.remembering.add(path)
            elif not self.framework.hides_state(module):
                refuse(path, module, "it is called without its state of the step before")
            return
        if self.framework.hides_state(module) or len(given) != len(names):
            refuse(path, module, f"it is called with {len(given)} states, expected {len(names)}")
        for argument, name in zip(given, names):
            value = self.values.get(argument) if isinstance(argument, fx.Node) else argument
            rest = value is None or (isinstance(value, (int, float)) and value == 0)
            if not (rest if now == 0 else value == Value(place, now - 1, name)):
                refuse(path, module, f"in its call {now} it takes another state than " +
                       ("that at rest" if now == 0 else f"its own {name} of the step before"))

    def _check_norms(self, steps):
        """Batch norm is called once, or in each step: a call moves its statistics, whatever becomes of what it gives."""
        for path, static in self.norms.items():
            count = self.in_loop[path]
            if count != steps and not (static and count == 1):
                refuse(path, self.net.get_submodule(path), f"it is called {count} times in {steps} steps, and each call moves its statistics")
