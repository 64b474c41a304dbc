# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a forward computes ahead of its network and behind it: PyTorch does, and the whole is what it was."""

import copy
import io
import pickle

import snntorch as snn
import torch
from snntorch import spikegen, utils
from torch import nn
from torch.nn import functional

import snnc
import support
from networks import STEPS, X, XT, hidden, leaky, learns_as, refused

CONV = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(2)) * 4


class Net(nn.Module):
    """Two layers of neurons; subclasses say what comes before, in each step, and behind them."""

    def __init__(self):
        super().__init__()
        self.f, self.l, self.g, self.o = nn.Linear(6, 8), leaky(), nn.Linear(8, 4), leaky()
        self.build()

    def build(self):
        pass

    def ahead(self, x):
        return x

    def each(self, x, step):
        return x

    def behind(self, spikes, membranes, x):
        return torch.stack(spikes), torch.stack(membranes)

    def forward(self, x):
        made, a, b, spikes, membranes = self.ahead(x), self.l.reset_mem(), self.o.reset_mem(), [], []
        for step in range(STEPS):
            out, a = self.l(self.f(self.each(made, step)), a)
            out, b = self.o(self.g(out), b)
            spikes.append(out)
            membranes.append(b)
        return self.behind(spikes, membranes, x)


def variant(**methods):
    """A network of a class with these methods, with weights large enough to fire."""
    torch.manual_seed(3)
    net = type("Variant", (Net,), methods)()
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            tensor.mul_(2 if name in ("f.weight", "g.weight") else 1)
    return net


def same(net, x, samples=0, arguments=None):
    """Converts; compares at the sample, and with other numbers of samples. `samples`: their axis. Returns what it is converted to."""
    converted = snnc.from_snntorch(net, x, arguments=arguments)
    module = converted.torch()
    assert list(module.state_dict()) == list(net.state_dict())
    assert [name for name, _ in module.named_parameters()] == [name for name, _ in net.named_parameters()]
    for given in (x, torch.cat([x, x], samples), x.narrow(samples, 0, 1), x):
        learns_as(net, module, given, arguments)
    return converted


def test_ahead():
    for ahead in (lambda self, x: x * 2 - 0.5, lambda self, x: torch.sin(x), lambda self, x: functional.pad(x[:, 1:], (0, 1)),
                  lambda self, x: x.reshape(x.shape[0], 3, 2).transpose(1, 2).reshape(x.size(0), -1), lambda self, x: self.norm(x)):
        converted = same(variant(ahead=ahead, build=lambda self: setattr(self, "norm", nn.GELU())), X)
        assert "but for what PyTorch computes" in converted.text and "over time" not in converted.text, converted.text
        for what in (converted.compile, lambda: converted.save("net.snn"), converted.torch().to_model):
            with support.raises(snnc.convert.ConversionError, "PyTorch computes a part"):
                what()


def test_each():
    """Another input in each step, which is made of the input's step, or of an input without steps."""
    same(variant(each=lambda self, x, step: x[step] * 0.5), XT, 1)
    same(variant(each=lambda self, x, step: x[:, step] * 0.5), XT.transpose(0, 1), 0)
    same(variant(ahead=lambda self, x: x.permute(1, 0, 2) * 0.5, each=lambda self, x, step: x[step]), XT.transpose(0, 1), 0)
    same(variant(each=lambda self, x, step: x * (step + 1)), X)
    same(variant(ahead=lambda self, x: self.h(x), each=lambda self, x, step: x[:, step], build=lambda self: setattr(self, "h", nn.Linear(6, 6))),
         XT.transpose(0, 1), 0)  # a layer of all steps at once
    converted = same(variant(each=lambda self, x, step: (torch.rand_like(x) < x).float()), X)
    assert "over time" in converted.text, converted.text
    same(variant(ahead=lambda self, x: spikegen.rate(x.clamp(0, 1), num_steps=STEPS), each=lambda self, x, step: x[step]), X)


