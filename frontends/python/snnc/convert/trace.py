# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a module's `forward` does, as a graph of torch.fx: a loop over time is unrolled, and calls of known layers and of neurons are nodes.

What a graph does not show is looked at while it is made: regions without gradients, and states that somebody resets or detaches.
"""

import builtins
import collections
import contextlib
import copy
import dataclasses
import inspect
import operator
from collections.abc import Callable
import random

import numpy as np
import torch
from torch import fx
from torch.nn import functional
from torch.utils import _pytree

from .errors import ConversionError
from .examples import Examples
from .known import kind_of, named, refuse


class UntracedError(ConversionError):
    """A forward does something that no graph shows."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """A graph, and how it is made for another input."""

    graph: fx.Graph
    again: Callable


@contextlib.contextmanager
def traced(net, given, framework, keeps_states, knows_extents=False):
    """The `Trace` of `net`, which has the graph's constants as long as the context lasts; then the network is what it was.

    `given`: what is known of a call. `keeps_states`: the next call goes on where this one ends. `knows_extents`: whether forward may ask for
    extents of what it has made of the input as for those of the input.
    """
    attributes = {module: dict(vars(module)) for module in net.modules()}
    contents = _contents(attributes)
    apart = _apart([*attributes.values(), *(values if isinstance(values, dict) else dict(enumerate(values)) for _, values in contents)])
    states = _States(net, framework, keeps_states)
    tensors = _tensors(net, states)

    def make(given):
        return _Tracer(framework, given, states, knows_extents)

    try:
        with _other_mode(net):
            other = _graph(make(given), net)
        numbers, values = _numbers(net), _tensors(net, states)
        tracer = make(given)
        graph = _graph(tracer, net)
        _check_equal(numbers, _numbers(net))
        _check_tensors(values, _tensors(net, states))
        if not all(_same(tensor, values) for tensor, values in apart if isinstance(tensor, torch.Tensor)):
            raise ConversionError(f"forward of {type(net).__name__} changes a tensor that it keeps from one call to the next, which cannot be expressed")
        tracer.check_layers()
        if _words(net, graph) != _words(net, other):
            raise ConversionError(f"forward of {type(net).__name__} does something else in train() than in eval(), or in its "
                                  "second call than in its first; a layer nn.Dropout may be there, F.dropout(x, p, self.training) may not")
        yield Trace(graph, lambda given: _graph(make(given), net))
    finally:
        states.restore()
        for module, values in attributes.items():
            vars(module).clear()
            vars(module).update(values)
        for holder, values in contents:
            _refill(holder, values)
        for kept, values in apart:
            if isinstance(kept, torch.Generator):
                kept.set_state(values)
            elif not _same(kept, values):
                kept.data = values
        _put_back(tensors)


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


def _contents(attributes):
    """What lists, dictionaries and sets hold that are attributes, or lie in such: forward may put values of a trace there."""
    found, seen = [], set()
    waiting = [value for values in attributes.values() for name, value in values.items() if name not in _OF_MODULES]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, (list, dict, set, collections.deque)) and id(holder) not in seen:
            seen.add(id(holder))
            found.append((holder, copy.copy(holder)))
            waiting += holder.values() if isinstance(holder, dict) else holder
    return found


# What nn.Module keeps of each module, whose tensors are put back by themselves.
_OF_MODULES = set(vars(torch.nn.Module()))


def _apart(held):
    """Tensors that are neither parameters nor buffers, and generators of random numbers: with what they are now."""
    found = [value for values in held for value in values.values()]
    return [*((value, value.detach().clone()) for value in found if isinstance(value, torch.Tensor) and not value.is_meta),
            *((value, value.get_state()) for value in found if isinstance(value, torch.Generator))]


def _refill(holder, values):
    holder.clear()
    (holder.extend if isinstance(holder, (list, collections.deque)) else holder.update)(values)


def _numbers(net):
    """Attributes that are no tensors, by module and name."""
    return {(module, name): value for module in net.modules() for name, value in vars(module).items()
            if isinstance(value, (bool, int, float, str)) and name != "training"}


def _check_equal(before, after):
    """Two calls leave the same behind: one that counts them may do something else in the next."""
    for (module, name), value in after.items():
        if before.get((module, name)) != value:
            raise ConversionError(f"forward gives {name} of {type(module).__name__} another value in each call, which cannot be expressed")


def _tensors(net, states):
    """Parameters and buffers but for states, by module and name: each with its values."""
    return {(module, name): (held, tensor, tensor.detach().clone() if isinstance(tensor, torch.Tensor) else tensor) for module in net.modules()
            for held in (module._parameters, module._buffers) for name, tensor in held.items() if not states.has(module, name)}


def _check_tensors(before, after):
    for (module, name), (_, tensor, values) in after.items():
        was = before.get((module, name), (None, None, None))[2]
        if (tensor is None) != (was is None) or (tensor is not None and not _same(was, values)):
            raise ConversionError(f"forward gives {name} of {type(module).__name__} another value in each call, which cannot be expressed")


def _put_back(tensors):
    for (_, name), (held, tensor, values) in tensors.items():
        held[name] = tensor
        if tensor is not None and not _same(tensor, values):
            tensor.data = values


def _same(one, other):
    """Whether two tensors have the same elements, of whatever kind; what is no number is the same as such. A value of a trace is another one."""
    if isinstance(one, fx.Proxy) or isinstance(other, fx.Proxy):
        return False
    if one.is_quantized:
        one, other = one.int_repr(), other.int_repr()
    elif one.layout != torch.strided:
        one, other = one.to_dense(), other.to_dense()
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


@contextlib.contextmanager
def _kinds_of_values():
    """isinstance says of a value in a trace what is true in a call of the network: forward may branch on it."""
    real = isinstance

    def asked(value, kind):
        return real(value, kind) or (real(value, _Value) and issubclass(value.kind, kind))

    builtins.isinstance = asked
    try:
        yield
    finally:
        builtins.isinstance = real


class _Written(torch.overrides.TorchFunctionMode):
    """What forward has written values of a trace into is read as such a value: the tensor itself does not have them."""

    # What is asked of a tensor that does not depend on its elements.
    _OF_SHAPE = {"size", "dim", "numel", "stride", "__len__", "is_floating_point", "is_complex", "is_contiguous", "data_ptr", "untyped_storage"}

    def __init__(self, tracer):
        super().__init__()
        self.tracer = tracer
        self.storages = {}  # by their address; kept, so that no other tensor is given it

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if function is torch.empty:  # what nobody has written yet is something else in each call
            return torch.zeros(*args, **{word: value for word, value in kwargs.items() if word not in ("pin_memory", "memory_format")})
        leaves = _pytree.tree_leaves((args, kwargs))
        writes = bool(args) and isinstance(args[0], torch.Tensor) and _changes(name)
        if any(isinstance(leaf, fx.Proxy) for leaf in leaves) or (writes and self._address(args[0]) in self.tracer.looked_at):
            if args and isinstance(args[0], torch.Tensor) and _changes(name):
                return self._record(function, name, (self._write(args[0]), *args[1:]), kwargs)
        elif name not in self._OF_SHAPE and any(isinstance(leaf, torch.Tensor) and self._address(leaf) in self.storages for leaf in leaves):
            if name == "__get__":
                property_name = getattr(getattr(function, "__self__", None), "__name__", "")
                if property_name in ("shape", "dtype", "device", "ndim", "layout", "requires_grad", "is_leaf", "grad_fn", "_version", "_base"):
                    return function(*args, **kwargs)
                raise ConversionError(f"forward asks for .{property_name} of a tensor that it has written into")
            return self._record(function, name, args, kwargs)
        return function(*args, **kwargs)

    def _record(self, function, name, args, kwargs):
        kind, target = "call_function", function
        if torch.overrides.is_tensor_method_or_property(function):
            operation = getattr(operator, name.strip("_"), None) if name.startswith("__") else None  # __getitem__ is operator.getitem
            kind, target = ("call_method", name) if operation is None else (kind, operation)
        return self.tracer.create_proxy(kind, target, args, kwargs)

    def _write(self, tensor):
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage
        if tensor._base is None:
            return tensor
        where = (tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
        return self.tracer.create_proxy("call_function", torch.as_strided, (tensor._base, *where), {})

    @staticmethod
    def _address(tensor):
        return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided and not tensor.is_meta else None


def _changes(name):
    """Whether a function or method of this name writes into its first argument."""
    return name in (*_OPERATORS, "__setitem__") or (name.endswith("_") and not name.endswith("__"))


_OPERATORS = ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__", "__imatmul__", "__iand__", "__ior__", "__ixor__")


def _generators():
    """States of the generators of random numbers that everybody shares."""
    _, words, *rest = np.random.get_state()
    return torch.get_rng_state().tolist(), random.getstate(), words.tolist(), rest


def _graph(tracer, net):
    try:
        with torch.enable_grad(), _kinds_of_values():
            drawn = _generators()
            tracer.states.begin()
            with _Written(tracer):
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
    """What the nodes of a graph are; constants, which forward makes anew, by their values."""
    order = {node: f"%{place}" for place, node in enumerate(graph.nodes)}
    words = []
    for node in graph.nodes:
        constant = node.op == "get_attr" and node.target.startswith("_tensor_constant")
        given = fx.node.map_arg((node.args, node.kwargs), order.get)
        words.append((node.op, getattr(net, node.target).tolist() if constant else node.target, str(given)))
    return words


# Methods and functions that give the numbers of a tensor as they are; "to" does with some arguments.
COPIES = ("float", "double", "to", "cpu", "cuda", "clone", "contiguous", torch.clone)


# What may give a view, or the tensor itself.
_MAY_SHARE = (*(copy for copy in COPIES if copy not in ("clone", torch.clone)), "view", "reshape", "flatten", torch.reshape, torch.flatten)


def swaps(node):
    """Whether an operation exchanges the first two axes: x.transpose(0, 1), x.permute(1, 0, 2)."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    axes = node.args[1:]
    axes = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else tuple(axes)
    if name in ("transpose", "swapaxes"):
        return axes in ((0, 1), (1, 0))
    return name == "permute" and len(axes) > 1 and axes == (1, 0, *range(2, len(axes)))


