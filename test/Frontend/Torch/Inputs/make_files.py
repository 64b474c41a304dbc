"""Makes the .pt files of this folder, and what is in them as safetensors: python3 make_files.py OUT (needs torch 2.13, safetensors)."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys
import zipfile

import torch
from safetensors.torch import save_file

torch.manual_seed(1)
folder = sys.argv[1]
path = lambda name: os.path.join(folder, name)

net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2, bias=False))
torch.save(net.state_dict(), path("state_dict.pt"))
save_file(net.state_dict(), path("state_dict.safetensors"))

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
views = {
    "transposed": base.t(),
    "column": base[:, 2],
    "every_second": base[1::2, ::3],
    "itself": base,
    "again": base.view(24),
    "parameter": torch.nn.Parameter(base[0]),
    "scalar": base[2, 3],
    "empty": torch.zeros(0, 3),
    "double": torch.tensor([0.1, -2.5], dtype=torch.float64),
    "half": torch.tensor([0.1, -65504.0, 6e-8, float("inf"), 0.0, -0.0], dtype=torch.float16),
    "brain": torch.tensor([0.1, -3e38, 1e-39], dtype=torch.bfloat16),
    "long": torch.tensor([1 << 40, -1]),
    "int": torch.tensor([7, -7], dtype=torch.int32),
    "short": torch.tensor([300, -300], dtype=torch.int16),
    "char": torch.tensor([-5, 5], dtype=torch.int8),
    "byte": torch.tensor([200, 5], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
}
torch.save(views, path("views.pt"))
widened = {k: v.float() if v.dtype in (torch.float16, torch.bfloat16) else v for k, v in views.items()}
save_file({k: v.detach().clone().contiguous() for k, v in widened.items()}, path("views.safetensors"))

torch.save(net.state_dict() | {"epoch": 3, "seed": 1 << 64}, path("mixed.pt"))
optimizer = torch.optim.Adam(net.parameters())
torch.save({"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()}, path("training.pt"))

# What must be refused.
torch.save(net, path("bad_module.pt"))
torch.save(net.state_dict(), path("bad_legacy.pt"), _use_new_zipfile_serialization=False)
torch.save({"a": torch.zeros(1).expand(1000)}, path("bad_expanded.pt"))
torch.save([torch.zeros(2)], path("bad_list.pt"))
torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, path("bad_complex.pt"))
torch.save({"a": torch._neg_view(torch.ones(2))}, path("bad_sign.pt"))
torch.save({"__metadata__": torch.zeros(2)}, path("bad_name.pt"))


def changed(name, **members):
    """views.pt with other members."""
    with zipfile.ZipFile(path("state_dict.pt")) as given, zipfile.ZipFile(path(name), "w", zipfile.ZIP_DEFLATED) as file:
        for info in given.infolist():
            member = info.filename.split("/", 1)[1]
            content = members.get(member, given.read(info))
            if content is not None:
                file.writestr(info.filename, content)


pickle = zipfile.ZipFile(path("state_dict.pt")).read("state_dict/data.pkl")
changed("bad_order.pt", byteorder=b"big")
changed("bad_command.pt", **{"data.pkl": b"\x80\x02cposix\nsystem\nX\x09\x00\x00\x00touch bad\x85R."})
changed("bad_missing.pt", **{"data/0": None})
changed("bad_short.pt", **{"data/0": b"abc"})
changed("bad_opcode.pt", **{"data.pkl": b"\x80\x02i__main__\nNet\n."})
changed("bad_deep.pt", **{"data.pkl": b"\x80\x02" + b"]" * 300000 + b"a" * 299999 + b"."})
changed("bad_outside.pt", **{"data.pkl": pickle.replace(b"K\x04\x86", b"K\x7f\x86")})

# Few bytes that would become many: what is copied from one object into others, and members that unpack to more.
size = b"ctorch\nSize\nq\x00(" + b"K\x01" * 1000 + b"tq\x01" + b"h\x00h\x01\x85R" * 1000 + b"."
storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\xe8\x03\x00\x00" + b"0" * 1000 + b"X\x03\x00\x00\x00cpuK\x04tq\x01" + b"h\x01Q" * 1000 + b"."
changed("bad_extents.pt", **{"data.pkl": b"\x80\x02" + size})
changed("bad_storage.pt", **{"data.pkl": b"\x80\x02" + storage})
changed("bad_unpacks.pt", **{"data.pkl": b"\x80\x02" + b"(" * 2000000})
changed("bad_twice.pt", **{"data.pkl": b"\x80\x02X\x01\x00\x00\x00aq\x01}(" + b"h\x01N" * 2 + b"u."})
