# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A converted network gives snnTorch's numbers, or there is a ConversionError that names the layer: nothing of it is left out silently."""

import warnings

import snntorch as snn
import torch
from snntorch import utils
from torch import nn
from torch.nn import functional as F

import snnc
import support
from networks import STEPS, Between, Loop, X, hidden, leaky, refused, same, steps_of


def test_module_in_sequential():
    """A module with a forward of its own is followed, not replaced by the layers in it."""
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.l = nn.Linear(6, 6), hidden()

        def forward(self, x):
            return self.l(self.f(x)) + x

    class Scaled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    class Narrow(nn.Linear):
        def __init__(self):
            super().__init__(6, 4)

    class Doubled(nn.Sequential):
        def forward(self, x):
            return super().forward(x * 2)

    torch.manual_seed(0)
    refused(Residual(), "torch.stack", "say steps=")
    net = nn.Sequential(nn.Linear(6, 6), hidden(), Residual(), Narrow(), hidden(output=True))
    converted = snnc.from_snntorch(net, steps=STEPS)
    assert "add(" in converted.text, converted.text
    same(converted, steps_of(net, X), X)
    refused(nn.Sequential(nn.Linear(6, 6), Scaled(6, 6), hidden()), "layer \"1\" (Scaled)", "\"1.weight\"")
    refused(Doubled(nn.Linear(6, 6), hidden()), "forward of Doubled", "operation mul")


def test_used_twice():
    torch.manual_seed(0)
    pool, layer = nn.MaxPool2d(2), nn.Linear(6, 6)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), pool, hidden(), nn.Conv2d(3, 4, 3, padding=1), pool, hidden(),
                        nn.Flatten(), nn.Linear(36, 5), hidden(output=True))
    x = torch.randn(4, 1, 12, 12) * 3
    converted = snnc.from_snntorch(net, x, steps=STEPS)
    assert converted.text.count("  max_pool(2)\n") == 2, converted.text
    same(converted, steps_of(net, x), x)
    refused(nn.Sequential(layer, hidden(), layer, hidden()), "layer \"0\"", "in two places")
    neurons = hidden()
    refused(nn.Sequential(layer, neurons, nn.Linear(6, 6), neurons), "layer \"1\" (Leaky)", "used twice in one step")


def test_pools_of_one_value():
    class Pools(Loop):
        def build(self):
            self.f, self.g = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(48, 5)

        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            pooled = F.max_pool2d(spikes, 2) + F.avg_pool2d(spikes, kernel_size=2) + F.max_pool2d(spikes, 3, 2, 1)
            out, b = self.last(self.g(pooled.view(pooled.size(0), -1)), b)
            return a, b, out

    torch.manual_seed(0)
    net, x = Pools(), torch.randn(4, 1, 8, 8) * 3
    same(snnc.from_snntorch(net, x), net(x), x)


def test_regions():
    class Without(Loop):
        def step(self, x, a, b):
            with torch.no_grad():
                spikes, a = self.first(self.f(x), a)
            out, b = self.last(self.g(spikes), b)
            return a, b, out

    class Half(Loop):
        def forward(self, x):
            with torch.autocast("cpu"):
                return super().forward(x)

    refused(Without(), "layer \"f\"", "no_grad")
    refused(Half(), "layer \"f\"", "autocast")
    with torch.no_grad():  # around the conversion it says nothing
        snnc.from_snntorch(Loop())


def same_training(net, x, call=None, **options):
    """Outputs, gradients and running statistics of some batches, then outputs and gradients in evaluation. The converted network's text."""
    converted = snnc.from_snntorch(net, x.shape, **options)
    module = converted.torch()
    call = call or net

    def same_call(mode):
        net.zero_grad()
        module.zero_grad()
        images = [x.clone().requires_grad_() for _ in range(2)]
        found, expected = module(images[0]), call(images[1])
        for a, b in zip(found, expected):
            support.close(a.detach(), b.detach(), 1e-5, mode)
        (found[0].sum() + (found[1] ** 2).sum()).backward()
        (expected[0].sum() + (expected[1] ** 2).sum()).backward()
        largest = max(parameter.grad.abs().max() for parameter in net.parameters())
        for name, parameter in net.named_parameters():  # that of a bias before batch norm is 0
            error = (module.get_parameter(name).grad - parameter.grad).abs().max()
            assert error <= 1e-5 * largest, f"{mode}, {name}: error {error:.3g}"
        support.close(images[0].grad, images[1].grad, 1e-5, f"{mode}, gradient of the input")
        for name, buffer in net.named_buffers():
            if "running" in name:
                support.close(module.get_buffer(name), buffer, 1e-5, f"{mode}, {name}")

    for _ in range(3):
        same_call("training")
    net.eval()
    module.eval()
    same_call("evaluation")
    net.train()
    return converted.text


