# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks of SpikingJelly and Norse compute and learn the same when they are compiled."""

import norse.torch as norse
import torch
from norse.torch.functional.iaf import IAFParameters
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

import snnc
import support

STEPS = 8


def same(net, x, converted, expected):
    """Spikes, gradients of a random combination of them, and checkpoints, which go both ways."""
    module = converted.torch()
    found = module(x)
    support.same_bits(found.detach(), expected.detach(), "spikes")
    assert found.any() and not found.all()
    seed = torch.randn_like(expected)
    net.zero_grad()
    (expected * seed).sum().backward()
    (found * seed).sum().backward()
    for own, theirs in converted.names.items():
        if theirs in dict(net.named_parameters()):
            support.close(module.get_parameter(theirs).grad, net.get_parameter(theirs).grad, 1e-4, f"{theirs}.grad ({own})")
    net.load_state_dict(module.state_dict())
    module.load_state_dict(net.state_dict())


def test_spikingjelly():
    torch.manual_seed(2)
    net = nn.Sequential(layer.Conv2d(2, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4),
                        neuron.LIFNode(tau=1.5, surrogate_function=surrogate.ATan(alpha=1.5), detach_reset=True),
                        layer.MaxPool2d(2), layer.Flatten(), layer.Linear(36, 20), neuron.ParametricLIFNode(init_tau=1.7),
                        layer.Linear(20, 6), neuron.IFNode(v_threshold=0.7))
    functional.set_step_mode(net, "m")
    x = torch.randn(STEPS, 5, 2, 6, 6) * 3
    converted = snnc.from_spikingjelly(net, x)
    for part in ("input f32[2, 6, 6] over time", "spikingjelly_lif(tau = 1.5, detach_reset = true, surrogate = atan(alpha = 1.5))",
                 "spikingjelly_plif(w = learn ", "spikingjelly_if(v_threshold = 0.7)"):
        assert part in converted.text, f"{part} is not in\n{converted.text}"
    same(net, x, converted, net(x))
    net[8].v_reset = -0.5
    with support.raises(snnc.convert.ConversionError, "\"8\" (IFNode)", "v_reset=-0.5"):
        snnc.from_spikingjelly(net, x)
    with support.raises(snnc.convert.ConversionError, "layer \"0\" (Conv2d)", "say from_spikingjelly"):
        snnc.from_snntorch(net, x)


def test_spikingjelly_relu():
    torch.manual_seed(2)
    net = nn.Sequential(layer.Linear(20, 30), nn.ReLU(), layer.Linear(30, 6), neuron.LIFNode())
    functional.set_step_mode(net, "m")
    x = torch.randn(STEPS, 5, 20) * 5
    converted = snnc.from_spikingjelly(net, x)
    assert converted.text.count(": relu") + converted.text.count("\n  relu") == 1, converted.text
    same(net, x, converted, net(x))


def test_spikingjelly_soft_reset():
    torch.manual_seed(2)
    net = nn.Sequential(layer.Linear(20, 30), neuron.LIFNode(v_reset=None, detach_reset=True), layer.Linear(30, 20),
                        neuron.ParametricLIFNode(v_reset=None, decay_input=False, v_threshold=0.8), layer.Linear(20, 6), neuron.IFNode(v_reset=None))
    functional.set_step_mode(net, "m")
    x = torch.randn(STEPS, 5, 20) * 6
    converted = snnc.from_spikingjelly(net)
    assert converted.text.count("reset = soft") == 3, converted.text
    same(net, x, converted, net(x))


