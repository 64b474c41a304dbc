# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Two processes train one network under DistributedDataParallel: the gradients are those of the whole batch."""

import os
import sys

import torch
import torch.distributed
import torch.multiprocessing

import snnc
import support


def batch():
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (16, 1, 28, 28), dtype=torch.uint8, generator=generator)


def network():
    return snnc.torch.Module(support.SOURCE / "examples" / "fashion_mnist" / "population.snn", outputs="membrane", threads=1)


def work(rank, store):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    net = torch.nn.parallel.DistributedDataParallel(network())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        net(batch()[rank * 8:][:8]).square().mean().backward()
        optimizer.step()
    if rank == 0:
        alone = network()
        optimizer = torch.optim.SGD(alone.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            alone(batch()).square().mean().backward()
            optimizer.step()
        for (name, ours), expected in zip(net.module.named_parameters(), alone.parameters()):
            support.close(ours.detach(), expected.detach(), 1e-5, name)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with support.folder() as scratch:
        torch.multiprocessing.spawn(work, (str(scratch / "store"),), nprocs=2)
    sys.exit(0)
