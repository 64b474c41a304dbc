# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of users as models take them: views where that is possible, copies where elements change their type."""

import math
import operator

import numpy as np

DTYPES = {"f32": np.dtype(np.float32), "f64": np.dtype(np.float64), "u8": np.dtype(np.uint8), "i64": np.dtype(np.int64)}


def whole(value, what, least, most=None):
    """The whole number that `value` is. TypeError where it is none, ValueError where it is not within the bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: expected a whole number, found {value!r}") from None
    if number < least or (most is not None and number > most):
        raise ValueError(f"{what}: expected {least} to {most}, found {number}" if most is not None
                         else f"{what}: expected at least {least}, found {number}")
    return number


def real(value, what):
    """The number that `value` is. TypeError where it is none: a word, even of digits, or an array of several."""
    try:
        return value.__float__()
    except (AttributeError, TypeError):
        raise TypeError(f"{what}: expected a number, found {value!r}") from None


def as_numpy(value, what):
    """The same elements as a NumPy array, without a copy where the value is an array in the CPU's memory already."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{what}: a masked array has elements without a value; say .filled(number)")
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach") and hasattr(value, "numpy"):  # a tensor of PyTorch, which may have a gradient
        if value.device.type != "cpu":
            raise TypeError(f"{what}: expected a tensor in the CPU's memory, found one on {value.device}; say .cpu()")
        if str(value.dtype) == "torch.bfloat16":  # of autocast; NumPy has no such type
            value = value.float()
        try:
            return value.detach().numpy()
        except TypeError as error:  # elements or layouts that NumPy does not have
            raise TypeError(f"{what}: {error}") from None
    if hasattr(value, "__dlpack__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise TypeError(f"{what}: {error}") from None
    return np.asarray(value)


def convert(array, dtype, what):
    """Elements of `dtype` ("f32", ...). Reals do not become integers; other numbers must stay what they are, but that
    f64 is rounded to f32. TypeError or ValueError."""
    wanted = DTYPES[dtype]
    if array.dtype == wanted and array.dtype.isnative:
        # A field of packed records lies between elements.
        between = not array.flags.aligned or any(stride % wanted.itemsize for stride in array.strides)
        return array.copy() if between else array
    kind = array.dtype.kind
    if kind not in ("buif" if wanted.kind == "f" else "bui"):
        hint = "; bytes are divided in the model, as its `input u8[...] / 255` says" if dtype == "u8" and kind == "f" else ""
        raise TypeError(f"{what}: expected elements that become {dtype}, found {array.dtype}{hint}")
    result = array.astype(wanted)
    if kind in "ui" and not np.can_cast(array.dtype, wanted) and not np.array_equal(result, array):
        raise ValueError(f"{what}: expected values that {dtype} can hold, found others")
    return result


def fit(array, shape, what):
    """A view of `array` with the extents of `shape`, in which "T" and "B" stand for any. Extents of 1 may be missing or
    be too many behind those two, and a sample of one extent takes any of as many elements. ValueError."""
    lead = sum(1 for extent in shape if isinstance(extent, str))
    own = array.shape
    if len(shape) == lead + 1 < len(own) and math.prod(own[lead:]) == shape[-1]:
        return array.reshape(*own[:lead], shape[-1])
    fits = len(own) >= lead and [e for e in own[lead:] if e != 1] == [e for e in shape[lead:] if e != 1]
    if not fits:
        text = ", ".join(str(extent) for extent in shape)
        raise ValueError(f"{what}: expected the shape [{text}], found {list(own)}")
    if own[lead:] == tuple(shape[lead:]):
        return array
    kept = tuple(slice(None) if e != 1 else 0 for e in own[lead:])
    added = tuple(slice(None) if e != 1 else None for e in shape[lead:])
    return array[(slice(None),) * lead + kept][(slice(None),) * lead + added]


def view_of(span, tensor):
    """The tensor's elements in its span, as an array that may be written to."""
    dtype = DTYPES[tensor.dtype]
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    if 0 in tensor.shape:
        return np.empty(tensor.shape, dtype)
    return np.ndarray(tensor.shape, dtype, buffer=span, offset=tensor.offset, strides=strides)
