# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler, as a program of its own: whatever happens in it, this process lives on."""

import dataclasses
import functools
import os
import pathlib
import re
import subprocess
import tempfile
import warnings

STANDARD_INPUT = "<stdin>:"


class CompileError(ValueError):
    """The compiler refuses a model.

    `diagnostics` is all that it said, each with its place and a caret; `status` its exit status: 1, the model is wrong;
    2, options; 70, the compiler is wrong; 71, out of memory; 74, cannot write.
    """

    def __init__(self, diagnostics, status):
        super().__init__(diagnostics)
        self.diagnostics = diagnostics
        self.status = status


class CompileWarning(UserWarning):
    """What the compiler allows, but which is hardly meant."""


def program():
    """The path of snnc, which lies in this package."""
    path = pathlib.Path(__file__).parent / "bin" / "snnc"
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: the compiler is not there; install the package snnc again")
    return str(path)


@functools.lru_cache(maxsize=4)
def _identity(path, size, time):
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    # The schedule of code for this machine depends on its second-level cache too.
    cache = pathlib.Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
    return f"{version.strip()} {size} {time} {cache.read_text().strip() if cache.exists() else ''}"


def identity():
    """A text that differs between builds of the compiler, and between machines that it makes other code for."""
    path = program()
    info = os.stat(path)
    return _identity(path, info.st_size, info.st_mtime_ns)


def number(name, value):
    """A param's value as the command line takes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"param {name}: expected a number, found {type(value).__name__}")
    return repr(value.__index__()) if hasattr(value, "__index__") else repr(float(value))


@dataclasses.dataclass(frozen=True)
class Options:
    """What a compilation is asked to do; the defaults are those of snnc."""

    defines: tuple = ()  # of (name, text)
    mode: str = "train"
    precision: str = "f32"
    target: str | None = None
    memory_limit: str | None = None

    def flags(self):
        words = [f"--mode={self.mode}", f"--precision={self.precision}"]
        if self.target is not None:
            words.append(f"--target-cpu={self.target}")
        if self.memory_limit is not None:
            words.append(f"--memory-limit={self.memory_limit}")
        for name, text in self.defines:
            words += ["-D", f"{name}={text}"]
        return words


@dataclasses.dataclass(frozen=True)
class Source:
    """The text of a model, and the file that it came from, if any."""

    text: str
    path: str | None = None

    @staticmethod
    def of(path_or_text):
        """A str with a line's end in it is a text, any other and each path a file."""
        if isinstance(path_or_text, str) and "\n" in path_or_text:
            return Source(path_or_text)
        if not isinstance(path_or_text, (str, os.PathLike)):
            raise TypeError(f"expected a path or the text of a model, found {type(path_or_text).__name__}")
        path = os.fspath(path_or_text)
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return Source(file.read(), path)

    def encoded(self):
        return self.text.encode("utf-8", errors="surrogateescape")


def run(source, options, words):
    """Runs snnc on the text; returns what it printed. Raises CompileError; what it only says becomes a CompileWarning."""
    with tempfile.TemporaryDirectory(prefix="snnc-") as folder:  # where a reproducer of a crash would be written
        command = [program(), "-", *options.flags(), *words]
        done = subprocess.run(command, input=source.encoded(), capture_output=True, cwd=folder,
                              env={**os.environ, "NO_COLOR": "1"})
        said = done.stderr.decode("utf-8", errors="replace")
        if source.path is not None:
            said = re.sub(f"^{STANDARD_INPUT}", lambda _: f"{source.path}:", said, flags=re.MULTILINE)
        if done.returncode < 0:
            raise CompileError(f"{said}snnc was ended by signal {-done.returncode}", done.returncode)
        if done.returncode != 0:
            raise CompileError(said.rstrip("\n") or f"snnc ended with status {done.returncode}", done.returncode)
        if re.search(r"^(.*: )?warning: ", said, flags=re.MULTILINE):
            warnings.warn(said.rstrip("\n"), CompileWarning, stacklevel=2)
        return done.stdout
