"""Compares compiled models with the values of make_language.py.

usage: compare_language.py BIN SCRATCH CASE.snn...

Spikes are equal; membranes, the loss and gradients agree within 1e-9 of the tensor's largest value, and within 1e-6 with snnTorch's losses,
which add in single precision."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from golden_cases import differences, run_cases
from tensor_files import read_tensors, run



def compare(bin, scratch, text):
    library, out, golden = f"{scratch}/m.so", f"{scratch}/out.safetensors", text.replace(".snn", ".safetensors")
    run(f"{bin}/snnc", text, "--precision=f64", "-o", library)
    run(f"{bin}/snn-run", library, golden, "-o", out, "--gradients")
    got, found = read_tensors(out), []
    close = 1e-6 if os.path.basename(text).startswith("loss_") else 1e-9
    for name, want in read_tensors(golden).items():
        is_spike = name == "spikes" or name.startswith("hidden.")
        if not is_spike and name not in ("membrane", "loss") and not name.startswith(("hidden_membrane.", "grad.", "next.", "metric.")):
            continue
        name = name.removeprefix("next.")  # of a buffer, whose start has the name
        found += differences(name, got, want, 0 if is_spike else close)
    return found


run_cases(compare)
