# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a forward computes that the network cannot: PyTorch does, ahead of the network or behind it, unless neurons take it."""

from torch import fx

from .errors import ConversionError, Forbidden
from .known import forbid, forbid_mode, named
from .memory import allocates, in_place, is_operation, memory_of, names_of
from .operations import ZEROS
from .values import Call, Extents, Outside, Series, Single, Total, Turned, Value

# What the network's input is: that of the module, one tensor that is made of it, or one for each time step.
OWN, MADE, MADE_EACH = range(3)


class Again(Exception):
    """The graph is to be read once more, with another kind of input or with more outside: paths of layers, and nodes of operations."""

    def __init__(self, source=None, layers=(), why=None):
        super().__init__()
        self.source, self.layers, self.why = source, layers, why


class Surroundings:
    """Tells what is computed outside: a part of `Reader`, on whose members it works."""

    def _value(self, node):
        if node.op == "placeholder":
            return self._input(node)
        given = [self.values[argument] for argument in node.all_input_nodes]
        given = [Outside(argument, *self.sides[memory]) if (memory := memory_of(argument)) in self.sides else value
                 for argument, value in zip(node.all_input_nodes, given)]
        outside = [value for value in given if isinstance(value, Outside)]
        if node.op == "call_module" and self.framework.is_neuron(self.net.get_submodule(node.target)):
            for value in outside:
                if value.side != "ahead":
                    raise value.why
            return self._inside(node)
        if not self.surrounds:
            return self._inside(node)
        why = self._stays_outside(node, outside)
        if why is None:
            entries = dict(self.entries)
            try:
                return self._inside(node)
            except Forbidden:
                raise
            except ConversionError as error:
                self.entries = entries
                why = error
        return self._outside(node, given, why)

    def _stays_outside(self, node, outside):
        """Why the network need not be asked for an operation, or None: it takes what is outside itself, or a layer what stands behind neurons."""
        key = node.target if node.op == "call_module" else node
        if key in self.outer:
            return self.outer[key]
        if node.op == "call_module":
            outside = [value for value in outside if value.side != "ahead"]
        return outside[0].why if outside and node.target not in ZEROS else None

    def _outside(self, node, given, why):
        if in_place(node):
            self._check_written(node, why)
        if node.op == "call_module":
            module = self.net.get_submodule(node.target)
            forbid_mode(node.target, module, self.net)
            if any(self.framework.remembers(inner) for inner in module.modules()):
                forbid(node.target, module, f"it keeps something from one call to the next, and PyTorch would compute it: {why}")
        side = "behind" if any(map(self._is_of_neurons, given)) else "ahead" if any(map(self._is_of_input, given)) else "beside"
        if in_place(node) and side != "beside" and self.sides.get(memory_of(node), ("ahead",))[0] == "ahead":
            self.sides[memory_of(node)] = side, why
        if side == "ahead":
            layers = [argument.target for argument, value in zip(node.all_input_nodes, given)
                      if isinstance(value, Value) and argument.op == "call_module"]
            if layers:
                raise Again(layers=layers, why=why)
        return Outside(node, side, why)

    def _is_of_neurons(self, value):
        if isinstance(value, Outside):
            return value.side == "behind"
        if isinstance(value, Extents):
            value = value.of
        return isinstance(value, (Series, Total, Call)) or (isinstance(value, Value) and self.is_behind(value.layer))

    def is_behind(self, place):
        """Whether a layer is one of neurons, or comes from one."""
        if place >= 0 and place not in self.comes_from_neurons:
            layer = self.graph.layers[place]
            self.comes_from_neurons[place] = layer.neuron or any(map(self.is_behind, layer.sources))
        return place >= 0 and self.comes_from_neurons[place]

    @staticmethod
    def _is_of_input(value):
        return isinstance(value, (Value, Extents, Single, Turned)) or (isinstance(value, Outside) and value.side == "ahead")

    # What is written in place

    def _check_written(self, node, why):
        """An operation in place may change a tensor that PyTorch has made itself, and nothing that may lie where values of the network or the
        input do."""
        *names, root = names_of(node.args[0]) if node.args and isinstance(node.args[0], fx.Node) else [None]
        inside = [name for name in names if not isinstance(self.values.get(name), Outside)]
        if self._may_change(root) and inside and all(map(in_place, inside)):
            raise Again(layers=inside, why=why)
        if root is not None and is_operation(root) and allocates(root) and not isinstance(self.values[root], Outside):
            raise Again(layers=[root, *inside], why=why)  # a copy of something that the network has
        if inside or not self._may_change(root):
            raise Forbidden(f"{why}; and it changes a tensor in place that may be used elsewhere as well")

    def _may_change(self, root):
        if root is None or root.op != "get_attr":
            return root is not None and isinstance(self.values.get(root), Outside) and allocates(root)
        # A constant that is found, and not made, is there in the next call as well; and views of one are constants of their own.
        return root.meta["made here"] and all(other.target == root.target for other in self._looking_at(root))

    # The input

    def _entered(self, value):
        """The network's input, which is made of the module's by a tensor that is outside."""
        if self.source == OWN:
            raise Again(source=MADE, why=value.why)
        if not self.entries:
            self._take_form(value.node)
        step = self.entries.setdefault(value.node, len(self.entries))
        if self.source == MADE_EACH:
            return Value(-1, step)
        if step > 0 and self.all_steps:
            raise ConversionError("forward makes several inputs of the network")
        if step > 0:
            raise Again(source=MADE_EACH)
        return Value(-1, 0 if self.all_steps else None)

    def _take_form(self, node):
        shape = self.examples.shape_of(node)
        if shape is not None and len(shape) <= self.lead:
            axes = "[sample, ...]" if self.lead == 1 else "[time, sample, ...]"
            raise Forbidden(f"what layers take of the input has the shape {list(shape)}, expected {axes}")
        self.samples = shape[self.lead - 1] if shape is not None else None
        self.graph.shape = shape[self.lead:] if shape is not None else self._asked_shape(node)

    def _check_layers(self, split):
        """No layer with weights is in the network and outside of it."""
        outside = {node.target for node in split.needed if node.op == "call_module" and isinstance(self.values[node], Outside)}
        for layer in self.graph.layers:
            if layer.tensors and not layer.neuron and any(layer.path == path or layer.path.startswith(f"{path}.") for path in outside):
                raise ConversionError(f"{named(layer.path, self.modules[layer.path])}: it is called inside of the network and outside of it")


__all__ = ["MADE", "MADE_EACH", "OWN", "Again", "Surroundings"]
