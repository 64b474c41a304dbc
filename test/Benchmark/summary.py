#!/usr/bin/env python3
"""Reads the lines of JSON that run.sh prints and prints medians over the rounds and their ratios. Standard library only."""
import json
import statistics
import sys

rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]


def median(key, **wanted):
    values = [row[key] for row in rows if key in row and all(row.get(name) == value for name, value in wanted.items())]
    return statistics.median(values) if values else None


def say(what, value, unit, wish=""):
    if value is not None:
        print(f"{what:<58} {value:10.2f} {unit:<8} {wish}")


def ratio(a, b):
    return None if a is None or b is None else a / b


for model, work, wish in (("population", "seed", "asked: at least 3"), ("fc100", "fc100", "asked: at least 5")):
    ours = median("step_ms", engine="snnc", work=model, threads=2)
    one = median("step_ms", engine="snnc", work=model, threads=1)
    peer = median("step_ms", engine="snntorch", work=work, threads=2)
    say(f"{model}: training step, 2 threads", ours, "ms")
    say(f"{model}: training step, 1 thread", one, "ms")
    say(f"{model}: snnTorch, 2 threads", peer, "ms")
    say(f"{model}: snnTorch / snnc", ratio(peer, ours), "times", wish)
    say(f"{model}: 1 thread / 2 threads", ratio(one, ours), "times", "asked: at least 1.6" if model == "fc100" else "")
peaks = {row["vector"]: median("gflops", engine="fma_peak", vector=row["vector"]) for row in rows if row.get("engine") == "fma_peak"}
for vector, peak in peaks.items():
    say(f"peak of multiply-adds, {vector} bits", peak, "GFLOP/s")
dense = median("gflops", engine="snnc", work="dense")
say("dense product 128 x 784 x 128", dense, "GFLOP/s")
if peaks and dense:
    say("dense product / peak", 100 * dense / max(peaks.values()), "%", "asked: at least 60")
for row in rows:
    if str(row.get("work", "")).startswith("compile"):
        say(row["work"], row["milliseconds"], "ms", "asked: under 1000")
    if row.get("work") == "memory":
        say("peak memory, batch 128 to 1024", row["growth_mb"], "MB", f"asked: at most {row['allowed_mb']}")
