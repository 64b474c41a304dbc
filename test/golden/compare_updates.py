"""Compares updates of compiled models with the values of make_updates.py.

usage: compare_updates.py BIN SCRATCH CASE.snn...

Losses, and parameters and buffers behind all updates, agree within 1e-9 of the tensor's largest value, with one worker and with several, and
what those give is the same bits. Where there is an input, inference from the state at the end gives the same spikes."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from golden_cases import differences, run_cases
from tensor_files import read_tensors, run, write_tensors

CLOSE = 1e-9


def inference(bin, library, scratch, golden, trained):
    path, out = f"{scratch}/trained.safetensors", f"{scratch}/inference.safetensors"
    tensors = {name: ("F64", tensor.shape, tensor.numbers) for name, tensor in trained.items() if name != "losses"}
    write_tensors(path, tensors | {"input": ("F64", golden["input"].shape, golden["input"].numbers)})
    run(f"{bin}/snn-run", library, path, "-o", out)
    whole = read_tensors(out)
    run(f"{bin}/snn-run", library, path, "-o", out, "--streaming")
    found = [] if read_tensors(out)["spikes"].packed == whole["spikes"].packed else ["single steps give other spikes"]
    return found + ([] if whole["spikes"].numbers == golden["spikes"].numbers else ["spikes of inference differ"])


def compare(bin, scratch, text):
    library, out, tensors = f"{scratch}/m.so", f"{scratch}/out.safetensors", text.replace(".snn", ".safetensors")
    golden, found, packed = read_tensors(tensors), [], set()
    updates = len(golden["losses"].numbers)
    run(f"{bin}/snnc", text, "--precision=f64", "-o", library)
    for threads in (1, 3):
        run(f"{bin}/snn-run", library, tensors, "-o", out, f"--steps-of-training={updates}", f"--threads={threads}")
        got = read_tensors(out)
        packed.add(tuple(tensor.packed for _, tensor in sorted(got.items())))
    if len(packed) > 1:
        found.append("the bits depend on the number of threads")
    for name, want in golden.items():
        if name != "losses" and not name.startswith("after."):
            continue
        name = name.removeprefix("after.")
        found += differences(name, got, want, CLOSE)
    return found + (inference(bin, library, scratch, golden, got) if "input" in golden else [])


run_cases(compare)
