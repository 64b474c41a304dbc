# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps of training in PyTorch's own loop: a network of snnTorch or SpikingJelly, and the same compiled by one line, in turn in one process.

    PYTHONPATH=build/python PYTHON module.py [--work=population1,...] [--rounds=5] [--threads=2]

The batch is the first 128 images of Fashion-MNIST, where the benchmarks find it.

For each workload: milliseconds of a step (network, loss, backward, Adam) of both, the ratio of each round, and how much of a step is the loop's own: the loss, its
gradient and the optimizer, which are the framework's and PyTorch's in both. Then, of networks of snnTorch, the same with the loss of `snnc.torch.functional` in place of snnTorch's, beside snnTorch's
network with snnTorch's loss (the ratio) and with that of `snnc.torch.functional` (milliseconds).
"""

import argparse
import copy
import dataclasses
import statistics
import time
from collections.abc import Callable

import snntorch as snn
import torch
from snntorch import functional, surrogate
from spikingjelly.activation_based import functional as jelly, layer, neuron, surrogate as jelly_surrogate
from torch import nn

import snnc
import workloads
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


def normed(steps):
    fast = surrogate.fast_sigmoid(slope=25)
    return Steps(steps, nn.Conv2d(1, 16, 5), nn.BatchNorm2d(16), nn.MaxPool2d(2), snn.Leaky(beta=0.9, spike_grad=fast), nn.Conv2d(16, 32, 5),
                 nn.BatchNorm2d(32), nn.MaxPool2d(2), snn.Leaky(beta=0.9, spike_grad=fast), nn.Flatten(), nn.Linear(32 * 4 * 4, 10),
                 snn.Leaky(beta=0.9, spike_grad=fast))


class Rates(nn.Module):
    """SpikingJelly's example for Fashion-MNIST: the image in all steps, rates of spikes."""

    def __init__(self, steps, channels):
        super().__init__()
        self.steps = steps

        def fire():
            return neuron.IFNode(surrogate_function=jelly_surrogate.ATan())

        self.layers = nn.Sequential(
            layer.Conv2d(1, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels), fire(), layer.MaxPool2d(2, 2),
            layer.Conv2d(channels, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels), fire(), layer.MaxPool2d(2, 2),
            layer.Flatten(), layer.Linear(channels * 7 * 7, channels * 4 * 4, bias=False), fire(),
            layer.Linear(channels * 4 * 4, 10, bias=False), fire())
        jelly.set_step_mode(self, "m")

    def forward(self, x):
        return self.layers(x.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)).mean(0)


def population(losses):
    return losses.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=10)


def count(losses):
    return losses.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0)


def rate(losses):
    return losses.ce_rate_loss()


def of_rates(losses):
    return lambda rates, y: nn.functional.mse_loss(rates, nn.functional.one_hot(y, 10).to(rates.dtype))


@dataclasses.dataclass(frozen=True)
class Work:
    """A network, its loss, which framework's it is, and what that wants behind a step of training."""

    make: Callable
    loss: Callable
    convert: Callable = snnc.from_snntorch
    reset: Callable = staticmethod(lambda net: None)


WORK = {
    "population1": Work(lambda: dense(1, 128, 500), population),
    "population100": Work(lambda: dense(100, 128, 500), population),
    "count1": Work(lambda: dense(1, 128, 10), count),
    "count100": Work(lambda: dense(100, 128, 10), count),
    "tutorial5": Work(lambda: dense(25, 1000, 10, beta=0.95), rate),
    "conv50": Work(lambda: convolutions(50), rate),
    "norms10": Work(lambda: normed(10), rate),
    "rates4": Work(lambda: Rates(4, 32), of_rates, snnc.from_spikingjelly, jelly.reset_net),
}


class Loop:
    def __init__(self, net, criterion, reset):
        self.net, self.criterion, self.reset = net, criterion, reset
        self.optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999))

    def step(self, x, y):
        loss = self.criterion(self.spikes(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.reset(self.net)
        return loss.item()

    def spikes(self, x):
        found = self.net(x)
        return found[0] if isinstance(found, tuple) else found

    def own(self, x, y):
        """The same without the network: spikes that are there already, and gradients too."""
        spikes = self.spikes(x).detach().requires_grad_()
        self.reset(self.net)
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
    work = WORK[name]
    net = work.make()
    compiled = work.convert(net, (128, 1, 28, 28)).torch()
    images, labels = workloads.fashion(None)
    x, y = torch.tensor(images[:128, None] / 255.0, dtype=torch.float32), torch.tensor(labels[:128])
    loops = {"framework": Loop(net, work.loss(functional), work.reset), "compiled": Loop(compiled, work.loss(functional), Work.reset)}
    if work.convert is snnc.from_snntorch:
        loops |= {"at once": Loop(compiled, work.loss(at_once), Work.reset), "framework, at once": Loop(net, work.loss(at_once), Work.reset)}
    first = [copied(loop).step(x, y) for loop in loops.values()]
    assert max(first) - min(first) <= 1e-4 * abs(first[0]), f"{name}: losses {first}"
    turns = []
    for _ in range(rounds):
        turn = {engine: milliseconds(lambda loop=loop: loop.step(x, y), 0.5) for engine, loop in loops.items()}
        turn["own"] = milliseconds(loops["compiled"].own(x, y), 0.3)
        turns.append(turn)
    middle = {key: f"{statistics.median(turn[key] for turn in turns):.2f}" for key in turns[0]}
    print(f"| {name} | {middle['framework']} | {middle['compiled']} | {times(turns, 'compiled')} | {middle['own']} | {middle.get('at once', '')} | "
          f"{times(turns, 'at once') if 'at once' in middle else ''} | {middle.get('framework, at once', '')} |", flush=True)


def copied(loop):
    """The loop with parameters of its own."""
    return Loop(copy.deepcopy(loop.net), loop.criterion, loop.reset)


def times(turns, engine):
    ratios = sorted(turn["framework"] / turn[engine] for turn in turns)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} - {ratios[-1]:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| network | snnTorch or SpikingJelly, ms | compiled, ms | times (range) | of it the loop's own, ms | with the loss of `snnc.torch.functional`, ms | times (range) "
          "| snnTorch with that loss, ms |\n|---|---|---|---|---|---|---|---|")
    for name in options.work.split(","):
        measure(name, options.rounds)


if __name__ == "__main__":
    main()