def repeated(way):
    """SpikingJelly's network for Fashion-MNIST, small: an input that is the same in all steps, and rates of spikes."""
    class Repeated(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv_fc = nn.Sequential(
                layer.Conv2d(1, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), neuron.IFNode(surrogate_function=surrogate.ATan()),
                layer.MaxPool2d(2), layer.Conv2d(4, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4),
                neuron.IFNode(surrogate_function=surrogate.ATan()), layer.Flatten(), layer.Linear(64, 6, bias=False),
                neuron.IFNode(v_threshold=0.3, surrogate_function=surrogate.ATan()))
            functional.set_step_mode(self, "m")

        def forward(self, x):
            return self.conv_fc(way(x)).mean(0)

    return Repeated()


def test_spikingjelly_repeated():
    ways = {"repeat": lambda x: x.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1), "more axes": lambda x: x.repeat(STEPS, 1, 1, 1, 1),
            "expand": lambda x: x[None].expand(STEPS, -1, -1, -1, -1), "a list": lambda x: torch.stack([x] * STEPS),
            "a tuple": lambda x: torch.unsqueeze(x, 0).repeat((STEPS, 1, 1, 1, 1))}
    x = torch.randn(5, 1, 8, 8) * 2
    for what, way in ways.items():
        torch.manual_seed(0)
        net = repeated(way)
        converted = snnc.from_spikingjelly(net, x)
        assert f"input f32[1, 8, 8]\n  steps {STEPS}\n" in converted.text and converted.outputs == ("rate",), converted.text
        module = converted.torch()
        for _ in range(2):
            functional.reset_net(net)
            expected, found = net(x), module(x)
            support.same_bits(found.detach(), expected.detach(), what)
        assert found.any()
        seed = torch.randn_like(expected)
        (expected * seed).sum().backward()
        (found * seed).sum().backward()
        for name, parameter in net.named_parameters():
            support.close(module.get_parameter(name).grad, parameter.grad, 1e-4, name)
        for name, buffer in net.named_buffers():
            if "running" in name:  # the variance is that of as many as there are steps
                support.close(module.get_buffer(name), buffer, 1e-6, name)
    for way in (lambda x: x.unsqueeze(0).repeat(STEPS, 1, 2, 1, 1), lambda x: x.unsqueeze(1).repeat(STEPS, 1, 1, 1, 1),
                lambda x: torch.stack([x.unsqueeze(0)] * STEPS), lambda x: x.unsqueeze(0).expand(STEPS, -1, -1)):
        with support.raises(snnc.convert.ConversionError, "repeats its input in another way"):
            snnc.from_spikingjelly(repeated(way), x)
    with support.raises(snnc.convert.ConversionError, f"for {STEPS} steps, and there are 3"):
        snnc.from_spikingjelly(repeated(ways["repeat"]), x, steps=3)


def test_spikingjelly_counts():
    """A loop that adds up spikes, divided by the steps or not."""
    class Counts(nn.Module):
        def __init__(self, share):
            super().__init__()
            self.share = share
            self.static_conv = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
            self.fc = nn.Sequential(neuron.IFNode(), nn.Flatten(), nn.Linear(64, 6), neuron.IFNode(v_threshold=0.5))

        def forward(self, x):
            x = self.static_conv(x)
            counter = self.fc(x)
            for _ in range(1, STEPS):
                counter += self.fc(x)
            return counter / STEPS if self.share else counter

    x = torch.randn(5, 1, 6, 6)
    for share in (False, True):
        torch.manual_seed(0)
        net = Counts(share)
        converted = snnc.from_spikingjelly(net, x)
        assert converted.outputs == ("rate" if share else "count",)
        module = converted.torch()
        support.close(module(x).detach(), net(x).detach(), 1e-7, "counts")
        assert module(x).any()


def test_spikingjelly_dropout():
    """Its own draws a mask at the first step and keeps it, in both step modes."""
    x = torch.ones(STEPS, 40, 50)
    for mode in "sm":
        net = nn.Sequential(layer.Dropout(0.25), neuron.IFNode(v_threshold=0.5))
        functional.set_step_mode(net, mode)
        net[0].mask = torch.zeros(1)  # of a call before
        converted = snnc.from_spikingjelly(net, x if mode == "m" else x[0], **({} if mode == "m" else {"steps": STEPS}))
        assert "dropout(p = 0.25)" in converted.text and "step_dropout" not in converted.text, converted.text
        module = converted.torch()
        first, second = (module(x if mode == "m" else x[0]) for _ in range(2))
        assert torch.equal(first, first[:1].expand_as(first)) and 0.7 < first.mean() < 0.8 and not torch.equal(first, second)
        module.eval()
        assert module(x if mode == "m" else x[0]).all()


def test_spikingjelly_by_steps():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(20, 30), neuron.LIFNode(decay_input=False), nn.Linear(30, 6), neuron.LIFNode(decay_input=False, v_threshold=0.8))
    x = torch.randn(7, 20) * 20
    expected = torch.stack([net(x) for _ in range(STEPS)])
    same(net, x, snnc.from_spikingjelly(net, steps=STEPS), expected)


