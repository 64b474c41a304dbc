# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models by content, in a folder that all processes of a user share.

The folder is `$SNNC_CACHE_DIR`, or `snnc` in `$XDG_CACHE_HOME` or `~/.cache`, or `snnc-UID` in the temporary folder where a user
has no home. It holds at most `$SNNC_CACHE_MB` (512) megabytes; what was used least recently goes first. What lies there is code
that this process will run, so a folder that others may write to is not used.
"""

import contextlib
import os
import pathlib
import stat
import tempfile
import time
import warnings

_UNFINISHED_SECONDS = 3600  # a file that is being written for longer belongs to a process that is gone


def folder():
    """The folder, whether or not it exists."""
    own = os.environ.get("SNNC_CACHE_DIR")
    if own:
        return pathlib.Path(own).absolute()
    home = os.environ.get("XDG_CACHE_HOME")
    if not home:
        try:
            home = pathlib.Path.home() / ".cache"
        except RuntimeError:  # users without one, as in containers
            return pathlib.Path(tempfile.gettempdir()) / f"snnc-{os.getuid()}"
    return pathlib.Path(home) / "snnc"


def limit():
    """Bytes that may stay."""
    text = os.environ.get("SNNC_CACHE_MB", "512")
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = -1
    if not 0 <= megabytes < 1e9:
        raise ValueError(f"SNNC_CACHE_MB is {text!r}, expected a number of megabytes")
    return int(megabytes * 1e6)


def clear():
    """Removes all compiled models; open ones go on working."""
    for path, _ in _entries(folder()):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _entries(where):
    """Files and what the system says of them; others may come and go meanwhile."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in where.iterdir():
            if path.suffix in (".so", ".part"):
                with contextlib.suppress(FileNotFoundError):
                    found.append((path, path.stat()))
    return found


def _prepare():
    """The folder, made if need be; None, with a warning, if it cannot be used."""
    where = folder()
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = where.stat()
    except OSError as error:
        warnings.warn(f"compiled models are not kept: {error}", stacklevel=4)
        return None
    if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        warnings.warn(f"compiled models are not kept: {where} belongs to somebody else, or others may write there",
                      stacklevel=4)
        return None
    return where


def _trim(where, keep):
    """Removes what was used least recently until the rest is within the limit."""
    entries = sorted(_entries(where), key=lambda entry: entry[1].st_mtime)
    total = sum(info.st_size for _, info in entries)
    for path, info in entries:
        if path.suffix == ".part":
            stale = time.time() - info.st_mtime > _UNFINISHED_SECONDS
        else:
            stale = total > limit() and path != keep
        if stale:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= info.st_size


def obtain(key, make, use):
    """What `use(path)` makes of the library of this key, which `make(path)` writes if it is not there.

    Files appear under their names when they are complete, so processes may meet here in any order: at worst two make the
    same file. One that another process removes in between, or that `use` refuses, is made anew.
    """
    where = _prepare()
    if where is None:
        with tempfile.TemporaryDirectory(prefix="snnc-") as scratch:
            path = os.path.join(scratch, f"{key}.so")
            make(path)
            return use(path)
    path = where / f"{key}.so"
    with contextlib.suppress(OSError, ValueError):
        os.utime(path)
        return use(str(path))
    handle, part = tempfile.mkstemp(suffix=".part", prefix=key[:16], dir=where)
    os.close(handle)
    try:
        make(part)
        opened = use(part)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise
    _trim(where, keep=path)
    return opened
