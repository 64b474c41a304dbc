"""run.py BIN MODEL.snn CASE.safetensors NAME: runs an imported model, whose weights stand beside it, once in one call and once step by
step, on the input of the case, and compares an output with that of the program that made the case."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools"))
import tensor_files

DTYPES = {4: "F32", 8: "F64"}
binaries, model, case, name = sys.argv[1:]
stem = os.path.splitext(model)[0]
tensors = {}
for path in (stem + ".safetensors", case):
    for key, tensor in tensor_files.read_tensors(path).items():
        dtype = DTYPES[len(tensor.packed) // max(len(tensor.numbers), 1)]
        tensors[key] = (dtype, tensor.shape, tensor.numbers)
tensor_files.write_tensors(stem + ".given.safetensors", tensors)
tool = lambda tool, *words: tensor_files.run(os.path.join(binaries, tool), *words)
tool("snnc", model, "--mode=infer", "-o", stem + ".so")
for words in ([], ["--streaming"]):
    tool("snn-run", stem + ".so", stem + ".given.safetensors", "-o", stem + ".out.safetensors", *words)
    print(tool("snn-compare", stem + ".out.safetensors", case, "--names=" + name, "--exact=spikes", "--rtol=2e-6"))
