# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a module's `forward` does, as a graph of torch.fx: a loop over time is unrolled, and calls of known layers and of neurons are nodes.

What a graph does not show is looked at while it is made: regions without gradients, and states that somebody resets or detaches.
"""

import contextlib
import operator

import torch
from torch import fx

from .errors import ConversionError
from .known import kind_of, refuse


@contextlib.contextmanager
def traced(net, shape, framework):
    """The graph of `net`, which has its constants as long as the context lasts; then the network is what it was.

    `shape`: of an input as `net` takes it, or None if that is not known.
    """
    before = set(vars(net))
    states = _States(net, framework)
    try:
        with _other_mode(net):
            other = _graph(_Tracer(framework, shape, states), net)
        states.restore()
        graph = _graph(_Tracer(framework, shape, states), net)
        if _words(net, graph) != _words(net, other):
            raise ConversionError(f"forward of {type(net).__name__} does something else in train() than in eval()")
        yield graph
    finally:
        states.restore()
        for name in set(vars(net)) - before:
            if name.startswith("_tensor_constant"):
                delattr(net, name)


@contextlib.contextmanager
def _other_mode(net):
    """Training in the place of evaluation, and the other way round."""
    modes = {module: module.training for module in net.modules()}
    try:
        for module, mode in modes.items():
            module.training = not mode
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _graph(tracer, net):
    try:
        with torch.enable_grad():
            return tracer.trace(net)
    except ConversionError:
        raise
    except Exception as error:  # whatever forward does that a trace cannot follow
        raise ConversionError(f"forward of {type(net).__name__} cannot be traced: {error}") from error


def _words(net, graph):
    """What the nodes of a graph are; constants, which forward makes anew, by their values."""
    order = {node: f"%{place}" for place, node in enumerate(graph.nodes)}
    words = []
    for node in graph.nodes:
        constant = node.op == "get_attr" and node.target.startswith("_tensor_constant")
        given = fx.node.map_arg((node.args, node.kwargs), order.get)
        words.append((node.op, getattr(net, node.target).tolist() if constant else node.target, str(given)))
    return words


class _Value(fx.Proxy):
    def __iadd__(self, other):  # which fx takes for a sum
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})


class _Input(_Value):
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


class _States:
    """States that neurons keep themselves: from one call to the next nothing else may touch them.

    A trace calls no neurons, so it is seen whether what stands in such a state has been put in another's place or been detached.
    """

    def __init__(self, net, framework):
        self.framework = framework
        self.saved = {}  # of neurons: where their states are, and what was there
        self.marks = {}  # of neurons that were called: what is there now
        for module in net.modules():
            if framework.is_neuron(module):
                held, names = framework.hidden(module)
                self.saved[module] = held, {name: held[name] for name in names}

    def called(self, path, module):
        if not self.framework.hides_state(module):
            return
        held, values = self.saved[module]
        if module not in self.marks:
            given = [held[name] for name in values if held[name] is not values[name]]
            if any(torch.as_tensor(value).count_nonzero() for value in given):
                refuse(path, module, "forward starts it at another state than that at rest")
            self.marks[module] = torch.zeros(0, requires_grad=True).clone()
            held.update(dict.fromkeys(values, self.marks[module]))
        mark = self.marks[module]
        if any(held[name] is not mark for name in values) or mark.grad_fn is None:
            refuse(path, module, "its state is reset, detached or changed between time steps")

    def restore(self):
        for held, values in self.saved.values():
            held.update(values)
        self.marks.clear()


class _Tracer(fx.Tracer):
    def __init__(self, framework, shape, states):
        super().__init__()
        self.framework, self.shape, self.states = framework, shape, states
        self.inputs = 0

    def is_leaf_module(self, module, path):
        return (self.framework.is_neuron(module) or kind_of(module, self.framework.layers) is not None
                or super().is_leaf_module(module, path))

    def call_module(self, module, forward, args, kwargs):
        if self.framework.is_neuron(module):
            self.states.called(self.path_of_module(module), module)
        return super().call_module(module, forward, args, kwargs)

    def create_proxy(self, kind, target, args, kwargs, *rest, **words):
        if kind == "placeholder":
            self.inputs += 1
            if self.inputs > 1 and args:  # a further argument keeps its default
                return args[0]
        return super().create_proxy(kind, target, args, kwargs, *rest, **words)

    def create_node(self, kind, target, *rest, **words):
        if kind.startswith("call_") and (not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")):
            region = "autocast" if torch.is_grad_enabled() else "no_grad"
            what = f"layer \"{target}\"" if kind == "call_module" else f"operation {getattr(target, '__name__', target)}"
            raise ConversionError(f"forward calls {what} under torch.{region}, which cannot be expressed")
        return super().create_node(kind, target, *rest, **words)

    def proxy(self, node):
        if node.op != "placeholder":
            return _Value(node, self)
        made = _Input(node, self)
        made.known = self.shape
        return made
