# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parameters in dictionaries and files, with the rules of snn-train's checkpoints."""

import os

import numpy as np

from . import _arrays, _runtime

ANOTHER = "are these the weights of another model?"


def state_dict(model):
    tensors = {name: np.array(array, order="C")
               for arrays in (model.parameters, model.buffers) for name, array in arrays.items()}
    for constant in model.library.constants:
        tensors[constant.name] = np.full(constant.shape, constant.value, _arrays.DTYPES[constant.dtype])
    return tensors


def _checked(model, name, target, value, what):
    label = f"{what}: tensor {name!r}"
    array = _arrays.as_numpy(value, label)
    if array.shape != target.shape:
        raise ValueError(f"{label} has the shape {list(array.shape)}, expected {list(target.shape)}; {ANOTHER}")
    if array.dtype.kind != target.dtype.kind or array.dtype.itemsize < 4:
        raise TypeError(f"{label} has elements of type {array.dtype}, expected {target.dtype}")
    with np.errstate(over="ignore"):
        converted = array.astype(target.dtype)
    if converted.dtype.kind == "f" and not np.isfinite(converted).all():
        raise ValueError(f"{label} has values that are not finite")
    return converted


def check_constant(constant, value, what):
    array = _arrays.as_numpy(value, what)
    compiled = {constant.value, float(np.float32(constant.value))}
    for number in array.ravel().tolist():
        if number not in compiled:
            raise ValueError(f"{what}: tensor {constant.name!r} is {number:g}, but {constant.value:g} is compiled into the "
                             "model: change the model or the weights")


def is_batch_counter(model, name):
    """PyTorch's count of batches beside running statistics, which changes no result."""
    head, _, tail = name.rpartition(".")
    return tail == "num_batches_tracked" and any(buffer.startswith(f"{head}.") for buffer in model.buffers)


def load_state_dict(model, tensors, strict, what):
    constants = {constant.name: constant for constant in model.library.constants}
    targets = {**model.parameters, **model.buffers}
    for name in tensors:
        if strict and name not in targets and name not in constants and not is_batch_counter(model, name):
            raise ValueError(f"{what}: there is a tensor {name!r}, which model {model.name} does not have; {ANOTHER}")
    for name, constant in constants.items():
        if name in tensors:
            check_constant(constant, tensors[name], what)
    checked = {}
    for name, target in targets.items():
        if name not in tensors:
            raise ValueError(f"{what}: there is no tensor {name!r}, which model {model.name} needs; {ANOTHER}")
        checked[name] = _checked(model, name, target, tensors[name], what)
    for name, target in targets.items():
        target[...] = checked[name]


def save(model, path):
    tensors = state_dict(model)
    for name, array in tensors.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} has values that are not finite; a smaller learning rate may help")
    metadata = {"format": "pt", "model": model.name, "model_hash": f"{model.library.model_hash:016x}"}
    _runtime.write_safetensors(os.fspath(path), tensors, metadata)


def load(model, path, strict):
    tensors, _ = _runtime.read_safetensors(os.fspath(path))
    load_state_dict(model, tensors, strict, os.fspath(path))
