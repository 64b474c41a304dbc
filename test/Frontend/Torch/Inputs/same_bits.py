"""same_bits.py A.safetensors B.safetensors: the same names, types, extents and bits."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], content[slice(*(start + at for at in entry["data_offsets"]))]) for name, entry in header.items()}


a, b = map(read, sys.argv[1:])
for name in sorted(a | b):
    if a.get(name) != b.get(name):
        sys.exit(f"{name}: {a.get(name)}, {b.get(name)}")
print(f"{len(a)} tensors, all bits equal")