def test_extents_of_what_is_made():
    class Blocks(nn.Module):
        """A convolution whose places are time steps, and a second loop over what the first one gives."""

        def __init__(self):
            super().__init__()
            self.c, self.n, self.f = nn.Conv1d(1, 6, 3, padding=1, bias=False), nn.BatchNorm1d(6), nn.Linear(6, 3)
            self.g, self.a, self.b = nn.Linear(6, 6), hidden(), leaky()

        def block(self, x, layer, neurons):
            spikes, state = [], neurons.reset_mem()
            for step in range(x.shape[0]):
                out = neurons(layer(x[step])) if neurons.init_hidden else neurons(layer(x[step]), state)
                out, state = out if isinstance(out, tuple) else (out, None)
                spikes.append(out)
            return torch.stack(spikes)

        def forward(self, x):
            utils.reset(self)
            x = self.n(self.c(x.flatten(1).unsqueeze(1))).permute(2, 0, 1)
            return self.block(self.block(x, self.g, self.a), self.f, self.b).mean(0)

    torch.manual_seed(0)
    net = Blocks()
    module = snnc.from_snntorch(net, CONV).torch()
    learns_as(net, module, CONV)
    support.close(module.n.running_mean, net.n.running_mean, 1e-5, "running mean")
    refused(Blocks(), "cannot be traced", "an input as the second argument")


def test_behind():
    """Whatever is made of spikes and membranes, in whatever structure."""
    def build(self):
        self.h, self.n, self.scale = nn.Linear(4, 3), nn.LayerNorm(4), nn.Parameter(torch.tensor(1.5))
        self.register_buffer("shift", torch.tensor([0.5, 0.0, 1.0, 2.0]))

    for behind in (lambda self, s, m, x: torch.stack(m).mean(0), lambda self, s, m, x: torch.sigmoid(torch.mean(torch.stack(m, dim=0), dim=0)),
                   lambda self, s, m, x: {"spikes": torch.stack(s), "membranes": [torch.stack(m, dim=1)]},
                   lambda self, s, m, x: self.h(torch.stack(s).mean(0)), lambda self, s, m, x: self.n(sum(m)) * self.scale + self.shift,
                   lambda self, s, m, x: (torch.cat([m[-1], x], 1), {"first": [s[0], None, 3]}), lambda self, s, m, x: m[1],
                   lambda self, s, m, x: torch.stack([self.h(one) for one in s]).sum(0), lambda self, s, m, x: [self.h(m[-1]), s[-1]],
                   lambda self, s, m, x: torch.stack(s).view(STEPS, x.shape[0], 2, 2).sum(0).flatten(1), lambda self, s, m, x: (s[0], x * 2),
                   lambda self, s, m, x: functional.softmax(torch.stack(s).sum(0), dim=1), lambda self, s, m, x: torch.stack(m[::-1])[1:],
                   lambda self, s, m, x: functional.linear(torch.stack(m)[-1], self.h.weight)):
        same(variant(behind=behind, build=build), X)
    net = variant(behind=lambda self, s, m, x: (torch.stack(m).mean().item(), torch.stack(s)))
    learns_as(net, snnc.from_snntorch(net).torch(), X)


def test_in_place():
    """A tensor that forward makes may be changed; none that lies where values of the network do."""
    def filled(self, s, m, x):
        made = torch.zeros(STEPS, x.shape[0], 4)
        for step in range(STEPS):
            made[step] = m[step]
        return made

    def summed(self, s, m, x):
        made = torch.zeros(x.size(0), 4)
        for one in m:
            made += one
        return made / STEPS

    def shared(self, s, m, x):
        total = torch.zeros(x.size(0), 4)
        for one in s:
            total += one
        other = total
        total /= 3
        return other

    def of_input(self, s, m, x):
        made = x * 2
        made[:, :4] += s[0]
        return made

    def of_a_view(self, s, m, x):
        made = torch.zeros(2, x.size(0), 4)
        first = made[0]
        first += m[0]
        return made

    def read_again(self, s, m, x):
        made = torch.zeros(STEPS, x.size(0), 4)
        for step in range(STEPS):
            made[step] += m[step]
            made[step, :, 0] *= 2
        return made.max(0)[0] + made.sum(), functional.relu(made)

    def stack_changed(self, s, m, x):
        stacked, copied = torch.stack(m), s[0].clone()
        stacked.view(-1)[0] = 7.0
        copied[0] = 3.0
        return stacked, copied, s[0]

    for behind in (filled, summed, shared, of_input, of_a_view, read_again, stack_changed):
        same(variant(behind=behind), X)

    def spikes_changed(self, s, m, x):
        s[0].mul_(2)
        return torch.stack(s)

    def view_changed(self, s, m, x):
        m[0].view(-1)[0] = 7.0
        return torch.stack(m)

    def input_changed(self, s, m, x):
        x[:, 0] = 1
        return torch.stack(s)

    class Kept(Net):
        total = torch.zeros(X.shape[0], 4)

        def behind(self, s, m, x):
            self.total += m[-1]
            return self.total

    for net in (variant(behind=spikes_changed), variant(behind=view_changed), variant(behind=input_changed)):
        refused(net, "in place", sample=X)
    refused(Kept(), "in its second call", sample=X)

    def state_changed(self, x):
        self.start = torch.zeros(x.size(0), 8)
        self.start[:, 0] = x[:, 0]
        return x

    class Starts(Net):
        ahead = state_changed

        def forward(self, x):
            made, b, spikes = self.ahead(x), self.o.reset_mem(), []
            a = self.start
            for _ in range(STEPS):
                out, a = self.l(self.f(made), a)
                out, b = self.o(self.g(out), b)
                spikes.append(out)
            return torch.stack(spikes)

    refused(Starts(), "takes another state than that at rest", sample=X)