def view(node):
    """None, or if a node is the input, a copy or a view of it, whether its first two axes are exchanged."""
    if node.op == "placeholder":
        return False
    if node.op not in ("call_function", "call_method") or not node.args or not isinstance(node.args[0], fx.Node):
        return None
    if node.target in COPIES:
        return view(node.args[0])
    seen = view(node.args[0]) if swaps(node) else None
    return None if seen is None else not seen


RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, "relu", "relu_")


def in_place(node):
    """Whether an operation writes into its first operand."""
    if node.op not in ("call_function", "call_method"):
        return node.meta.get("in place", False)
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if _changes(name):
        return True
    if node.target in RELUS:
        return bool({*node.args[1:], *node.kwargs.values()} & {True})
    return node.target in _WRITES or node.kwargs.get("out") is not None or _takes_place(node)


_WRITES = (operator.setitem, *(getattr(operator, name.strip("_")) for name in _OPERATORS))


def _takes_place(node):
    """Whether a function is told to compute in place."""
    if node.kwargs.get("inplace"):
        return True
    try:
        return bool(inspect.signature(node.target).bind(*node.args, **node.kwargs).arguments.get("inplace"))
    except (TypeError, ValueError):  # what is built in says nothing, and has no such argument
        return False


def shares(node):
    """Whether what an operation gives may lie where its operand does."""
    return node.target in _MAY_SHARE or swaps(node)


