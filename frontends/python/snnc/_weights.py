# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parameters in dictionaries and files; the rules are those of snn-train's checkpoints, in the runtime."""

import os
from collections.abc import Mapping

import numpy as np

from . import _arrays, _runtime


def state_dict(model):
    tensors = {name: np.array(array, order="C")
               for arrays in (model.parameters, model.buffers) for name, array in arrays.items()}
    for constant in model.library.constants:
        tensors[constant.name] = np.full(constant.shape, constant.value, _arrays.DTYPES[constant.dtype])
    return tensors


def _contiguous(tensors, what):
    arrays = {name: _arrays.as_numpy(value, f"{what}: tensor {name!r}") for name, value in tensors.items()}
    return {name: np.asarray(array, array.dtype.newbyteorder("="), order="C") for name, array in arrays.items()}


def check_constants(model, tensors, what):
    model.library.check_constants(_contiguous(tensors, what), what)


def _take(model, arrays):
    for targets in (model.parameters, model.buffers):
        for name, target in targets.items():
            target[...] = arrays[name]


def load_state_dict(model, tensors, strict, what):
    if not isinstance(tensors, Mapping):
        raise TypeError(f"expected a dictionary of arrays by name, found {type(tensors).__name__}")
    _take(model, model.library.weights(_contiguous(tensors, what), what, strict))


def save(model, path):
    tensors = state_dict(model)
    for name, array in tensors.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} has values that are not finite; a smaller learning rate may help")
    metadata = {"format": "pt", "model": model.name, "model_hash": f"{model.library.model_hash:016x}"}
    _runtime.write_safetensors(os.fspath(path), tensors, metadata)


def load(model, path, strict):
    _take(model, model.library.read_weights(os.fspath(path), strict))
