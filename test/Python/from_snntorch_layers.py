# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of PyTorch between neurons of snnTorch: outputs and gradients are PyTorch's, or the error says what is not there."""

import torch
from torch import nn
from torch.nn import functional as F

import snnc
from networks import STEPS, leaky, learns_as, refused


class Between(nn.Module):
    """What stands between takes spikes of one layer of neurons and gives the currents of the next; another one stands before both."""

    def __init__(self, first, between, shape):
        super().__init__()
        self.before, self.first, self.between, self.second = first, leaky(threshold=0.2), between, leaky(threshold=0.2)
        self.out, self.last = nn.LazyLinear(5), leaky(threshold=0.1)
        self(torch.zeros(1, *shape))

    def forward(self, x):
        a, b, c = self.first.reset_mem(), self.second.reset_mem(), self.last.reset_mem()
        spikes, membranes = [], []
        for _ in range(STEPS):
            out, a = self.first(self.before(x), a)
            out, b = self.second(self.between(out), b)
            out, c = self.last(self.out(out.flatten(1)), c)
            spikes.append(out)
            membranes.append(c)
        return torch.stack(spikes), torch.stack(membranes)


def check(first, between, shape):
    torch.manual_seed(2)
    net = Between(first, between, shape)
    for parameter in net.parameters():
        parameter.data.mul_(1.5)
    x = torch.randn(4, *shape)
    converted = snnc.from_snntorch(net, x.shape)
    learns_as(net, converted.torch(), x)
    return converted.text


def test_transposed_convolutions():
    text = check(nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), nn.ConvTranspose2d(4, 5, (4, 2), stride=(2, 1), bias=False), (3, 4, 5))
    assert "conv_transpose(4, kernel = 3, stride = 2, padding = 1, output_padding = 1)" in text, text
    assert "conv_transpose(5, kernel = (4, 2), stride = (2, 1), bias = false)" in text, text
    check(nn.ConvTranspose2d(4, 6, 3, dilation=2, groups=2), nn.ConvTranspose2d(6, 6, 2, stride=2, groups=6), (4, 3, 3))
    check(nn.ConvTranspose1d(3, 4, 5, stride=3), nn.ConvTranspose1d(4, 2, 3, padding=2), (3, 6))


def test_norms():
    text = check(nn.LayerNorm(6), nn.LayerNorm(6, eps=0.1, bias=False), (6,))
    assert "layer_norm" in text and "layer_norm(eps = 0.1, bias = false)" in text, text
    check(nn.LayerNorm([3, 4, 5], elementwise_affine=False), nn.LayerNorm([3, 4, 5]), (3, 4, 5))
    check(nn.GroupNorm(2, 6), nn.GroupNorm(6, 6, affine=False), (6, 3, 3))
    text = check(nn.InstanceNorm2d(4, affine=True), nn.InstanceNorm2d(4, eps=0.1), (4, 3, 5))
    assert "group_norm(4)" in text and "group_norm(4, eps = 0.1, affine = false)" in text, text
    check(nn.GroupNorm(3, 6), nn.InstanceNorm1d(6), (6, 5))


def test_larger_images():
    text = check(nn.Upsample(scale_factor=2), nn.Upsample(size=(12, 20)), (2, 3, 5))
    assert "upsample(2)" in text, text
    check(nn.UpsamplingNearest2d(scale_factor=3), nn.Upsample(scale_factor=(1, 2)), (2, 3, 2))
    check(nn.Upsample(scale_factor=2), nn.Identity(), (2, 5))

    class Interpolated(nn.Module):
        def __init__(self, **options):
            super().__init__()
            self.options = options

        def forward(self, x):
            return F.interpolate(x, **self.options)

    text = check(Interpolated(scale_factor=2), Interpolated(size=(12, 20), mode="nearest"), (2, 3, 5))
    assert text.count("upsample(2)") == 2, text
    refused(Between(nn.Identity(), Interpolated(scale_factor=2, mode="bicubic", antialias=True), (2, 3, 5)), "interpolate", "nn's Upsample cannot be", sample=(2, 2, 3, 5))
    refused(Between(nn.Identity(), Interpolated(scale_factor=2, mode="bilinear"), (2, 3, 5)), "bilinear", sample=(2, 2, 3, 5))


