# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a network holds beside its parameters: a trace may change it, and leaves it as it was."""

import collections
import copy
import dataclasses
import types

import torch
from torch import fx

from .errors import ConversionError
from .known import refuse


class Kept:
    """What a network holds before a trace: attributes, what lies in their lists and dictionaries, and tensors with their values."""

    def __init__(self, net, states):
        self.attributes = {module: dict(vars(module)) for module in net.modules()}
        self.contents = _contents(self.attributes)
        self.apart = _apart([*self.attributes.values(), *(
            values if isinstance(values, dict) else dict(enumerate(values)) for _, values in self.contents)])
        self.tensors = tensors_of(net, states)

    def check(self, net):
        """No tensor that is neither a parameter nor a buffer has other elements."""
        if not all(_same(tensor, values) for tensor, values in self.apart if isinstance(tensor, torch.Tensor)):
            raise ConversionError(f"forward of {type(net).__name__} changes a tensor that it keeps from one call to the next, which cannot be expressed")

    def restore(self):
        for module, values in self.attributes.items():
            vars(module).clear()
            vars(module).update(values)
        for holder, values in self.contents:
            holder.clear()
            (holder.extend if isinstance(holder, (list, collections.deque)) else holder.update)(values)
        for kept, values in self.apart:
            if isinstance(kept, torch.Generator):
                kept.set_state(values)
            elif not _same(kept, values):
                kept.data = values
        for (_, name), (held, tensor, values) in self.tensors.items():
            held[name] = tensor
            if tensor is not None and not _same(tensor, values):
                tensor.data = values


def _contents(attributes):
    """What lists, dictionaries, sets and plain objects hold that are attributes, or lie in such: forward may put values of a trace there."""
    found, seen = [], set()
    waiting = [value for values in attributes.values() for name, value in values.items() if name not in _OF_MODULES]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, types.SimpleNamespace) or (dataclasses.is_dataclass(holder) and not isinstance(holder, type)):
            holder = vars(holder) if hasattr(holder, "__dict__") else None
        if isinstance(holder, tuple):
            waiting += holder
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


def numbers_of(net):
    """Attributes that are no tensors, by module and name."""
    return {(module, name): value for module in net.modules() for name, value in vars(module).items()
            if isinstance(value, (bool, int, float, str)) and name != "training"}


def check_equal(before, after):
    """Two calls leave the same behind: one that counts them may do something else in the next."""
    for (module, name), value in after.items():
        if before.get((module, name)) != value:
            raise ConversionError(f"forward gives {name} of {type(module).__name__} another value in each call, which cannot be expressed")


def tensors_of(net, states):
    """Parameters and buffers but for states, by module and name: each with its values."""
    return {(module, name): (held, tensor, tensor.detach().clone() if isinstance(tensor, torch.Tensor) else tensor) for module in net.modules()
            for held in (module._parameters, module._buffers) for name, tensor in held.items() if not states.has(module, name)}


def check_tensors(before, after):
    for (module, name), (_, tensor, values) in after.items():
        was = before.get((module, name), (None, None, None))[2]
        if (tensor is None) != (was is None) or (tensor is not None and not _same(was, values)):
            raise ConversionError(f"forward gives {name} of {type(module).__name__} another value in each call, which cannot be expressed")


def _same(one, other):
    """Whether two tensors have the same elements, of whatever kind; what is no number is the same as such. A value of a trace is another one."""
    if isinstance(one, fx.Proxy) or isinstance(other, fx.Proxy):
        return False
    if one.is_quantized:
        one, other = one.int_repr(), other.int_repr()
    elif one.layout != torch.strided:
        one, other = one.to_dense(), other.to_dense()
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def is_read(tensor):
    """Whether it is the mark of a state, or was made of one."""
    return tensor.grad_fn is not None


class States:
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
            if any(is_read(value) or value.count_nonzero() for value in given):
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
