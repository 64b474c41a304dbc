# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What belongs to a model beside its code: tensors and numbers by name, and states of neurons."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import numpy as np

from . import _arrays, _runtime


@dataclasses.dataclass
class State:
    """What neurons carry from one step to the next, of each sample of a batch.

    `state["2.mem"]` is a view, [sample, ...], that may be written to; `steps` is how many steps have been taken.
    """

    bytes: np.ndarray  # all states of the samples, one after the other, aligned as spans are
    batch: int
    steps: int
    tensors: dict = dataclasses.field(repr=False)

    def __getitem__(self, name):
        tensor = self.tensors[name]
        dtype = _arrays.DTYPES[tensor.dtype]
        strides = (self.bytes.nbytes // self.batch, *(stride * dtype.itemsize for stride in tensor.strides))
        return np.ndarray((self.batch, *tensor.shape), dtype, self.bytes, tensor.offset, strides)

    def keys(self):
        return self.tensors.keys()

    def copy(self):
        return state_of(self.bytes, self.batch, self.steps, self.tensors)

    def __reduce__(self):
        return state_of, (self.bytes, self.batch, self.steps, self.tensors)


class StateTensor(typing.NamedTuple):
    """Where a state lies among those of one sample."""

    dtype: str
    shape: tuple
    strides: tuple  # in elements
    offset: int  # in bytes


def expect_state(value):
    if value is not None and not isinstance(value, State):
        raise TypeError(f"state: expected what a call before has returned, or None at rest, found {type(value).__name__}")


def state_of(values, batch, steps, tensors):
    aligned = _runtime.allocate(values.nbytes)
    aligned[:values.nbytes] = values
    return State(aligned[:values.nbytes], batch, steps, tensors)


class Tensors(collections.abc.Mapping):
    """Arrays of a span by name: views that may be written to, also by assignment, `parameters["0.bias"] = 0`."""

    def __init__(self, span, tensors):
        self._views = {tensor.name: _arrays.view_of(span, tensor) for tensor in tensors}

    def __getitem__(self, name):
        return self._views[name]

    def __setitem__(self, name, value):
        self._views[name][...] = value

    def __iter__(self):
        return iter(self._views)

    def __len__(self):
        return len(self._views)

    def __repr__(self):
        return "{" + ", ".join(f"{name!r}: {array.dtype}{list(array.shape)}" for name, array in self.items()) + "}"


class Hypers(collections.abc.Mapping):
    """Numbers of the loss and the optimizer by name. Setting one outside of its range is a ValueError."""

    def __init__(self, infos):
        self._infos = {info.name: (index, info) for index, info in enumerate(infos)}
        self.values_array = np.array([info.value for info in infos], np.float64)

    def __getitem__(self, name):
        return float(self.values_array[self._infos[name][0]])

    def __setitem__(self, name, value):
        if name not in self._infos:
            raise KeyError(f"the model has no number {name!r}; it has {', '.join(self._infos) or 'none'}")
        index, info = self._infos[name]
        value = _arrays.real(value, name)
        high_is_met = value < info.high if info.below_high else value <= info.high
        if not (np.isfinite(value) and info.low <= value and high_is_met):
            raise ValueError(f"{name} is {value}, expected at least {info.low:g} and "
                             f"{'below' if info.below_high else 'at most'} {info.high:g}")
        self.values_array[index] = value

    def __iter__(self):
        return iter(self._infos)

    def __len__(self):
        return len(self._infos)

    def __repr__(self):
        return repr(dict(self))
