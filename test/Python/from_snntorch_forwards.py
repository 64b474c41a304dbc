# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What people write in a forward: it is followed, or refused with a hint at what can be written instead."""

import random

import numpy as np
import snntorch as snn
import torch
from snntorch import utils
from torch import nn

import snnc
from networks import STEPS, Loop, Steps, X, XT, hidden, leaky, refused, same, steps_of, variant

torch.manual_seed(0)


def test_steps_of_input():
    class Each(Steps):
        def forward(self, x):
            state, spikes = self.rest(x), []
            for now in self.steps(x):
                out, state = self.l(self.f(now), state)
                spikes.append(out)
            return torch.stack(spikes)

        def steps(self, x):
            return x

    class Unbound(Each):
        def steps(self, x):
            return x.unbind(0)

    for net in (variant(current=lambda self, x, step: self.f(x[step, :])), variant(current=lambda self, x, step: self.f(x[step, ...])),
                Each(), Unbound()):
        same(snnc.from_snntorch(net, XT), (net(XT),), XT)
    refused(Each(), "input's length", "second argument")
    some = variant(current=lambda self, x, step: self.f(x[step, 2:]))
    same(snnc.from_snntorch(some, XT), (some(XT),), XT)


def test_copies():
    """What keeps the numbers of a tensor, and where tensors lie."""
    for before in (lambda self, x: x.float(), lambda self, x: x.to(self.f.weight.device), lambda self, x: x.to(x.dtype).contiguous().clone()):
        net = variant(before=before, finish=lambda self, spikes: spikes.contiguous())
        for sample in (None, XT):
            converted = snnc.from_snntorch(net, sample)
            assert "over time" in converted.text, converted.text
            same(converted, (net(XT),), XT)
    cut = variant(before=lambda self, x: x.to(torch.int64).float())
    same(snnc.from_snntorch(cut, XT), (cut(XT),), XT)


def test_rest():
    """States that forward makes itself."""
    for rest in (lambda self, x: torch.zeros(x.size(1), 6, device=x.device, dtype=x.dtype), lambda self, x: torch.zeros_like(self.f(x[0])),
                 lambda self, x: x[0].new_zeros(x.shape[1], 6), lambda self, x: torch.zeros(6), lambda self, x: torch.zeros(2, 5, 6)):
        net = variant(rest=rest)
        assert XT.ndim == 3
        same(snnc.from_snntorch(net, XT), (net(XT),), XT)
    refused(variant(rest=lambda self, x: torch.ones(5, 6)), "no state at rest")


def test_collected_calls():
    class Zip(Loop):
        def build(self):
            self.first, self.last = hidden(), hidden(output=True)

        def forward(self, x):
            utils.reset(self)
            calls = [self.last(self.g(self.first(self.f(x)))) for _ in range(STEPS)]
            spikes, membranes = zip(*calls)
            return torch.stack(spikes), torch.stack(membranes)

    class Rest(Zip):
        def build(self):
            self.first, self.last = hidden(), snn.Synaptic(alpha=0.5, beta=0.75)

        def forward(self, x):
            utils.reset(self)
            spikes, states = [], self.last.reset_mem()
            for _ in range(STEPS):
                found = self.last(self.g(self.first(self.f(x))), *states)
                states = list(found[1:])
                assert len(found) == 3 and len(states) == 2
                spikes.append(found[0])
            return torch.stack(spikes)

    net = Zip()
    same(snnc.from_snntorch(net), net(X), X)
    net = Rest()
    same(snnc.from_snntorch(net), (net(X),), X)


def test_kinds():
    """Forward may ask whether a value is a tensor, or what a call of neurons returns a tuple."""
    class Layers(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(6, 6), hidden(output=True), nn.Linear(6, 6), hidden(output=True)])

        def forward(self, x):
            utils.reset(self)
            spikes = []
            for _ in range(STEPS):
                value = x
                for layer in self.layers:
                    value = layer(value)
                    if isinstance(value, tuple):
                        value, _membrane = value
                spikes.append(value)
            return torch.stack(spikes)

    net = Layers()
    same(snnc.from_snntorch(net), (net(X),), X)
    for asks in (torch.is_tensor, lambda value: isinstance(value, (torch.Tensor, float)), lambda value: not isinstance(value, nn.Parameter)):
        net = variant(current=lambda self, x, step: self.f(x[step]) * 2 if asks(x) else self.f(x[step]))
        refused(net, "operation mul")
    kept = isinstance
    refused(variant(current=lambda self, x, step: torch.as_tensor(x[step])), "cannot be traced")
    assert isinstance is kept


