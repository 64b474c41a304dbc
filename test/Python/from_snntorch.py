# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of snnTorch become text that a person would write, with their weights, and compute and learn the same."""

import collections

import snntorch as snn
import torch
from snntorch import surrogate, utils
from snntorch.functional import quant
from torch import nn
from torch.nn import functional as F

import snnc
import support

STEPS = 6


class Tutorial(nn.Module):
    """The network of snnTorch's tutorial 5."""

    def __init__(self, steps=STEPS):
        super().__init__()
        self.steps = steps
        self.fc1 = nn.Linear(30, 20)
        self.lif1 = snn.Leaky(beta=0.95)
        self.fc2 = nn.Linear(20, 10)
        self.lif2 = snn.Leaky(beta=0.95)

    def forward(self, x):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, membranes = [], []
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            membranes.append(mem2)
        return torch.stack(spikes, dim=0), torch.stack(membranes, dim=0)


class Graph(nn.Module):
    """Another input at each step, convolutions, branches, and neurons of all kinds."""

    def __init__(self):
        super().__init__()
        fast = surrogate.fast_sigmoid(slope=10)
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.first = snn.Leaky(beta=torch.rand(4, 1, 1), learn_beta=True, spike_grad=fast)
        self.left = nn.Conv2d(4, 4, 3, padding="same", bias=False)
        self.neurons = nn.ModuleList([snn.Synaptic(alpha=0.8, beta=0.7, reset_mechanism="zero"), snn.Lapicque(R=1, C=2, time_step=1)])
        self.pool = nn.AvgPool2d(2)
        self.hidden = nn.Linear(8 * 9, 12)
        self.recurrent = snn.RLeaky(beta=0.6, linear_features=12, spike_grad=surrogate.sigmoid(slope=4))
        self.out = nn.Linear(12, 5)
        self.last = snn.Alpha(alpha=0.8, beta=0.6, threshold=0.4, learn_threshold=True)

    def forward(self, x):
        first = self.first.reset_mem()
        syn, synaptic = self.neurons[0].reset_mem()
        lapicque = self.neurons[1].reset_mem()
        spk, recurrent = self.recurrent.reset_mem()
        exc, inh, last = self.last.reset_mem()
        spikes, out, inside = [], [], []
        for step in range(x.size(0)):
            spk1, first = self.first(self.conv(x[step]), first)
            spk2, syn, synaptic = self.neurons[0](self.left(spk1) + spk1, syn, synaptic)
            spk3, lapicque = self.neurons[1](spk1, lapicque)
            flat = torch.cat([self.pool(spk2), nn.functional.avg_pool2d(spk3, 2)], 1).flatten(1)
            spk, recurrent = self.recurrent(self.hidden(flat), spk, recurrent)
            spk4, exc, inh, last = self.last(self.out(spk), exc, inh, last)
            spikes.append(spk4)
            out.append(last)
            inside.append(spk1)
        return torch.stack(spikes), torch.stack(out), torch.stack(inside)


def same(net, x, converted, run=None, bound=2e-5):
    """Outputs, and gradients of a random combination of them; checkpoints go both ways."""
    module = converted.torch()
    module.load_state_dict(net.state_dict())
    net.load_state_dict(module.state_dict())
    expected = run(x) if run else net(x)
    found = module(x)
    expected, found = (value if isinstance(value, tuple) else (value,) for value in (expected, found))
    assert len(expected) == len(found) == len(converted.outputs)
    torch.manual_seed(1)
    for name, a, b in zip(converted.outputs, found, expected):
        support.close(a.detach(), b.detach(), 1e-5, name)
    seeds = [torch.randn_like(value) for value in expected]
    net.zero_grad()
    sum((value * seed).sum() for value, seed in zip(expected, seeds)).backward()
    sum((value * seed).sum() for value, seed in zip(found, seeds)).backward()
    for name, parameter in net.named_parameters():
        support.close(module.get_parameter(name).grad, parameter.grad, bound, f"{name}.grad")
    return module


def test_tutorial():
    torch.manual_seed(0)
    net = Tutorial()
    converted = snnc.from_snntorch(net)
    assert converted.text == f"""snn 1
# Made of the network Tutorial of snnTorch.
model tutorial {{
  input f32[30]
  steps {STEPS}

  fc1: linear(20)
  lif1: leaky(beta = 0.95)
  fc2: linear(10)
  lif2: leaky(beta = 0.95)
}}
""", converted.text
    assert converted.outputs == ("spikes", "membrane")
    same(net, torch.rand(16, 30) * 3, converted)


