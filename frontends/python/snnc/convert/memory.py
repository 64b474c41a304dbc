# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What nodes of a graph do to tensors: which are copies of the input, what shares memory, and what writes into it."""

import inspect
import operator

import torch
from torch import fx, nn
from torch.nn import functional

# Methods and functions that give the numbers of a tensor as they are; "to" does with some arguments.
COPIES = ("float", "double", "to", "cpu", "cuda", "clone", "contiguous", torch.clone)

RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, "relu", "relu_")

OPERATORS = ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__", "__imatmul__", "__iand__", "__ior__", "__ixor__")

# Functions and methods that give a tensor of their own, which nothing else shares; of all others none is known to.
_ALLOCATES = set("""abs add all any argmax argmin bernoulli bmm cat clamp clip clone concat conv1d conv2d cos cumprod cumsum div empty_like eq exp floor full_like
ge gelu gt le leaky_relu linear log log_softmax logical_and logical_not lt matmul max_pool1d max_pool2d mean mul mm ne neg new_empty new_full new_ones
new_zeros norm one_hot ones ones_like outer pow prod rand_like randn_like reciprocal repeat round rsqrt rsub sigmoid sign sin softmax softplus sqrt
square stack std sub sum tanh tile truediv var where zeros zeros_like""".split())
ALLOCATING_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.AvgPool1d, nn.AvgPool2d, nn.BatchNorm1d,
                     nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


def name_of(node):
    """Of a function, a method or a layer."""
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def is_operation(node):
    return node.op in ("call_function", "call_method")


def swaps(node):
    """Whether an operation exchanges the first two axes: x.transpose(0, 1), x.permute(1, 0, 2)."""
    axes = node.args[1:]
    axes = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else tuple(axes)
    if name_of(node) in ("transpose", "swapaxes"):
        return axes in ((0, 1), (1, 0))
    return name_of(node) == "permute" and len(axes) > 1 and axes == (1, 0, *range(2, len(axes)))


def view(node):
    """None, or if a node is the input, a copy or a view of it, whether its first two axes are exchanged."""
    if node.op == "placeholder":
        return False
    if not is_operation(node) or not node.args or not isinstance(node.args[0], fx.Node):
        return None
    if node.target in COPIES:
        return view(node.args[0])
    seen = view(node.args[0]) if swaps(node) else None
    return None if seen is None else not seen


def is_input(node):
    """Whether a node is an input, or a copy of it."""
    return view(node) is False


def changes(name):
    """Whether a function or method of this name writes into its first argument."""
    return name in (*OPERATORS, "__setitem__") or (name.endswith("_") and not name.endswith("__"))


def in_place(node):
    """Whether an operation writes into its first operand, or a layer into its input."""
    if "in place" not in node.meta:  # of layers that is known since they were called
        node.meta["in place"] = is_operation(node) and _writes(node)
    return node.meta["in place"]


def _writes(node):
    if changes(name_of(node)) or node.target in _WRITES or node.kwargs.get("out") is not None or node.kwargs.get("inplace"):
        return True
    if node.target in RELUS:
        return bool({*node.args[1:], *node.kwargs.values()} & {True})
    try:
        return bool(inspect.signature(node.target).bind(*node.args, **node.kwargs).arguments.get("inplace"))
    except (TypeError, ValueError):  # what is built in says nothing, and has no such argument
        return False


_WRITES = (operator.setitem, *(getattr(operator, name.strip("_")) for name in OPERATORS))


def is_alias(node):
    """Whether an operation may give what lies where its operand does."""
    return is_operation(node) and name_of(node) not in _ALLOCATES


def allocates(node):
    """Whether an operation or a layer is known to give a tensor that nothing else shares."""
    return node.meta.get("allocates", False) if node.op == "call_module" else is_operation(node) and not in_place(node) and not is_alias(node)


def names_of(node):
    """A node and those whose memory it may share, through views and what is computed in place; the last one has made it."""
    names = [node]
    while (in_place(node) or is_alias(node)) and node.args and isinstance(node.args[0], fx.Node):
        node = node.args[0]
        names.append(node)
    return names


def memory_of(node):
    """What stands for the memory where a node lies: the node that has made it, or the name of a constant, which several look at."""
    if "memory" not in node.meta:
        *_, root = names_of(node)
        node.meta["memory"] = root.target if root.op == "get_attr" else root
    return node.meta["memory"]