def test_random():
    def drops(self, x, step):
        return self.f(x[step]) if torch.rand(1) < 2 else x[step]

    refused(variant(current=drops), "forward of Variant", "random numbers", "nn.Dropout")


def test_extents_in_tuples():
    def flat(self, x, step):
        samples, neurons = self.f(x[step]).size()
        return self.f(x[step]).view(samples, neurons)

    net = variant(current=flat)
    same(snnc.from_snntorch(net), (net(XT),), XT)


def test_states_read():
    class Reads(Loop):
        def build(self):
            self.first, self.last = hidden(), hidden()

        def forward(self, x):
            utils.reset(self)
            membranes = []
            for _ in range(STEPS):
                self.last(self.g(self.first(self.f(x))))
                membranes.append(self.last.mem)
            return torch.stack(membranes)

    class Takes(Loop):
        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            out, b = self.last(self.g(spikes), self.first.mem if b is None else b)
            return a, b, out

        def rest(self):
            return self.first.reset_mem(), None

    class Gets(Loop):
        def build(self):
            self.last = hidden()

        def forward(self, x):
            utils.reset(self)
            a, spikes = self.first.reset_mem(), []
            for step in range(STEPS):
                out, a = self.first(self.f(x), a)
                if step == 0:
                    self.last.mem = self.first.mem
                spikes.append(self.last(self.g(out)))
            return torch.stack(spikes)

    for net in (Reads(), Takes()):
        refused(net, "output=True")
    refused(Gets(), "layer \"last\" (Leaky)", "another state than that at rest")


def test_other_neurons():
    class Long(Loop):
        def build(self):
            self.last = snn.SLSTM(6, 4)

        def forward(self, x):
            a, (c, b), spikes = self.first.reset_mem(), self.last.init_slstm(), []
            for _ in range(STEPS):
                out, a = self.first(self.f(x), a)
                out, c, b = self.last(out, c, b)
                spikes.append(out)
            return torch.stack(spikes)

    refused(Long(), "layer \"last\" (SLSTM)", "to 0 in each step")


def test_double():
    """Numbers of a network of float64 that float32 has not."""
    net = nn.Sequential(nn.Linear(6, 5), snn.Lapicque(R=5.1, C=0.5, time_step=1, init_hidden=True, output=True)).double()
    net[1].beta = torch.tensor([0.6755981245169095], dtype=torch.float64)
    converted = snnc.from_snntorch(net, steps=STEPS)
    assert "beta = 0.6755981245169095" in converted.text, converted.text
    converted.torch(precision="f64").load_state_dict(net.state_dict())
    net[1].beta += 0.1
    refused(net, "layer \"1\" (Lapicque)", "its R and C", steps=STEPS)


def test_wrapped():
    refused(torch.compile(Loop()), "(OptimizedModule)", "._orig_mod")
    refused(nn.DataParallel(Loop()), "(DataParallel)", ".module")


def test_several_joined():
    class Joins(Loop):
        def build(self):
            self.g = nn.Linear(18, 4)

        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            out, b = self.last(self.g(torch.cat([spikes, x, spikes], dim=1)), b)
            return a, b, out

    net = Joins()
    same(snnc.from_snntorch(net), net(X), X)


def test_view_of_other_samples():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = leaky()

        def forward(self, x):
            state, spikes = self.l.reset_mem(), []
            for _ in range(STEPS):
                out, state = self.l(x.view(2 * x.size(0), -1), state)
                spikes.append(out)
            return torch.stack(spikes)

    halves = Halves()
    same(snnc.from_snntorch(halves, X), (halves(X),), X)
    for shape in ((5, 6), (5, -1), (-1, 6)):
        net = variant(current=lambda self, x, step: self.f(x[step].view(*shape)))
        same(snnc.from_snntorch(net, XT), (net(XT),), XT)


class OneStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.a, self.g, self.b = nn.Linear(6, 6), hidden(), nn.Linear(6, 4), hidden(output=True)

    def forward(self, x):
        return self.b(self.g(self.a(self.f(x))))


