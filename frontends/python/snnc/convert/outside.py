# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a forward computes that the network cannot: PyTorch does, ahead of the network or behind it, unless neurons take it."""

from torch import fx, nn

from .errors import ConversionError, Forbidden
from .known import forbid, named
from .operations import ZEROS
from .trace import in_place
from .values import Call, Extents, Last, Outside, Series, Single, Total, Turned, Value

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
        given = [Outside(argument, "behind", self.dirty[memory]) if (memory := memory_of(root_of(argument))) in self.dirty else value
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
            forms = dict(self.forms)
            try:
                return self._inside(node)
            except Forbidden:
                raise
            except ConversionError as error:
                self.forms = forms
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
        if in_place(node) or (node.op == "call_module" and getattr(self.net.get_submodule(node.target), "inplace", False)):
            self._check_written(node, why)
        if node.op == "call_module" and any(module.training != self.net.training for module in self.net.get_submodule(node.target).modules()):
            own, other = ("eval()", "train()") if self.net.training else ("train()", "eval()")
            forbid(node.target, self.net.get_submodule(node.target), f"it is in {own}, and the network in {other}; a converted network has one mode")
        side = "behind" if any(map(self._is_of_neurons, given)) else "ahead" if any(map(self._is_of_input, given)) else "beside"
        if side == "behind" and in_place(node):
            self.dirty[memory_of(root_of(node))] = why
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
        return isinstance(value, (Series, Total, Last, Call)) or (isinstance(value, Value) and self.is_behind(value.layer))

    def is_behind(self, place):
        """Whether a layer is one of neurons, or comes from one."""
        return place >= 0 and (self.graph.layers[place].neuron or any(map(self.is_behind, self.graph.layers[place].sources)))

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
        if inside or not self._may_change(root):
            raise Forbidden(f"{why}; and it changes a tensor in place that may be used elsewhere as well")

    def _may_change(self, root):
        if root is None or root.op != "get_attr":
            return root is not None and isinstance(self.values.get(root), Outside) and allocates(root, self.net)
        # A constant that is found, and not made, is there in the next call as well; and views of one are constants of their own.
        return root.meta["made here"] and all(other.target == root.target for other in self._looking_at(root))

    # The input

    def _entered(self, value):
        """The network's input, which is made of the module's by a tensor that is outside."""
        if self.source == OWN:
            raise Again(source=MADE, why=value.why)
        if not self.forms:
            self._take_form(value.node)
        step = self.forms.setdefault(value.node, len(self.forms))
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
            if layer.tensors and not layer.neuron and layer.path in outside:
                raise ConversionError(f"{named(layer.path, self.modules[layer.path])}: it is called inside of the network and outside of it")


# Functions and methods whose result may lie where their operand does.
_ALIASES = {"getitem", "view", "reshape", "flatten", "transpose", "swapaxes", "permute", "squeeze", "unsqueeze", "expand", "expand_as", "select",
            "narrow", "movedim", "t", "getattr", "view_as", "reshape_as", "unflatten", "diagonal", "as_strided"}
# And such that make a tensor of their own.
_ALLOCATES = {"add", "sub", "mul", "truediv", "div", "pow", "neg", "rsub", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "stack", "cat",
              "concat", "sum", "mean", "softmax", "log_softmax", "sigmoid", "tanh", "exp", "log", "clone", "matmul", "linear"}


def _name(node):
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def is_alias(node):
    """Whether an operation may give what lies where its operand does."""
    return node.op in ("call_function", "call_method") and _name(node) in _ALIASES


def names_of(node):
    """A node and those whose memory it may share, through views and what is computed in place; the last one has made it."""
    names = [node]
    while (in_place(node) or is_alias(node)) and node.args and isinstance(node.args[0], fx.Node):
        node = node.args[0]
        names.append(node)
    return names


def root_of(node):
    """The node that has made the memory where a node lies."""
    return names_of(node)[-1]


def memory_of(root):
    """What stands for the memory that a node has made, or found: several look at a constant."""
    return root.target if root.op == "get_attr" else root


_ALLOCATING_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.AvgPool1d, nn.AvgPool2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def allocates(node, net):
    """Whether an operation or a layer is known to give a tensor that nothing else shares."""
    if node.op == "call_module":
        return type(net.get_submodule(node.target)) in _ALLOCATING_LAYERS
    return node.op in ("call_function", "call_method") and _name(node) in _ALLOCATES


__all__ = ["MADE", "MADE_EACH", "OWN", "Again", "Surroundings", "is_alias", "memory_of", "root_of"]
