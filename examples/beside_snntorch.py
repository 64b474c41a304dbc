# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the network of an example in snnTorch by the protocol of snn-train, and prints a line of JSON per epoch.

    PYTHON beside_snntorch.py EXAMPLE [--seed=N] [--epochs=N] [--train=N] [--test=N] [--threads=N] [-D length=10]

PYTHON has torch and snntorch (1.0.0). The protocol: each batch from rest, samples in a new order in each epoch, the last batch as small as it
is; accuracy is correct / all, of the whole test set. --train and --test take the first samples of Fashion-MNIST instead of all.
"""

import argparse
import gzip
import json
import time

import numpy
import snntorch
import torch
from snntorch import functional, spikegen, surrogate
from torch import nn

FOLDER = "/usr/share/datasets/fashion-mnist"


def images(name, count):
    with gzip.open(f"{FOLDER}/{name}-images-idx3-ubyte.gz") as file:
        pixels = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(f"{FOLDER}/{name}-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return torch.tensor(pixels[:count]), torch.tensor(labels[:count].astype(numpy.int64))


def count_accuracy(spikes, membranes, labels):
    return int((spikes.sum(0).argmax(1) == labels).sum())


def membrane_accuracy(spikes, membranes, labels):
    return int((membranes.max(0).values.argmax(1) == labels).sum())


def temporal_accuracy(spikes, membranes, labels):
    return round(functional.accuracy_temporal(spikes, labels) * len(labels))


class Sequence(nn.Module):
    """Layers one behind the other for `steps` steps; `at(x, step)` is what a step sees. Returns spikes and membranes of the last layer."""

    loss = staticmethod(lambda spikes, membranes, labels: functional.ce_rate_loss()(spikes, labels))
    correct = staticmethod(count_accuracy)

    def __init__(self, steps, *layers):
        super().__init__()
        self.steps, self.layers = steps, nn.ModuleList(layers)

    def encode(self, x):
        return x

    def at(self, x, step):
        return x

    def forward(self, x):
        x, states = self.encode(x), [rest(layer) for layer in self.layers]
        spikes, membranes = [], []
        for step in range(self.steps):
            value = self.at(x, step)
            for index, layer in enumerate(self.layers):
                if states[index] is None:
                    value = layer(value)
                else:
                    value, mem = layer(value, *states[index])
                    states[index] = [value, mem] if isinstance(layer, snntorch.RLeaky) else [mem]
            spikes.append(value)
            membranes.append(states[-1][-1])
        return torch.stack(spikes), torch.stack(membranes)


def rest(layer):
    if isinstance(layer, snntorch.RLeaky):
        return list(layer.reset_mem())
    return [layer.reset_mem()] if hasattr(layer, "reset_mem") else None


class Tutorial5(Sequence):
    rate = 5e-4

    def __init__(self, options):
        super().__init__(25, nn.Flatten(), nn.Linear(784, 1000), snntorch.Leaky(0.95), nn.Linear(1000, 10), snntorch.Leaky(0.95))


class Tutorial6(Sequence):
    rate = 1e-2

    def __init__(self, options):
        lif = lambda: snntorch.Leaky(0.5, spike_grad=surrogate.fast_sigmoid(25))
        super().__init__(int(options.get("length", 50)), nn.Conv2d(1, 12, 5), nn.MaxPool2d(2), lif(), nn.Conv2d(12, 64, 5), nn.MaxPool2d(2), lif(),
                         nn.Flatten(), nn.Linear(1024, 10), lif())


class Rows(Sequence):
    rate = 2e-3
    loss = staticmethod(lambda spikes, membranes, labels: functional.ce_max_membrane_loss()(membranes, labels))
    correct = staticmethod(membrane_accuracy)

    def __init__(self, options):
        grad = surrogate.fast_sigmoid(5)
        recurrent = snntorch.RLeaky(torch.full((128,), 0.9), linear_features=128, learn_beta=True, spike_grad=grad)
        super().__init__(28, nn.Linear(28, 128), recurrent, nn.Linear(128, 10), snntorch.Leaky(0.9, spike_grad=grad))

    def at(self, x, step):
        return x[:, 0, step]


class Latency(Sequence):
    rate = 5e-4
    loss = staticmethod(lambda spikes, membranes, labels: functional.ce_temporal_loss()(spikes, labels))
    correct = staticmethod(temporal_accuracy)

    def __init__(self, options):
        super().__init__(20, nn.Linear(784, 300), snntorch.Leaky(0.95), nn.Linear(300, 10), snntorch.Leaky(0.95))

    def encode(self, x):
        return spikegen.latency(x.flatten(1), num_steps=self.steps, normalize=True, linear=True)

    def at(self, x, step):
        return x[step]


class TiredLeaky(nn.Module):
    """The neuron of own_definitions.snn, by hand."""

    def __init__(self, beta, kappa):
        super().__init__()
        self.beta, self.kappa, self.fire = nn.Parameter(torch.tensor(beta)), kappa, surrogate.atan(2.0)

    def forward(self, x, mem, fatigue, fired):
        barrier = 1 + self.kappa * fatigue
        mem = self.beta.clamp(0, 1) * mem + x - fired * barrier
        fatigue = 0.95 * fatigue + fired
        spikes = self.fire(mem - barrier)
        return spikes, mem, fatigue, spikes.detach()


class OwnDefinitions(nn.Module):
    rate = 1e-3

    def __init__(self, options):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(784, 200), nn.Linear(200, 100)
        self.kappa = nn.Parameter(torch.full((200,), 0.1))
        self.neurons1, self.neurons2 = TiredLeaky(0.9, self.kappa), TiredLeaky(0.9, 0.1)

    def forward(self, x):
        current = self.linear1(x.flatten(1))
        one, two, spikes = [torch.zeros(len(x), 200)] * 3, [torch.zeros(len(x), 100)] * 3, []
        for _ in range(10):
            value, *one = self.neurons1(current, *one)
            value, *two = self.neurons2(self.linear2(value), *two)
            spikes.append(value)
        return torch.stack(spikes), None

    @staticmethod
    def counts(spikes):
        return spikes.sum(0).reshape(-1, 10, 10).sum(2)

    @staticmethod
    def loss(spikes, membranes, labels):
        share = OwnDefinitions.counts(spikes) / 100
        above = (0.3 + share - share.gather(1, labels[:, None])).clamp(min=0)
        return above.scatter(1, labels[:, None], 0.0).mean()

    @staticmethod
    def correct(spikes, membranes, labels):
        return int((OwnDefinitions.counts(spikes).argmax(1) == labels).sum())


class OverTime(nn.Module):
    """Batch norm by the statistics of all samples and steps."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.norm(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Each(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Neurons(nn.Module):
    def __init__(self):
        super().__init__()
        self.neurons = snntorch.Leaky(0.5)

    def forward(self, x):
        mem, spikes, self.membranes = self.neurons.reset_mem(), [], []
        for step in x:
            spike, mem = self.neurons(step, mem)
            spikes.append(spike)
            self.membranes.append(mem)
        return torch.stack(spikes)


