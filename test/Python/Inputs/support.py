# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the package share: tools, golden files, comparisons."""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import numpy as np

import snnc
from snnc import _runtime



def _fail(found):
    """What fails in a thread fails the test."""
    sys.excepthook(found.exc_type, found.exc_value, found.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


threading.excepthook = _fail

SOURCE = pathlib.Path(os.environ["SNN_SOURCE"])
GOLDEN = SOURCE / "test" / "golden"


def tool(name, *words):
    """What a tool of the build folder prints; it must succeed."""
    command = [os.path.join(os.environ["SNN_BIN"], name), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def tensors(path):
    return _runtime.read_safetensors(str(path))[0]


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield pathlib.Path(name)


@contextlib.contextmanager
def raises(kind, *parts):
    """The body fails with this exception, and its message has these parts."""
    try:
        yield
    except kind as error:
        message = str(error)
        for part in parts:
            assert part in message, f"expected {part!r} in {message!r}"
        return
    raise AssertionError(f"expected {kind.__name__} with {parts}")


def same_bits(a, b, what):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape and a.dtype == b.dtype, f"{what}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"
    assert a.tobytes() == b.tobytes(), f"{what}: differs by {np.abs(a.astype(float) - b.astype(float)).max()}"


def close(a, b, bound, what):
    """The largest error is at most `bound` of the largest value of `b`."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape, f"{what}: {a.shape} and {b.shape}"
    largest = np.abs(b).max() if b.size else 0
    error = np.abs(a - b).max() if b.size else 0
    assert error <= bound * largest, f"{what}: error {error:.3g} of {largest:.3g}, {error / max(largest, 1e-300):.2g}"


def random_images(count, seed=0, shape=(1, 28, 28)):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *shape), np.uint8), random.integers(0, 10, count)


def population(**options):
    return snnc.compile(SOURCE / "examples" / "fashion_mnist" / "population.snn", **options)
