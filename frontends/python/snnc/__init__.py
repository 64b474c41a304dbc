# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""snnc: a compiler that trains spiking neural networks.

    import snnc

    model = snnc.compile("population.snn", hidden=256)      # a file, or the text itself
    model.fit(images, labels, epochs=5, validation=0.1)
    model.evaluate(test_images, test_labels)                # {"loss": ..., "accuracy": ...}
    spikes = model(test_images[:8])                         # [time, sample, neuron]

    net = snnc.torch.Module("population.snn")               # an nn.Module, with PyTorch's autograd
    net = snnc.from_snntorch(net).torch()                   # a net of snnTorch, compiled

Arrays are NumPy's or anything that speaks DLPack (PyTorch, JAX) in the CPU's memory, of any strides. Time is the first
axis, then come samples, as in snnTorch. Parameters have the names and shapes of PyTorch's `state_dict`.
"""

import importlib as _importlib

from ._compiler import CompileError, CompileWarning
from ._model import Model, State, compile
from ._runtime import FileError, ModelError

__all__ = ["CompileError", "CompileWarning", "FileError", "Model", "ModelError", "State", "cache", "compile",
           "from_norse", "from_snntorch", "from_spikingjelly", "torch"]
__version__ = "0.1.0"


def __getattr__(name):
    """`snnc.torch` and what stands on it import PyTorch, which not everyone has, when they are first used."""
    if name in ("cache", "convert", "torch"):
        return _importlib.import_module(f"snnc.{name}")
    if name in ("from_norse", "from_snntorch", "from_spikingjelly"):
        return getattr(_importlib.import_module("snnc.convert"), name)
    raise AttributeError(f"module 'snnc' has no attribute '{name}'")