def test_graph():
    torch.manual_seed(3)
    net = Graph()
    x = torch.randn(STEPS, 7, 2, 6, 6) * 2
    with support.raises(snnc.convert.ConversionError, "asks for the input's size()", "second argument"):
        snnc.from_snntorch(net)
    converted = snnc.from_snntorch(net, x)
    assert converted.outputs == ("spikes", "membrane", "hidden.first"), converted.outputs
    for part in ("input f32[2, 6, 6] over time", "conv: conv(4, kernel = 3, padding = 1)", "per channel", "add(", "concat(",
                 "reset = zero", "recurrent: rleaky(beta = 0.6, surrogate = sigmoid(slope = 4))", "last: alpha(alpha = 0.8, beta = 0.6"):
        assert part in converted.text, f"{part} is not in\n{converted.text}"
    same(net, x, converted, bound=1e-4)


def test_reserved_names():
    """Layers and a network may have names that a model cannot have."""
    torch.manual_seed(2)
    net = nn.Sequential(collections.OrderedDict(
        evaluate=nn.Linear(6, 5), backward=snn.Leaky(beta=0.5, init_hidden=True), forward_training=nn.Linear(5, 3),
        snn=snn.Leaky(beta=0.5, init_hidden=True, output=True)))
    for name in ("snn", "evaluate", "backward"):
        converted = snnc.from_snntorch(net, steps=3, name=name)
        assert f"model layer_{name} {{" in converted.text, converted.text
        assert set(converted.torch().state_dict()) >= set(dict(net.named_parameters()))


def test_sequential():
    torch.manual_seed(0)
    fast = surrogate.fast_sigmoid(slope=5)
    net = nn.Sequential(nn.Conv2d(1, 3, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, spike_grad=fast, init_hidden=True),
                        nn.Flatten(), nn.Linear(3 * 4 * 4, 10),
                        snn.Leaky(beta=0.5, spike_grad=fast, init_hidden=True, output=True, reset_delay=False))

    def run(x):
        utils.reset(net)
        found = [net(x) for _ in range(4)]
        return tuple(torch.stack(values) for values in zip(*found))

    converted = snnc.from_snntorch(net, (1, 1, 12, 12), steps=4)
    assert "  max_pool(2)\n  leaky(beta = 0.5, surrogate = fast_sigmoid(slope = 5))\n  flatten\n" in converted.text, converted.text
    same(net, torch.randn(5, 1, 12, 12) * 3, converted, run)
    with support.folder() as scratch:
        converted.save(scratch / "net.snn")
        model = snnc.compile(scratch / "net.snn")
        model.load(scratch / "net.safetensors")
        support.same_bits(model(torch.ones(2, 1, 12, 12)), converted.compile()(torch.ones(2, 1, 12, 12)), "saved")


