"""What more workers would bring: times of the tasks of a training step, one by one, and a simulation of the pool.

A step is a row of jobs with a barrier after each. Workers of a job take its tasks in order, one after the other, as
runtime/core/Pool does. Bandwidth and caches that workers share are not simulated, nor what a barrier takes.

    python3 workers.py --bin=build/bin --out=FOLDER seed fc100 conv recurrent
"""
import argparse
import heapq
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = (2, 8, 32)


def finish(tasks, workers):
    """When the last of a job's tasks ends, if each goes to the first worker that is free."""
    free = [0.0] * workers
    for task in tasks:
        heapq.heapreplace(free, free[0] + task)
    return max(free)


def simulate(step, workers):
    return step["between_ms"] + sum(finish(job, workers) for job in step["jobs"])


def critical_path(step):
    return step["between_ms"] + sum(map(max, step["jobs"]))


def work_of(step):
    return step["between_ms"] + sum(map(sum, step["jobs"]))


def speedups(step):
    """By number of workers, and the most there could be with these tasks."""
    work = work_of(step)
    return [work / simulate(step, workers) for workers in WORKERS], work / critical_path(step)


def table(steps):
    """Markdown: a row for each step. `measured` is the least time with one thread over that with two."""
    heads = ["", "work", "critical path", *(f"{n} workers" for n in WORKERS), "any number", "2 workers, measured"]
    rows = []
    for step in steps:
        several, most = speedups(step)
        rows.append([f"`{step['work']}`", f"{work_of(step):.3g} ms", f"{critical_path(step):.3g} ms",
                     *(f"{value:.2f}" for value in (*several, most)),
                     f"{step['measured']:.2f}" if "measured" in step else "not measured"])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows))


def jobs_table(step):
    """Markdown: a row for each job that takes 1 % of the work or more."""
    work = work_of(step)
    lines = [f"| job of `{step['work']}` | tasks | work | share | longest task | speed-up with 8, 32 |", "|---|---|---|---|---|---|"]
    for number, job in enumerate(step["jobs"], 1):
        if sum(job) >= 0.01 * work:
            several = ", ".join(f"{sum(job) / finish(job, workers):.1f}" for workers in (8, 32))
            lines.append(f"| {number} of {len(step['jobs'])} | {len(job)} | {sum(job):.3g} ms | {100 * sum(job) / work:.0f} % | "
                         f"{max(job):.3g} ms | {several} |")
    lines.append(f"| between jobs | | {step['between_ms']:.3g} ms | {100 * step['between_ms'] / work:.1f} % | | |")
    return "\n".join(lines)


class Server:
    """step_time that waits for its turn."""

    def __init__(self, command):
        self.process = subprocess.Popen([*command, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def run(self, count):
        self.process.stdin.write(f"run {count}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["ms"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def measure(options, name):
    import workloads  # takes numpy, which recorded times do not need

    workload = workloads.WORKLOADS[name]
    workloads.prepare(options.out, workload)
    library = os.path.join(options.out, name + ".so")
    subprocess.run([os.path.join(options.bin, "snnc"), os.path.join(HERE, "workloads", name + ".snn"), "-o", library], check=True)
    command = [os.path.join(options.bin, "step_time"), library, f"--data={workloads.data_folder(options.out, workload)}",
               f"--weights={workloads.weights_file(options.out, workload)}", f"--batch={options.batch or workloads.BATCH}", f"--warmup={workload.warmup}"]
    run = subprocess.run([*command, "--tasks", "--threads=1", f"--iterations={max(workload.iterations, 11)}"], check=True,
                         capture_output=True, text=True)
    step = json.loads(run.stdout)
    if options.rounds > 0:
        servers = {threads: Server([*command, f"--threads={threads}"]) for threads in (1, 2)}
        times = {threads: [] for threads in servers}
        for _ in range(options.rounds):
            for threads, server in servers.items():
                times[threads] += server.run(workload.iterations)
        for server in servers.values():
            server.stop()
        # The least of each, as any other work on the machine takes a processor from two threads first.
        step["measured"] = min(times[1]) / min(times[2])
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("works", nargs="*", default=["seed", "fc100", "conv", "recurrent"], metavar="WORKLOAD")
    parser.add_argument("--bin", default="build/bin", help="where snnc and step_time are")
    parser.add_argument("--out", default="build/bench", help="where models, data and weights go")
    parser.add_argument("--batch", type=int, help="samples of a step (default: those of ./x bench)")
    parser.add_argument("--rounds", type=int, default=9, help="in which one and two threads take turns; 0: do not measure them")
    parser.add_argument("--json", help="a file of recorded times: read if it is there, else written")
    options = parser.parse_args()
    if options.json and os.path.exists(options.json):
        with open(options.json) as file:
            steps = json.load(file)
    else:
        steps = [measure(options, name) for name in options.works]
        if options.json:
            with open(options.json, "w") as file:
                json.dump(steps, file)
    print(table(steps))
    for step in steps:
        print("\n" + jobs_table(step))


if __name__ == "__main__":
    main()