def test_one_step():
    net = OneStep()
    same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    converted = snnc.from_snntorch(net, over_time=True)
    utils.reset(net)
    found = [net(x) for x in XT]
    module = same(converted, tuple(torch.stack(values) for values in zip(*found)), XT)
    assert set(module.state_dict()) == set(net.state_dict())
    refused(Loop(), "init_hidden=True", "without steps=", steps=STEPS)

    class Twice(OneStep):
        def forward(self, x):
            super().forward(x)
            return super().forward(x)

    refused(Twice(), "layer \"a\" (Leaky)", "without steps=", steps=STEPS)


def test_one_step_that_changes():
    """A step that resets itself, or is another one in the next call."""
    class Resets(OneStep):
        def forward(self, x):
            utils.reset(self)
            return super().forward(x)

    class Ends(OneStep):
        def forward(self, x):
            found = super().forward(x)
            utils.reset(self)
            return found

    class Detaches(OneStep):
        def forward(self, x):
            snn.Leaky.detach_hidden()
            return super().forward(x)

    class Scales(OneStep):
        def forward(self, x):
            self.a.mem *= 0.5
            return super().forward(x)

    class Counts(OneStep):
        count = 0

        def forward(self, x):
            self.count += 1
            return super().forward(x if self.count < 3 else x + x)

    for kind in (Resets, Ends, Detaches, Scales):
        refused(kind(), "layer \"a\" (Leaky)", "reset, detached or changed", steps=STEPS)
        refused(nn.Sequential(kind()), "layer \"0.a\" (Leaky)", "reset, detached or changed", steps=STEPS)
    net = Counts()
    refused(net, "count of Counts", "each call", steps=STEPS)
    assert net.count == 0


def test_layers_that_forward_changes():
    """A layer is one at all its calls, and in the next call of the network; the network stays what it was."""
    class Changes(Steps):
        def __init__(self, change):
            super().__init__()
            self.change, self.d = change, nn.Dropout(0.5)

        def current(self, x, step):
            self.change(self, step)
            return self.d(self.f(x))

    def threshold(net, step):
        net.l.threshold = torch.tensor(1 + 0.1 * step)

    def fill(net, step):
        net.l.threshold.fill_(1 + 0.1 * step)

    def data(net, step):
        net.l.beta.data = torch.tensor(0.1 * step)

    def rate(net, step):
        net.d.p = 0.1 * step

    def decays(net, step):
        if step == 0:
            net.l.threshold = net.l.threshold * 0.9

    for change, words in ((threshold, "its threshold between calls"), (fill, "its threshold between calls"), (data, "its beta between calls"),
                          (rate, "its p between calls"), (decays, "threshold of Leaky another value in each call")):
        net = Changes(change)
        before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        refused(net, words, sample=X)
        assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items()), words
        assert net.d.p == 0.5


def test_random_numbers():
    """A forward that draws them is another one in each call."""
    def drawn(draw):
        return variant(current=lambda self, x, step: self.f(x[step]) if draw() < 2 else x[step])

    for draw in (np.random.rand, random.random, lambda: torch.rand(()).item()):
        refused(drawn(draw), "draws random numbers", sample=XT)


def test_lazy_layers():
    net = variant()
    net.f = nn.LazyLinear(6)
    refused(net, "f.weight has no extents yet", sample=XT)
    net(XT)
    same(snnc.from_snntorch(net, XT), (net(XT),), XT)


def test_rest_that_is_none():
    """What is made of a state at rest is none: it has an extent from the second call on."""
    for rest in (lambda self, x: self.l.reset_mem() + 0.5, lambda self, x: torch.ones_like(self.l.reset_mem())):
        refused(variant(rest=rest), "no state at rest", sample=XT)


def test_counts_of_batches():
    """A checkpoint has them, also those of a batch norm that is not called."""
    net = Steps()
    net.called, net.spare = nn.BatchNorm1d(6), nn.BatchNorm1d(6)
    net.called.num_batches_tracked += 7
    net.spare.num_batches_tracked += 3
    net.f = nn.Sequential(nn.Linear(6, 6), net.called)
    module = snnc.from_snntorch(net, XT).torch()
    assert set(module.state_dict()) == set(net.state_dict())
    for name in ("called", "spare"):
        assert torch.equal(module.state_dict()[f"{name}.num_batches_tracked"], net.state_dict()[f"{name}.num_batches_tracked"])


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
