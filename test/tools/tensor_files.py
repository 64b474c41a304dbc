# Safetensors files in plain Python, and programs that may fail: what the test scripts share.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import collections
import json
import os
import struct
import subprocess

FORMATS = {"F64": "d", "F32": "f", "I64": "q", "U8": "B", "BOOL": "B"}

Tensor = collections.namedtuple("Tensor", "shape numbers packed")


def read_tensors(path):
    """name -> Tensor; `packed` is the bytes of the numbers."""
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            packed, code = content[start + begin:start + end], FORMATS[entry["dtype"]]
            numbers = struct.unpack(f"<{len(packed) // struct.calcsize(code)}{code}", packed)
            tensors[name] = Tensor(entry["shape"], numbers, packed)
    return tensors


def write_tensors(path, tensors):
    """tensors: name -> (dtype, shape, numbers)"""
    header, data = {}, b""
    for name, (dtype, shape, numbers) in tensors.items():
        packed = struct.pack(f"<{len(numbers)}{FORMATS[dtype]}", *numbers)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Failed(Exception):
    pass


def run(*command):
    """Its output; Failed, with the beginning of it, if the program ends with anything but 0."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(os.path.basename, command))} ended with {done.returncode}: {done.stdout[:1500]}")
    return done.stdout