def is_input(node):
    """Whether a node is an input, or a copy of it."""
    return view(node) is False


class _Value(fx.Proxy):
    @property
    def device(self):
        return self._parameter().device

    @property
    def dtype(self):
        known = self.tracer.examples.of(self.node) if self.tracer.given.shape is not None else None
        return known.dtype if isinstance(known, torch.Tensor) else self._parameter().dtype

    def _parameter(self):
        """A tensor that lies where the network's do and has their type, which its input has too."""
        return next((tensor for tensor in self.tracer.root.parameters() if tensor.is_floating_point()), torch.empty(0))

    _is_param = _is_buffer = False  # which nn.Module asks of tensors
    kind = torch.Tensor  # what it is in a call of the network

    def __setitem__(self, index, value):
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})


def _writing(name):
    operation = getattr(operator, name.strip("_"))
    return lambda self, other: self.tracer.create_proxy("call_function", operation, (self, other), {})


# What fx takes for operations that make a new tensor.
for _name in _OPERATORS:
    setattr(_Value, _name, _writing(_name))


class _Call(_Value):
    """What a call of neurons returns that are several tensors: a tuple."""

    kind = tuple

    def __init__(self, node, tracer, count):
        super().__init__(node, tracer)
        self.count = count

    def __len__(self):
        return self.count

    def __iter__(self):
        return (self[place] for place in range(self.count))

    def __getitem__(self, index):
        return tuple(self)[index] if isinstance(index, slice) else super().__getitem__(index)