def test_batch_norm():
    """In the loop a batch norm has the statistics of each step, and moves the running ones in each; before it, it does that once."""
    class Static(Between):
        def build(self):
            self.n = nn.BatchNorm1d(6)

    class Inner(Static):
        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            out, b = self.last(self.n(self.g(spikes)), b)
            return a, b, out

    class Before(Loop):
        def build(self):
            self.n = nn.BatchNorm1d(6)

        def forward(self, x):
            return super().forward(self.n(x))

    class Twice(Static):
        def step(self, x, a, b):
            self.n(self.f(x))
            return super().step(x, a, b)

    torch.manual_seed(0)
    for make, word in ((Static, "each_step"), (Inner, "each_step"), (Before, "one_step")):
        assert f"n: batch_norm(statistics = {word})" in same_training(make(), X)
    refused(Twice(), "layer \"n\" (BatchNorm1d)", f"called {2 * STEPS} times in {STEPS} steps")
    images = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3, momentum=0.3, eps=1e-2), hidden(), nn.Conv2d(3, 2, 3, bias=False),
                           nn.BatchNorm2d(2, affine=False), nn.MaxPool2d(2), hidden(), nn.Flatten(), nn.Linear(8, 4), hidden(output=True))
    for steps in (None, STEPS):
        pictures = torch.rand(5, 1, 8, 8) * 3
        module = snnc.from_snntorch(images, pictures.shape, steps=steps).torch()
        calls = {} if steps else {"steps": STEPS}
        for a, b in zip(module(pictures, **calls), steps_of(images, pictures)):
            support.close(a.detach(), b.detach(), 1e-5, "training")
        support.close(module.get_buffer("4.running_var"), images[4].running_var, 1e-5, "running_var")
        support.close(module.get_buffer("1.running_var"), images[1].running_var, 1e-5, "running_var")

    def gone(x):
        return steps_of(images, x)

    text = same_training(images, torch.rand(5, 1, 8, 8) * 3, gone, steps=STEPS)
    assert text.count("statistics = each_step") == 2, text


def test_dropout_in_loop():
    """A call draws a mask, so one in the loop draws one in each step, whatever its input is."""
    class Drops(Between):
        def build(self):
            self.n = nn.Dropout(0.5)

    class Before(Drops):
        def forward(self, x):
            return super().forward(self.n(x))

        def step(self, x, a, b):
            return Loop.step(self, x, a, b)

    class Both(Drops):
        def forward(self, x):
            return super().forward(self.n(x))

    torch.manual_seed(0)
    net = Drops()
    converted = snnc.from_snntorch(net)
    assert "n: step_dropout(p = 0.5)" in converted.text, converted.text
    with torch.no_grad():
        net.f.weight.zero_()
        net.f.bias.fill_(1)
    membrane = snnc.from_snntorch(net).torch()
    membrane._outputs, membrane._single = ("hidden_membrane.first",), True
    found = membrane(X)
    assert len(found[0].unique()) == 2 and len(found[1].unique()) > 2  # 0 or 2 come in, in each step anew
    assert "n: dropout(p = 0.5)" in snnc.from_snntorch(Before()).text
    refused(Both(), "time step")
    refused(nn.Sequential(nn.Linear(6, 6), nn.Dropout(1), hidden()), "layer \"1\" (Dropout)", "p=1")
    assert "step_dropout" in snnc.from_snntorch(nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 6), hidden())).text


def test_inhibition():
    """snnTorch's neurons with inhibition do not scale their spikes."""
    class Inhibits(Loop):
        def build(self):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.last = leaky(inhibition=True, graded_spikes_factor=0.5)

    torch.manual_seed(0)
    net = Inhibits()
    assert net(X)[0].unique().tolist() == [0, 1]
    module = same(snnc.from_snntorch(net), net(X), X)
    module.load_state_dict(net.state_dict())
    net.load_state_dict(module.state_dict())
    net.last.reset_delay = False
    refused(net, "layer \"last\" (Leaky)", "graded_spikes_factor together with inhibition")


def test_hints():
    """What a network is refused for has another way."""
    class Drops(Loop):
        def step(self, x, a, b):
            return super().step(F.dropout(x, 0.5), a, b)

    class Cut(Loop):
        def step(self, x, a, b):
            return super().step(x, a.detach(), b)

    refused(Drops(), "something else in train() than in eval()", "nn.Dropout")
    refused(Cut(), "operation detach", "with the state= of the one before")