def test_spikingjelly_step_of_a_module():
    class Step(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.l = nn.Linear(20, 6), neuron.LIFNode()

        def forward(self, x):
            return self.l(self.f(x))

    class Resets(Step):
        def forward(self, x):
            functional.reset_net(self)
            return super().forward(x)

    torch.manual_seed(1)
    net, x = Step(), torch.randn(7, 20) * 5
    expected = torch.stack([net(x) for _ in range(STEPS)])
    same(net, x, snnc.from_spikingjelly(net, steps=STEPS), expected)
    with support.raises(snnc.convert.ConversionError, "\"l\" (LIFNode)", "reset"):
        snnc.from_spikingjelly(Resets(), steps=STEPS)


class Steps(nn.Module):
    """In step mode "m" a call goes through all steps."""

    def __init__(self):
        super().__init__()
        self.conv, self.first = layer.Conv2d(2, 4, 3, padding=1), neuron.LIFNode()
        self.pool, self.fc, self.last = layer.MaxPool2d(2), layer.Linear(4, 6), neuron.LIFNode()
        functional.set_step_mode(self, "m")

    def flat(self, x):
        return x.flatten(2)

    def forward(self, x):
        x = self.first(self.conv(x))
        return self.last(self.fc(self.flat(self.pool(self.pool(x)) + self.pool(self.pool(x)))))


def test_spikingjelly_module():
    """In both step modes, with a pool in several places."""
    torch.manual_seed(0)
    net, x = Steps(), torch.randn(STEPS, 5, 2, 4, 4) * 9
    net.fc.weight.data *= 4
    same(net, x, snnc.from_spikingjelly(net, x), net(x))
    net.flat = lambda x: x.flatten(1)
    with support.raises(snnc.convert.ConversionError, "the network (Steps)", "method flat"):
        snnc.from_spikingjelly(net, x)
    pool = layer.MaxPool2d(2)
    net = nn.Sequential(layer.Conv2d(2, 4, 3, padding=1), pool, neuron.LIFNode(), pool, layer.Flatten(), layer.Linear(4, 6),
                        neuron.LIFNode())
    net[5].weight.data *= 4
    expected = torch.stack([net(x[0]) for _ in range(STEPS)])
    same(net, x[0], snnc.from_spikingjelly(net, x[0], steps=STEPS), expected)


def test_spikingjelly_refused():
    class Joins(Steps):
        def flat(self, x):
            return x.flatten(1)

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.last = layer.Linear(4, 6), neuron.LIFNode()

        def forward(self, x):
            spikes = []
            for _ in range(STEPS):
                spikes.append(self.last(self.fc(x)))
                functional.reset_net(self)
            return torch.stack(spikes)

    with support.raises(snnc.convert.ConversionError, "forward of Joins", "flatten(2)"):
        snnc.from_spikingjelly(Joins(), (STEPS, 5, 2, 4, 4))
    with support.raises(snnc.convert.ConversionError, "\"last\" (LIFNode)", "reset, detached or changed"):
        snnc.from_spikingjelly(Loop())
    tau, threshold = neuron.LIFNode(), neuron.IFNode()
    tau.tau = torch.tensor(2.5)
    threshold.v_threshold = nn.Parameter(torch.ones(6))
    for node, words in ((tau, "its tau is a tensor"), (threshold, "its v_threshold is a tensor"),
                        (neuron.QIFNode(), "no such neuron"), (neuron.IFNode(surrogate_function=surrogate.Sigmoid(spiking=False)), "spiking=False")):
        with support.raises(snnc.convert.ConversionError, "\"1\"", words):
            snnc.from_spikingjelly(nn.Sequential(layer.Linear(20, 6), node), steps=STEPS)
    net = nn.Sequential(layer.SeqToANNContainer(nn.Linear(20, 6), nn.GELU()), neuron.LIFNode(step_mode="m"))
    with support.raises(snnc.convert.ConversionError, "\"2.1\" (GELU)", "no such layer"):
        snnc.from_spikingjelly(nn.Sequential(layer.Linear(20, 20, step_mode="m"), neuron.LIFNode(step_mode="m"), *net), (STEPS, 5, 20))
    net = nn.Sequential(layer.Linear(20, 6), nn.BatchNorm1d(6), neuron.LIFNode())
    functional.set_step_mode(net, "m")
    with support.raises(snnc.convert.ConversionError, "\"1\" (BatchNorm1d)", "step mode \"m\""):
        snnc.from_spikingjelly(net)


def test_norse():
    torch.manual_seed(4)
    box = LIFBoxParameters(tau_mem_inv=torch.as_tensor(300.0), alpha=torch.as_tensor(20.0))
    net = norse.SequentialState(nn.Linear(20, 30), norse.LIFBoxCell(box), nn.Linear(30, 25),
                                norse.LIFCell(LIFParameters(tau_mem_inv=torch.as_tensor(250.0), v_th=torch.as_tensor(0.4))),
                                nn.Linear(25, 6), norse.IAFCell(IAFParameters(v_th=torch.as_tensor(0.5))))
    x = torch.randn(STEPS, 7, 20) * 30
    state, spikes = None, []
    for step in range(STEPS):
        out, state = net(x[step], state)
        spikes.append(out)
    converted = snnc.from_norse(net, over_time=True)
    assert "norse_lif_box(tau_mem_inv = 300" in converted.text, converted.text
    same(net, x, converted, torch.stack(spikes))


def test_norse_loop():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(20, 6)
            self.lif = norse.LIFBoxCell(LIFBoxParameters(tau_mem_inv=torch.as_tensor(400.0)))

        def forward(self, x):
            state, spikes = None, []
            for _ in range(STEPS):
                out, state = self.lif(self.fc(x), state)
                spikes.append(out)
            return torch.stack(spikes)

    torch.manual_seed(0)
    net, x = Loop(), torch.randn(7, 20) * 10
    same(net, x, snnc.from_norse(net), net(x))


class Memory(nn.Module):
    """Norse's network for MNIST: recurrent neurons with weights of their own, and membranes that are read out."""

    def __init__(self, autapses=False):
        super().__init__()
        self.l1 = norse.LIFRecurrentCell(20, 30, p=LIFParameters(v_th=torch.as_tensor(0.3)), autapses=autapses)
        self.fc_out, self.out = nn.Linear(30, 5, bias=False), norse.LILinearCell(5, 5)
        self.last = norse.LICell()

    def forward(self, x):
        s1 = so = sl = None
        voltages, spikes = [], []
        for step in range(STEPS):
            z, s1 = self.l1(x[step], s1)
            v, so = self.out(self.fc_out(z), so)
            v, sl = self.last(v, sl)
            voltages.append(v)
            spikes.append(z)
        return torch.stack(voltages), torch.stack(spikes)


def test_norse_recurrent():
    x = (torch.rand(STEPS, 7, 20) < 0.3).float() * 3
    for autapses in (False, True):
        torch.manual_seed(0)
        net = Memory(autapses)
        converted = snnc.from_norse(net)
        assert converted.outputs == ("membrane", "hidden.l1") and "input f32[20] over time" in converted.text, converted.text
        module = converted.torch()
        assert set(dict(module.named_parameters())) == set(dict(net.named_parameters()))
        expected, found = net(x), module(x)
        support.close(found[0].detach(), expected[0].detach(), 1e-5, "membrane")
        support.same_bits(found[1].detach(), expected[1].detach(), "spikes")
        assert found[1].any()
        (expected[0] ** 2).sum().backward()
        (found[0] ** 2).sum().backward()
        for name, parameter in net.named_parameters():
            support.close(module.get_parameter(name).grad, parameter.grad, 1e-5, name)
        own = module.get_parameter("l1.recurrent_weights").grad.diagonal()
        assert own.any() == autapses
        model = converted.compile()
        before = model.state_dict()["out.input_weights"].copy()
        model.train_step(x, torch.arange(7) % 5)
        assert (model.state_dict()["out.input_weights"] != before).any()


def test_norse_refused():
    def refused(net, *parts):
        with support.raises(snnc.convert.ConversionError, *parts):
            snnc.from_norse(net)

    net = Memory()
    net.fc_out.weight.register_hook(lambda gradient: gradient * 0.5)
    refused(net, "\"fc_out\" (Linear)", "its weight has a hook")
    net = Memory()
    net.l1.recurrent_weights.register_hook(lambda gradient: gradient * 0.5)
    refused(net, "\"l1\" (LIFRecurrentCell)", "recurrent_weights has a hook")
    net = Memory()
    net.fc_out = nn.Linear(30, 4)
    refused(net, "\"out\" (LILinearCell)", "shape [5], found [4]")
    net = Memory()
    net.l1 = norse.LIFRecurrentCell(20, 30, recurrent_weights=torch.zeros(30, 30))
    refused(net, "\"l1\" (LIFRecurrentCell)", "recurrent_weights is no parameter")
    refused(nn.Sequential(nn.Linear(20, 6), norse.IAFCell(IAFParameters(v_reset=torch.as_tensor(-0.2)))), "\"1\" (IAFCell)", "starts there")
    refused(norse.SequentialState(nn.Linear(20, 6), norse.LIF()), "\"1\" (LIF)", "LIFCell")
    refused(nn.Sequential(nn.Linear(20, 6), norse.LSNNCell()), "\"1\" (LSNNCell)", "no such neuron")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
