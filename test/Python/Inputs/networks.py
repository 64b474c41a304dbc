# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of snnTorch for tests of their conversion, and what these compare."""

import snntorch as snn
import torch
from snntorch import utils
from torch import nn
from torch.utils import _pytree

import snnc
import support

STEPS = 4


def leaky(**options):
    return snn.Leaky(beta=0.75, **options)


def hidden(**options):
    return leaky(init_hidden=True, **options)


def steps_of(net, x):
    """Outputs of STEPS calls from rest, each stacked."""
    utils.reset(net)
    found = [net(x) for _ in range(STEPS)]
    found = [value if isinstance(value, tuple) else (value,) for value in found]
    return tuple(torch.stack(values) for values in zip(*found))


def same(converted, expected, x):
    module = converted.torch()
    found = module(x)
    found = found if isinstance(found, tuple) else (found,)
    assert len(found) == len(expected), f"{len(found)} outputs, expected {len(expected)}"
    for name, a, b in zip(converted.outputs, found, expected):
        support.close(a.detach(), b.detach(), 1e-5, name)
    assert any(value.count_nonzero() for value in expected)
    return module


def learns_as(net, module, x, arguments=None):
    """The same structure, values, and gradients of the input and of each parameter."""
    given = [x.clone().requires_grad_(x.is_floating_point()) for _ in range(2)]
    random = torch.get_rng_state()
    expected = net(given[0], **(arguments or {}))
    torch.set_rng_state(random)
    found = module(given[1])
    values, form = _pytree.tree_flatten(expected)
    own, own_form = _pytree.tree_flatten(found)
    assert form == own_form, f"{own_form}, expected {form}"
    for a, b in zip(own, values):
        assert type(a) is type(b) and (not isinstance(b, torch.Tensor) or a.dtype == b.dtype), f"{a}, expected {b}"
        if isinstance(b, torch.Tensor):
            assert a.shape == b.shape, f"{a.shape}, expected {b.shape}"
            support.close(a.detach().double(), b.detach().double(), 1e-5, "output")
    for outputs, owner in ((values, net), (own, module)):
        owner.zero_grad()
        sum(value.sin().sum() for value in outputs if isinstance(value, torch.Tensor) and value.requires_grad).backward()
    for name, parameter in net.named_parameters():
        got = module.get_parameter(name).grad
        if parameter.grad is None:
            assert got is None or not got.any(), name
        else:
            assert got.shape == parameter.grad.shape, name
            support.close(got, parameter.grad, 2e-5, name)
    if given[0].grad is not None:
        support.close(given[1].grad, given[0].grad, 2e-5, "gradient of the input")
    assert any(isinstance(value, torch.Tensor) and value.count_nonzero() for value in values)


def refused(net, *parts, sample=None, **options):
    with support.raises(snnc.convert.ConversionError, *parts):
        snnc.from_snntorch(net, sample, **options)


class Loop(nn.Module):
    """Two layers of neurons; subclasses say what lies between."""

    def __init__(self):
        super().__init__()
        self.first, self.last = leaky(), leaky()
        self.f, self.g = nn.Linear(6, 6), nn.Linear(6, 6)
        self.build()

    def build(self):
        pass

    def rest(self):
        return self.first.reset_mem(), self.last.reset_mem()

    def step(self, x, a, b):
        spikes, a = self.first(self.f(x), a)
        out, b = self.last(self.g(spikes), b)
        return a, b, out

    def forward(self, x):
        a, b = self.rest()
        spikes, membranes = [], []
        for _ in range(STEPS):
            a, b, out = self.step(x, a, b)
            spikes.append(out)
            membranes.append(b)
        return torch.stack(spikes), torch.stack(membranes)


X = torch.randn(5, 6, generator=torch.Generator().manual_seed(1)) * 3


class Between(Loop):
    """With a layer `n` in the loop, between the first weights and the first neurons."""

    def step(self, x, a, b):
        spikes, a = self.first(self.n(self.f(x)), a)
        out, b = self.last(self.g(spikes), b)
        return a, b, out


XT = torch.randn(STEPS, 5, 6, generator=torch.Generator().manual_seed(0)) * 3


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
