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
import support
from networks import STEPS, Loop, X, hidden, leaky, refused, same, steps_of

torch.manual_seed(0)
XT = torch.randn(STEPS, 5, 6) * 3


class Steps(nn.Module):
    """One layer of neurons, whose input is another in each step; subclasses say what is done with it before."""

    def __init__(self):
        super().__init__()
        self.f, self.l = nn.Linear(6, 6), leaky()

    def before(self, x):
        return x

    def rest(self, x):
        return self.l.reset_mem()

    def current(self, x, step):
        return self.f(x[step])

    def forward(self, x):
        x = self.before(x)
        state, spikes = self.rest(x), []
        for step in range(STEPS):
            out, state = self.l(self.current(x, step), state)
            spikes.append(out)
        return self.finish(torch.stack(spikes))

    def finish(self, spikes):
        return spikes


def variant(**methods):
    """A network of a class with these methods."""
    return type("Variant", (Steps,), methods)()


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
    refused(variant(current=lambda self, x, step: self.f(x[step, 2:])), "expected a time step", sample=XT)


def test_samples_first():
    """Time behind the samples, in the input or in what is stacked; a converted network takes and gives what the network does."""
    def by_samples(self, x, step):
        return self.f(x[:, step])

    class Stacks(Steps):
        def forward(self, x):
            x = x.transpose(0, 1)
            state, spikes = self.l.reset_mem(), []
            for now in x:
                out, state = self.l(self.f(now), state)
                spikes.append(out)
            spikes = torch.stack(spikes, dim=1)
            return spikes, spikes.sum(1)

    class Unbound(Steps):
        def forward(self, x):
            state, spikes = self.l.reset_mem(), []
            for now in x.unbind(1):
                out, state = self.l(self.f(now), state)
                spikes.append(out)
            return torch.stack(spikes)

    first = XT.transpose(0, 1).contiguous()
    for net, axes, x in ((variant(current=by_samples), (1, 0), first), (Stacks(), (1, 1), first), (Unbound(), (1, 0), first),
                         (variant(current=lambda self, x, step: self.f(x[:, step, :])), (1, 0), first),
                         (variant(before=lambda self, x: x.permute(1, 0, 2)), (1, 0), first),
                         (variant(before=lambda self, x: x.transpose(0, 1), current=by_samples), (0, 0), XT)):
        converted = snnc.from_snntorch(net, x)
        assert converted.time_axes == axes and "f32[6] over time" in converted.text, converted.time_axes
        x = x.clone().requires_grad_()
        module = converted.torch()
        expected, found = net(x), module(x)
        expected = expected if isinstance(expected, tuple) else (expected,)
        found = found if isinstance(found, tuple) else (found,)
        for name, a, b in zip(converted.outputs, found, expected):
            support.same_bits(a.detach(), b.detach(), name)
        gradients = []
        for values in (expected, found):
            x.grad = None
            sum((value * torch.arange(value.numel()).reshape(value.shape)).sum() for value in values).backward()
            gradients.append(x.grad)
        support.close(gradients[1], gradients[0], 1e-5, "gradient of the input")
        module(x.detach()[:3] if axes[0] else x.detach()[:, :3])  # another number of samples
    refused(variant(current=lambda self, x, step: self.f(x[:, step] if step % 2 else x[step])), "first axis and along its second", sample=(6, 6, 6))
    refused(variant(current=by_samples), "[sample, time, ...]", sample=(5, 6))
    text = snnc.from_snntorch(variant(current=by_samples)).text  # its first layer says what a step is
    assert "input f32[6] over time" in text, text
    with support.raises(ValueError, "time_axes"):
        snnc.torch.Module("snn 1\nmodel m {\n  input f32[4]\n  steps 2\n  leaky\n}\n", time_axes=(1, 0))


def test_copies():
    """What keeps the numbers of a tensor, and where tensors lie."""
    for before in (lambda self, x: x.float(), lambda self, x: x.to(self.f.weight.device), lambda self, x: x.to(x.dtype).contiguous().clone()):
        net = variant(before=before, finish=lambda self, spikes: spikes.contiguous())
        for sample in (None, XT):
            converted = snnc.from_snntorch(net, sample)
            assert "over time" in converted.text, converted.text
            same(converted, (net(XT),), XT)
    refused(variant(before=lambda self, x: x.to(torch.int64)), "operation to")


