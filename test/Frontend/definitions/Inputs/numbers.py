"""Inputs of imported definitions and what they give, by plain loops in Python; one pair of files for each function.

usage: numbers.py FOLDER"""

import math
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tools"))
from tensor_files import write_tensors


def case(name, inputs, wants):
    write_tensors(f"{sys.argv[1]}/{name}.in.safetensors", inputs)
    write_tensors(f"{sys.argv[1]}/{name}.want.safetensors", wants)


def number(value):
    return ("F64", [], [value])


random.seed(7)
steps, samples, neurons, classes = 3, 5, 4, 2

# Losses and metrics, on spikes of blocks of two neurons.
spikes = [[[random.random() < 0.4 for _ in range(neurons)] for _ in range(samples)] for _ in range(steps)]
labels = [random.randrange(classes) for _ in range(samples)]
flat = ("U8", [steps, samples, neurons], [s for step in spikes for row in step for s in row])
reads = {"spikes": flat, "label": ("I64", [samples], labels)}


def of_class(t, b, c):
    return spikes[t][b][2 * c] + spikes[t][b][2 * c + 1]


def log_softmax(x, label):
    top = max(x)
    return x[label] - top - math.log(sum(math.exp(v - top) for v in x))


counts = [[sum(of_class(t, b, c) for t in range(steps)) for c in range(classes)] for b in range(samples)]
correct, incorrect = 0.7, 0.2
target = [int(steps * incorrect * 2), int(steps * correct * 2)]
weights = [0.5, 2.0]
weigh = {"weights": ("F64", [classes], weights)}
total = sum(weights[label] for label in labels)
mse = sum(weights[labels[b]] * (counts[b][c] - target[c == labels[b]]) ** 2 for b in range(samples) for c in range(classes))
case("loss.mse_count", reads | weigh | {"correct": number(correct), "incorrect": number(incorrect)},
     {"output": number(mse / classes / steps / samples)})


def cross_entropy(x, label, smoothing):
    return (-(1 - smoothing) * weights[label] * log_softmax(x, label)
            - smoothing * sum(weights[c] * log_softmax(x, c) for c in range(len(x))) / len(x))


smooth = {"smoothing": number(0.1)} | weigh
case("loss.ce_count", reads | smooth,
     {"output": number(sum(cross_entropy(counts[b], labels[b], 0.1) for b in range(samples)) / total)})
rate = sum(cross_entropy([of_class(t, b, c) for c in range(classes)], labels[b], 0.1) for t in range(steps) for b in range(samples))
case("loss.ce_rate", reads | smooth, {"output": number(rate / steps / total)})

