# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How lit finds and runs the tests: text files with RUN lines, in folders that mirror the tree.

import os
import platform
import shutil
import sys

import lit.formats

config.name = "snn"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".snn", ".test"]
config.excludes = ["Inputs", "workloads", "summation", "Fuzz", "golden", "unit", "tools", "CMakeLists.txt", "README.md"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.snn_test_dir

# FileCheck, not, split-file, llvm-nm and llvm-readelf come from LLVM.
config.environment["PATH"] = os.pathsep.join(
    [config.snn_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
)
config.environment.pop("COLUMNS", None)

# Programs for other machines: what `test_packages` in the script x installs.
if shutil.which("qemu-aarch64") and os.path.isdir("/usr/aarch64-linux-gnu/include"):
    config.available_features.add("aarch64")
if shutil.which("qemu-x86_64") and platform.machine() == "x86_64":
    config.available_features.add("other-x86-64")
if shutil.which("qemu-system-arm"):
    config.available_features.add("cortex-m")
if shutil.which("valgrind"):
    config.available_features.add("valgrind")

# lit replaces in this order: a name that begins another one comes after it.
for name in ("snn-opt", "snn-run", "snn-train", "snnc"):
    path = os.path.join(config.snn_tools_dir, name)
    config.substitutions.append(("%" + name + r"\b", path))
config.substitutions += [
    (r"%bin\b", config.snn_tools_dir),
    (r"%cc\b", config.c_compiler),
    (r"%cxx\b", config.cxx_compiler),
    (r"%python\b", sys.executable),
    (r"%include\b", os.path.join(config.snn_source_dir, "runtime", "include")),
    (r"%examples\b", os.path.join(config.snn_source_dir, "examples")),
]