def test_rest():
    """States that forward makes itself."""
    for rest in (lambda self, x: torch.zeros(x.size(1), 6, device=x.device, dtype=x.dtype), lambda self, x: torch.zeros_like(self.f(x[0])),
                 lambda self, x: x[0].new_zeros(x.shape[1], 6), lambda self, x: torch.zeros(6), lambda self, x: torch.zeros(2, 5, 6)):
        net = variant(rest=rest)
        assert XT.ndim == 3
        same(snnc.from_snntorch(net, XT), (net(XT),), XT)
    refused(variant(rest=lambda self, x: torch.ones(5, 6)), "no state at rest")


def test_finish():
    """Counts and rates of the last spikes."""
    for finish, outputs in ((lambda self, spikes: spikes.sum(0), ("count",)), (lambda self, spikes: torch.mean(spikes, dim=0), ("rate",)),
                            (lambda self, spikes: spikes.sum(0) / STEPS, ("rate",)),
                            (lambda self, spikes: (spikes, spikes.mean(dim=0), spikes), ("spikes", "rate", "spikes"))):
        net = variant(finish=finish)
        converted = snnc.from_snntorch(net)
        assert converted.outputs == outputs, converted.outputs
        expected = net(XT)
        expected = expected if isinstance(expected, tuple) else (expected,)
        module = same(converted, expected, XT)
        found = module(XT)
        found = found if isinstance(found, tuple) else (found,)
        seeds = [torch.randn_like(value) for value in expected]
        for values in (expected, found):
            sum((value * seed).sum() for value, seed in zip(values, seeds)).backward()
        support.close(module.get_parameter("f.weight").grad, net.f.weight.grad, 1e-5, "gradient")
    for finish in (lambda self, spikes: spikes.mean(1), lambda self, spikes: spikes.sum(0) / 3, lambda self, spikes: spikes.sum(),
                   lambda self, spikes: spikes.mean(0, keepdim=True), lambda self, spikes: spikes.mean(0).sum(0)):
        refused(variant(finish=finish), "operation")
    refused(variant(finish=lambda self, spikes: spikes.mean(1)), "operation mean behind torch.stack", "[time, sample, ...]")


def test_counted():
    """Spikes that forward adds up while it goes through the steps."""
    class Counted(Loop):
        first_total = 0

        def add(self, total, out):
            return total + out

        def forward(self, x):
            a, b = self.rest()
            total = self.first_total
            for step in range(STEPS):
                a, b, out = self.step(x, a, b)
                total = self.add(total, out)
            return total, total / STEPS

    class InPlace(Counted):
        def add(self, total, out):
            total += out
            return total

    class Zeros(Counted):
        first_total = torch.zeros(5, 6)

    class Wide(Counted):
        first_total = torch.zeros(2, 1, 6)

    class Twice(Counted):
        def add(self, total, out):
            return total + out + out

    class First(Counted):
        def add(self, total, out):
            return total + out if self.calls_of(out) else out

        calls = 0

        def calls_of(self, out):
            First.calls += 1
            return (First.calls - 1) % STEPS

    class Skips(First):
        def calls_of(self, out):
            return super().calls_of(out) > 1

    class Membranes(Counted):
        def step(self, x, a, b):
            a, b, out = super().step(x, a, b)
            return a, b, b

    class Hidden(Counted):
        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            out, b = self.last(self.g(spikes), b)
            return a, b, spikes

    for kind in (Counted, InPlace, First):
        net = kind()
        converted = snnc.from_snntorch(net)
        assert converted.outputs == ("count", "rate")
        same(converted, net(X), X)
    net = Zeros()
    same(snnc.from_snntorch(net, X), net(X), X)
    refused(net, "operation")  # of how many samples it is does not follow
    for kind in (Twice, Skips, Membranes, Wide):
        refused(kind(), "operation")
    refused(Hidden(), "layer \"first\"", "of the last layer")


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


def test_nothing_comes_from_it():
    """What is computed behind the last neurons and left there."""
    class Further(Loop):
        def build(self):
            self.h = nn.Linear(6, 3)

        def step(self, x, a, b):
            a, b, out = super().step(x, a, b)
            self.h(out + x)
            return a, b, out

    class Norm(Further):
        def build(self):
            self.h = nn.BatchNorm1d(6)

    net = Further()
    module = same(snnc.from_snntorch(net), net(X), X)
    assert set(module.state_dict()) == set(net.state_dict())
    refused(Norm(), "layer \"h\" (BatchNorm1d)")


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

    refused(Halves(), "operation view", sample=X)
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


