# Whether two .safetensors files have the same header but for what depends on the build (model_hash, checksum), and the same
# bytes of tensors. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header.pop("__metadata__")
        return header, file.read()


sys.exit(0 if read(sys.argv[1]) == read(sys.argv[2]) else "the tensors differ")
