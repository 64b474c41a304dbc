# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a checkpoint whose 200 storages are the same megabyte of the file: `many_members.py FILE`."""

import copy
import sys
import zipfile

STORAGES, BYTES = 200, 1 << 20


def text(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


def tensor(number):
    """One element of storage `number`, as torch.save writes it."""
    storage = b"(" + text("storage") + b"ctorch\nByteStorage\n" + text(str(number)) + text("cpu") + b"K\x01tQ"
    return text(f"t{number}") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"


with zipfile.ZipFile(sys.argv[1], "w") as archive:
    archive.writestr("a/data.pkl", b"\x80\x02}(" + b"".join(map(tensor, range(STORAGES))) + b"u.")
    archive.writestr("a/data/0", bytes(BYTES))
    for number in range(1, STORAGES):
        member = copy.copy(archive.getinfo("a/data/0"))
        member.filename = f"a/data/{number}"
        archive.filelist.append(member)