def test_late_reset():
    """RSynaptic resets what it is given instead of its membrane, which fails, or changes nothing."""
    net = nn.Sequential(nn.Linear(6, 6), snn.RSynaptic(alpha=0.7, beta=0.8, linear_features=6, reset_delay=False, init_hidden=True))
    refused(net, "layer \"1\" (RSynaptic)", "reset_delay=False", steps=STEPS)


def test_states():
    class Starts(Loop):
        def build(self):
            self.start = nn.Parameter(torch.zeros(6))

        def rest(self):
            return self.start, self.last.reset_mem()

    class Spread(Starts):
        def rest(self):
            return self.start.expand(5, 6), self.last.reset_mem()

    class Nonzero(Loop):
        def rest(self):
            return torch.ones(5, 6), self.last.reset_mem()

    class Hidden(Loop):
        def build(self):
            self.first, self.last = hidden(), hidden()

        def between(self):
            pass

        def forward(self, x):
            utils.reset(self)
            spikes = []
            for _ in range(STEPS):
                spikes.append(self.last(self.g(self.first(self.f(x)))))
                self.between()
            return torch.stack(spikes)

    class Resets(Hidden):
        def between(self):
            utils.reset(self)

    class Detaches(Hidden):
        def between(self):
            snn.Leaky.detach_hidden()

    class Writes(Hidden):
        def between(self):
            self.first.mem = torch.zeros(5, 6)

    class Begins(Hidden):
        def forward(self, x):
            utils.reset(self)
            self.first.mem = torch.ones(5, 6)
            spikes = [self.last(self.g(self.first(self.f(x)))) for _ in range(STEPS)]
            return torch.stack(spikes)

    class Ends(Hidden):
        def forward(self, x):
            spikes = super().forward(x)
            utils.reset(self)
            return spikes

    for kind in (Starts, Spread):
        refused(kind(), "forward of", "parameter \"start\"")
    refused(Nonzero(), "no state at rest")
    refused(Begins(), "layer \"first\" (Leaky)", "another state than that at rest")
    for kind in (Resets, Detaches, Writes):
        net = kind()
        net(X)
        before = dict(net.first._buffers)
        refused(net, "layer \"first\" (Leaky)", "reset, detached or changed")
        assert all(net.first._buffers[name] is value for name, value in before.items())
        assert not any(name.startswith("_tensor_constant") for name in vars(net))
    for kind in (Hidden, Ends):
        torch.manual_seed(0)
        net = kind()
        same(snnc.from_snntorch(net), (net(X),), X)


def test_outputs_of_sequential():
    for last, names in ((snn.Synaptic(alpha=0.5, beta=0.6, init_hidden=True, output=True), "spikes, syn, membrane"),
                        (snn.Alpha(alpha=0.7, beta=0.6, init_hidden=True, output=True), "spikes, syn_exc, syn_inh, membrane")):
        refused(nn.Sequential(nn.Linear(6, 5), last), "layer \"1\"", names, "output=False")
    refused(nn.Sequential(nn.Linear(6, 6), hidden(output=True), nn.Linear(6, 6), hidden()), "\"1\"", "spikes, membrane")


def test_mode():
    net = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), hidden(output=True))
    assert snnc.from_snntorch(net, steps=STEPS).torch().training
    net.eval()
    module = same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    assert not module.training
    class Modes(Loop):
        def step(self, x, a, b):
            return super().step(x + self.f(x) if self.training else x, a, b)

    refused(Modes(), "forward of Modes", "train()", "eval()")
    net[1].train()
    refused(net, "layer \"1\" (Dropout)", "train()", "eval()")


def test_calls():
    """Arguments by keyword, defaults of further ones, views."""
    class Words(Loop):
        def step(self, x, a, b):
            spikes, a = self.first(input_=self.f(input=x), mem=a)
            out, b = self.last(self.g(spikes.view(spikes.shape[0], spikes.size(1))), mem=b)
            return a, b, out

        def forward(self, x, num_steps=3, *, scale=None):
            a, b = self.rest()
            spikes = []
            for _ in range(num_steps):
                a, b, out = self.step(x, a, b)
                spikes.append(out)
            return torch.stack(spikes)

    class Merges(Loop):
        def step(self, x, a, b):
            return super().step(x.view(-1, 3), a, b)

    class Extra(Loop):
        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a, mem=b)
            return a, b, spikes

    torch.manual_seed(0)
    net = Words()
    same(snnc.from_snntorch(net), (net(X),), X)
    refused(Merges(), "operation view", "flatten(1)", sample=X)
    refused(Extra(), "layer \"first\" (Leaky)", "multiple values")