# First spikes: of each neuron, the last step if there is none.
first = [[next((t for t in range(steps) if spikes[t][b][n]), steps - 1) for n in range(neurons)] for b in range(samples)]
late = [[first[b][n] - (0 if n // 2 == labels[b] else steps - 1) for n in range(neurons)] for b in range(samples)]
temporal = sum(weights[labels[b]] * (d / steps) ** 2 for b in range(samples) for d in late[b] if abs(d) >= 2)
case("loss.mse_temporal", reads | weigh | {"correct": number(0.0), "incorrect": number(-1.0), "tolerance": number(2.0)},
     {"output": number(temporal / neurons / samples)})
negated = [[-first[b][2 * c] - first[b][2 * c + 1] for c in range(classes)] for b in range(samples)]
case("loss.ce_temporal", reads | smooth,
     {"output": number(sum(cross_entropy(negated[b], labels[b], 0.1) for b in range(samples)) / total)})
early = sum(negated[b].index(max(negated[b])) == labels[b] for b in range(samples))
case("metric.accuracy_temporal", reads, {"output": number(early / samples)})
share = [[sum(spikes[t][b][n] for t in range(steps)) / steps for n in range(neurons)] for b in range(samples)]
band = sum(max(0.3 - r, 0) ** 2 + max(r - 0.4, 0) ** 2 for row in share for r in row)
case("loss.rate_band", {"spikes": flat, "low": number(0.3), "high": number(0.4)}, {"output": number(band / neurons / samples)})
case("loss.l1_rate", {"spikes": flat}, {"output": number(sum(flat[2]) / len(flat[2]))})
hits = sum(counts[b].index(max(counts[b])) == labels[b] for b in range(samples))
case("metric.accuracy", reads, {"output": number(hits / samples)})

# The file at_peak.snn beside this one.
membrane = [[[random.gauss(0, 1) for _ in range(neurons)] for _ in range(samples)] for _ in range(steps)]
mems = {"membrane": ("F64", [steps, samples, neurons], [v for step in membrane for row in step for v in row]),
        "label": reads["label"]}
levels = sum(weights[labels[b]] * (membrane[t][b][n] - (1.5 if n // 2 == labels[b] else -0.5)) ** 2
             for t in range(steps) for b in range(samples) for n in range(neurons))
case("loss.mse_membrane", mems | weigh | {"correct": number(1.5), "incorrect": number(-0.5)},
     {"output": number(levels / steps / samples / neurons)})
top = [[sum(max(membrane[t][b][n] for t in range(steps)) for n in (2 * c, 2 * c + 1)) for c in range(classes)] for b in range(samples)]
case("loss.ce_max_membrane", mems | smooth,
     {"output": number(sum(cross_entropy(top[b], labels[b], 0.1) for b in range(samples)) / total)})
case("metric.accuracy_membrane", mems,
     {"output": number(sum(top[b].index(max(top[b])) == labels[b] for b in range(samples)) / samples)})
wished = [[random.gauss(0, 1) for _ in range(neurons)] for _ in range(samples)]
towards = {"target": ("F64", [samples, neurons], [v for row in wished for v in row])}
distances = [membrane[t][b][n] - wished[b][n] for t in range(steps) for b in range(samples) for n in range(neurons)]
squares = {"output": number(sum(d * d for d in distances) / len(distances))}
case("loss.mse", {"membrane": mems["membrane"]} | towards, squares)
case("metric.mse", {"membrane": mems["membrane"]} | towards, squares)
case("loss.l1", {"membrane": mems["membrane"]} | towards, {"output": number(sum(map(abs, distances)) / len(distances))})
case("loss.mse_rate", {"spikes": flat} | towards,
     {"output": number(sum((share[b][n] - wished[b][n]) ** 2 for b in range(samples) for n in range(neurons)) / samples / neurons)})
right = sum((of_class(t, b, 1) > of_class(t, b, 0)) == labels[b] for t in range(steps) for b in range(samples))
case("metric.accuracy_rate", reads, {"output": number(right / steps / samples)})
peaks = sum(max(membrane[t][b][n] for t in range(steps)) ** 3 for b in range(samples) for n in range(neurons))
case("loss.at_peak", {"membrane": ("F64", [steps, samples, neurons], [v for step in membrane for row in step for v in row])},
     {"output": number(peaks / samples / neurons)})

# One element in an optimizer, at the fifth update.
p, g, m, v, update = 0.3, -0.7, 0.05, 0.02, 5.0
lr, b1, b2, eps, decay = 0.01, 0.9, 0.999, 1e-8, 0.1
common = {"p": number(p), "g": number(g), "update": number(update), "epoch": number(0.0), "lr": number(lr),
          "weight_decay": number(decay)}
moments = {"state.m": number(m), "state.v": number(v), "betas.0": number(b1), "betas.1": number(b2), "eps": number(eps)}


def adam(kept, d):
    m1, v1 = b1 * m + (1 - b1) * d, b2 * v + (1 - b2) * d * d
    step = lr / (1 - b1**update) * m1 / (math.sqrt(v1) / math.sqrt(1 - b2**update) + eps)
    return {"output": number(kept - step), "next.m": number(m1), "next.v": number(v1)}


case("optimizer.adam", common | moments, adam(p, g + decay * p))
case("optimizer.adamw", common | moments, adam((1 - lr * decay) * p, g))
velocity = 0.9 * 0.05 + g + decay * p
case("optimizer.sgd", common | {"state.velocity": number(0.05), "momentum": number(0.9)},
     {"output": number(p - lr * velocity), "next.velocity": number(velocity)})

square, velocity = 0.9 * 0.04 + 0.1 * (g + decay * p) ** 2, 0.5 * 0.05
velocity += (g + decay * p) / (math.sqrt(square) + 1e-8)
case("optimizer.rmsprop", common | {"state.square": number(0.04), "state.velocity": number(0.05), "alpha": number(0.9),
                                    "eps": number(1e-8), "momentum": number(0.5)},
     {"output": number(p - lr * velocity), "next.square": number(square), "next.velocity": number(velocity)})

case("schedule.step_decay", {"update": number(28.0), "updates": number(100.0), "epoch": number(7.0), "epochs": number(9.0),
                             "every": number(3.0), "factor": number(0.5)}, {"output": number(0.25)})
case("schedule.linear_warmup", {"update": number(3.0), "updates": number(100.0), "epoch": number(0.0), "epochs": number(5.0),
                                "warmup": number(0.5)}, {"output": number(0.3)})

# A tenth of the way down after the warm-up.
case("schedule.cosine", {"update": number(28.0), "updates": number(100.0), "epoch": number(1.0), "epochs": number(5.0),
                         "warmup": number(1.0), "floor": number(0.25)},
     {"output": number(0.25 + 0.75 * (1 + math.cos(math.pi * 0.1)) / 2)})

# rleaky, reset by subtraction, from a state that is not at rest.
x = [[[random.uniform(-1, 2) for _ in range(neurons)] for _ in range(samples)] for _ in range(steps)]
w = [[random.uniform(-1, 1) for _ in range(neurons)] for _ in range(neurons)]
bias = [random.uniform(-1, 1) for _ in range(neurons)]
mem = [[random.uniform(-1, 2) for _ in range(neurons)] for _ in range(samples)]
fired = [[random.random() < 0.5 for _ in range(neurons)] for _ in range(samples)]
beta, threshold = 0.8, 0.6


def all_of(kind, values):
    return (kind, [samples, neurons], [v for row in values for v in row])


ins = {"x": ("F64", [steps, samples, neurons], [v for step in x for row in step for v in row]),
       "beta": number(beta), "threshold": number(threshold), "recurrent.weight": ("F64", [neurons, neurons], sum(w, [])),
       "recurrent.bias": ("F64", [neurons], bias), "state.mem": all_of("F64", mem), "state.fired": all_of("U8", fired)}
outputs, membranes = [], []
for t in range(steps):
    mem = [[beta * mem[b][n] + x[t][b][n] + sum(w[n][i] * fired[b][i] for i in range(neurons)) + bias[n]
            - (mem[b][n] > threshold) * threshold for n in range(neurons)] for b in range(samples)]
    fired = [[m > threshold for m in row] for row in mem]
    outputs += sum(fired, [])
    membranes += sum(mem, [])
case("neuron.rleaky", ins, {"output": ("U8", [steps, samples, neurons], outputs),
                            "mem": ("F64", [steps, samples, neurons], membranes),
                            "next.mem": all_of("F64", mem), "next.fired": all_of("U8", fired)})
