# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the first images of Fashion-MNIST as a data folder of their own: slice_images.py FOLDER --train=N --test=N"""

import argparse
import gzip
import os
import struct

SOURCE = "/usr/share/datasets/fashion-mnist"


def slice_file(name, folder, count):
    with gzip.open(f"{SOURCE}/{name}.gz") as file:
        magic = file.read(4)
        extents = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
        size = 1
        for extent in extents[1:]:
            size *= extent
        count = min(count, extents[0])
        with open(os.path.join(folder, name), "wb") as out:
            out.write(magic + struct.pack(f">{magic[3]}I", count, *extents[1:]) + file.read(count * size))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--train", type=int, default=1280)
    parser.add_argument("--test", type=int, default=256)
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    for split, count in (("train", arguments.train), ("t10k", arguments.test)):
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            slice_file(f"{split}-{kind}", arguments.folder, count)


if __name__ == "__main__":
    main()
