"""one_tensor.py OUT.safetensors TYPE EXTENTS NUMBER: a file with the tensor "0.beta" alone, all elements the same; EXTENTS as in 2,3."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import json
import math
import struct
import sys

out, dtype, extents, number = sys.argv[1:]
shape = [int(extent) for extent in extents.split(",")]
content = struct.pack({"F32": "<f", "F16": "<e"}[dtype], float(number)) * math.prod(shape)
header = json.dumps({"0.beta": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(content)]}}).encode()
with open(out, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + content)