def test_order():
    """What is ahead is computed first: nothing may depend on when."""
    def changed_between(self, s, m, x):
        made = x * 2
        first = m[0] + made[:, :4]
        made += 1
        return first

    class Trace(Net):
        def forward(self, x):
            trace, a, spikes = torch.zeros(x.shape[1], 6), self.l.reset_mem(), []
            for step in range(STEPS):
                trace += x[step]
                out, a = self.l(self.f(trace), a)
                spikes.append(out)
            return torch.stack(spikes)

    def alias_changed(alias):
        def behind(self, s, m, x):
            made = x * 2
            seen = alias(made)
            first = m[0] + seen[:, :4]
            made += 1
            return first
        return behind

    aliases = (lambda made: made.detach(), lambda made: made.float(), lambda made: made.contiguous(), lambda made: made.chunk(1)[0],
               lambda made: made.split(6, 1)[0], lambda made: made.unbind(1)[0].unsqueeze(1).expand(-1, 6))
    for net, x in ((variant(behind=changed_between), X), (Trace(), XT), *((variant(behind=alias_changed(alias)), X) for alias in aliases)):
        refused(net, "changes in place what it makes of its input after", sample=x)

    def constant_between(self, s, m, x):
        weight, out = torch.ones(4), 0
        for one in m:
            weight *= 0.5
            out = out + weight.clone() * one
        return out

    def written_ahead(self, s, m, x):
        made = torch.zeros(x.shape[0], 4)
        made[:, :2] = x[:, :2]
        return m[0].sum() * made

    def dropped(self, s, m, x):
        out = m[-1] * 2 - 1
        self.r(out)
        return out

    def encoded(self, x):
        made = torch.empty(STEPS, x.shape[0], 6)
        for step in range(STEPS):
            made[step] = x * (step + 1)
        return made

    same(variant(ahead=encoded, each=lambda self, x, step: x[step]), X)
    for behind in (constant_between, written_ahead, dropped):
        same(variant(behind=behind, build=lambda self: setattr(self, "r", nn.ReLU(inplace=True))), X)


def test_some_steps():
    for behind in (lambda self, s, m, x: torch.stack(m[:2]).mean(0), lambda self, s, m, x: torch.stack(m[:2])[-1] * 2, lambda self, s, m, x: torch.stack(s[:3]),
                   lambda self, s, m, x: torch.stack(s[:3]).sum(0), lambda self, s, m, x: torch.stack(s).sum(0, True), lambda self, s, m, x: torch.stack(m)[1:]):
        same(variant(behind=behind), X)


