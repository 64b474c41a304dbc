"""What text_only.snn computes, by plain Python with derivatives along a tape, and a small data set that it can learn.

usage: text_only.py data FOLDER                       files in the form of MNIST: ten patterns with noise
       text_only.py loss METRICS                      whether the losses of a run fall
       text_only.py check IN TRAINED OUT              against snn-run of the tensors IN in double precision: TRAINED with
                                                      --steps-of-training=3, OUT with --gradients
"""
import json
import math
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from tensor_files import read_tensors

STEPS, UPDATES = 5, 3


class Number:
    """A number with its derivatives by the numbers that it was made of."""

    def __init__(self, value, *parents):
        self.value, self.parents, self.gradient = value, parents, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, (self, 1.0), (other, 1.0))

    def __sub__(self, other):
        return Number(self.value - other.value, (self, 1.0), (other, -1.0))

    def __mul__(self, other):
        return Number(self.value * other.value, (self, other.value), (other, self.value))


def constant(value):
    return Number(float(value))


def fire(v, width):
    return Number(float(v.value > 0), (v, math.exp(-(v.value / width) ** 2) / width))


def backward(loss):
    order, seen, stack = [], set(), [(loss, False)]
    while stack:
        number, done = stack.pop()
        if done:
            order.append(number)
        elif id(number) not in seen:
            seen.add(id(number))
            stack.append((number, True))
            stack.extend((parent, False) for parent, _ in number.parents)
    loss.gradient = 1.0
    for number in reversed(order):
        for parent, slope in number.parents:
            parent.gradient += slope * number.gradient


def drain(currents, keep, levels, width):
    """Spikes of each step of neurons with these currents in each step."""
    count = len(currents[0])
    charge, fatigue, fired = ([constant(v) for _ in range(count)] for v in (0, 0.125, 0))
    result = []
    for current in currents:
        for n in range(count):
            fatigue[n] = keep * fatigue[n] + constant(0.2 * fired[n].value)
            charge[n] = keep * charge[n] + current[n] - levels[n] * fired[n]
            fired[n] = fire(charge[n] - levels[n] - fatigue[n] * charge[n], width)
        result.append(list(fired))
    return result


def linear(x, weight, bias):
    result = []
    for row, start in zip(weight, bias):
        for a, b in zip(row, x):
            start = start + a * b
        result.append(start)
    return result


def loss_of(parameters, images, labels):
    """The loss, and the share of neurons that fire."""
    total, active = constant(0), 0.0
    for image, label in zip(images, labels):
        current = linear([constant(pixel / 255) for pixel in image], parameters["1.weight"], parameters["1.bias"])
        hidden = drain([current] * STEPS, parameters["2.keep"], [constant(0.6)] * 16, 0.5)
        spikes = drain([linear(step, parameters["3.weight"], parameters["3.bias"]) for step in hidden],
                       constant(0.8), parameters["4.level"], 0.75)
        for c in range(10):
            share = sum((step[c] for step in spikes), constant(0)) * constant(1 / STEPS)
            missed = share - constant(0.8 if c == label else 0)
            square = missed * missed
            total = total + (square + square * square) * constant(1 / 10 / len(images))
        active += sum(s.value for step in spikes for s in step) / STEPS / 10 / len(images)
    return total, active


def flat(tree):
    return [leaf for branch in tree for leaf in flat(branch)] if isinstance(tree, list) else [tree]


def shaped(numbers, shape):
    if not shape:
        return Number(numbers[0])
    size = len(numbers) // shape[0]
    return [shaped(numbers[i * size:(i + 1) * size], shape[1:]) for i in range(shape[0])]


def expect(what, got, want):
    scale = max(map(abs, want))
    error = max(abs(x - y) for x, y in zip(got, want))
    if len(got) != len(want) or scale == 0 or not error <= 1e-12 * scale:
        sys.exit(f"{what} is {got[:4]}..., but the formulas give {want[:4]}...: off by {error:.3g} of {scale:.3g}")


def check(path, trained_path, out_path):
    given, trained, out = (read_tensors(file) for file in (path, trained_path, out_path))
    names = ["1.weight", "1.bias", "2.keep", "3.weight", "3.bias", "4.level"]
    values = {name: list(given[name].numbers) for name in names}
    speeds = {name: [0.0] * len(values[name]) for name in names}
    pixels, samples = given["input"].numbers, given["input"].shape[0]
    images = [pixels[i * 64:(i + 1) * 64] for i in range(samples)]
    losses = []
    for update in range(1, UPDATES + 1):
        parameters = {name: shaped(values[name], given[name].shape) for name in names}
        loss, active = loss_of(parameters, images, given["labels"].numbers)
        backward(loss)
        losses.append(loss.value)
        gradients = {name: [leaf.gradient for leaf in flat(parameters[name])] for name in names}
        if update == 1:
            expect("the loss", out["loss"].numbers, [loss.value])
            expect("the metric", out["metric.activity"].numbers, [active])
            for name in names:
                expect(f"the gradient of {name}", out[f"grad.{name}"].numbers, gradients[name])
        rate = 0.5 * (0.25 + 0.75 * (1 - (update - 1) / UPDATES) ** 2)
        for name in names:
            for i, g in enumerate(gradients[name]):
                speeds[name][i] = 0.75 * speeds[name][i] + g / (1 + abs(g))
                values[name][i] -= rate * (0.75 * speeds[name][i] + g)
    expect("the losses", trained["losses"].numbers, losses)
    for name in names:
        expect(f"{name} after {UPDATES} updates", trained[name].numbers, values[name])


def data(folder):
    rng = random.Random(5)
    patterns = [[rng.randrange(256) for _ in range(64)] for _ in range(10)]
    for part, count in (("train", 400), ("t10k", 100)):
        labels = [i % 10 for i in range(count)]
        images = [min(255, max(0, pixel + rng.randrange(-40, 41))) for label in labels for pixel in patterns[label]]
        with open(f"{folder}/{part}-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, count, 8, 8) + bytes(images))
        with open(f"{folder}/{part}-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">II", 0x801, count) + bytes(labels))


def loss(path):
    with open(path) as file:
        losses = [json.loads(line)["train_loss"] for line in file]
    if len(losses) != 4 or not losses[-1] < 0.6 * losses[0]:
        sys.exit(f"the losses of 4 epochs are {losses}, expected to fall by much")


{"data": data, "loss": loss, "check": check}[sys.argv[1]](*sys.argv[2:])
