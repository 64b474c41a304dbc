#!/usr/bin/env python3
"""Measures snnc beside what else trains spiking networks on a CPU; see README.md. Runs in an environment that has the peers.

bench.py --bin=build/bin --out=build/bench [--work=seed,conv] [--engines=snntorch,jax] [--rounds=5] [--threads=2]
         [--iterations=N] [--json=FILE]
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time

import alone
import peer
import results
import turns
import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
PREPARE_LIMIT = 300  # seconds, after which a compiled peer does not take part
WORKS = (*workloads.WORKLOADS, "epoch", "alone")


def say(text):
    print(f"    {text}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = lambda known: lambda text: [name if name in known else parser.error(f"there is no {name}; there are {', '.join(known)}")
                                        for name in text.split(",")]
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--out", required=True, help="folder for data, compiled models and logs")
    parser.add_argument("--work", type=names(WORKS), default=list(WORKS), help=", ".join(WORKS))
    parser.add_argument("--engines", type=names(list(peer.ENGINES)), default=list(peer.ENGINES), help="beside ours: " + ", ".join(peer.ENGINES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, help="steps that a turn takes at least")
    parser.add_argument("--json", help="where the results go (OUT/results.json)")
    options = parser.parse_args()
    options.json = options.json or os.path.join(options.out, "results.json")
    return options


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "memory_mb": round(memory), "system": platform.platform()}


def environment(options):
    """The same threads for all; what torch.compile has made is kept for the next run."""
    count = str(options.threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "JAX_PLATFORMS": "cpu",
        "TORCHINDUCTOR_CACHE_DIR": os.path.join(options.out, "inductor"),
        "PYTHONWARNINGS": "ignore",
    }


def compile_model(options, workload):
    library = os.path.join(options.out, workload.name + ".so")
    defines = [text for define in workload.defines for text in ("-D", define)]
    subprocess.run([os.path.join(options.bin, "snnc"), os.path.join(HERE, "workloads", workload.name + ".snn"), *defines,
                    "-o", library], check=True)
    return library


def measure(options, workload, cpus):
    workloads.prepare(options.out, workload)
    library = compile_model(options, workload)
    ours = [os.path.join(options.bin, "step_time"), library, "--serve", f"--data={workloads.data_folder(options.out, workload)}",
            f"--weights={workloads.weights_file(options.out, workload)}", f"--warmup={workload.warmup}",
            f"--batch={workloads.BATCH}", f"--threads={options.threads}"]
    commands = {results.OURS: ours}
    for name in options.engines:
        commands[name] = [sys.executable, os.path.join(HERE, "peer.py"), name, workload.name, f"--out={options.out}",
                          f"--threads={options.threads}"]
    commands[results.AGAIN] = ours  # last, so that what changes within a round shows
    engines, left_out = [], {}
    for name, command in commands.items():
        if name in workload.without:
            left_out[name] = {"error": "left out: " + workload.without[name], "rounds": []}
            continue
        log = os.path.join(options.out, "logs", f"{workload.name}.{name}.log")
        open(log, "w").close()
        engines.append(turns.Engine(name, command, log, environment(options), cpus))
    work = {"load": round(turns.busy(), 2), "load_average": turns.load(), "unit": "ms/step"}
    say(f"load {work['load']:.2f} besides this now, {work['load_average']:.2f} in the last minute")
    work["engines"], load = turns.take_turns(engines, options.rounds, options.iterations or workload.iterations, workload.alone, say,
                                             PREPARE_LIMIT)
    work["load"] = max(work["load"], round(load, 2))
    work["engines"].update(left_out)
    return {workload.name: work}


def epoch(options, cpus):
    """The tutorial, as whole processes: the time of the epoch within them, and all of it."""
    folder = os.path.join(options.out, "epoch")
    ours = [os.path.join(options.bin, "snn-train"), os.path.join(EXAMPLES, "fashion_mnist", "population.snn"), "--epochs=1",
            f"--threads={options.threads}", f"--out={folder}", "--overwrite"]
    commands = {results.OURS: ours}
    if "snntorch" in options.engines:
        commands["snntorch"] = [sys.executable, os.path.join(HERE, "epoch.py"), f"--threads={options.threads}"]
    commands[results.AGAIN] = ours
    inner = {"load": round(turns.busy(), 2), "load_average": turns.load(), "unit": "ms",
             "engines": {name: {"rounds": []} for name in commands}}
    whole = {**inner, "engines": {name: {"rounds": []} for name in commands}}
    for number in range(options.rounds):
        inner["load"] = whole["load"] = max(inner["load"], round(turns.busy(1), 2))
        for name, command in commands.items():
            begin = time.monotonic()
            run = subprocess.run(command, capture_output=True, text=True, env=environment(options),
                                 preexec_fn=lambda: os.sched_setaffinity(0, cpus))
            seconds = time.monotonic() - begin
            if run.returncode:
                error = (run.stderr.strip().splitlines() or ["without a message"])[-1][:200]
                inner["engines"][name]["error"] = whole["engines"][name]["error"] = error
                continue
            if name == "snntorch":
                told = json.loads(run.stdout.splitlines()[-1])
                inner["engines"][name].update(loss=told["loss"], transforms=told["transforms"])
            else:
                with open(os.path.join(folder, "metrics.jsonl")) as file:
                    told = {"epoch_s": json.loads(file.readline())["train_seconds"]}
            inner["engines"][name]["rounds"].append(1e3 * told["epoch_s"])
            whole["engines"][name]["rounds"].append(1e3 * seconds)
        say(f"round {number + 1} of {options.rounds}: " + ", ".join(f"{name} {entry['rounds'][-1] / 1e3:.2f} s"
                                                                    for name, entry in inner["engines"].items() if entry["rounds"]))
    return {"epoch": inner, "epoch-process": whole}


def main():
    options = parse()
    os.makedirs(os.path.join(options.out, "logs"), exist_ok=True)
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < options.threads:
        say(f"WARNING  there are only {len(cpus)} CPUs for {options.threads} threads")
    cpus = cpus[: options.threads]
    version = subprocess.run([os.path.join(options.bin, "snnc"), "--version"], capture_output=True, text=True).stdout.strip()
    found = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
             "threads": options.threads, "batch": workloads.BATCH, "rounds": options.rounds, "versions": {"snnc": version}, "works": {}}

    def keep():
        with open(options.json + ".new", "w") as file:
            json.dump(found, file, indent=1)
        shutil.move(options.json + ".new", options.json)

    for name in options.work:
        print(f"{name}", flush=True)
        if name == "alone":
            found["alone"] = alone.measure(options, cpus)
        else:
            found["works"].update(epoch(options, cpus) if name == "epoch" else measure(options, workloads.WORKLOADS[name], cpus))
        for entry in found["works"].get(name, {}).get("engines", {}).values():
            found["versions"].update(entry.pop("versions", {}))
        keep()
    print(f"\n{found['machine']['cpu']}, {found['machine']['cpus']} CPUs, {options.threads} threads, batch {workloads.BATCH}, "
          f"{options.rounds} rounds; " + ", ".join(f"{name} {version}" for name, version in found["versions"].items()) + "\n")
    for name, work in found["works"].items():
        print("\n".join(results.table(name, work)) + "\n")
    print("\n".join(results.alone_lines(found.get("alone", []))))
    print(f"\nall numbers are in {options.json}")
    differing = [f"{name}: {engine}" for name, work in found["works"].items()
                 for engine, (word, *_) in results.agreement(work).items() if word == "differs"]
    if differing:
        sys.exit("these do not agree: " + ", ".join(differing))


if __name__ == "__main__":
    main()
