"""What is measured: networks, and the data, weights and batches that all engines share. numpy only.

A network is a list of layers that stand for those of the .snn file of the same name, in the same order, so that
parameters have the same names: ("linear", INPUTS, OUTPUTS), ("conv", INPUTS, OUTPUTS, KERNEL, PADDING, BIAS),
("norm", CHANNELS), ("pool", KERNEL), ("flatten",), ("lif",) and ("rsynaptic", NEURONS).
"""
import dataclasses
import gzip
import json
import os
import struct

import numpy as np

BATCH = 128
BATCHES = 400  # in the order that all engines take; then it begins again
FASHION_MNIST = "/usr/share/datasets/fashion-mnist"


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    layers: tuple
    steps: int
    beta: float
    data: str = "fashion"
    classes: int = 10
    lr: float = 2e-3  # of Adam
    per_class: int = 1  # neurons that vote for a class
    loss: str = "mse_count"  # or "ce_rate"
    alpha: float = 0.9  # of synaptic currents
    iterations: int = 20  # that a turn takes at least
    warmup: int = 5
    alone: bool = False  # one engine at a time, because all of them would not fit into the memory
    compile_step: bool = False  # torch.compile of a step, as unrolling all of them would take more than five minutes
    over_time: bool = False  # the input is [sample, step, ...]
    defines: tuple = ()  # -D of snnc
    gain: float = 1  # of the initial weights, so that all layers fire from the first step
    without: dict = dataclasses.field(default_factory=dict)  # engine -> why it does not take part


def dense(inputs, hidden, outputs):
    return (("flatten",), ("linear", inputs, hidden), ("lif",), ("linear", hidden, outputs), ("lif",))


def vgg(width):
    layers, channels = [], 3
    for factor in (1, 2, 4):
        for _ in range(2):
            layers += [("conv", channels, factor * width, 3, 1, False), ("norm", factor * width), ("lif",)]
            channels = factor * width
        layers.append(("pool", 2))
    return (*layers, ("flatten",), ("linear", channels * 16, 10), ("lif",))


TUTORIAL6 = (("conv", 1, 12, 5, 0, True), ("pool", 2), ("lif",), ("conv", 12, 64, 5, 0, True), ("pool", 2), ("lif",),
             ("flatten",), ("linear", 1024, 10), ("lif",))
SPOKEN = (("linear", 700, 256), ("rsynaptic", 256), ("linear", 256, 20), ("lif",))

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("seed", dense(784, 128, 500), steps=1, beta=0.9, per_class=50, iterations=100, warmup=20, gain=2),
        Workload("fc25", dense(784, 1000, 10), steps=25, beta=0.95),
        Workload("fc100", dense(784, 128, 500), steps=100, beta=0.9, per_class=50, iterations=10),
        Workload("conv", TUTORIAL6, steps=50, beta=0.5, loss="ce_rate", iterations=3, warmup=3, gain=2),
        Workload("vgg", vgg(64), steps=4, beta=0.5, data="colour", lr=1e-4, iterations=2, warmup=2, alone=True, gain=2),
        Workload("recurrent", SPOKEN, steps=100, beta=0.9, data="spoken", classes=20, iterations=10, warmup=3,
                 over_time=True, compile_step=True),
        Workload("long", dense(784, 128, 10), steps=1000, beta=0.9, iterations=3, warmup=3, compile_step=True),
    )
}


def read_idx(path):
    with gzip.open(path) as file:
        magic = file.read(4)
        shape = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def fashion(rng):
    read = lambda name: read_idx(os.path.join(FASHION_MNIST, f"train-{name}-ubyte.gz"))
    return read("images-idx3"), read("labels-idx1").astype(np.int64)


def colour(rng, count=4096):
    """Each class has waves of its own, under noise."""
    labels = rng.integers(0, 10, count)
    y, x = np.mgrid[0:32, 0:32] / 32
    waves = np.stack([[np.sin(2 * np.pi * (a * y + b * x + p)) for a, b, p in rng.uniform(-4, 4, (3, 3))] for _ in range(10)])
    images = waves[labels] + rng.normal(0, 0.7, (count, 3, 32, 32))
    return np.clip(127 + 60 * images, 0, 255).astype(np.uint8), labels


def spoken(rng, count=4096, steps=100, channels=700):
    """Spikes with a density of 2 % on average: each class goes through the channels on a path of its own."""
    labels = rng.integers(0, 20, count)
    paths = rng.uniform(0, channels, (20, 1)) + rng.uniform(-3, 3, (20, 1)) * np.arange(steps)
    distance = np.abs((np.arange(channels) - paths[:, :, None] + channels / 2) % channels - channels / 2)
    rate = np.exp(-((distance / 40) ** 2))
    rate = 0.01 + 0.01 * rate / rate.mean()
    spikes = np.stack([rng.random((steps, channels), np.float32) < rate[label] for label in labels])
    return spikes.astype(np.uint8), labels


DATA = {"fashion": fashion, "colour": colour, "spoken": spoken}


def data_folder(out, workload):
    return os.path.join(out, "data", workload.data)


def weights_file(out, workload):
    return os.path.join(out, "data", workload.name + ".safetensors")


def prepare(out, workload):
    """Writes the files that are not there yet: input.npy, labels.npy, the order of the samples, initial weights."""
    folder = data_folder(out, workload)
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(1)
    if not os.path.exists(os.path.join(folder, "order.npy")):
        samples, labels = DATA[workload.data](rng)
        np.save(os.path.join(folder, "input.npy"), samples)
        np.save(os.path.join(folder, "labels.npy"), labels.astype(np.int64))
        np.save(os.path.join(folder, "order.npy"), rng.integers(0, len(labels), BATCH * BATCHES))
    write_safetensors(weights_file(out, workload), initial_weights(workload))


def initial_weights(workload):
    """PyTorch's initial distributions, times the gain."""
    rng, weights = np.random.default_rng(2), {}

    def uniform(shape, fan_in, gain=workload.gain):
        bound = gain * fan_in**-0.5
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    for place, (kind, *numbers) in enumerate(workload.layers):
        if kind == "linear":
            inputs, outputs = numbers
            weights[f"{place}.weight"] = uniform((outputs, inputs), inputs)
            weights[f"{place}.bias"] = uniform((outputs,), inputs)
        elif kind == "conv":
            inputs, outputs, kernel, _, bias = numbers
            weights[f"{place}.weight"] = uniform((outputs, inputs, kernel, kernel), inputs * kernel * kernel)
            if bias:
                weights[f"{place}.bias"] = uniform((outputs,), inputs * kernel * kernel)
        elif kind == "norm":
            for name, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
                weights[f"{place}.{name}"] = np.full(numbers[0], value, np.float32)
        elif kind == "rsynaptic":
            weights[f"{place}.recurrent.weight"] = uniform((numbers[0], numbers[0]), numbers[0], gain=1)
            weights[f"{place}.recurrent.bias"] = uniform((numbers[0],), numbers[0], gain=1)
    return weights


def write_safetensors(path, tensors):
    header, end = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": (end, end + value.nbytes)}
        end += value.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in tensors.values()))


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    body = content[8 + length :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]).copy()
        for name, entry in json.loads(content[8 : 8 + length]).items()
        if name != "__metadata__"
    }