def test_flattened():
    """A sample of any shape for a model of one extent."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), snn.Leaky(beta=0.9, init_hidden=True))
    module = snnc.from_snntorch(net, steps=1).torch()
    x = torch.rand(4, 1, 28, 28)
    utils.reset(net)
    assert torch.equal(module(x)[0], net(x))
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    utils.reset(net)
    module(ours).square().sum().backward()
    net(theirs).square().sum().backward()
    support.close(ours.grad, theirs.grad, 1e-5, "input.grad")


def test_refused():
    class Twice(Tutorial):
        def forward(self, x):
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            spikes = []
            for _ in range(2):
                spk1, mem1 = self.lif1(self.fc1(x), mem1)
                spk1, mem1 = self.lif1(spk1, mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                spikes.append(spk2)
            return torch.stack(spikes)

    class Forgets(Tutorial):
        def forward(self, x):
            spikes = []
            for _ in range(2):
                spk1, _ = self.lif1(self.fc1(x), self.lif1.init_leaky())
                spikes.append(spk1)
            return torch.stack(spikes)

    class Branches(Tutorial):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else super().forward(-x)

    def sequential(*modules):
        return nn.Sequential(nn.Linear(4, 4), *modules)

    leaky = snn.Leaky(beta=0.5, init_hidden=True)
    for net, parts in (
            (Twice(), ("\"lif1\" (Leaky)", "call 1", "time step 0")),
            (Forgets(), ("\"lif1\" (Leaky)", "in its call 1 it takes another state than its own membrane")),
            (Branches(), ("cannot be traced",)),
            (sequential(leaky, nn.BatchNorm1d(4, momentum=None), leaky), ("\"2\" (BatchNorm1d)", "fixed momentum")),
            (sequential(snn.Leaky(beta=0.5)), ("\"1\" (Leaky)", "init_hidden=True")),
            (sequential(nn.GELU(), leaky), ("\"1\" (GELU)", "no such layer")),
            (nn.Sequential(nn.Linear(4, 2)), ("ends with layer \"0\" (Linear), expected a layer of neurons",)),
            (sequential(snn.Leaky(beta=0.5, init_hidden=True, spike_grad=torch.relu)), ("\"1\" (Leaky)", "spike_grad")),
            (nn.Sequential(nn.Conv2d(1, 2, 3), leaky), ("shape of a sample",)),
            (nn.Sequential(snn.SLSTM(4, 6, init_hidden=True)), ("\"0\" (SLSTM)", "to 0 in each step")),
            (sequential(snn.DeltaLeaky(beta=0.5, init_hidden=True)), ("\"1\" (DeltaLeaky)", "no such neuron", "as `delta_leaky`")),
            (sequential(snn.Leaky(beta=0.5, init_hidden=True, state_quant=quant.state_quant(4, uniform=False))), ("\"1\" (Leaky)", "not uniform")),
            (sequential(snn.Leaky(beta=0.5, init_hidden=True, state_quant=torch.round)), ("\"1\" (Leaky)", "quantize = f"))):
        with support.raises(snnc.convert.ConversionError, *parts):
            snnc.from_snntorch(net)
    with support.raises(TypeError, "nn.Module", "str"):
        snnc.from_snntorch("net")


def learns_the_same(net, x, converted, tolerance):
    """Outputs, and gradients of the squares of the second one. Returns the module."""
    module = converted.torch()
    expected, found = net(x), module(x)
    for name, a, b in zip(converted.outputs, found, expected):
        support.close(a.detach(), b.detach(), tolerance, name)
    assert found[0].any()
    (expected[1] ** 2).sum().backward()
    (found[1] ** 2).sum().backward()
    for name, parameter in net.named_parameters():
        support.close(module.get_parameter(name).grad, parameter.grad, 1e-5, name)
    return module


def test_lstm_and_levels():
    """An SLSTM has its own weights; levels of states are shares of the threshold again."""
    class Net(nn.Module):
        def __init__(self, reset, levels):
            super().__init__()
            self.f, self.l = nn.Linear(20, 16), snn.Leaky(beta=0.9, state_quant=levels)
            self.a = snn.SLSTM(16, 16, reset_mechanism=reset, threshold=0.2, state_quant=levels)
            self.g, self.b = nn.Linear(16, 10), snn.Synaptic(alpha=0.8, beta=0.9, state_quant=levels)

        def forward(self, x):
            a, (syn_b, b), (syn_c, c) = self.l.reset_mem(), self.a.reset_mem(), self.b.reset_mem()
            spikes, membranes, inner = [], [], []
            for step in range(6):
                out, a = self.l(self.f(x[step]), a)
                out, syn_b, b = self.a(out, syn_b, b)
                out, syn_c, c = self.b(self.g(out), syn_c, c)
                spikes.append(out)
                membranes.append(c)
                inner.append(b)
            return torch.stack(spikes), torch.stack(membranes), torch.stack(inner)

    for levels, reset, text in ((False, "none", "slstm(16, threshold = 0.2)"), (quant.state_quant(4), "subtract", "uniform_levels(bits = 4)"),
                                (quant.state_quant(6, threshold=2, lower_limit=0.1, upper_limit=0.3), "zero", "lower = 1.2, upper = 1.6)")):
        torch.manual_seed(1)
        net = Net(reset, levels)
        net.g.weight.data *= 3
        converted = snnc.from_snntorch(net)
        assert text in converted.text and converted.outputs == ("spikes", "membrane", "hidden_membrane.a"), converted.text
        module = learns_the_same(net, torch.randn(6, 7, 20) * 2, converted, 1e-6)
        module.load_state_dict(net.state_dict())
        net.load_state_dict(module.state_dict())


def test_convolutional_lstm():
    """An SConv2dLSTM may pool what its spikes see."""
    class Net(nn.Module):
        def __init__(self, **options):
            super().__init__()
            self.a = snn.SConv2dLSTM(2, 3, 3, threshold=0.1, **options)
            self.b = snn.SConv2dLSTM(3, 4, (1, 3), avg_pool=(2, 1), threshold=0.05, bias=False, init_hidden=True)
            self.f, self.l = nn.LazyLinear(10), snn.Leaky(beta=0.9, threshold=0.1)

        def forward(self, x):
            (syn, mem), last, spikes, membranes = self.a.init_sconv2dlstm(), self.l.reset_mem(), [], []
            self.b.reset_mem()
            for step in range(5):
                out, syn, mem = self.a(x[step], syn, mem)
                out, last = self.l(self.f(self.b(out).flatten(1)), last)
                spikes.append(out)
                membranes.append(last)
            return torch.stack(spikes), torch.stack(membranes)

    for options, text in (({"max_pool": 2}, "sconv_lstm(3, kernel = 3, threshold = 0.1, pooling = max)"), ({}, "sconv_lstm(3, kernel = 3, threshold = 0.1)"),
                          ({"max_pool": (3, 1), "reset_mechanism": "zero"}, "reset = zero, pooling = max, pool = (3, 1))"),
                          ({"avg_pool": [1, 2], "reset_mechanism": "subtract"}, "pooling = average, pool = (1, 2))")):
        torch.manual_seed(1)
        net, x = Net(**options), torch.randn(5, 6, 2, 9, 7) * 3
        net(x)  # the lazy layer
        net.f.weight.data *= 4
        converted = snnc.from_snntorch(net, x)
        assert text in converted.text and "kernel = (1, 3), threshold = 0.05, bias = false, pooling = average, pool = (2, 1))" in converted.text, converted.text
        learns_the_same(net, x, converted, 1e-5)

    for options, shape, reason in (({"kernel_size": 2}, (2, 8, 8), "grow in each step"), ({"kernel_size": 3, "max_pool": 9}, (2, 8, 8), "to nothing"),
                                   ({"kernel_size": 3}, (3, 8, 8), "found [3, 8, 8]"), ({"kernel_size": 3, "inhibition": True}, (2, 8, 8), "inhibition"),
                                   ({"kernel_size": 3, "learn_threshold": True}, (2, 8, 8), "not trained")):
        with support.raises(snnc.convert.ConversionError, "\"0\" (SConv2dLSTM)", reason):
            snnc.from_snntorch(nn.Sequential(snn.SConv2dLSTM(2, 3, init_hidden=True, **options)), (1, *shape), steps=4)


def test_relu():
    """Layers that are not spiking may stand before neurons, and between them."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.relu = nn.Linear(20, 16), nn.Linear(16, 12), nn.Linear(12, 10), nn.ReLU(inplace=True)
            self.first, self.last = snn.Leaky(beta=0.9), snn.Leaky(beta=0.8)

        def forward(self, x):
            first, last, spikes, membranes = self.first.reset_mem(), self.last.reset_mem(), [], []
            static = F.relu(self.b(self.relu(self.a(x))))
            for step in range(5):
                out, first = self.first(static, first)
                out, last = self.last(self.c(out).relu_(), last)
                spikes.append(out)
                membranes.append(last)
            return torch.stack(spikes), torch.stack(membranes)

    torch.manual_seed(1)
    net, x = Net(), torch.randn(7, 20) * 3
    net.b.weight.data *= 3
    converted = snnc.from_snntorch(net)
    assert converted.text.count(": relu") == 3, converted.text
    learns_the_same(net, x, converted, 1e-6)

    class Elsewhere(Net):
        def forward(self, x):
            a = self.a(x)
            return self.first(self.relu(a) + a, self.first.reset_mem())

    class Changed(Net):
        def forward(self, x):
            a = self.a(x)
            return self.first(F.relu(a, inplace=True) + a, self.first.reset_mem())

    class Named(Net):
        def forward(self, x):
            a = self.a(x)
            return self.first(F.relu(input=a, inplace=True) + a, self.first.reset_mem())

    for other, parts in ((Elsewhere(), ("\"relu\" (ReLU)", "inplace=True")), (Changed(), ("relu", "in place")), (Named(), ("relu", "in place"))):
        with support.raises(snnc.convert.ConversionError, *parts):
            snnc.from_snntorch(other)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
