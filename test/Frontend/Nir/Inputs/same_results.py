"""same_results.py BIN COMPILED GIVEN.safetensors MODEL.snn WEIGHTS.safetensors: runs a compiled model and another one, with its own
weights, on the input of GIVEN, and wants the same bits of spikes and membranes."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools"))
import tensor_files

binaries, compiled, given, model, weights = sys.argv[1:]
tool = lambda tool, *words: tensor_files.run(os.path.join(binaries, tool), *words)
tool("snnc", model, "--mode=infer", "-o", "other.so")
tensors = {name: ("F64" if len(t.packed) == 8 * len(t.numbers) else "F32", t.shape, t.numbers) for name, t in tensor_files.read_tensors(weights).items()}
x = tensor_files.read_tensors(given)["input"]
tensor_files.write_tensors("other.given.safetensors", tensors | {"input": ("F32", x.shape, x.numbers)})
tool("snn-run", compiled, given, "-o", "one.out.safetensors")
tool("snn-run", "other.so", "other.given.safetensors", "-o", "other.out.safetensors")
one, other = map(tensor_files.read_tensors, ("one.out.safetensors", "other.out.safetensors"))
for name in ("spikes", "membrane"):
    if one[name].packed != other[name].packed:
        sys.exit(f"{name} differs")
print(f"spikes, membrane: same bits, {int(sum(one['spikes'].numbers))} spikes")
