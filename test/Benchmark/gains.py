#!/usr/bin/env python3
"""What single choices of the schedule are worth: training steps with and without each of them.

Examples:
  gains.py --bin=build/bin --out=/tmp/gains
  gains.py --bin=build/bin --out=/tmp/gains --work=conv,vgg --steps=order,recompute --rounds=5

The text of the stage bptt goes through the passes of the stage loops but for one, or with another option of one; both
libraries give the same bits. They run in turn, in one thread, on the data and from the weights of bench.py. Times are
ratios within a round, their median, smallest and largest.
"""
import argparse
import json
import os
import re
import statistics
import subprocess

import workloads

HERE = os.path.dirname(os.path.abspath(__file__))

# Name -> what it is, and how the list of passes is changed: a pattern and what takes its place.
STEPS = {
    "sparse": ("products with the host's data go by what is not zero", (r"sparse-columns=\d+", "sparse-columns=0")),
    "order": ("channels lie last between products", (r"func\.func\(core-order-extents\),", "")),
    "residuals": ("forward scans keep what takes least", (r"func\.func\(core-cut-residuals\),", "")),
    "in-place": ("values are computed in place of others", (r"in-place=true", "in-place=false")),
    "recompute": ("phases compute again what they can", (r"least-bytes=-?\d+", "least-bytes=-1")),
    "rows": ("chunks of several samples where steps read matrices", (r"step-rows=\d+", "step-rows=1")),
    "tables": ("tables of weights are held from step to step", (r"most-bytes=-?\d+", "most-bytes=0")),
    "still": ("products that are the same at all steps come before", (r"core-split-still\{[^}]*\},", "")),
    "sink": ("scans compute products of few terms", (r"most-terms=\d+", "most-terms=0")),
    "sums": ("scans add up over time what they make", (r"core-sum-in-scans,", "")),
    "panels": ("strips of large weights are copied for all rows", (r"large-matrix=\d+", "large-matrix=0")),
    "maps": ("large copies of weights are all workers' work", (r"task-elements=\d+", "task-elements=0")),
    "chunk": ("several samples at a time", (r"max-chunk=\d+", "max-chunk=1")),
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def passes_of(options, text):
    """The passes from bptt to loops, as snn-opt prints them, with all their options."""
    printed = subprocess.run([f"{options.bin}/snn-opt", text, "--snn-to-loops", "--dump-pass-pipeline", "-o", os.devnull],
                             check=True, capture_output=True, text=True).stderr
    return re.sub(r"\s*\n\s*", "", printed[printed.index("builtin.module"):])


def library(options, work, name, change):
    """Compiles a workload with the list of passes changed. Returns the library and the text that it comes from."""
    base, text = os.path.join(options.out, f"{work}-{name}"), os.path.join(options.out, work + ".bptt.mlir")
    loops, result = base + ".loops.mlir", base + ".so"
    model = os.path.join(HERE, "workloads", work + ".snn")
    run(f"{options.bin}/snnc", model, "--emit=bptt", "-o", text)
    passes = passes_of(options, text)
    changed = re.sub(*change, passes) if change else passes
    if change and changed == passes:
        raise SystemExit(f"gains.py: '{change[0]}' is not among the passes of the stage loops")
    scheduled = run(f"{options.bin}/snn-opt", text, f"--pass-pipeline={changed}")
    # The target is snnc's to say: it stands at the module of its own text of this stage.
    module = re.search(r"^module .*$", run(f"{options.bin}/snnc", model, "--emit=loops", "-o", "-"), re.M)[0]
    with open(loops, "w") as file:
        file.write(re.sub(r"^module \{$", lambda _: module, scheduled, flags=re.M))
    run(f"{options.bin}/snnc", loops, "--from=loops", "-o", result)
    return result, scheduled


def step_ms(options, work, path):
    workload = workloads.WORKLOADS[work]
    printed = json.loads(run(f"{options.bin}/step_time", path, "--threads=1", f"--batch={workloads.BATCH}",
                             f"--iterations={workload.iterations}", f"--warmup={workload.warmup}",
                             f"--data={workloads.data_folder(options.out, workload)}",
                             f"--weights={workloads.weights_file(options.out, workload)}"))
    return printed["min_ms"], printed["peak_growth_mb"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the folder of snnc, snn-opt and step_time")
    parser.add_argument("--out", required=True, help="a folder for data and libraries")
    parser.add_argument("--work", default="seed,fc25,fc100,recurrent,conv,vgg")
    parser.add_argument("--steps", default=",".join(STEPS), help="of them (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for work in options.work.split(","):
        workloads.prepare(options.out, workloads.WORKLOADS[work])
        whole, schedule = library(options, work, "whole", None)
        for step in options.steps.split(","):
            path, other_schedule = library(options, work, step, STEPS[step][1])
            if other_schedule == schedule:
                continue  # it has no part in this network
            ratios, memory = [], []
            for _ in range(options.rounds):
                (one, peak), (other, other_peak) = step_ms(options, work, whole), step_ms(options, work, path)
                ratios.append(other / one)
                memory.append(other_peak / peak)
            print(f"| `{work}` | {STEPS[step][0]} | {statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f}) "
                  f"| {statistics.median(memory):.2f} |", flush=True)


if __name__ == "__main__":
    main()
