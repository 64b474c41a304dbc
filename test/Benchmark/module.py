# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps of training in PyTorch's own loop: a network of snnTorch, and the same compiled by one line, in turn in one process.

    PYTHONPATH=build/python PYTHON module.py [--work=population1,...] [--rounds=5] [--threads=2]

For each workload: milliseconds of a step (network, loss, backward, Adam) of both, the ratio of each round, and how much of a step is the loop's own: the loss, its
gradient and the optimizer, which are snnTorch's and PyTorch's in both. Then the same with the loss of `snnc.torch.functional` in place of snnTorch's, beside snnTorch's
network with snnTorch's loss (the ratio) and with that of `snnc.torch.functional` (milliseconds).
"""

import argparse
import copy
import statistics
import time

import snntorch as snn
import torch
from snntorch import functional, surrogate
from torch import nn

import snnc
from snnc.torch import functional as at_once


class Steps(nn.Module):
    """Layers one behind the other over all time steps; each neuron's state is a variable of the loop, as in snnTorch's tutorials."""

    def __init__(self, steps, *layers):
        super().__init__()
        self.steps, self.layers = steps, nn.ModuleList(layers)

    def forward(self, x):
        states = [layer.reset_mem() if isinstance(layer, snn.Leaky) else None for layer in self.layers]
        spikes, membranes = [], []
        for _ in range(self.steps):
            value = x
            for place, layer in enumerate(self.layers):
                if states[place] is None:
                    value = layer(value)
                else:
                    value, states[place] = layer(value, states[place])
            spikes.append(value)
            membranes.append(states[-1])
        return torch.stack(spikes), torch.stack(membranes)


def dense(steps, hidden, outputs, beta=0.9):
    fast = surrogate.fast_sigmoid(slope=25)
    return Steps(steps, nn.Flatten(), nn.Linear(784, hidden), snn.Leaky(beta=beta, spike_grad=fast), nn.Linear(hidden, outputs),
                 snn.Leaky(beta=beta, spike_grad=fast))


def convolutions(steps):
    fast = surrogate.fast_sigmoid(slope=25)
    return Steps(steps, nn.Conv2d(1, 12, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, spike_grad=fast), nn.Conv2d(12, 64, 5), nn.MaxPool2d(2),
                 snn.Leaky(beta=0.5, spike_grad=fast), nn.Flatten(), nn.Linear(64 * 4 * 4, 10), snn.Leaky(beta=0.5, spike_grad=fast))


def population(losses):
    return losses.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=10)


def count(losses):
    return losses.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0)


def rate(losses):
    return losses.ce_rate_loss()


WORK = {  # network, loss
    "population1": (lambda: dense(1, 128, 500), population),
    "population100": (lambda: dense(100, 128, 500), population),
    "count1": (lambda: dense(1, 128, 10), count),
    "count100": (lambda: dense(100, 128, 10), count),
    "tutorial5": (lambda: dense(25, 1000, 10, beta=0.95), rate),
    "conv50": (lambda: convolutions(50), rate),
}


class Loop:
    def __init__(self, net, criterion):
        self.net, self.criterion = net, criterion
        self.optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999))

    def step(self, x, y):
        spikes, _ = self.net(x)
        loss = self.criterion(spikes, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def own(self, x, y):
        """The same without the network: spikes that are there already, and gradients too."""
        spikes = self.net(x)[0].detach().requires_grad_()
        for parameter in self.net.parameters():
            parameter.grad = torch.zeros_like(parameter)

        def step():
            self.criterion(spikes, y).backward()
            self.optimizer.step()

        return step


def milliseconds(run, least):
    run()
    seconds, start = [], time.perf_counter()
    while len(seconds) < 3 or time.perf_counter() - start < least:
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(seconds)


def measure(name, rounds):
    torch.manual_seed(0)
    make, loss = WORK[name]
    net = make()
    compiled = snnc.from_snntorch(net, (128, 1, 28, 28)).torch()
    x, y = torch.rand(128, 1, 28, 28), torch.randint(0, 10, (128,))
    loops = {"snntorch": Loop(net, loss(functional)), "compiled": Loop(compiled, loss(functional)),
             "at once": Loop(compiled, loss(at_once)), "snntorch, at once": Loop(net, loss(at_once))}
    first = [copied(loop).step(x, y) for loop in loops.values()]
    assert max(first) - min(first) <= 1e-4 * abs(first[0]), f"{name}: losses {first}"
    turns = []
    for _ in range(rounds):
        turn = {engine: milliseconds(lambda loop=loop: loop.step(x, y), 0.5) for engine, loop in loops.items()}
        turn["own"] = milliseconds(loops["compiled"].own(x, y), 0.3)
        turns.append(turn)
    middle = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
    print(f"| {name} | {middle['snntorch']:.2f} | {middle['compiled']:.2f} | {times(turns, 'compiled')} | {middle['own']:.2f} | {middle['at once']:.2f} | "
          f"{times(turns, 'at once')} | {middle['snntorch, at once']:.2f} |", flush=True)


def copied(loop):
    """The loop with parameters of its own."""
    return Loop(copy.deepcopy(loop.net), loop.criterion)


def times(turns, engine):
    ratios = sorted(turn["snntorch"] / turn[engine] for turn in turns)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} - {ratios[-1]:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| network | snnTorch, ms | compiled, ms | times (range) | of it the loop's own, ms | with the loss of `snnc.torch.functional`, ms | times (range) "
          "| snnTorch with that loss, ms |\n|---|---|---|---|---|---|---|---|")
    for name in options.work.split(","):
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
