# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shapes of what a forward makes of its input, by tensors that have no elements."""

import copy
import dataclasses

import torch
from torch import fx


@dataclasses.dataclass(frozen=True)
class Given:
    """What is known of a network's calls: the shape of an input and its type, or None, and what `forward` takes beside it, by name."""

    shape: tuple | None
    dtype: torch.dtype | None
    arguments: dict

    def takes_reals(self):
        """Whether the input's elements are reals; None if that is not known."""
        return None if self.dtype is None else self.dtype.is_floating_point

    def of_samples(self, axis, count):
        """The same with so many samples along an axis."""
        return dataclasses.replace(self, shape=tuple(count if place == axis else extent for place, extent in enumerate(self.shape)))


def a_real_of(net):
    """A tensor that lies where the network's parameters do and has their type."""
    return next((tensor for tensor in net.parameters() if tensor.is_floating_point()), torch.empty(0))


class Examples:
    """Of nodes of a graph, tensors on the device meta with the shapes that they have for one input."""

    def __init__(self, net, given, framework):
        self.net, self.given, self.framework = net, given, framework
        self.made = {}
        self.layers = {}  # by path, without elements

    def of(self, node):
        """A tensor, or whatever else an operation gives; None if it is not known."""
        waiting = [node]
        while waiting:
            missing = [given for given in waiting[-1].all_input_nodes if given not in self.made] if waiting[-1] not in self.made else []
            waiting += missing
            if not missing and (last := waiting.pop()) not in self.made:
                self._add(last)
        return self.made[node]

    def _add(self, node):
        try:
            with torch.no_grad():
                self.made[node] = self._make(node)
        except Exception:  # of whatever cannot be computed without elements, nothing is known
            self.made[node] = None

    def shape_of(self, node):
        """The extents of a node that is a tensor, or None."""
        found = self.of(node)
        return tuple(found.shape) if isinstance(found, torch.Tensor) else None

    def _dtype(self):
        """The input's type; of reals, that of the network's parameters."""
        return self.given.dtype if self.given.takes_reals() is False else a_real_of(self.net).dtype

    def _make(self, node):
        if node.op == "placeholder":
            return None if self.given.shape is None else torch.empty(self.given.shape, dtype=self._dtype(), device="meta")
        if node.op == "get_attr":
            owner, _, last = node.target.rpartition(".")
            return getattr(self.net.get_submodule(owner), last).to("meta")
        if any(self.made[given] is None for given in node.all_input_nodes):
            return None
        args, words = fx.node.map_arg((node.args, node.kwargs), self.made.get)
        if node.op == "call_function":
            return node.target(*args, **words)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **words)
        module = self.net.get_submodule(node.target)
        if self.framework.is_neuron(module):
            outputs = self.framework.outputs(module) if self.framework.keeps_shape(module) else ()
            return args[0] if len(outputs) == 1 else tuple(args[:1] * len(outputs)) or None
        if node.target not in self.layers:
            self.layers[node.target] = copy.deepcopy(module).to("meta")
        return self.layers[node.target].forward(*args, **words)


__all__ = ["Examples", "Given", "a_real_of"]
