# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values of a trace, which forward computes with as with tensors."""

import operator

import torch
from torch import fx

from .errors import ConversionError
from .examples import a_real_of
from .memory import OPERATORS


class TracedValue(fx.Proxy):
    """A tensor of which no extents are known."""

    @property
    def device(self):
        return a_real_of(self.tracer.root).device

    @property
    def dtype(self):
        known = self.tracer.examples.of(self.node) if self.tracer.given.shape is not None else None
        return known.dtype if isinstance(known, torch.Tensor) else a_real_of(self.tracer.root).dtype

    _is_param = _is_buffer = False  # which nn.Module asks of tensors
    kind = torch.Tensor  # what it is in a call of the network

    def __setitem__(self, index, value):
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})


def _writing(name):
    operation = getattr(operator, name.strip("_"))
    return lambda self, other: self.tracer.create_proxy("call_function", operation, (self, other), {})


# What fx takes for operations that make a new tensor.
for _name in OPERATORS:
    setattr(TracedValue, _name, _writing(_name))


class TracedCall(TracedValue):
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


class TracedTensor(TracedValue):
    """The input, or what forward has made of it, whose extents are known if a sample was given."""

    def __init__(self, node, tracer, known):
        super().__init__(node, tracer)
        self.known = known

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
        self.tracer.asks_extents = True
        return torch.Size(self.known)
