"""draw.py BIN COMPILED SEED OUT.safetensors: random parameters and input for a compiled model, with decays from 0.3 to 0.9 and
thresholds from 0.3 to 0.9 where these are read from weights."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools"))
import tensor_files

binaries, compiled, seed, out = sys.argv[1:]
tensor_files.run(os.path.join(binaries, "snn-random"), compiled, "-o", out, "--batch=3", "--no-labels", "--seed=" + seed)
tensors = {}
for name, tensor in tensor_files.read_tensors(out).items():
    numbers = tensor.numbers
    if name.endswith((".beta", ".threshold")):
        numbers = [0.3 + 0.6 * ((abs(number) + 0.37 * i) % 1) for i, number in enumerate(numbers)]
    tensors[name] = ("F32", tensor.shape, numbers)
tensor_files.write_tensors(out, tensors)