def test_pointwise():
    for module in (nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.Sigmoid(), nn.Tanh(), nn.SiLU()):
        check(nn.Sequential(nn.Linear(6, 8), module), nn.Sequential(nn.Linear(8, 7), module), (6,))

    class Functions(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.g = nn.Linear(6, 6), nn.Linear(6, 6)

        def forward(self, x):
            return torch.tanh(self.f(F.leaky_relu(self.g(x), 0.2))).sigmoid()

    check(Functions(), nn.Linear(6, 6), (6,))


def test_refused():
    def between(module, shape=(4, 6, 6)):
        return Between(nn.Identity(), module, shape)

    refused(between(nn.LayerNorm(6)), "\"between\" (LayerNorm)", "normalizes over [6] of a sample of [4, 6, 6]", sample=(2, 4, 6, 6))
    refused(between(nn.Upsample(scale_factor=2, mode="bilinear")), "\"between\" (Upsample)", "bilinear", sample=(2, 4, 6, 6))
    vectors = nn.Sequential(nn.Linear(6, 6), leaky(init_hidden=True), nn.Upsample(scale_factor=2), leaky(init_hidden=True))
    refused(vectors, "\"2\" (Upsample)", "two or three extents", "[6]")
    refused(between(nn.Upsample(scale_factor=1.5)), "\"between\" (Upsample)", "whole multiples alone", sample=(2, 4, 6, 6))
    refused(between(nn.InstanceNorm2d(4, track_running_stats=True)), "running statistics", sample=(2, 4, 6, 6))


class Drops(nn.Module):
    """F.dropout at `where` of a forward, by the mode of the network."""

    def __init__(self, where, drop=lambda x, training: F.dropout(x, 0.25, training)):
        super().__init__()
        torch.manual_seed(0)
        self.where, self.drop = where, drop
        self.fc1, self.lif1 = nn.Linear(12, 200), leaky()
        self.fc2, self.lif2 = nn.Linear(200, 20), leaky()

    def at(self, where, x):
        return self.drop(x, self.training) if where == self.where else x

    def forward(self, x):
        mem1, mem2, out = self.lif1.init_leaky(), self.lif2.init_leaky(), []
        x = self.at("input", x)
        for _ in range(5):
            current = self.at("current", self.fc1(self.at("in each step", x)))
            spk, mem1 = self.lif1(current, mem1)
            spk, mem2 = self.lif2(self.fc2(self.at("spikes", spk)), mem2)
            out.append(spk)
        return self.at("result", torch.stack(out).sum(0))


def test_functional_dropout():
    """F.dropout(x, p, self.training) is a layer of the text, with a mask of its own in each step, or PyTorch's where the text has no place for it."""
    x = torch.rand(64, 12) * 4
    for where, of_text in (("current", True), ("spikes", True), ("input", False), ("in each step", False), ("result", False)):
        for training in (True, False):
            net = Drops(where).train(training)
            converted = snnc.from_snntorch(net)
            module = converted.torch()
            assert module.training == training, where
            assert ("step_dropout(p = 0.25)" in converted.text) == of_text, where
            with torch.no_grad():
                assert torch.equal(module.eval()(x), net.eval()(x)), where
                outputs = [module.train()(x) for _ in range(2)]
                assert not torch.equal(*outputs), f"{where}: the same masks twice"
                expected = torch.stack([net.train()(x) for _ in range(20)]).mean()
                found = torch.stack([module(x) for _ in range(20)]).mean()
            assert abs(found / expected - 1) < 0.1, f"{where}: {found} in the mean, snnTorch {expected}"
    class Once(Drops):
        def forward(self, x):
            mem, out, current = self.lif1.init_leaky(), [], F.dropout(self.fc1(x), 0.25, self.training)
            for _ in range(5):
                spk, mem = self.lif1(current, mem)
                out.append(spk)
            return torch.stack(out)

    assert ": dropout(p = 0.25)" in snnc.from_snntorch(Once("")).text, "one mask for all steps"
    for drop in (lambda x, training: F.dropout(x, 0.25), lambda x, training: F.dropout(x, 0.25, not training)):
        refused(Drops("spikes", drop), "something else in train() than in eval()", "F.dropout(x, p, self.training)")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
