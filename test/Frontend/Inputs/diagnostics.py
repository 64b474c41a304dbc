# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails if a diagnostic of the table has no test that expects it, or is never reported.

    diagnostics.py SOURCE_ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
sources = root / "frontends/snn"
table = re.findall(r'^ +X\((\w+), "([a-z-]+)"\)', (sources / "Diagnostics.h").read_text(), re.M)
assert len(table) > 50, table
reports = "".join(path.read_text() for path in sorted(sources.glob("*.cpp")))
expected = set()
for path in sorted((root / "test/Frontend").rglob("*")):
    if path.suffix in (".snn", ".test"):
        for line in path.read_text().splitlines():
            if re.search(r"^\W*[A-Z][A-Z0-9_-]*:", line):  # of FileCheck
                expected.update(re.findall(r"\[([a-z-]+)\]", line))
for enumerator, name in table:
    if name not in expected:
        print(f"no test expects [{name}]")
    if f"DiagId::{enumerator}" not in reports:
        print(f"nothing reports [{name}]")
print(f"{len(table)} diagnostics")
