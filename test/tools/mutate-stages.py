#!/usr/bin/env python3
# Spoils the texts of stages at random and gives them to snnc --from: it must refuse them or compile them, and what it
# compiles must run.  SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  mutate-stages.py --bin=build/bin model.snn --count=50
  mutate-stages.py --bin=build/bin model.snn --count=500 --stages=loops --emit=so --run --keep=/tmp/found

Each mutant is one to three edits of a stage's text: lines go, come twice or change places; numbers, types, attributes,
symbols, operands and names of ops are exchanged; characters go. The seed decides them all. For each stage the exit
statuses of snnc are counted. Exit status: 0 if snnc only ever ended with 0 or 1 (and with --run nothing it made
crashed), else 1, after the mutants that did it were named.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter

NUMBER = re.compile(r"(?<![\w.%@#])-?\d+(?:\.\d+(?:[eE][-+]?\d+)?)?")
TYPE = re.compile(r"\b(?:f32|f64|i1|i16|i32|i64|ui8|index)\b|(?<=x)(?:f32|f64|i1|i16|i64|ui8)\b")
EXTENT = re.compile(r"(?<=[<x] )\d+(?= x)|(?<=<)\d+(?= x)|\b(?:time|sample)\b")
VALUE = re.compile(r"%[\w]+(?:#\d+)?")
SYMBOL = re.compile(r'@(?:"[^"]*"|[\w.]+)')
OP = re.compile(r"\b(?:snn|core|arith|math|func)\.[a-z_]+\b")
ATTRIBUTE = re.compile(r"[\w.]+ = (?:#(?:snn|core)\.\w+<[^>]*>|\[[^\]]*\]|[^,{}\[\]]+)(?:, )?")
NUMBERS = ["0", "1", "-1", "2", "3", "7", "16", "63", "64", "65", "1000000007", "2147483648", "4611686018427387904",
           "9223372036854775807", "0.0", "1.5", "1e300"]


def exchange(text, pattern, choices, rng):
    """Puts one of `choices` (those that occur in the text if None) in place of one match."""
    matches = list(pattern.finditer(text))
    if not matches:
        return text
    match = rng.choice(matches)
    choices = choices or sorted({m.group() for m in matches})
    return text[: match.start()] + rng.choice(choices) + text[match.end():]


def edit_lines(text, rng):
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        del lines[i]
    elif kind == 1:
        lines.insert(j, lines[i])
    elif kind == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        j = min(i + 1, len(lines) - 1)
        lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def edit_number(text, rng):
    if rng.random() < 0.5:
        return exchange(text, NUMBER, NUMBERS if rng.random() < 0.5 else None, rng)
    matches = [m for m in NUMBER.finditer(text) if "." not in m.group()]
    match = rng.choice(matches)
    value = int(match.group())
    value = rng.choice([value + 1, value - 1, value * 2, value * 16, -value, value // 2])
    return text[: match.start()] + str(value) + text[match.end():]


def swap_operands(text, rng):
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    values = list(VALUE.finditer(lines[i]))
    if len(values) >= 2:
        a, b = sorted(rng.sample(values, 2), key=lambda m: m.start())
        line = lines[i]
        lines[i] = line[: a.start()] + b.group() + line[a.end(): b.start()] + a.group() + line[b.end():]
    return "\n".join(lines)


def rename_consistently(text, rng):
    """One extent everywhere: what verifiers of single ops cannot see."""
    extents = sorted(set(EXTENT.findall(text)))
    if not extents:
        return text
    old, new = rng.choice(extents), rng.choice(extents + ["1", "17", "0"])
    return re.sub(r"\b" + re.escape(old) + r"(?= x)", new, text)


def drop_character(text, rng):
    i = rng.randrange(len(text))
    return text[:i] + text[i + 1:]


EDITS = [
    edit_lines, edit_lines, edit_number, edit_number, swap_operands, rename_consistently, drop_character,
    lambda text, rng: exchange(text, TYPE, ["f32", "f64", "i1", "i16", "i64", "ui8"], rng),
    lambda text, rng: exchange(text, EXTENT, ["time", "sample", "0", "1", "17", "1000000007"], rng),
    lambda text, rng: exchange(text, VALUE, None, rng),
    lambda text, rng: exchange(text, SYMBOL, None, rng),
    lambda text, rng: exchange(text, OP, None, rng),
    lambda text, rng: exchange(text, ATTRIBUTE, [""], rng),
    lambda text, rng: exchange(text, ATTRIBUTE, None, rng),
]


def run(command, seconds=120):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(command, "timeout", late.stdout)


def runs(options, library, folder):
    """Whether the library survives a training step on random data: True, or what ended it."""
    data = os.path.join(folder, "data.safetensors")
    for command in ([f"{options.bin}/snn-random", library, "-o", data, "--batch=37"],
                    [f"{options.bin}/snn-run", library, data, "-o", data + ".out", "--steps-of-training=1"]):
        status = run(command).returncode
        if isinstance(status, str) or status < 0 or status >= 128:
            return f"{os.path.basename(command[0])} ended with {status}"
        if status != 0:
            return True
    return True


def try_stage(options, stage, text, folder):
    counts, bad = Counter(), []
    for number in range(options.first, options.first + options.count):
        rng = random.Random(f"{options.seed} {stage} {number}")
        mutant = text
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            mutant = rng.choice(EDITS)(mutant, rng)
        if mutant == text:
            counts["unchanged"] += 1
            continue
        path, result = os.path.join(folder, f"{stage}{number}.mlir"), os.path.join(folder, "result")
        with open(path, "w") as file:
            file.write(mutant)
        ended = run([f"{options.bin}/snnc", f"--from={stage}", path, f"--emit={options.emit}", "-o", result])
        counts[ended.returncode] += 1
        why = None
        if ended.returncode not in (0, 1):
            why = f"snnc ended with {ended.returncode}"
        elif ended.returncode == 0 and options.run:
            survived = runs(options, result, folder)
            if survived is not True:
                why = survived
        if why:
            bad.append(f"{stage} {number}: {why}")
            if options.keep:
                os.makedirs(options.keep, exist_ok=True)
                with open(os.path.join(options.keep, f"{stage}{number}.mlir"), "w") as file:
                    file.write(mutant)
                with open(os.path.join(options.keep, f"{stage}{number}.log"), "wb") as file:
                    file.write(ended.stdout or b"")
        os.remove(path)
    return counts, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the model whose stages are spoilt")
    parser.add_argument("--bin", required=True, help="the folder of snnc, snn-opt, snn-random and snn-run")
    parser.add_argument("--stages", default="snn,bptt,loops")
    parser.add_argument("--count", type=int, default=50, help="mutants of each stage")
    parser.add_argument("--first", type=int, default=0, help="number of the first one, to repeat it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--emit", default="cpu", help="how far snnc goes (the stage itself is always possible)")
    parser.add_argument("--run", action="store_true", help="run what was compiled; needs --emit=so")
    parser.add_argument("--keep", help="a folder for the mutants that were found")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for stage in options.stages.split(","):
            source = os.path.join(folder, "source.mlir")
            subprocess.run([f"{options.bin}/snnc", options.model, f"--emit={stage}", "-o", source], check=True)
            text = subprocess.run([f"{options.bin}/snn-opt", source], check=True, stdout=subprocess.PIPE).stdout.decode()
            counts, bad = try_stage(options, stage, text, folder)
            print(f"{stage}: " + ", ".join(f"{counts[key]} ended with {key}" for key in sorted(counts, key=str)))
            for line in bad:
                print("  " + line)
            failed |= bool(bad)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
