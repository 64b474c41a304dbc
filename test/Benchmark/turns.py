"""Engines in processes of their own that take turns. Standard library only."""
import json
import os
import selectors
import subprocess
import time

import results


class Failure(Exception):
    """Of an engine: a sentence for the table."""


class Engine:
    """A program that speaks peer.py's protocol. What it says otherwise goes to `log`."""

    def __init__(self, name, command, log, environment, cpus):
        self.name, self.log, self.entry = name, log, {"rounds": []}
        self.command, self.environment, self.cpus = command, environment, cpus
        self.process, self.buffer = None, b""

    def start(self, limit):
        """Returns the line that it prints when it is prepared."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                            env=self.environment,
                                            preexec_fn=lambda: os.sched_setaffinity(0, self.cpus))
        self.buffer = b""
        return self.read(limit, "it was not prepared")

    def read(self, limit, what):
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                if not selector.select(max(deadline - time.monotonic(), 0)):
                    raise Failure(f"{what} within {limit:.0f} s")
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                if not part:
                    raise Failure(f"it ended: {self.last_words()}")
                self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def last_words(self):
        with open(self.log, errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
        return (lines or ["without a message"])[-1][:200]

    def ask(self, command, limit):
        try:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"it ended: {self.last_words()}") from None
        return self.read(limit, f"no answer to {command}")

    def end(self):
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None


def load():
    with open("/proc/loadavg") as file:
        return float(file.read().split()[0])


def busy(seconds=2.0):
    """How many processors others use: measured now, as an average of a minute still counts what ran before."""

    def ticks():
        with open("/proc/stat") as file:
            numbers = [int(number) for number in file.readline().split()[1:]]
        return sum(numbers[:3]) + sum(numbers[5:8])  # all but idle and waiting

    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def attempt(engine, say, action):
    """Runs `action`; a failure ends the engine and stands in its entry."""
    try:
        return action()
    except Failure as failure:
        say(f"{engine.name}: {failure}")
        engine.entry["error"] = str(failure)
        engine.end()
        return None


def prepare(engine, say, limit):
    begin = time.monotonic()
    ready = attempt(engine, say, lambda: engine.start(limit))
    if ready and "losses" not in engine.entry:
        engine.entry.update(ready)
        say(f"{engine.name}: prepared in {time.monotonic() - begin:.1f} s, losses {', '.join(f'{x:.6g}' for x in ready['losses'])}")
    return ready is not None


def turn(engine, say, least, limit):
    """At least `least` steps and half a second; the first turn finds out how many these are."""

    def run():
        steps = engine.entry.setdefault("steps", least)
        times = engine.ask(f"run {steps}", limit)["ms"]
        middle = results.spread(times)[0]
        if not engine.entry["rounds"] and middle * steps < 500:
            engine.entry["steps"] = int(500 / middle) + 1
            times = engine.ask(f"run {engine.entry['steps']}", limit)["ms"]
            middle = results.spread(times)[0]
        engine.entry["rounds"].append(middle)

    attempt(engine, say, run)


def remember(engine, say):
    answer = attempt(engine, say, lambda: engine.ask("memory", 60))
    if answer:
        held = max(answer["memory_mb"], engine.entry.get("memory_mb", 0))
        engine.entry.update(answer, memory_mb=held)


def take_turns(engines, rounds, least, alone, say, prepare_limit, turn_limit=1200):
    """Prepares all, then lets them take turns; with `alone` each is started for its turn. Returns their entries, and the
    most that others have used of the machine between rounds."""
    load = 0.0
    if not alone:
        for engine in engines:
            prepare(engine, say, prepare_limit)
    for number in range(rounds):
        for engine in engines:
            if "error" in engine.entry:
                continue
            if alone and not prepare(engine, say, prepare_limit):
                continue
            time.sleep(0.2)  # threads of the one before stop waiting actively
            turn(engine, say, least, turn_limit)
            if engine.process and (alone or number == rounds - 1):
                remember(engine, say)
                engine.end()
        if number < rounds - 1:
            load = max(load, busy(1))
        say(f"round {number + 1} of {rounds}: " + ", ".join(f"{engine.name} {engine.entry['rounds'][-1]:.2f}" for engine in engines
                                                            if engine.entry["rounds"]))
    for engine in engines:
        engine.end()
    return {engine.name: engine.entry for engine in engines}, load
