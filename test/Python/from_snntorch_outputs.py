# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a network of snnTorch gives: outputs, sums over time, time behind the samples; and tensors that its forward changes in place."""

import torch
from torch import nn

import snnc
import support
from networks import STEPS, Loop, Steps, X, XT, hidden, refused, same, steps_of, variant

torch.manual_seed(0)


def tupled(found):
    return found if isinstance(found, tuple) else (found,)


def same_gradients(net, x, outputs):
    """The converted network has such outputs, and these and the gradients of all parameters are those of the network."""
    converted = snnc.from_snntorch(net)
    assert converted.outputs == outputs, converted.outputs
    expected = tupled(net(x))
    module = same(converted, expected, x)
    found = tupled(module(x))
    seeds = [torch.randn_like(value) for value in expected]
    for values in (expected, found):
        sum((value * seed).sum() for value, seed in zip(values, seeds)).backward()
    for name, parameter in net.named_parameters():
        support.close(module.get_parameter(name).grad, parameter.grad, 1e-5, name)


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
                         (variant(current=lambda self, x, step: self.f(x[..., step])), (-1, 0), first.movedim(1, -1)),
                         (variant(current=lambda self, x, step: self.f(x[:, :, step])), (-1, 0), first.movedim(1, -1).contiguous()),
                         (variant(before=lambda self, x: x.transpose(0, 1), current=by_samples), (0, 0), XT)):
        converted = snnc.from_snntorch(net, x)
        assert converted.time_axes == axes and "f32[6] over time" in converted.text, converted.time_axes
        x = x.clone().requires_grad_()
        module = converted.torch()
        expected, found = net(x), module(x)
        expected, found = tupled(expected), tupled(found)
        for name, a, b in zip(converted.outputs, found, expected):
            support.same_bits(a.detach(), b.detach(), name)
        gradients = []
        for values in (expected, found):
            x.grad = None
            sum((value * torch.arange(value.numel()).reshape(value.shape)).sum() for value in values).backward()
            gradients.append(x.grad)
        support.close(gradients[1], gradients[0], 1e-5, "gradient of the input")
        module(x.detach()[:, :3] if axes[0] == 0 else x.detach()[:3])  # another number of samples
    for current in (lambda self, x, step: self.f(x[:, step] if step % 2 else x[step]), lambda self, x, step: self.f(x[..., step] if step % 2 else x[step]),
                    lambda self, x, step: self.f(x[:, :, step].flatten(1))):  # the last one is told from others by an input
        net, x = variant(current=current), torch.randn(6, 6, 6) * 3
        same(snnc.from_snntorch(net), (net(x),), x)
    refused(variant(current=lambda self, x, step: self.f(x[:, :, step])), "along axis 2 of its input, which has 4", sample=(6, 6, 6, 6))
    net = variant(before=lambda self, x: x.transpose(0, 1), current=lambda self, x, step: self.f(x[..., step]))
    same(snnc.from_snntorch(net, x), (net(x),), x)
    refused(variant(current=by_samples), "[sample, time, ...]", sample=(5, 6))
    text = snnc.from_snntorch(variant(current=by_samples)).text  # its first layer says what a step is
    assert "input f32[6] over time" in text, text
    with support.raises(ValueError, "time_axes"):
        snnc.torch.Module("snn 1\nmodel m {\n  input f32[4]\n  steps 2\n  leaky\n}\n", time_axes=(1, 0))


def test_finish():
    """Counts and rates of the last spikes."""
    for finish, outputs in ((lambda self, spikes: spikes.sum(0), ("count",)), (lambda self, spikes: torch.mean(spikes, dim=0), ("rate",)),
                            (lambda self, spikes: spikes.sum(0) / STEPS, ("rate",)),
                            (lambda self, spikes: (spikes, spikes.mean(dim=0), spikes), ("spikes", "rate", "spikes"))):
        same_gradients(variant(finish=finish), XT, outputs)
    for finish in (lambda self, spikes: spikes.mean(1), lambda self, spikes: spikes.sum(0) / 3, lambda self, spikes: spikes.sum(),
                   lambda self, spikes: spikes.mean(0, keepdim=True), lambda self, spikes: spikes.mean(0).sum(0)):
        net = variant(finish=finish)
        same(snnc.from_snntorch(net), (net(XT),), XT)


def test_last():
    """What neurons give in the last time step: membranes of a regression, values of a decision."""
    class Last(Loop):
        def forward(self, x):
            a, b = self.rest()
            spikes = []
            for _ in range(STEPS):
                a, b, out = self.step(x, a, b)
                spikes.append(out)
            return self.finish(spikes, a, b)

        def finish(self, spikes, a, b):
            return b

    class Several(Last):
        def finish(self, spikes, a, b):
            return torch.stack(spikes), b, a, spikes[-1], torch.stack(spikes)[-1], torch.stack(spikes, dim=0).sum(0)

    class Read(Last):
        def build(self):
            self.out = nn.Linear(6, 3)

        def finish(self, spikes, a, b):
            return self.out(spikes[-1])

    class Behind(Last):
        def finish(self, spikes, a, b):
            spikes = torch.stack(spikes, dim=1)
            return spikes[:, -1], spikes

    for kind, outputs in ((Last, ("membrane[-1]",)), (Behind, ("spikes[-1]", "spikes")), (Read, ("membrane[-1]",)),
                          (Several, ("spikes", "membrane[-1]", "hidden_membrane.first[-1]", "spikes[-1]", "spikes[-1]", "count"))):
        torch.manual_seed(0)
        same_gradients(kind(), X, outputs)

    class Early(Last):
        def finish(self, spikes, a, b):
            return spikes[1]

    net = Early()
    same(snnc.from_snntorch(net), (net(X),), X)

    class Once(Loop):
        def forward(self, x):
            return self.step(x, *self.rest())[1]

    net = Once()
    same(snnc.from_snntorch(net), (net(X),), X)
    with support.raises(ValueError, "count is of all time steps"):
        snnc.torch.Module("snn 1\nmodel m {\n  input f32[4]\n  steps 2\n  leaky\n}\n", outputs="count[-1]")


def test_counted():
    """Spikes that forward adds up while it goes through the steps."""
    torch.manual_seed(1)
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
    for kind in (Zeros, Twice, Skips, Membranes, Wide, Hidden):
        net = kind()
        same(snnc.from_snntorch(net, X), net(X), X)


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
    for kind in (Once, SharedZeros, Kept):
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
    same(snnc.from_snntorch(direct, XT), (direct(XT),), XT)
    for zeros in (lambda x: x.new_zeros(3, 5, 6), lambda x: x.new_zeros(3, 1, 1)):
        net = Total(zeros)
        same(snnc.from_snntorch(net, X), (net(X),), X)


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


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
