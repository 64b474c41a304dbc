# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parameters and checkpoints of a converted network are those of the network: names, order, shapes, ties, what is trained."""

import snntorch as snn
import torch
from torch import nn

import snnc
import support
from networks import STEPS, Loop, X, hidden, refused, same, steps_of


def test_tied():
    class Tied(Loop):
        def build(self):
            self.g.weight = self.f.weight

    refused(Tied(), "f.weight and g.weight", "tied")
    start = torch.rand(6)  # both neurons train this memory
    refused(nn.Sequential(nn.Linear(6, 6), snn.Leaky(beta=start, learn_beta=True, init_hidden=True), nn.Linear(6, 6),
                          snn.Leaky(beta=start, learn_beta=True, init_hidden=True)), "1.beta and 3.beta", "tied")


def test_frozen():
    """requires_grad=False holds in PyTorch's training, and in the text's."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 6), snn.RLeaky(beta=0.5, linear_features=6, learn_recurrent=False, init_hidden=True), nn.Linear(6, 4), hidden())
    net[0].requires_grad_(False)
    converted = snnc.from_snntorch(net, steps=STEPS)
    assert "train {\n  group layer_0(lr = 0)\n  group layer_1(lr = 0)\n}\n" in converted.text, converted.text
    module = converted.torch()
    assert [name for name, p in module.named_parameters() if not p.requires_grad] == \
        [name for name, p in net.named_parameters() if not p.requires_grad]
    (module(X).sum()).backward()
    assert module.get_parameter("0.weight").grad is None and module.get_parameter("2.weight").grad is not None
    model = converted.compile()
    before = model.state_dict()
    model.train_step(X, torch.arange(5) % 4)
    changed = {name for name, array in model.parameters.items() if (array != before[name]).any()}
    assert changed and not any(name.startswith(("layer_0", "layer_1")) for name in changed), changed
    net[0].weight.requires_grad_(True)
    refused(net, "layer \"0\"", "bias has requires_grad=False", steps=STEPS)


def test_parameters_of_one_element():
    torch.manual_seed(0)
    image = torch.randn(3, 2, 5, 5) * 3
    for options, text in ((dict(beta=torch.tensor([0.9])), "beta = 0.9"), (dict(beta=torch.rand(1), learn_beta=True), "beta = learn 0."),
                          (dict(beta=0.9, threshold=torch.tensor([0.5]), learn_threshold=True), "threshold = learn 0.5"),
                          (dict(beta=torch.rand(1, 7)), "beta = each 0."), (dict(beta=torch.rand(1, 7), learn_beta=True), "learn each 0."),
                          (dict(beta=torch.rand(1, 1)), "beta = 0.")):
        net = nn.Sequential(nn.Linear(6, 7), snn.Leaky(init_hidden=True, output=True, **options))
        converted = snnc.from_snntorch(net, steps=STEPS)
        assert text in converted.text, converted.text
        module = same(converted, steps_of(net, X), X)
        assert {name: tensor.shape for name, tensor in module.state_dict().items()} == \
            {name: tensor.shape for name, tensor in net.state_dict().items()}
        module.load_state_dict(net.state_dict())
        net.load_state_dict(module.state_dict())
    net = nn.Sequential(nn.Conv2d(2, 3, 2), snn.Leaky(beta=torch.rand(1, 3, 1, 1), init_hidden=True), nn.Flatten(), nn.Linear(48, 4),
                        hidden(output=True))
    converted = snnc.from_snntorch(net, image, steps=STEPS)
    assert "beta = per channel" in converted.text, converted.text
    same(converted, steps_of(net, image), image).load_state_dict(net.state_dict())
    net[1] = snn.Leaky(beta=torch.rand(4), init_hidden=True)  # along the last axis
    refused(net, "layer \"1\" (Leaky)", "beta of shape [4]", sample=image)


def names_of(net):
    return [name for name, _ in net.named_parameters()], list(net.state_dict())


def test_order():
    """Parameters come as in the network, whose layers may be called in another order: the state of an optimizer goes by that."""
    class Swapped(Loop):
        def build(self):
            self.last = snn.Leaky(beta=0.7, threshold=0.4, learn_beta=True, learn_threshold=True)
            self.first = snn.Leaky(beta=0.9, threshold=0.4, learn_beta=True, learn_threshold=True)

        def step(self, x, a, b):
            spikes, a = self.first(self.g(x), a)
            out, b = self.last(self.f(spikes), b)
            return a, b, out

    net = Swapped()
    module = snnc.from_snntorch(net).torch()
    assert names_of(module) == names_of(net)
    vector = nn.utils.parameters_to_vector(Swapped().parameters()).detach()
    for changed in (net, module):
        nn.utils.vector_to_parameters(vector, changed.parameters())
    for found, expected in zip(module(X), net(X)):
        support.close(found.detach(), expected.detach(), 1e-5, "outputs")


def test_names_of_v():
    net = nn.Sequential(nn.Linear(6, 7), snn.RLeaky(beta=0.8, all_to_all=False, V=torch.rand(7), init_hidden=True, output=True))
    module = same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    net[1] = snn.RLeaky(beta=0.8, all_to_all=False, V=torch.rand(1, 7), init_hidden=True, output=True)
    module = same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    module.load_state_dict(net.state_dict())
    net.load_state_dict(module.state_dict())
    assert names_of(module) == names_of(net)


def test_several_paths():
    """A module that its network has under several names has them in checkpoints."""
    class Named(Loop):
        def build(self):
            self.g = nn.Linear(6, 4)
            self.last = snn.Leaky(beta=torch.rand(1, 4), learn_beta=True)
            self.n = nn.BatchNorm1d(6)
            self.front = nn.Sequential(self.f, self.n)
            self.all = nn.ModuleList([self.first, self.front, self.g, self.last])

        def forward(self, x):
            return super().forward(self.front(x))

        def step(self, x, a, b):
            spikes, a = self.first(x, a)
            out, b = self.last(self.g(spikes), b)
            return a, b, out

    torch.manual_seed(0)
    net = Named()
    module = snnc.from_snntorch(net).torch()
    net.load_state_dict(module.state_dict())
    module.load_state_dict(net.state_dict())
    assert {name: tensor.shape for name, tensor in module.state_dict().items()} == \
        {name: tensor.shape for name, tensor in net.state_dict().items()}
    assert names_of(module) == names_of(net)
    same(snnc.from_snntorch(net), net(X), X)


def test_unused():
    """Layers that nothing comes from stay in checkpoints."""
    class More(Loop):
        def build(self):
            self.more = nn.Linear(2, 3).requires_grad_(False)
            self.tied = snn.RLeaky(beta=0.8, all_to_all=False, V=torch.rand(6))  # has V under two names

    net = More()
    module = same(snnc.from_snntorch(net), net(X), X)
    assert names_of(module) == names_of(net)
    module.load_state_dict(net.state_dict())
    net.load_state_dict(module.state_dict())
    assert torch.equal(module.get_parameter("more.weight"), net.more.weight) and not module.get_parameter("more.weight").requires_grad


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
