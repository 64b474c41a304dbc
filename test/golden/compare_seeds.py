#!/usr/bin/env python3
# Compares single precision with snnTorch's over seeds that nobody has chosen.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: compare_seeds.py BIN SCRATCH FOLDER...

A folder has CASE.json, which says what the network is, and CASE.safetensors of snnTorch in single precision, of any seed (README.md). Fails where
spikes differ, where double precision (of the same text) is further than 1e-3 from snnTorch's membranes, loss or gradients, or where single precision
is further than that from double. At the end stands in how many tensors ours is within 1e-5 of snnTorch's, and each of the two of double precision."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
from tensor_files import read_tensors, run

OPTIONS = {"reset_mechanism": "reset", "reset_delay": "delay", "beta": "beta", "alpha": "alpha", "threshold": "threshold", "R": "R",
           "graded_spikes_factor": "graded_spikes_factor", "inhibition": "inhibition"}
SURROGATES = {"fast_sigmoid": "fast_sigmoid(slope = 25)", "atan": "atan(alpha = 2)", "sigmoid": "sigmoid(slope = 5)",
              "triangular": "triangular(threshold = 1)", "spike_rate_escape": "spike_rate_escape(beta = 1, slope = 5)"}


def neuron(case):
    options, arguments = case["options"], []
    for name, ours in OPTIONS.items():
        if name in options:
            value = str(options[name]).lower()
            arguments.append(f"{ours} = {'learn ' if options.get('learn_' + name) else ''}{value}")
        elif options.get("learn_" + name):
            arguments.append(f"{ours} = learn 1.0")
    if case["neuron"] == "Lapicque":  # R and C give the decay
        arguments.append(f"beta = exp(-1 / ({options['R']} * {options['C']}))")
    if case["neuron"].startswith("R"):
        arguments.append("recurrent = " + ("linear" if options.get("all_to_all", True) else "each"))
    surrogate = options.get("spike_grad", "fast_sigmoid")
    arguments.append(f"surrogate = {SURROGATES.get(surrogate, surrogate)}")
    return f"{case['neuron'].lower()}({', '.join(arguments)})"


def model(case):
    cell = neuron(case)
    over = "" if case["static"] else " over time"
    if case["kind"] == "conv":
        lines = ["input f32[2, 10, 10]" + over, "conv(4, kernel = 3, padding = 1)", "max_pool(2)", cell, "conv(6, kernel = 3, stride = 2)",
                 "avg_pool(1)", cell, "flatten", "linear 10", cell]
    else:
        inputs, hidden, outputs = case["sizes"]
        lines = [f"input f32[1, {inputs}]" + over, "flatten", f"linear {hidden}", cell, f"linear {outputs}", cell]
    if case["classes"]:
        lines.append(f"population(classes = {case['classes']})")
    loss = case["loss"]
    if loss == "mse_count":
        loss += "(correct = 0.8, incorrect = 0.2)"
    elif loss == "mse_temporal":
        loss += f"(correct = 1, incorrect = {case['T'] - 1})"
    lines.insert(1, f"steps {case['T']}")
    return "snn 1\nmodel golden {\n  " + "\n  ".join(lines) + f"\n}}\ntrain {{\n  loss {loss}\n}}\n"


def distance(a, b):
    largest = max(map(abs, b), default=0)
    return max((abs(x - y) for x, y in zip(a, b)), default=0) / (largest or 1)


def compare(bin, scratch, folder, name, tally):
    with open(f"{folder}/{name}.json") as file:
        case = json.load(file)
    text, golden = f"{scratch}/{name}.snn", f"{folder}/{name}.safetensors"
    with open(text, "w") as file:
        file.write(model(case))
    results = []
    for precision in ("f32", "f64"):
        run(f"{bin}/snnc", text, f"--precision={precision}", "-o", f"{scratch}/m.so")
        run(f"{bin}/snn-run", f"{scratch}/m.so", golden, "-o", f"{scratch}/out.safetensors", "--gradients")
        results.append(read_tensors(f"{scratch}/out.safetensors"))
    ours, exact = results
    for tensor, want in read_tensors(golden).items():
        is_spike = tensor == "spikes" or (tensor.startswith("hidden.") and "graded" not in name)
        if not is_spike and tensor not in ("membrane", "loss") and not tensor.startswith(("hidden", "grad.")):
            continue
        if tensor.endswith(".V"):  # which snnTorch holds under two names
            tensor = tensor.removesuffix("V") + "recurrent.V"
        if tensor not in ours:
            yield f"{tensor} is missing"
            continue
        got, judge = ours[tensor].numbers, exact[tensor].numbers
        error = distance(got, want.numbers)
        if is_spike and "graded" not in name:
            tally["spikes"] += 1
            if error:
                yield f"{tensor}: spikes differ"
            continue
        own, theirs = distance(got, judge), distance(want.numbers, judge)
        tally["tensors"] += 1
        tally["within"] += error <= 1e-5
        tally["ours"] += own <= 1e-5
        tally["theirs"] += theirs <= 1e-5
        tally["closer"] += own < theirs
        if max(own, theirs) > 1e-3:
            yield f"{tensor}: from double precision ours {own:.1e}, snnTorch's {theirs:.1e}"


def main():
    bin, scratch, *folders = sys.argv[1:]
    os.makedirs(scratch, exist_ok=True)
    tally = dict.fromkeys(("cases", "spikes", "tensors", "within", "ours", "theirs", "closer"), 0)
    failed = 0
    for folder in folders:
        for name in sorted(file[:-5] for file in os.listdir(folder) if file.endswith(".json")):
            tally["cases"] += 1
            try:
                found = list(compare(bin, scratch, folder, name, tally))
            except Exception as failure:
                found = [str(failure)]
            failed += bool(found)
            for line in found:
                print(f"{folder}/{name}: {line}", flush=True)
    print(f"{tally['cases']} cases, {failed} failed; {tally['spikes']} tensors of spikes; of {tally['tensors']} others {tally['within']} within 1e-5 of snnTorch; "
          f"of double precision ours in {tally['ours']}, snnTorch's in {tally['theirs']}; ours is closer in {tally['closer']}")
    sys.exit(1 if failed or not folders else 0)


main()
