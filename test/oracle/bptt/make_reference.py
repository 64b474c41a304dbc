#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the texts of this folder should compute, by torch's autograd in f64.

    pip install torch safetensors
    python3 make_reference.py OUT_DIR [CASE ...]

Writes CASE.in.safetensors, numbers that f32 can hold (so that both ways to compute read the same ones), and
CASE.want.safetensors in f64. The names are those that the texts bind. Each case is the network written out with plain
tensors; nothing is taken from snnTorch, whose spikes are f32, but its equations are followed: reset by the membrane of the
step before, detached, strict ">", decay clamped to 0 .. 1, surrogate fast_sigmoid of slope 25.

Seeds are tried until no membrane comes closer to its threshold than MARGIN, so that f32 and f64 have the same spikes, and
until each layer of spikes fires in 5 to 60 % of its steps.
"""
import argparse
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

MARGIN = 2e-4
SLOPE = 25.0
torch.set_default_dtype(torch.float64)


class Unsuitable(Exception):
    """The numbers of this seed are no test: too close to a threshold, or too silent."""


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).double()

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad / (SLOPE * v.abs() + 1) ** 2


def fire(v):
    if v.abs().min() < MARGIN:
        raise Unsuitable
    return Spike.apply(v)


def check_rate(spikes):
    if not 0.05 < spikes.mean() < 0.6:
        raise Unsuitable


def leaky(x, beta, threshold=1.0, mem=None):
    """Spikes and membranes of each step, [T, S, ...]."""
    mem = torch.zeros_like(x[0]) if mem is None else mem
    spikes, membranes = [], []
    for xt in x:
        reset = fire(mem - threshold).detach()
        mem = torch.clamp(torch.as_tensor(beta), 0, 1) * mem + xt - reset * threshold
        spikes.append(fire(mem - threshold))
        membranes.append(mem)
    spikes, membranes = torch.stack(spikes), torch.stack(membranes)
    check_rate(spikes)
    return spikes, membranes


class Inputs(dict):
    """Named random tensors; those of `leaf` have a gradient. All numbers are rounded to f32 first."""

    def put(self, name, value, gradient=False):
        value = torch.as_tensor(value).float().double()
        self[name] = value.requires_grad_() if gradient else value
        return self[name]

    def leaf(self, name, value):
        return self.put(name, value, gradient=True)

    def normal(self, name, *shape, scale=1.0, shift=0.0, gradient=False):
        return self.put(name, torch.randn(shape) * scale + shift, gradient)

    def weight(self, name, outputs, fan_in, *rest, scale=1.0):
        return self.leaf(name, (torch.rand(outputs, fan_in, *rest) * 2 - 1) * scale)


def gradients(loss, inputs):
    leaves = {name: value for name, value in inputs.items() if value.requires_grad}
    return {"grad." + name: grad for name, grad in zip(leaves, torch.autograd.grad(loss, leaves.values()))}


def dense():
    T, S = 6, 11
    i = Inputs()
    x = i.leaf("input", torch.rand(T, S, 20))
    w1, b1 = i.weight("0.weight", 16, 20, scale=0.5), i.normal("0.bias", 16, scale=0.1, gradient=True)
    beta1 = i.leaf("1.beta", 0.9)
    w2 = i.weight("2.weight", 10, 16, scale=0.8)
    b2 = i.leaf("2.bias", torch.rand(10) * 0.4)
    # Two are clamped and get no gradient.
    beta2 = i.leaf("3.beta", torch.cat([torch.rand(8) * 0.3 + 0.6, torch.tensor([1.25, -0.25])]))
    labels = i["labels"] = torch.randint(5, (S,))
    correct, incorrect = i.put("correct", 0.8), i.put("incorrect", 0.1)
    s1, _ = leaky(F.linear(x, w1, b1), beta1)
    s2, mem = leaky(F.linear(s1, w2, b2), beta2)
    counts = s2.reshape(T, S, 5, 2).sum((0, 3))
    target = torch.where(F.one_hot(labels, 5).bool(), (T * correct * 2).trunc(), (T * incorrect * 2).trunc())
    loss = ((counts - target) ** 2).mean() / T
    return {"": (i, {"loss": loss, "membrane": mem, **gradients(loss, i)})}


def convolution():
    T, S = 3, 2
    i = Inputs()
    x = i.normal("input", T, S, 4, 18, 18, gradient=True)
    k = i.weight("0.weight", 6, 2, 3, 3, scale=0.35)
    kb = i.leaf("0.bias", torch.randn(6) * 0.2 - 0.9)
    beta = i.leaf("2.beta", 0.8)
    w = i.weight("6.weight", 7, 54, scale=0.2)
    wb = i.leaf("6.bias", torch.randn(7) * 0.2)
    seed = i.normal("seed", T, S, 7)
    each = lambda f, v: f(v.flatten(0, 1)).unflatten(0, (T, S))
    y = each(lambda v: F.conv2d(v, k, kb, stride=2, padding=1, groups=2), x)
    y = each(lambda v: F.max_pool2d(v, 3, stride=2, padding=1), y)
    y, _ = leaky(y, beta)
    y = each(lambda v: F.max_pool2d(v, 2), y)
    y = each(lambda v: F.avg_pool2d(v, 2, stride=1, padding=1, count_include_pad=True), y)
    output = F.linear(y.flatten(2), w, wb)
    loss = (output * seed).sum()
    return {"": (i, {"loss": loss, "output": output, **gradients(loss, i)})}


def batch_norm():
    T, S = 4, 5
    eps, keep, take = (float(torch.tensor(v, dtype=torch.float32)) for v in (1e-5, 0.9, 0.1))
    i = Inputs()
    # Steps and channels differ in mean and spread.
    x = torch.randn(T, S, 3, 4, 4) * (torch.rand(T, 1, 3, 1, 1) + 0.5) + torch.randn(T, 1, 3, 1, 1)
    x = i.leaf("input", x)
    seed1, seed2 = i.normal("seed.all", T, S, 3, 4, 4), i.normal("seed.step", T, S, 3, 4, 4)
    g1, b1 = i.normal("all.weight", 3, shift=1, scale=0.3, gradient=True), i.normal("all.bias", 3, gradient=True)
    g2, b2 = i.normal("step.weight", 3, shift=1, scale=0.3, gradient=True), i.normal("step.bias", 3, gradient=True)
    mean, var = i.normal("all.running_mean", 3), i.put("all.running_var", torch.rand(3) + 0.5)
    y1 = F.batch_norm(x.flatten(0, 1), None, None, g1, b1, training=True, eps=eps).unflatten(0, (T, S))
    y2 = torch.stack([F.batch_norm(xt, None, None, g2, b2, training=True, eps=eps) for xt in x])
    loss = (y1 * seed1 + y2 * seed2).sum()
    out = {"loss": loss, "output.all": y1, "output.step": y2, **gradients(loss, i)}
    out["next.all.running_mean"] = keep * mean + take * x.mean((0, 1, 3, 4))
    out["next.all.running_var"] = keep * var + take * x.var((0, 1, 3, 4), unbiased=True)
    return {"": (i, out)}


def rleaky():
    T, S, K = 8, 9, 4
    parameters = Inputs()
    w, b = parameters.weight("0.weight", 12, 8, scale=0.6), parameters.leaf("0.bias", torch.rand(12) * 0.4)
    beta = parameters.leaf("1.beta", torch.cat([torch.rand(10) * 0.4 + 0.5, torch.tensor([1.25, -0.25])]))
    v, vb = parameters.weight("1.recurrent.weight", 12, 12, scale=0.4), parameters.leaf("1.recurrent.bias", torch.randn(12) * 0.1)
    mem, fired = torch.zeros(S, 12), torch.zeros(S, 12)
    windows = {}
    for window in range(T // K):
        i = Inputs(parameters)
        x = i.normal("input", K, S, 8, gradient=True)
        seed_spikes, seed_mem = i.normal("seed.spikes", K, S, 12), i.normal("seed.membrane", K, S, 12, scale=0.1)
        # The state goes on as it is, in f64, but with no gradient behind it.
        i["state.mem"] = mem = mem.detach().requires_grad_()
        i["state.fired"] = fired = fired.detach().requires_grad_()
        spikes, membranes = [], []
        for xt in F.linear(x, w, b):
            reset = fire(mem - 1.0).detach()
            mem = torch.clamp(beta, 0, 1) * mem + xt + F.linear(fired, v, vb) - reset
            fired = fire(mem - 1.0)
            spikes.append(fired)
            membranes.append(mem)
        check_rate(torch.stack(spikes))
        loss = (torch.stack(spikes) * seed_spikes + torch.stack(membranes) * seed_mem).sum()
        windows[f"_{window + 1}"] = (i, {"loss": loss, "membrane": torch.stack(membranes), "next.mem": mem,
                                         "next.fired": fired.detach().to(torch.uint8), **gradients(loss, i)})
    return windows


def slstm():
    T, S, N, threshold = 5, 9, 8, 0.125
    i = Inputs()
    x = i.normal("input", T, S, 6, gradient=True)
    seed_spikes, seed_mem = i.normal("seed.spikes", T, S, N), i.normal("seed.membrane", T, S, N)
    w, v = i.weight("weight_ih", 4 * N, 6, scale=0.8), i.weight("weight_hh", 4 * N, N, scale=0.8)
    b, vb = i.normal("bias_ih", 4 * N, scale=0.3, gradient=True), i.normal("bias_hh", 4 * N, scale=0.3, gradient=True)
    syn = i.normal("state.syn", S, N, scale=0.5, gradient=True)
    mem = i.normal("state.mem", S, N, scale=0.5, gradient=True)
    spikes, membranes = [], []
    for xt in x:
        gate_i, gate_f, gate_g, gate_o = (F.linear(xt, w, b) + F.linear(mem, v, vb)).chunk(4, 1)
        syn = torch.sigmoid(gate_f) * syn + torch.sigmoid(gate_i) * torch.tanh(gate_g)
        mem = torch.sigmoid(gate_o) * torch.tanh(syn)
        spikes.append(fire(mem - threshold))
        membranes.append(mem)
    check_rate(torch.stack(spikes))
    loss = (torch.stack(spikes) * seed_spikes + torch.stack(membranes) * seed_mem).sum()
    return {"": (i, {"loss": loss, "membrane": torch.stack(membranes), "next.syn": syn, "next.mem": mem, **gradients(loss, i)})}


def cross_entropy():
    T, S = 6, 13
    i = Inputs()
    x = i.normal("input", T, S, 12, gradient=True)
    w, b = i.weight("0.weight", 10, 12, scale=0.7), i.leaf("0.bias", torch.rand(10) * 0.4)
    weight = i.put("class_weight", torch.rand(5) + 0.5)
    labels = i["labels"] = torch.randint(5, (S,))
    spikes, mem = leaky(F.linear(x, w, b), 0.875)
    votes = spikes.reshape(T, S, 5, 2).sum(3)
    loss = sum(F.cross_entropy(step, labels, weight=weight) for step in votes) / T
    return {"": (i, {"loss": loss, "membrane": mem, "log_softmax": F.log_softmax(votes, 2), **gradients(loss, i)})}


def graph():
    T, S = 5, 9
    i = Inputs()
    x = i.normal("input", T, S, 6, gradient=True)
    mask = i["mask"] = torch.randint(2, (S, 8), dtype=torch.uint8)
    seed_concat, seed_add = i.normal("seed.concat", T, S, 5), i.normal("seed.add", T, S, 5)
    w_a, threshold = i.weight("a.weight", 8, 6, scale=0.9), i.leaf("a.threshold", torch.rand(8) * 0.5 + 0.6)
    w_b = i.weight("b.weight", 8, 8, scale=0.9)
    w_concat, w_add = i.weight("concat.weight", 5, 16), i.weight("add.weight", 5, 8)
    a, mem_a = leaky(F.linear(x, w_a), 0.75, threshold)
    b, mem_b = leaky(F.linear(a * mask * 2, w_b), 0.75)
    loss = (F.linear(torch.cat([a, b], 2), w_concat) * seed_concat + F.linear(a + b, w_add) * seed_add).sum()
    return {"": (i, {"loss": loss, "membrane.a": mem_a, "membrane.b": mem_b, **gradients(loss, i)})}


CASES = dict(dense=dense, convolution=convolution, batch_norm=batch_norm, rleaky=rleaky, slstm=slstm,
             cross_entropy=cross_entropy, graph=graph)


def stored(name, value):
    """Inputs are f32 where that loses nothing: all but a state that another window left."""
    value = value.detach().contiguous()
    if value.dtype == torch.float64 and torch.equal(value.float().double(), value):
        value = value.float()
    return value.to(torch.uint8) if name == "state.fired" else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("cases", nargs="*", default=[])
    options = parser.parse_args()
    for name in options.cases or CASES:
        for seed in range(10000):
            torch.manual_seed(seed)
            try:
                runs = CASES[name]()
                break
            except Unsuitable:
                continue
        else:
            raise SystemExit(f"{name}: no seed will do")
        for suffix, (inputs, wanted) in runs.items():
            path = os.path.join(options.out, name + suffix)
            save_file({key: stored(key, value) for key, value in inputs.items()}, path + ".in.safetensors")
            save_file({key: value.detach().contiguous() for key, value in wanted.items()}, path + ".want.safetensors")
        print(f"{name}: seed {seed}")


if __name__ == "__main__":
    main()
