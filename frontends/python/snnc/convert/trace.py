# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a module's `forward` does, as a graph of torch.fx: a loop over time is unrolled, and calls of known layers and of neurons are nodes.

What a graph does not show is looked at while it is made: regions without gradients, and states that somebody resets or detaches.
"""

import builtins
import contextlib
import dataclasses
import hashlib
import random
from collections.abc import Callable

import numpy as np
import torch
from torch import fx
from torch.nn import functional

from .errors import ConversionError
from .examples import Examples
from .known import kind_of, named, refuse
from .memory import ALLOCATING_LAYERS, view
from .proxies import TracedCall, TracedTensor, TracedValue
from .states import Kept, States, check_equal, check_tensors, is_read, numbers_of, tensors_of
from .written import Written


class UntracedError(ConversionError):
    """A forward does something that no graph shows."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """A graph, what its nodes are, in words, whether forward has asked for extents of its input, and how the graph is made for another one."""

    graph: fx.Graph
    words: list
    asks_extents: bool
    again: Callable


@contextlib.contextmanager
def traced(net, given, framework, keeps_states, knows_extents=False):
    """The `Trace` of `net`, which has the graph's constants as long as the context lasts; then the network is what it was.

    `given`: what is known of a call. `keeps_states`: the next call goes on where this one ends. `knows_extents`: whether forward may ask for
    extents of what it has made of the input as for those of the input.
    """
    states = States(net, framework, keeps_states)
    kept = Kept(net, states)

    def make(given):
        return _Tracer(framework, given, states, knows_extents)

    try:
        with _other_mode(net):
            other = _words(net, _graph(make(given), net))
        numbers, tensors = numbers_of(net), tensors_of(net, states)
        tracer = make(given)
        graph = _graph(tracer, net)
        check_equal(numbers, numbers_of(net))
        check_tensors(tensors, tensors_of(net, states))
        kept.check(net)
        tracer.check_layers()
        words = _words(net, graph)
        if words != other:
            raise ConversionError(f"forward of {type(net).__name__} does something else in train() than in eval(), or in its "
                                  "second call than in its first; a layer nn.Dropout may be there, and F.dropout(x, p, self.training)")
        yield Trace(graph, words, tracer.asks_extents, lambda given: _graph(make(given), net))
    finally:
        states.restore()
        kept.restore()


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


@contextlib.contextmanager
def _kinds_of_values():
    """isinstance says of a value in a trace what is true in a call of the network: forward may branch on it."""
    real = isinstance

    def asked(value, kind):
        return real(value, kind) or (real(value, TracedValue) and issubclass(value.kind, kind))

    builtins.isinstance = asked
    try:
        yield
    finally:
        builtins.isinstance = real


def _generators():
    """States of the generators of random numbers that everybody shares."""
    _, words, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), words.tolist(), rest


def _graph(tracer, net):
    try:
        with torch.enable_grad(), _kinds_of_values():
            drawn = _generators()
            tracer.states.begin()
            with Written(tracer):
                graph = tracer.trace(net)
            tracer.states.end()
        if _generators() != drawn:
            raise ConversionError(f"forward of {type(net).__name__} draws random numbers, which only nn.Dropout can")
        return graph
    except ConversionError:
        raise
    except Exception as error:  # whatever forward does that a trace cannot follow
        inside = type(net).__name__ if tracer.failed is None else named(tracer.states.paths[tracer.failed], tracer.failed)
        why = str(error).partition("\n")[0]
        raise UntracedError(f"forward of {inside} cannot be traced: {why}") from error


def _words(net, graph):
    """What the nodes of a graph are; constants, which forward makes anew, by their values; whether F.dropout drops, by the network's mode."""
    order = {node: f"%{place}" for place, node in enumerate(graph.nodes)}
    words, constants = [], {}
    for node in graph.nodes:
        target = node.target
        if node.op == "get_attr" and target.startswith("_tensor_constant"):
            if target not in constants:
                constants[target] = _digest(getattr(net, target))
            target = constants[target]
        options = dict(node.kwargs)
        if target is functional.dropout and options.get("training") == net.training:
            options["training"] = "of the network"
        words.append((node.op, target, str(fx.node.map_arg((node.args, options), order.get))))
    return words


def _digest(tensor):
    """Something that two tensors have in common if their elements are the same."""
    tensor = tensor.detach()
    if tensor.layout != torch.strided or tensor.is_quantized:
        return tensor.dtype, tensor.tolist()
    elements = tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy() if tensor.numel() else b""
    return tensor.dtype, tuple(tensor.shape), hashlib.sha256(elements).hexdigest()


