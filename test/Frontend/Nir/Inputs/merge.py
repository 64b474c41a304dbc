"""merge.py FROM... TO: all tensors of several safetensors files in one, which snn-run takes."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools"))
import tensor_files

DTYPES = {4: "F32", 8: "F64"}
merged = {}
for path in sys.argv[1:-1]:
    for name, tensor in tensor_files.read_tensors(path).items():
        dtype = DTYPES[len(tensor.packed) // max(len(tensor.numbers), 1)]
        merged[name] = (dtype, tensor.shape, tensor.numbers)
tensor_files.write_tensors(sys.argv[-1], merged)
