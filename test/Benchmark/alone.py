"""What is measured of snnc alone: compiling, one thread beside two, a dense product beside the machine's peak, memory."""
import json
import os
import statistics
import subprocess
import time

import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
MULTIPLY_ADDS = 128 * 784 * 128  # of dense.snn


def measure(options, cpus):
    rows = []

    def program(name, *arguments):
        return subprocess.run([os.path.join(options.bin, name), *arguments], check=True, capture_output=True, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, cpus)).stdout

    def step_time(*arguments):
        return json.loads(program("step_time", *arguments))

    def add(what, value, unit, asked=""):
        rows.append({"what": what, "value": value, "unit": unit, "asked": asked})

    libraries = {}
    for name in (*workloads.WORKLOADS, "dense"):
        libraries[name] = os.path.join(options.out, name + ".so")
        begin = time.monotonic()
        program("snnc", os.path.join(HERE, "workloads", name + ".snn"), "-o", libraries[name])
        add(f"compile {name}", 1e3 * (time.monotonic() - begin), "ms", "asked: under 1000" if name in ("seed", "fc100") else "")

    times, peaks, products = {1: [], 2: []}, {}, []
    for _ in range(options.rounds):
        for threads in times:
            times[threads].append(step_time(libraries["fc100"], f"--threads={threads}")["step_ms"])
        for row in json.loads(program("peak", "--benchmark_format=json", "--benchmark_min_time=0.2"))["benchmarks"]:
            peaks.setdefault(row["name"], []).append(row.get("FLOP/s", row.get("bytes_per_second")) / 1e9)
        products.append(step_time(libraries["dense"], "--entry=forward", "--threads=1", "--iterations=2000", "--warmup=200",
                                  f"--multiply-adds={MULTIPLY_ADDS}"))
    one, two = statistics.median(times[1]), statistics.median(times[2])
    add("fc100: training step, 1 thread", one, "ms")
    add("fc100: 1 thread over 2", one / two, "times", "asked: at least 1.6")
    add("bandwidth of memory, triad, 1 thread", max(peaks.pop("triad")), "GB/s")
    for name, values in peaks.items():
        add(f"peak of multiply-adds, {name.split('/')[1]} bits", max(values), "GFLOP/s")
    rate = statistics.median(row["gflops"] for row in products)
    add("dense product 128 x 784 x 128, 1 thread", rate, "GFLOP/s")
    add("dense product over the peak", 100 * rate / max(max(values) for values in peaks.values()), "%", "asked: at least 60")

    small, large = (step_time(libraries["fc100"], f"--batch={batch}", "--iterations=3", "--warmup=2")["peak_growth_mb"]
                    for batch in (128, 1024))
    allowed = (1024 - 128) * (784 + 8) / 2**20 + 1  # inputs, labels, and 1 MB
    add("fc100: growth of the peak, batch 128 to 1024", large - small, "MB", f"asked: at most {allowed:.2f}")
    return rows
