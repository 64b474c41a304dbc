"""Makes OUT/bad/NAME.nir, files that must be refused, with h5py: python3 make_bad_files.py OUT (needs h5py 3 and numpy).
All hold the same small graph, but for what their name says."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

import h5py
import numpy as np

TEXT = h5py.string_dtype()


def node(nodes, name, **fields):
    group = nodes.create_group(name)
    for field, value in fields.items():
        group.create_dataset(field, data=value, dtype=TEXT if isinstance(value, str) else None)
    return group


def graph(file):
    file.create_dataset("version", data="1.0.8", dtype=TEXT)
    top = file.create_group("node")
    top.create_dataset("type", data="NIRGraph", dtype=TEXT)
    edges = [("in", "fc"), ("fc", "out")]
    top.create_dataset("edges", data=edges, dtype=TEXT)
    nodes = top.create_group("nodes")
    node(nodes, "in", type="Input", shape=np.array([2]))
    node(nodes, "out", type="Output", shape=np.array([2]))
    return node(nodes, "fc", type="Linear")


def replaced(make):
    """The weight is what `make` puts into the group of the Linear."""
    return lambda file: make(graph(file))


weight = np.ones((2, 2), dtype=np.float32)


def external_storage(group):
    group.create_dataset("weight", (2, 2), "f4", external=[("/etc/hostname", 0, 16)])


def virtual(group):
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "weight", (2, 2))
    group.create_virtual_dataset("weight", layout)


def link(target):
    def make(group):
        group["weight"] = target

    return make


def twice(group):
    group["weight"] = group["type"]


def loop(group):
    group["weight"] = group.parent


BAD = {
    "soft_link": replaced(link(h5py.SoftLink("/version"))),
    "external_link": replaced(link(h5py.ExternalLink("/etc/hostname", "/weight"))),
    "external_storage": replaced(external_storage),
    "virtual": replaced(virtual),
    "lzf": replaced(lambda group: group.create_dataset("weight", data=weight, compression="lzf")),
    "checksum": replaced(lambda group: group.create_dataset("weight", data=weight, fletcher32=True)),
    "shuffle": replaced(lambda group: group.create_dataset("weight", data=weight, compression="gzip", shuffle=True)),
    "twice": replaced(twice),
    "loop": replaced(loop),
    "unwritten": replaced(lambda group: group.create_dataset("weight", (2, 2), "f4")),
    "unwritten_pieces": replaced(lambda group: group.create_dataset("weight", (2, 2), "f4", chunks=(1, 1))),
    "huge": replaced(lambda group: group.create_dataset("weight", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip")),
    "bomb": replaced(lambda group: group.create_dataset("weight", (1 << 15, 1 << 14), "f4", chunks=(1 << 14, 1 << 14), compression="gzip")),
    "record": replaced(lambda group: group.create_dataset("weight", data=np.zeros(2, dtype=[("a", "f4")]))),
    "no_graph": lambda file: file.create_dataset("something", data=1),
}

if __name__ == "__main__":
    folder = os.path.join(sys.argv[1], "bad")
    os.makedirs(folder, exist_ok=True)
    for name, make in BAD.items():
        with h5py.File(os.path.join(folder, name + ".nir"), "w") as file:
            make(file)