def test_in_place():
    """An operation in place changes a tensor under all its names."""
    class Once(Steps):
        def forward(self, x):
            state, spikes, total = self.l.reset_mem(), [], None
            for _ in range(STEPS):
                found = self.l(self.f(x), state)
                state = found[1]
                spikes.append(found[0])
                if total is None:
                    total = found[0]
                else:
                    total += found[0]
            return torch.stack(spikes), total

    class Totals(Loop):
        def begin(self):
            return 0, 0

        def end(self, total):
            return total

        def forward(self, x):
            a, _ = self.rest()
            total, b = self.begin()
            for _ in range(STEPS):
                a, b, out = self.step(x, a, b)
                total += out
            return self.end(total)

    class Zeros(Totals):
        def begin(self):
            return torch.zeros(5, 6), self.last.reset_mem()

        def end(self, total):
            total /= STEPS
            return total

    class SharedZeros(Totals):
        def begin(self):
            zeros = torch.zeros(5, 6)
            return zeros, zeros

    class Kept(Totals):
        zeros = torch.zeros(5, 6)

        def begin(self):
            return self.zeros, self.last.reset_mem()

    class Shares(Totals):
        def end(self, total):
            counts = total
            total /= STEPS
            return counts

    class Between(Loop):
        def __init__(self, way):
            super().__init__()
            self.way, self.same, self.drop, self.flat = way, nn.Identity(), nn.Dropout(0.0), nn.Flatten()

        def step(self, x, a, b):
            current = self.f(x)
            same = self.way(self, current)
            same += x
            spikes, a = self.first(current, a)
            out, b = self.last(self.g(spikes), b)
            return a, b, out

    torch.manual_seed(0)
    net = Zeros()
    converted = snnc.from_snntorch(net, X)
    assert converted.outputs == ("rate",)
    same(converted, (net(X),), X)
    for kind in (Once, SharedZeros, Kept, Shares):
        refused(kind(), "used elsewhere", sample=X)
    for way in (lambda net, x: net.same(x), lambda net, x: net.drop(x), lambda net, x: net.flat(x), lambda net, x: x.contiguous(),
                lambda net, x: x.view(5, -1)):
        refused(Between(way), "operation +=", "used elsewhere", sample=X)


def test_zeros_added():
    """A sum that begins with zeros is one of values, or over time."""
    class Branches(Loop):
        def step(self, x, a, b):
            spikes, a = self.first(sum([self.f(x), x]), a)
            out, b = self.last(0 + self.g(spikes), b)
            return a, b, 0 + out

    class Total(Steps):
        def __init__(self, zeros):
            super().__init__()
            self.zeros = zeros

        def forward(self, x):
            total, state = self.zeros(x), self.l.reset_mem()
            for _ in range(STEPS):
                out, state = self.l(self.f(x), state)
                total = total + out
            return total

    torch.manual_seed(0)
    net = Branches()
    same(snnc.from_snntorch(net), net(X), X)
    for zeros in (torch.zeros_like, lambda x: x.new_zeros(5, 6), lambda x: x.new_zeros(x.size(0), 6), lambda x: x.new_zeros((1, 6))):
        net = Total(zeros)
        same(snnc.from_snntorch(net, X), (net(X),), X)
    direct = variant(before=lambda self, x: x + 0, current=lambda self, x, step: x[step])
    refused(direct, "takes [0] of something", sample=XT)
    for zeros in (lambda x: x.new_zeros(3, 5, 6), lambda x: x.new_zeros(3, 1, 1), lambda x: x.new_zeros(2, 6)):
        refused(Total(zeros), "operation add", sample=X)


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


def test_last_layer_that_is_no_neuron():
    """It is read out, at all steps."""
    class Out(Loop):
        def build(self):
            self.out = nn.Linear(6, 3)

        def forward(self, x):
            a, _ = self.rest()
            spikes, read = [], []
            for _ in range(STEPS):
                out, a = self.first(self.f(x), a)
                spikes.append(out)
                read.append(self.out(out))
            return torch.stack(read), torch.stack(spikes)

    torch.manual_seed(0)
    net = Out()
    converted = snnc.from_snntorch(net)
    assert converted.outputs == ("membrane", "hidden.first"), converted.outputs
    module = same(converted, net(X), X)
    seed = torch.randn(STEPS, 5, 3)
    for values in (net(X), module(X)):
        (values[0] * seed).sum().backward()
    for name in ("out.weight", "out.bias", "f.weight"):
        support.close(module.get_parameter(name).grad, net.get_parameter(name).grad, 1e-5, name)
    net = nn.Sequential(nn.Linear(6, 6), hidden(), nn.Linear(6, 3))
    same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)


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
