# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Axes, indices and results of a forward that mean something else than they seem to, and what stands beside its layers."""

import numpy as np
import snntorch as snn
import torch
from torch import nn

import snnc
import support
from networks import STEPS, XT, refused, same, variant

torch.manual_seed(0)


class Static(nn.Module):
    """Takes the same input in all steps."""

    def __init__(self, before=lambda x: x, finish=torch.stack):
        super().__init__()
        self.f, self.l = nn.Linear(12, 12), snn.Leaky(beta=0.8)
        self.before, self.finish = before, finish

    def forward(self, x):
        x, state, spikes = self.before(x), self.l.reset_mem(), []
        for _ in range(STEPS):
            out, state = self.l(self.f(x), state)
            spikes.append(out)
        return self.finish(spikes)


def test_exchanged_axes():
    """Channels become samples, and samples channels."""
    square = torch.rand(12, 12)
    for before in (lambda x: x.transpose(0, 1), lambda x: x.permute(1, 0), lambda x: torch.swapaxes(x, 0, 1),
                   lambda x: x.clone().transpose(0, 1).float()):
        net = Static(before)
        same(snnc.from_snntorch(net, square), (net(square),), square)
    net = Static(lambda x: x.transpose(0, 1).permute(1, 0))
    same(snnc.from_snntorch(net, square), (net(square),), square)
    batch_first = variant(before=lambda self, x: x.transpose(0, 1))
    same(snnc.from_snntorch(batch_first, XT.transpose(0, 1)), (batch_first(XT.transpose(0, 1)),), XT.transpose(0, 1))


def test_indices_at_one_step():
    class Part(nn.Module):
        def __init__(self, part):
            super().__init__()
            self.f, self.l, self.part = nn.Linear(4, 3), snn.Leaky(beta=0.8, init_hidden=True), part

        def forward(self, x):
            return self.l(self.f(self.part(x)))

    for part, words in ((lambda x: x[:, 0], "[:, 0]"), (lambda x: x[0], "[0]"), (lambda x: x[:, 1:], "[:, 1:]")):
        refused(Part(part), words, "as a whole", steps=STEPS, sample=(5, 4, 4))
    refused(Part(lambda x: x.transpose(0, 1)), "its samples and its first axis exchanged", steps=STEPS, sample=(4, 4))


def test_first_steps():
    refused(variant(), f"takes {STEPS} of the {STEPS + 3} steps", sample=torch.rand(STEPS + 3, *XT.shape[1:]))


def test_axis_of_stack():
    net = Static(finish=lambda spikes: torch.stack(spikes, axis=1))
    x = torch.rand(STEPS, 12)
    same(snnc.from_snntorch(net, x), (net(x),), x)
    net = Static(finish=lambda spikes: torch.stack(spikes, dim=0, out=None))
    same(snnc.from_snntorch(net, x), (net(x),), x)


def test_one_output_in_a_tuple():
    for finish, kind in ((lambda spikes: (torch.stack(spikes),), tuple), (torch.stack, torch.Tensor)):
        net, x = Static(finish=finish), torch.rand(3, 12)
        assert isinstance(net(x), kind) and isinstance(snnc.from_snntorch(net, x).torch()(x), kind)


def test_layers_that_are_no_modules():
    class Listed(Static):
        def __init__(self):
            super().__init__()
            self.listed = [nn.Linear(12, 12)]

        def forward(self, x):
            return super().forward(self.listed[0](x))

    refused(Listed(), "a Linear that is none of the network's modules", "nn.ModuleList", sample=(3, 12))


def test_buffers_of_nobody():
    """They may have any values, and are the converted network's as well."""
    net, x = Static(), torch.rand(3, 12)
    net.register_buffer("epoch", torch.tensor(0))
    net.register_buffer("scores", torch.tensor([1.0, float("nan")]))
    net.register_buffer("passing", torch.ones(2), persistent=False)
    net.register_buffer("thin", torch.eye(3).to_sparse())
    made = snnc.from_snntorch(net, x).torch()
    assert made.state_dict().keys() == net.state_dict().keys()
    made.epoch.add_(1)
    torch.testing.assert_close(made(x), net(x))
    made.load_state_dict({**net.state_dict(), "epoch": torch.tensor(7)})
    assert made.epoch == 7
    made(x)


def test_buffers_that_forward_looks_at():
    class Rest(Static):
        def __init__(self):
            super().__init__()
            self.register_buffer("rest", torch.zeros(12))

        def forward(self, x):
            state, spikes = self.rest, []
            for _ in range(STEPS):
                out, state = self.l(self.f(x), state)
                spikes.append(out)
            return torch.stack(spikes)

    net, x = Rest(), torch.rand(3, 12)
    made = snnc.from_snntorch(net, x).torch()
    torch.testing.assert_close(made(x), net(x))
    made.rest.fill_(0.5)
    with support.raises(ValueError, "rest", "compiled into the model"):
        made(x)


def test_regions_of_the_caller():
    net = nn.Sequential(nn.Linear(12, 6), snn.Leaky(beta=0.8, init_hidden=True))
    text = snnc.from_snntorch(net, steps=STEPS).text
    for region in (torch.inference_mode(), torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16)):
        with region:
            assert snnc.from_snntorch(net, steps=STEPS).text == text


def test_samples():
    net = Static()
    assert snnc.from_snntorch(net, np.zeros((3, 12))).text == snnc.from_snntorch(net, torch.zeros(3, 12)).text
    for sample in (3, ("a", 6), (-1, 6), "3"):
        with support.raises(TypeError, "sample: expected a tensor, or the extents of one"):
            snnc.from_snntorch(net, sample)
    for steps in (-1, 0, 2.5, True):
        with support.raises(ValueError, "steps: expected their number"):
            snnc.from_snntorch(net, steps=steps)
    with support.raises(TypeError, "name: expected a string"):
        snnc.from_snntorch(net, name=3)
    refused(Static().to("meta"), "on the device meta", sample=(3, 12))


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