class _Input(_Value):
    """The input, or what forward has made of it, whose extents are known if a sample was given."""

    known = None

    def size(self, dim=None):
        return self._extents("size()") if dim is None else self._extents("size()")[dim]

    @property
    def shape(self):
        return self._extents("shape")

    @property
    def ndim(self):
        return len(self._extents("number of axes"))

    def dim(self):
        return self.ndim

    def __len__(self):
        return self._extents("length")[0]

    def __iter__(self):
        return (self[step] for step in range(len(self)))

    def unbind(self, dim=0):
        return tuple(self) if dim == 0 else tuple(self[:, step] for step in range(self._extents("shape")[dim])) if dim == 1 else super().unbind(dim)

    def _extents(self, what):
        if self.known is None:
            raise ConversionError(f"forward asks for the input's {what}: give an input as the second argument")
        return torch.Size(self.known)


def _is_read(tensor):
    """Whether it is the mark of a state, or was made of one."""
    return tensor.grad_fn is not None


class _States:
    """States that stand in neurons: from one call to the next nothing else may touch them, or read them.

    A trace calls no neurons, so a mark stands there, and it is seen whether that has been replaced, detached or used.
    """

    def __init__(self, net, framework, kept):
        self.framework, self.kept = framework, kept
        self.saved = {}  # of neurons: where their states are, and what was there
        self.marks = {}  # of neurons: what is there now
        self.called = set()
        self.paths = {module: path for path, module in net.named_modules()}
        for module in net.modules():
            if framework.is_neuron(module):
                held, names = framework.hidden(module)
                self.saved[module] = held, {name: held[name] for name in names}

    def has(self, module, name):
        return module in self.saved and name in self.saved[module][1]

    def begin(self):
        self.called.clear()
        for module in self.saved:
            self._mark(module)

    def call(self, module, takes_state):
        if module not in self.saved:
            return
        if takes_state and not self.framework.hides_state(module):  # and leaves the next one here as well
            self._mark(module)
            return
        held, values = self.saved[module]
        if not self.kept and module not in self.called:
            given = [torch.as_tensor(held[name]) for name in values if held[name] is not self.marks[module]]
            if any(_is_read(value) or value.count_nonzero() for value in given):
                refuse(self.paths[module], module, "forward starts it at another state than that at rest")
            if given:
                self._mark(module)
        self.called.add(module)
        self._check(module)

    def end(self):
        """Behind the last step a state may be reset, unless the next call goes on with it."""
        for module in self.saved if self.kept else ():
            if self.framework.hides_state(module):
                self._check(module)

    def _mark(self, module):
        held, values = self.saved[module]
        self.marks[module] = torch.zeros(1, requires_grad=True).clone()  # with an element, which shows what is computed of it
        held.update(dict.fromkeys(values, self.marks[module]))

    def _check(self, module):
        held, values = self.saved[module]
        mark = self.marks[module]
        if any(held[name] is not mark for name in values) or mark.grad_fn is None or mark._version > 0:
            refuse(self.paths[module], module, "its state is reset, detached or changed between time steps")

    def restore(self):
        for held, values in self.saved.values():
            held.update(values)


class _Tracer(fx.Tracer):
    def __init__(self, framework, given, states, knows_extents):
        super().__init__()
        self.framework, self.given, self.states, self.knows_extents = framework, given, states, knows_extents
        self.inputs = 0
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
        if isinstance(value, torch.Tensor) and _is_read(value):
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
            node.meta["in place"] = bool(getattr(self.root.get_submodule(target), "inplace", False))
        if kind == "get_attr":
            node.meta["made here"] = "." not in target and target not in self.attributes
        return node

    def proxy(self, node):
        module = self.root.get_submodule(node.target) if node.op == "call_module" else None
        if module is not None and self.framework.is_neuron(module) and len(self.framework.outputs(module)) > 1:
            return _Call(node, self, len(self.framework.outputs(module)))
        seen = view(node)
        if seen is None:
            shape = self.examples.shape_of(node) if self.knows_extents else None
            if shape is None:
                return _Value(node, self)
            made = _Input(node, self)
            made.known = shape
            return made
        made = _Input(node, self)
        shape = self.given.shape
        made.known = (shape[1], shape[0], *shape[2:]) if seen and shape is not None and len(shape) > 1 else shape
        return made
