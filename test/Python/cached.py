# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models are kept by content, within a bound, and processes may meet there."""

import os
import subprocess
import sys
import time
import warnings

import snnc
from snnc import _compiler, cache

import support

TEXT = "snn 1\nmodel tiny {\n  input f32[3]\n  steps 2\n  linear NUMBER\n  leaky\n}\n"


def text(number):
    return TEXT.replace("NUMBER", str(number))


def entries():
    return sorted(path.name for path in cache.folder().glob("*"))


with support.folder() as scratch:
    os.environ["SNNC_CACHE_DIR"] = str(scratch / "cache")
    runs = []
    run = _compiler.run
    _compiler.run = lambda *arguments: runs.append(1) or run(*arguments)
    snnc.compile(text(2))
    snnc.compile(text(2))
    assert len(runs) == 1 and len(entries()) == 1, (runs, entries())
    for other in ({"mode": "infer"}, {"precision": "f64"}, {"target": "x86-64-v3"}):
        snnc.compile(text(2), **other)
    snnc.compile(text(3))
    assert len(runs) == 5 and len(entries()) == 5
    snnc.compile(text(3), cached=False)
    assert len(runs) == 6 and len(entries()) == 5

    # What cannot be opened is made anew; what a process that is gone has left is removed.
    for path in cache.folder().glob("*.so"):
        path.write_bytes(path.read_bytes()[:1000])
    (cache.folder() / "old.part").write_bytes(b"x")
    os.utime(cache.folder() / "old.part", (0, 0))
    snnc.compile(text(3))
    assert len(runs) == 7 and "old.part" not in entries()

    # What was used least recently goes first.
    cache.clear()
    assert entries() == []
    sizes = []
    for number in range(2, 6):
        snnc.compile(text(number))
        time.sleep(0.02)
        sizes.append(max(path.stat().st_size for path in cache.folder().iterdir()))
    snnc.compile(text(2))
    os.environ["SNNC_CACHE_MB"] = str(3.5 * max(sizes) / 1e6)
    before = len(runs)
    snnc.compile(text(6))
    assert len(entries()) == 3
    snnc.compile(text(2))
    snnc.compile(text(6))
    assert len(runs) == before + 1
    snnc.compile(text(3))
    assert len(runs) == before + 2
    os.environ["SNNC_CACHE_MB"] = "many"
    with support.raises(ValueError, "SNNC_CACHE_MB", "many"):
        snnc.compile(text(7))
    del os.environ["SNNC_CACHE_MB"]

    # Somebody else's folder is not trusted.
    cache.folder().chmod(0o777)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        snnc.compile(text(2))
    assert any("others may write" in str(warning.message) for warning in said), said
    cache.folder().chmod(0o700)

    # Users without a home, whom the system does not know.
    program = "import os, pwd; pwd.getpwuid = {}.__getitem__; import snnc; print(snnc.cache.folder())"
    homeless = {name: value for name, value in os.environ.items() if name not in ("HOME", "SNNC_CACHE_DIR", "XDG_CACHE_HOME")}
    found = subprocess.run([sys.executable, "-c", program], env={**homeless, "TMPDIR": str(scratch)}, capture_output=True, text=True)
    assert found.stdout.strip() == str(scratch / f"snnc-{os.getuid()}"), found

    # Several processes at once.
    cache.clear()
    program = f"import snnc\nfor n in (2, 3, 4): snnc.compile({TEXT!r}.replace('NUMBER', str(n)))([[1, 2, 3]])"
    started = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert len(entries()) == 3, entries()