class _Tracer(fx.Tracer):
    def __init__(self, framework, given, states, knows_extents):
        super().__init__()
        self.framework, self.given, self.states, self.knows_extents = framework, given, states, knows_extents
        self.inputs = 0
        self.asks_extents = False
        self.failed = None  # the innermost module whose forward cannot be traced
        self.layers = {}  # that were called: what each was at its first call

    def trace(self, root, *rest):
        self.looked_at = {}  # memory of constants that the graph has, by its address
        self.attributes = {*vars(root), *root._parameters, *root._buffers}  # what a trace before has found, and not made, it finds here
        self.examples = Examples(root, self.given, self.framework)
        return super().trace(root, *rest)

    def is_leaf_module(self, module, path):
        return (self.framework.is_neuron(module) or isinstance(module, self.framework.containers) or kind_of(module, self.framework.layers) is not None
                or super().is_leaf_module(module, path))

    def call_module(self, module, forward, args, kwargs):
        if module not in self.states.paths:
            raise ConversionError(f"forward calls a {type(module).__name__} that is none of the network's modules: make it an attribute of one "
                                  "in __init__, and a list of layers an nn.ModuleList")
        self.states.call(module, len(args) + len(kwargs) > 1)
        if self.is_leaf_module(module, ""):
            self._check_layer(module)
        try:
            return super().call_module(module, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or module
            raise

    def check_layers(self):
        """At its calls each layer was what it is now."""
        for module in self.layers:
            self._check_layer(module)

    def _check_layer(self, module):
        now = {name: value for name, value in vars(module).items() if not name.startswith("_") or isinstance(value, (bool, int, float, str))}
        now |= {name: None if tensor is None else (id(tensor), tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version)
                for held in (module._parameters, module._buffers) for name, tensor in held.items() if not self.states.has(module, name)}
        first = self.layers.setdefault(module, now)
        changed = [name for name in {**first, **now} if first.get(name) is not now.get(name)
                   and not (isinstance(now.get(name), (bool, int, float, str, tuple)) and first.get(name) == now[name])]
        if changed:
            refuse(self.states.paths[module], module, f"forward changes its {changed[0]} between calls, which cannot be expressed")

    def create_arg(self, value):
        if isinstance(value, fx.Proxy):
            return value.node
        if isinstance(value, torch.Tensor) and is_read(value):
            raise ConversionError("forward takes a state out of neurons, or computes with their parameters: say output=True, and take states "
                                  "of what calls return")
        if isinstance(value, torch.Tensor) and value.layout == torch.strided and not isinstance(value, torch.nn.Parameter):
            self.looked_at[value.untyped_storage().data_ptr()] = value
        return super().create_arg(value)

    def create_proxy(self, kind, target, args, kwargs, *rest, **words):
        if kind == "placeholder":
            if target in self.given.arguments:
                return self.given.arguments[target]
            self.inputs += 1
            if self.inputs > 1 and args:  # a further argument keeps its default
                return args[0]
        return super().create_proxy(kind, target, args, kwargs, *rest, **words)

    def create_node(self, kind, target, *rest, **words):
        if kind.startswith("call_") and (not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")):
            region = "autocast" if torch.is_grad_enabled() else "no_grad"
            what = f"layer \"{target}\"" if kind == "call_module" else f"operation {getattr(target, '__name__', target)}"
            raise ConversionError(f"forward calls {what} under torch.{region}, which cannot be expressed")
        node = super().create_node(kind, target, *rest, **words)
        if kind == "call_module":
            module = self.root.get_submodule(target)
            node.meta["in place"] = bool(getattr(module, "inplace", False))
            node.meta["allocates"] = type(module) in ALLOCATING_LAYERS
        if kind == "get_attr":
            node.meta["made here"] = "." not in target and target not in self.attributes
        return node

    def proxy(self, node):
        module = self.root.get_submodule(node.target) if node.op == "call_module" else None
        if module is not None and self.framework.is_neuron(module) and len(self.framework.outputs(module)) > 1:
            return TracedCall(node, self, len(self.framework.outputs(module)))
        seen = view(node)
        if seen is None:
            shape = self.examples.shape_of(node) if self.knows_extents else None
            return TracedValue(node, self) if shape is None else TracedTensor(node, self, shape)
        shape = self.given.shape
        return TracedTensor(node, self, (shape[1], shape[0], *shape[2:]) if seen and shape is not None and len(shape) > 1 else shape)
