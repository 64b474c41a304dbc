"""One peer on one workload, in a process of its own: peer.py ENGINE WORKLOAD --out=FOLDER [--threads=2]

The protocol, which step_time --serve speaks too. The program prepares: imports, data, the model, the first steps. Then
it prints a line of JSON, {"losses": of the first steps, "versions": {}}. For each line that it reads it prints another:
`run N` makes one step and then N that are timed, {"ms": [N numbers]}; `memory` gives {"memory_mb", "first_steps_mb"}.
It ends with its input. Between commands it waits, so that others have the machine.

Memory is the peak of the resident set less what the process held before the model was made, with libraries and data
loaded. `memory_mb` is the peak after the first steps, without what a just-in-time compiler takes for a moment;
`first_steps_mb` is the peak with it.
"""
import argparse
import importlib
import json
import os
import sys
import time

import numpy as np

import workloads

ENGINES = {
    "snntorch": "torch_engines",
    "snntorch-compile": "torch_engines",
    "torch-fused": "torch_engines",
    "spikingjelly": "torch_engines",
    "norse": "torch_engines",
    "jax": "jax_engine",
}


def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name + ":"))


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


class Batches:
    """In the order that all engines take. Reals of [0, 1], as a loader gives them; those over time are [step, sample, ...]."""

    def __init__(self, folder, workload):
        load = lambda name: np.load(os.path.join(folder, name + ".npy"))
        self.samples, self.labels = load("input"), load("labels")
        self.order = load("order").reshape(-1, workloads.BATCH)
        self.over_time = workload.over_time
        self.next = 0

    def take(self):
        rows = self.order[self.next % len(self.order)]
        self.next += 1
        x = self.samples[rows].astype(np.float32)
        if self.over_time:
            return np.ascontiguousarray(x.swapaxes(0, 1)), self.labels[rows]
        x /= 255
        return (x if x.ndim == 4 else x[:, None]), self.labels[rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("workload", choices=workloads.WORKLOADS)
    parser.add_argument("--out", required=True, help="folder in which bench.py has put data and weights")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    workload = workloads.WORKLOADS[options.workload]
    module = importlib.import_module(ENGINES[options.engine])
    module.load(options.engine, options.threads)
    weights = workloads.read_safetensors(workloads.weights_file(options.out, workload))
    batches = Batches(workloads.data_folder(options.out, workload), workload)
    batches.take()
    batches.next = 0
    forget_peak()
    idle = status("VmRSS")
    step = module.make(options.engine, workload, weights)
    losses = []
    start = time.perf_counter()
    for _ in range(workload.warmup):
        losses.append(float(step(*batches.take())))
    preparing = time.perf_counter() - start
    first = status("VmHWM") - idle
    forget_peak()
    answer(losses=losses[:3], prepare_s=round(preparing, 1), idle_mb=round(idle, 1), versions=module.versions(options.engine))
    for line in sys.stdin:
        command, *numbers = line.split()
        if command == "run":
            step(*batches.take())
            times = []
            for _ in range(int(numbers[0])):
                x, y = batches.take()
                begin = time.perf_counter()
                step(x, y)
                times.append(round(1e3 * (time.perf_counter() - begin), 4))
            answer(ms=times)
        elif command == "memory":
            answer(memory_mb=round(status("VmHWM") - idle, 2), first_steps_mb=round(first, 2))
        else:
            sys.exit(f"unknown command {command}")


if __name__ == "__main__":
    main()
