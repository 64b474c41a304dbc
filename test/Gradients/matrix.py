#!/usr/bin/env python3
# Gradients of every standard definition against differences, with all words of its options, for 1, 2, 7 and 64 time steps.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: matrix.py BIN SCRATCH [--steps=1,2,7,64] [--only=TEXT] [--jobs=N] [--tolerance=1e-6]

The definitions are read from frontends/snn/prelude.snn, so that a new one is checked without a change here. Each net is small, in double
precision with soft spikes, and checked by `snn-run --gradcheck`. Prints what does not agree, and at the end how many nets were checked;
exit status 1 if any does not. What states a derivative without a soft form, or has nothing to compare, is listed apart."""

import argparse
import concurrent.futures
import itertools
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "test", "tools"))
from reference import definitions

# Where the standard numbers would not fire, or blow up, with these small inputs.
NUMBERS = {"izhikevich": {"surrogate": "fast_sigmoid(slope = 1)", "dt": "0.1"}}
# With the standard numbers a soft spike that comes back makes more than itself, and 64 steps of that differ in nothing but digits.
RECURRENT = {"beta": "learn 0.5", "surrogate": "atan(alpha = 0.5)"}


def parameters(head):
    """Name and default of each parameter behind the ';' of a definition's head."""
    text = re.sub(r"\s+", " ", head[head.index("(") + 1:])
    depth, end = 1, 0
    while depth:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[end], 0)
        end += 1  # a half-open interval closes with the other bracket, which counts the same
    text = text[:end - 1]
    if ";" not in text:
        return {}
    parts, depth, part = [], 0, ""
    for letter in text.split(";", 1)[1]:
        depth += letter in "(["
        depth -= letter in ")]"
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    found = {}
    for part in parts + [part]:
        name, _, default = part.partition("=")
        found[name.partition("[")[0].strip()] = re.sub(r" in [\[(].*$", "", default).strip()
    return found


def choices(known):
    """All words of the options, as lists of arguments."""
    options = {name: re.findall(r"\w+", default)[1:] for name, default in known.items() if default.startswith("one_of")}
    for words in itertools.product(*options.values()):
        yield [f"{name} = {word}" for name, word in zip(options, words)]


def net(layers, train="loss mse_membrane", data="input f32[5] over time", definitions=""):
    lines = "\n  ".join([data, "steps ? <= 64", *layers])
    return f"snn 1\n{definitions}model m {{\n  {lines}\n}}\ntrain {{\n  {train}\n}}\n"


LAST = ["linear 4", "leaky(reset = none)"]


def neurons(name, known, head):
    fixed = NUMBERS.get(name, RECURRENT if "recurrent" in known else {})
    numbers = [f"{key} = learn {default}" for key, default in known.items() if re.fullmatch(r"-?[\d.]+(e-?\d+)?", default) and key not in fixed]
    layers = [[f"{key} = {layer}"] for key, default in known.items() if default == "linear" for layer in ("linear", "each")] or [[]]
    for words, layer in itertools.product(choices(known), layers):
        arguments = words + layer + [f"{key} = {value}" for key, value in fixed.items()]
        yield f"{name}({', '.join(words + layer)})", net(["linear 6", f"{name}({', '.join(numbers + arguments)})", *LAST])


def surrogates(name, known, head):
    yield name, net(["linear 6", f"leaky(surrogate = {name})", *LAST])


SHAPES = {1: "[6]", 2: "[2, 7]", 3: "[2, 5, 6]"}
CALLS = {"linear": ["linear(4)"], "conv": ["conv(4, kernel = 3)", "conv(4, kernel = 2, stride = 2, padding = 1, dilation = 2, groups = 2)"],
         "max_pool": ["max_pool(2)", "max_pool(3, stride = 2, padding = 1)"], "avg_pool": ["avg_pool(2)", "avg_pool(3, stride = 2, padding = 1)"],
         "adaptive_avg_pool": ["adaptive_avg_pool(2)"], "slstm": ["slstm(4)"], "sconv_lstm": ["sconv_lstm(2, kernel = 3)"]}


def layers(name, known, head):
    inputs = re.split(r"[;)]", head[head.index("(") + 1:])[0]
    ranks = [2, 3] if "..." in inputs else [inputs.count(",") + 1]
    two = len(re.findall(r"\[", inputs)) == 2
    if two:
        ranks = [1, 2, 3]
    for rank, call, words in itertools.product(ranks, CALLS.get(name, [name]), choices(known)):
        text = call[:-1] + ", " + ", ".join(words) + ")" if words and call.endswith(")") else f"{call}({', '.join(words)})" if words else call
        if two:
            text = f"{name}(h)"
        lines = (["h: state_leaky"] if two else []) + ["leaky(reset = none)", text, "flatten", *LAST]
        yield f"{text} on {SHAPES[rank]}", net(lines, data=f"input f32{SHAPES[rank]} over time")


def losses(name, known, head):
    inputs = re.findall(r"\w+", head[head.index("(") + 1:].split(";")[0].split(")")[0])
    body = ["linear 6", "h: leaky(reset = none)", "linear 4", "leaky(reset = none)"]
    if "target" in inputs:
        for over in ("", " over time"):
            if name == "mse_rate" and over:
                continue
            yield f"{name}{over}", net(body, f"loss {name}", f"input f32[5] over time\n  target f32[4]{over}")
        return
    for words in choices(known):
        forms = [words] + [words + [extra] for key, extra in (("weights", "weights = (1, 2, 0.5, 3)"), ("smoothing", "smoothing = 0.2")) if key in known]
        for form, population in itertools.product(forms, (False, True)):
            call = f"{name}({', '.join(form)})" if form else name
            lines = body[:2] + (["linear 8", "leaky(reset = none)", "population(classes = 4)"] if population else body[2:])
            yield call + (" population" if population else ""), net(lines, f"loss {call}")


MAKERS = {"neuron": neurons, "surrogate": surrogates, "layer": layers, "loss": losses}


def nets():
    with open(os.path.join(ROOT, "frontends", "snn", "prelude.snn")) as file:
        prelude = file.read()
    for kind, name, text in definitions(prelude):
        if kind in MAKERS:
            head = re.sub(r"(?m)^#.*\n", "", text)
            for label, body in MAKERS[kind](name, parameters(head), head):
                yield f"{kind} {label}", body


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("scratch")
    parser.add_argument("--steps", default="1,2,7,64")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--tolerance", default="1e-6")
    options = parser.parse_args()
    os.makedirs(options.scratch, exist_ok=True)

    def check(task):
        number, (label, body), steps = task
        path = os.path.join(options.scratch, f"net{number}_{steps}.snn")
        with open(path, "w") as file:
            file.write(body)
        done = subprocess.run([os.path.join(options.bin, "snn-run"), "--gradcheck", path, f"--steps={steps}", f"--tolerance={options.tolerance}"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return f"{label}, {steps} steps", done.returncode, done.stdout

    tasks = [(number, each, steps) for number, each in enumerate(nets()) if options.only in each[0] for steps in options.steps.split(",")]
    agree, apart, failed = 0, [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for label, status, output in pool.map(check, tasks):
            if status == 0:
                agree += 1
            elif "DIFFERS" not in output and "error:" not in output and ("left out" in output or "nothing" in output):
                apart.append(label)
            else:
                failed.append(label)
                print(f"== {label}\n{output}", flush=True)
    print("not to be compared: " + "; ".join(apart))
    print(f"{len(tasks)} nets: {agree} agree, {len(apart)} not to be compared, {len(failed)} failed")
    sys.exit(1 if failed or not agree else 0)


main()
