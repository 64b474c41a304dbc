# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model of PyTorch with a compiled spiking layer inside: it learns to find the frequency of a noisy wave.

    PYTHON denoise.py [--steps-of-training=N]

PYTHON has snnc and torch. A convolution of PyTorch makes currents of the wave, the spiking network runs over its 60 time steps, and a linear layer of
PyTorch reads its membranes; one optimizer of PyTorch trains all of them.
"""

import argparse
import math

import torch
from torch import nn

import snnc

SPIKING = """snn 1
model inner {
  input f32[16] over time
  steps 60

  linear(64)
  rleaky(beta = learn each uniform(0.8, 0.98))
  linear(32)
  leaky(beta = 0.95, reset = none)
}
"""


class Frequency(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(1, 16, 9, padding=4)
        self.spiking = snnc.torch.Module(SPIKING, outputs="membrane")
        self.head = nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 1))

    def forward(self, wave):  # [sample, 60]
        currents = self.front(wave[:, None])  # [sample, 16, 60]
        membranes = self.spiking(currents.permute(2, 0, 1))  # [60, sample, 32]
        return self.head(membranes.mean(0))[:, 0]


def waves(count, generator):
    """Noisy sines, and how many periods they have in 60 steps, as a number from -1 to 1."""
    target = torch.rand(count, generator=generator) * 2 - 1
    periods = 4 + 3 * target
    phase = torch.rand(count, generator=generator) * 2 * math.pi
    time = torch.arange(60) / 60
    wave = torch.sin(2 * math.pi * periods[:, None] * time + phase[:, None])
    return wave + 0.3 * torch.randn(count, 60, generator=generator), target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps-of-training", type=int, default=300)
    options = parser.parse_args()
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    net = Frequency()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps_of_training)
    for step in range(options.steps_of_training):
        wave, target = waves(128, generator)
        loss = nn.functional.mse_loss(net(wave), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == options.steps_of_training - 1:
            print(f"step {step:4}: error {math.sqrt(loss.item()):.3f}")
    net.eval()
    with torch.no_grad():
        wave, target = waves(1000, generator)
        print(f"test: error {math.sqrt(nn.functional.mse_loss(net(wave), target).item()):.3f}; "
              f"who always says 0 has {target.std().item():.3f}")


if __name__ == "__main__":
    main()