def test_extents():
    """Numbers that forward computes of shapes."""
    class Global(Loop):
        def build(self):
            self.f, self.g = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(6, 5)

        def step(self, x, a, b):
            spikes, a = self.first(self.f(x), a)
            mean, largest = F.avg_pool2d(spikes, spikes.size(2)), F.max_pool2d(input=spikes, kernel_size=spikes.shape[-1] // 2 * 2)
            joined = torch.cat(tensors=[mean, largest], dim=-3)
            out, b = self.last(self.g(joined.reshape(-1, joined.size(1) * joined.size(2))), b)
            return a, b, out

    torch.manual_seed(0)
    net, x = Global(), torch.randn(4, 1, 8, 8) * 3
    same(snnc.from_snntorch(net, x), net(x), x)


def test_trained_out_of_range():
    """snnTorch clamps decays where it uses them: one that training moved out of (0, 1) is no NaN."""
    class Decays(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.l = nn.Linear(6, 6), snn.Alpha(alpha=0.6, beta=0.3, learn_beta=True, reset_mechanism="subtract")

        def forward(self, x):
            rising, falling, state = self.l.reset_mem()
            spikes, states = [], []
            for _ in range(STEPS):
                out, rising, falling, state = self.l(self.f(x), rising, falling, state)
                spikes.append(out)
                states.append(state)
            return torch.stack(spikes), torch.stack(states)

    torch.manual_seed(0)
    net = Decays()
    module = snnc.from_snntorch(net).torch()
    for beta in (-0.5, 1.2):
        net.l.beta.data.fill_(beta)
        module.load_state_dict(net.state_dict())
        expected, found = net(X), module(X)
        for values in (expected, found):
            sum(value.sum() for value in values).backward()
        support.same_bits(found[0].detach(), expected[0].detach(), "spikes")
        support.close(found[1].detach(), expected[1].detach(), 1e-5, "membranes")
        for name, parameter in net.named_parameters():
            support.close(module.get_parameter(name).grad, parameter.grad, 1e-5, f"{name} at {beta}")
        net.zero_grad()
        module.zero_grad()


def test_sums_in_place():
    """a += b changes a for whoever else has it, and an input from step to step."""
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.g, self.l = nn.Linear(6, 6), nn.Linear(6, 6), hidden()

        def forward(self, x):
            y = self.f(x)
            y += x
            return self.l(y)

    class Input(Sum):
        def forward(self, x):
            x += self.f(x)
            return self.l(x)

    class Other(Sum):
        def forward(self, x):
            y = z = self.f(x)
            y += x
            return self.l(self.g(y) + z)

    torch.manual_seed(0)
    net = nn.Sequential(Sum())
    same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    for kind in (Input, Other):
        refused(nn.Sequential(kind()), f"forward of layer \"0\" ({kind.__name__})", "+=")


def test_types():
    net = nn.Sequential(nn.Linear(6, 6), hidden(output=True))
    same(snnc.from_snntorch(net.double(), steps=STEPS), [value.float() for value in steps_of(net, X.double())], X)
    refused(net.half(), "0.weight", "float16")


def test_surrogates():
    def mine(x):
        return (x > 0).float()

    mine.__qualname__ = "ATan"
    refused(nn.Sequential(nn.Linear(6, 6), hidden(spike_grad=mine)), "layer \"1\" (Leaky)", "spike_grad")


def test_shapes():
    """Layers that do not fit are named."""
    image = (1, 1, 8, 8)
    refused(nn.Sequential(nn.Conv2d(1, 2, 3), hidden()), "layer \"1\"", "[2, 6, 6]", "flatten", sample=image)
    refused(nn.Sequential(nn.Linear(8, 4), hidden()), "layer \"0\" (Linear)", "[1, 8, 8]", sample=image)
    refused(nn.Sequential(nn.Flatten(), nn.Linear(60, 4), hidden()), "layer \"1\" (Linear)", "[64]", sample=image)
    refused(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 4), hidden()), "layer \"0\" (Conv2d)", "first axis", sample=image[1:])
    refused(nn.Sequential(nn.Linear(6, 4), hidden()), "shape [6]", "[sample, ...]", sample=(6,))
    refused(nn.Sequential(nn.Linear(6, 4), hidden()), "shape [2, 6]", "[time, sample, ...]", sample=(2, 6), over_time=True)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