class Block(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        conv = lambda inputs, kernel, stride: Each(nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False))
        self.main = nn.Sequential(conv(inputs, 3, stride), OverTime(channels), Neurons(), conv(channels, 3, 1), OverTime(channels))
        self.side = nn.Sequential(conv(inputs, 1, stride), OverTime(channels))
        self.neurons = Neurons()

    def forward(self, x):
        return self.neurons(self.side(x) + self.main(x))


class Residual(nn.Module):
    rate = 2e-3
    loss = staticmethod(lambda spikes, membranes, labels: functional.ce_max_membrane_loss()(membranes, labels))
    correct = staticmethod(count_accuracy)

    def __init__(self, options):
        super().__init__()
        width = int(options.get("width", 8))
        self.layers = nn.Sequential(Each(nn.Conv2d(1, width, 3, padding=1, bias=False)), OverTime(width), Neurons(), Block(width, width, 2),
                                    Block(width, 2 * width, 2), Each(nn.AdaptiveAvgPool2d(1)), Each(nn.Flatten()), Each(nn.Linear(2 * width, 10)),
                                    Neurons())

    def forward(self, x):
        spikes = self.layers(x.expand(4, *x.shape))
        return spikes, torch.stack(self.layers[-1].membranes)


EXAMPLES = {"tutorial5": Tutorial5, "tutorial6": Tutorial6, "residual": Residual, "rows": Rows, "latency": Latency, "own_definitions": OwnDefinitions}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("example", choices=EXAMPLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--train", type=int)
    parser.add_argument("--test", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-D", dest="options", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    net = EXAMPLES[arguments.example](dict(option.split("=") for option in arguments.options))
    optimizer = torch.optim.Adam(net.parameters(), lr=net.rate)
    (train, train_labels), (test, test_labels) = images("train", arguments.train), images("t10k", arguments.test)
    for epoch in range(arguments.epochs):
        net.train()
        start, total = time.time(), 0.0
        for rows in torch.randperm(len(train)).split(128):
            loss = net.loss(*net(train[rows] / 255), train_labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
        seconds = time.time() - start
        net.eval()
        with torch.no_grad():
            correct = sum(net.correct(*net(x / 255), y) for x, y in zip(test.split(128), test_labels.split(128)))
        print(json.dumps({"example": arguments.example, "seed": arguments.seed, "epoch": epoch, "train_loss": total / len(train),
                          "test_accuracy": correct / len(test), "train_seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
