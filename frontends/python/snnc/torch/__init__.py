# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled networks as modules of PyTorch.

    net = snnc.torch.Module("population.snn")
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for images, labels in loader:
        spikes, membrane = net(images)                  # [time, sample, neuron], all steps at once
        loss = criterion(spikes, labels)
        optimizer.zero_grad()
        loss.backward()                                 # surrogate gradients through time, compiled
        optimizer.step()

Parameters, buffers and `state_dict` have the names and shapes of the `nn.Sequential` of snnTorch's layers that the text
describes, so checkpoints go both ways.
"""

from . import functional
from ._module import Module

__all__ = ["Module", "functional"]
