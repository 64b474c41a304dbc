# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors that forward makes itself, and writes values of a trace into."""

import operator

import torch
from torch import fx
from torch.utils import _pytree

from .errors import ConversionError
from .memory import changes

# What nobody has written yet is something else in each call: it is 0 in a trace.
_EMPTY = {torch.empty: torch.zeros, torch.empty_like: torch.zeros_like, torch.Tensor.new_empty: torch.Tensor.new_zeros}

# What is asked of a tensor that does not depend on its elements: methods, and properties.
_OF_SHAPE = {"size", "dim", "numel", "stride", "__len__", "is_floating_point", "is_complex", "is_contiguous", "data_ptr", "untyped_storage"}
_PROPERTIES = {"shape", "dtype", "device", "ndim", "layout", "requires_grad", "is_leaf", "grad_fn", "_version", "_base"}


class Written(torch.overrides.TorchFunctionMode):
    """What forward has written values of a trace into is read as such a value: the tensor itself does not have them. A tensor that the graph
    looks at is changed in the graph."""

    def __init__(self, tracer):
        super().__init__()
        self.tracer = tracer
        self.storages = {}  # by their address; kept, so that no other tensor is given it

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        leaves = _pytree.tree_leaves((args, kwargs))
        traced = any(isinstance(leaf, fx.Proxy) for leaf in leaves)
        if function in _EMPTY and not traced:
            words = {word: value for word, value in kwargs.items() if word not in ("pin_memory", "memory_format")}
            return _EMPTY[function](*args, **words)
        if args and isinstance(args[0], torch.Tensor) and changes(name) and (traced or _address(args[0]) in self.tracer.looked_at):
            return self._record(function, name, (self._write(args[0]), *args[1:]), kwargs)
        if not traced and name not in _OF_SHAPE and any(isinstance(leaf, torch.Tensor) and _address(leaf) in self.storages for leaf in leaves):
            if name != "__get__":
                return self._record(function, name, args, kwargs)
            asked = getattr(getattr(function, "__self__", None), "__name__", "")
            if asked not in _PROPERTIES:
                raise ConversionError(f"forward asks for .{asked} of a tensor that it has written into")
        return function(*args, **kwargs)

    def _record(self, function, name, args, kwargs):
        """A node of the graph in the place of a call."""
        kind, target = "call_function", function
        if torch.overrides.is_tensor_method_or_property(function):
            operation = getattr(operator, name.strip("_"), None) if name.startswith("__") else None  # __getitem__ is operator.getitem
            kind, target = ("call_method", name) if operation is None else (kind, operation)
        return self.tracer.create_proxy(kind, target, args, kwargs)

    def _write(self, tensor):
        """The tensor itself, or of a view, the view of the tensor whose memory it is."""
        storage = tensor.untyped_storage()
        self.storages[storage.data_ptr()] = storage
        if tensor._base is None:
            return tensor
        where = (tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
        return self.tracer.create_proxy("call_function", torch.as_strided, (tensor._base, *where), {})


def _address(tensor):
    return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided and not tensor.is_meta else None


__all__ = ["Written"]