def test_numbers_of_samples():
    """What follows from the number of samples is no number of the converted network, or is refused."""
    net = variant(behind=lambda self, s, m, x: {"samples": x.shape[0], "all": x.shape[0] * 4, "sum": torch.stack(m).reshape(x.shape[0] * STEPS, -1)})
    module = snnc.from_snntorch(net, X).torch()
    for x in (X, X[:2], X[:1]):
        assert module(x)["samples"] == len(x) and module(x)["all"] == 4 * len(x) and module(x)["sum"].shape == (len(x) * STEPS, 4)
    for behind in (lambda self, s, m, x: m[-1][:x.shape[0] // 2], lambda self, s, m, x: m[-1] * (2 if x.shape[0] % 2 else 3),
                   lambda self, s, m, x: m[-1] * (2 if x.shape[0] > 1 else 3), lambda self, s, m, x: m[-1] / max(x.shape[0] - 1, 1), lambda self, s, m, x: {str(x.shape[0]): m[-1]},
                   lambda self, s, m, x: torch.arange(x.shape[0]).unsqueeze(1) * m[-1]):
        refused(variant(behind=behind), "samples", sample=X)
    for behind in (lambda self, s, m, x: sum(s) / x.shape[0], lambda self, s, m, x: torch.stack(s)[x.shape[0] - 1], lambda self, s, m, x: m[x.shape[0] - 1]):
        refused(variant(behind=behind), "samples", sample=X[:STEPS])  # there are as many as steps
    module = snnc.from_snntorch(variant(ahead=lambda self, x: x[:, :, :] * 2, each=lambda self, x, step: x[step]), XT).torch()
    with support.raises(ValueError, f"expected an input of shape [{STEPS}, samples, 6], found [{STEPS + 2}, 5, 6]"):
        module(torch.rand(STEPS + 2, 5, 6))


def test_norm_behind():
    """Statistics move in training, whatever becomes of what a batch norm gives."""
    for behind in (lambda self, s, m, x: self.n(m[-1]), lambda self, s, m, x: (self.n(m[-1]), torch.stack(s))[1],
                   lambda self, s, m, x: (self.n(m[-1]), torch.stack(s, dim=1))[1], lambda self, s, m, x: (self.n(m[-1]), m[-1])[1]):
        net = variant(behind=behind, build=lambda self: setattr(self, "n", nn.BatchNorm1d(4)))
        module = snnc.from_snntorch(net, X).torch()
        for mode in (True, False):
            net.train(mode)
            module.train(mode)
            support.close(module(X).detach(), net(X).detach(), 1e-5, "output")
        for name, tensor in net.state_dict().items():
            support.close(module.state_dict()[name].double(), tensor.double(), 1e-5, name)
    apart = variant(behind=lambda self, s, m, x: self.n(m[-1]), build=lambda self: setattr(self, "n", nn.BatchNorm1d(4).eval()))
    refused(apart, "\"n\" (BatchNorm1d)", "one mode", sample=X)


def test_inside_and_outside():
    """A layer with weights that the network has, and PyTorch as well."""
    refused(variant(behind=lambda self, s, m, x: self.g(self.f(x))), "\"g\" is used in two places", sample=X)
    same(variant(behind=lambda self, s, m, x: torch.cat([functional.linear(x, self.f.weight), m[-1]], 1)), X)  # tied: both ways learn one tensor


def test_layers_outside():
    """They are the module's: under any name, and replaced when another one is put there."""
    def build(self):
        self.graph, self.constant0, self.samples = nn.Linear(4, 3), nn.Linear(4, 3), nn.Parameter(torch.ones(3))
        self.x = torch.tensor([1.0, 2.0, 3.0])

    net = variant(behind=lambda self, s, m, x: self.graph(m[-1]) * self.samples + self.constant0(m[-1]) * self.x, build=build)
    same(net, X)
    module = snnc.from_snntorch(net, X).torch()
    module.graph = nn.Linear(4, 3)
    with torch.no_grad():
        net.graph.weight.copy_(module.graph.weight)
        net.graph.bias.copy_(module.graph.bias)
    learns_as(net, module, X)
    refused_name = variant(behind=lambda self, s, m, x: self._model(m[-1]), build=lambda self: setattr(self, "_model", nn.Linear(4, 3)))
    with support.raises(snnc.convert.ConversionError, "under this name"):
        snnc.from_snntorch(refused_name, X).torch()


def test_types():
    def scaled(self, x):
        return x.float() / 255 if x.dtype == torch.uint8 else x

    x = (X.abs() * 60).to(torch.uint8)
    net = variant(ahead=scaled)
    module = snnc.from_snntorch(net, x).torch()
    learns_as(net, module, x)
    with support.raises(TypeError, "expected an input of whole numbers, as it was converted with, found torch.float32"):
        module(X)
    with support.raises(TypeError, "expected a tensor, found str"):
        module("images")
    net = variant(behind=lambda self, s, m, x: functional.linear(m[-1], torch.ones(3, 4)) + torch.empty_like(m[-1][:, :3]).zero_())
    module = snnc.from_snntorch(net, X).torch(precision="f64")
    support.close(module(X.double()).detach().float(), net(X).detach(), 1e-5, "in double precision")


def test_arguments():
    class Counted:
        def forward(self, x, num_steps, scale=1.0):
            a, b, spikes = self.l.reset_mem(), self.o.reset_mem(), []
            for _ in range(num_steps):
                out, a = self.l(self.f(x) * scale, a)
                out, b = self.o(self.g(out), b)
                spikes.append(out)
            return torch.stack(spikes)

    net = variant(forward=Counted.forward)
    refused(net, "it takes num_steps beside its input", "arguments=", sample=X)
    assert "steps 3" in same(net, X, arguments={"num_steps": 3}).text
    assert "steps 2" in same(net, X, arguments={"num_steps": 2, "scale": 3.0}).text
    with support.raises(TypeError, "takes no 'steps' beside its input; it takes num_steps, scale"):
        snnc.from_snntorch(net, X, arguments={"steps": 3})


def test_states_that_are_kept():
    """snnTorch's neurons that are called without a state go on from their last one."""
    class Keeps(Net):
        resets = False

        def forward(self, x):
            utils.reset(self)
            self.l.reset_mem(), self.o.reset_mem()
            spikes = []
            for step in range(STEPS):
                out, _ = self.l(self.f(x))
                out, _ = self.o(self.g(out))
                if self.resets:
                    self.o.reset_mem()
                spikes.append(out)
            return torch.stack(spikes)

    torch.manual_seed(0)
    same(Keeps(), X)
    net = Keeps()
    net.resets = True
    refused(net, "\"o\" (Leaky)", "reset, detached or changed between time steps", sample=X)


def test_one_step():
    """A module that keeps its states says what happens in one step, and is not taken for a network of one."""
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.l = nn.Linear(6, 4), hidden()

        def forward(self, x):
            return self.l(self.f(x))

    class Normed(Step):
        def __init__(self):
            super().__init__()
            self.n = nn.BatchNorm1d(4)

        def forward(self, x):
            return self.n(super().forward(x))

    for kind in (Step, Normed):
        refused(kind(), "of a module of one time step say steps=", sample=X)
    assert "steps 5" in snnc.from_snntorch(Step(), steps=5).text


def test_the_network_is_left_alone():
    """Lists and dictionaries of the network hold what they held, also after a refusal."""
    class Records(Net):
        def build(self):
            self.record, self.by_name = [1.5], {"a": [2]}

        def behind(self, spikes, membranes, x):
            self.record.append(membranes[0])
            self.by_name["a"].append(spikes[0])
            self.by_name["b"] = membranes[1]
            return self.finish(spikes)

        def finish(self, spikes):
            return torch.stack(spikes)

    class Refused(Records):
        def finish(self, spikes):
            return spikes[0].mul_(2)

    torch.manual_seed(0)
    for net, accepts in ((Records(), True), (Refused(), False)):
        if accepts:
            snnc.from_snntorch(net, X)
        else:
            refused(net, "in place", sample=X)
        assert net.record == [1.5] and net.by_name == {"a": [2]}
        copy.deepcopy(net)(X)


def test_module():
    """What it is converted to is copied, written, compiled and trained as others are."""
    def build(self):
        self.h = nn.Linear(4, 3)

    net = variant(ahead=lambda self, x: x * 2, behind=lambda self, s, m, x: self.h(torch.stack(m).mean(0)), build=build)
    converted = snnc.from_snntorch(net, X)
    module = converted.torch()
    copied = copy.deepcopy(module)
    with torch.no_grad():
        copied.h.weight.zero_()
        copied.h.bias.zero_()
    assert not copied(X).any() and module(X).any()
    assert converted.torch().h is not module.h
    support.same_bits(pickle.loads(pickle.dumps(module))(X).detach(), module(X).detach(), "from a pickle")
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    copied.load_state_dict(torch.load(file))
    support.same_bits(copied(X).detach(), module(X).detach(), "from a checkpoint")
    doubled = torch.func.functional_call(module, {"h.weight": module.h.weight * 2, "h.bias": module.h.bias * 2}, X)
    support.close(doubled.detach(), 2 * module(X).detach(), 1e-5, "other parameters")
    first, state = module(X, with_state=True)
    support.same_bits(first.detach(), module(X).detach(), "with its state")
    assert state.steps == STEPS and not torch.equal(module(X, state=state), first)
    support.close(converted.torch(precision="f64")(X.double()).detach().float(), module(X).detach(), 1e-5, "in double precision")
    optimizers = [torch.optim.Adam(one.parameters(), lr=1e-2) for one in (net, module)]
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    for _ in range(5):
        losses = []
        for one, optimizer in zip((net, module), optimizers):
            optimizer.zero_grad()
            loss = (one(X) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert abs(losses[0] - losses[1]) <= 1e-5 * abs(losses[0]), losses


def test_shapes():
    """A number that learns has the axes that it has in the network, as optimizers keep them."""
    class Learns(Net):
        def build(self):
            self.o = snn.Leaky(beta=torch.tensor([0.75]), learn_beta=True)

    torch.manual_seed(0)
    net = Learns()
    module = snnc.from_snntorch(net, X).torch()
    assert module.o.beta.shape == net.o.beta.shape == (1,)
    learns_as(net, module, X)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
