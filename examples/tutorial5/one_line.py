# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""snnTorch's tutorial 5, once with snnTorch and once compiled by one more line; plots both losses and prints what a step took.

    PYTHON one_line.py [--steps-of-training=N] [--out=losses.png] [--images=FOLDER]

PYTHON has snnc, snntorch and matplotlib. The images are Fashion-MNIST's, as IDX files (Debian: dataset-fashion-mnist).
"""

import argparse
import gzip
import pathlib
import statistics
import time

import matplotlib
import numpy as np
import snntorch as snn
import torch
from torch import nn

import snnc

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


class Net(nn.Module):
    def __init__(self, hidden=1000, beta=0.95, num_steps=25):
        super().__init__()
        self.num_steps = num_steps
        self.fc1 = nn.Linear(28 * 28, hidden)
        self.lif1 = snn.Leaky(beta=beta)
        self.fc2 = nn.Linear(hidden, 10)
        self.lif2 = snn.Leaky(beta=beta)

    def forward(self, x):
        mem1 = self.lif1.init_leaky()
        mem2 = self.lif2.init_leaky()
        spk2_rec, mem2_rec = [], []
        for _ in range(self.num_steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spk2_rec.append(spk2)
            mem2_rec.append(mem2)
        return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)


def read(folder):
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.tensor(images), torch.tensor(labels.astype(np.int64))


def train(net, images, labels, steps):
    """The tutorial's loop: cross entropy of the membranes of each step, Adam. Returns losses, and seconds of each step."""
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.9, 0.999))
    criterion = nn.CrossEntropyLoss()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    losses, seconds = [], []
    for step in range(steps):
        rows = order[torch.arange(step * 128, (step + 1) * 128) % len(order)]
        data, targets = images[rows].float() / 255, labels[rows]
        start = time.perf_counter()
        net.train()
        spk_rec, mem_rec = net(data)
        loss_val = torch.zeros(1)
        for membrane in mem_rec:
            loss_val += criterion(membrane, targets)
        optimizer.zero_grad()
        loss_val.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss_val.item())
    return losses, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps-of-training", type=int, default=100)
    parser.add_argument("--out", default="losses.png")
    parser.add_argument("--images", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"))
    options = parser.parse_args()
    images, labels = read(options.images)

    torch.manual_seed(1)
    net = Net()
    compiled = snnc.from_snntorch(net).torch()  # the one line
    print(snnc.from_snntorch(net).text)

    runs = {"snnTorch": train(net, images, labels, options.steps_of_training),
            "compiled": train(compiled, images, labels, options.steps_of_training)}
    for name, (losses, seconds) in runs.items():
        pyplot.plot(losses, label=name)
        print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, {1e3 * statistics.median(seconds):.1f} ms a step")
    medians = [statistics.median(seconds) for _, seconds in runs.values()]
    print(f"{medians[0] / medians[1]:.1f} times")
    pyplot.xlabel("step of training")
    pyplot.ylabel("loss")
    pyplot.legend()
    pyplot.savefig(options.out, dpi=120)


if __name__ == "__main__":
    main()
