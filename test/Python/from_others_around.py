# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of SpikingJelly and Norse of which PyTorch computes a part."""

import torch
from norse.torch.module.leaky_integrator import LILinearCell
from norse.torch.module.lif import LIFCell
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

import snnc
import support
from networks import STEPS, learns_as

X = torch.rand(STEPS, 5, 2, 6, 6, generator=torch.Generator().manual_seed(1)) * 4


class Net(nn.Module):
    """In step mode "m"; subclasses say what comes before and behind."""

    def __init__(self):
        super().__init__()
        self.c, self.a, self.flat = layer.Conv2d(2, 4, 3, padding=1, bias=False), neuron.LIFNode(surrogate_function=surrogate.ATan()), layer.Flatten()
        self.f, self.b = layer.Linear(144, 6), neuron.LIFNode()
        self.h = nn.Linear(6, 3)
        self.pool = nn.AvgPool1d(2, 2)
        functional.set_step_mode(self, "m")
        with torch.no_grad():
            for one in (self.c, self.f):
                one.weight.mul_(20)

    def ahead(self, x):
        return x

    def behind(self, spikes):
        return spikes

    def forward(self, x):
        functional.reset_net(self)
        return self.behind(self.b(self.f(self.flat(self.a(self.c(self.ahead(x)))))))


def variant(**methods):
    torch.manual_seed(3)
    return type("Variant", (Net,), methods)()


def same(net, x, samples):
    converted = snnc.from_spikingjelly(net, x)
    module = converted.torch()
    assert list(module.state_dict()) == list(net.state_dict())
    for given in (x, torch.cat([x, x], samples), x.narrow(samples, 0, 1)):
        learns_as(net, module, given)
    return converted


def test_all_steps_at_once():
    for behind in (lambda self, s: self.h(s.mean(0)), lambda self, s: s.mean(1), lambda self, s: {"spikes": s, "classes": self.h(s).sum(0)},
                   lambda self, s: self.pool(s.mean(0).unsqueeze(1)).squeeze(1), lambda self, s: self.h(s).mean(0)):
        same(variant(behind=behind), X, 1)
    same(variant(ahead=lambda self, x: x.permute(1, 0, 2, 3, 4)), X.transpose(0, 1), 0)
    same(variant(ahead=lambda self, x: x / 2 + 0.5), X, 1)
    converted = same(variant(ahead=lambda self, x: x.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1), behind=lambda self, s: self.h(s.mean(0))), X[0], 0)
    assert "over time" not in converted.text and f"steps {STEPS}" in converted.text, converted.text
    with support.raises(snnc.convert.ConversionError, "operation mean"):
        snnc.from_spikingjelly(variant(behind=lambda self, s: self.b(s.mean(0, keepdim=True))), X)


def test_layers_of_a_batch():
    """A container that takes all steps as one batch."""
    class Contained(Net):
        def __init__(self):
            super().__init__()
            self.c = layer.SeqToANNContainer(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))

    torch.manual_seed(0)
    net = Contained()
    converted = same(net, X, 1)
    assert "batch_norm" in converted.text and converted.around is None, converted.text
    module = converted.torch()
    net, found = Contained(), None
    module.load_state_dict(net.state_dict())
    found, expected = module(X), net(X)
    support.close(module.c.get_submodule("1").running_var, net.c[1].running_var, 1e-5, "running variance")
    support.close(found.detach(), expected.detach(), 1e-5, "spikes")


def test_norse():
    class Rows(nn.Module):
        """What its readout gives is written into a tensor, step by step, as in Norse's example for MNIST."""

        def __init__(self):
            super().__init__()
            self.f, self.lif, self.out = nn.Linear(8, 12), LIFCell(), LILinearCell(12, 4)

        def forward(self, x):
            first, second, rows = None, None, torch.zeros(STEPS, x.shape[1], 4)
            for step in range(STEPS):
                spikes, first = self.lif(self.f(x[step].flatten(1) * 10), first)
                row, second = self.out(spikes, second)
                rows[step] = row
            return rows.max(0)[0]

    torch.manual_seed(0)
    net, x = Rows(), torch.rand(STEPS, 5, 2, 4) * 20
    with torch.no_grad():
        net.f.weight.mul_(20)
    module = snnc.from_norse(net, x).torch()
    learns_as(net, module, x)
    learns_as(net, module, x[:, :2])


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
