"""Golden values of whole updates in double precision, by PyTorch 2.14 and snnTorch 1.0.0: clips, groups of parameters, windows of
truncated backpropagation, batch norm of each step.

usage: make_updates.py FOLDER [CASE...]

Writes CASE.snn and CASE.safetensors: parameters and buffers at the start, a batch for each update, the losses, and what the parameters and
buffers are after it all (`after.NAME`). The seed is the first with which no membrane comes within 1e-4 of its threshold."""

import math
import os
import sys

import snntorch
import torch
from safetensors.torch import save_file
from torch import nn

from double_spike import atan

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
STEPS, BATCH, INPUTS, HIDDEN, OUTPUTS, UPDATES = 7, 4, 6, 5, 4, 4


class PerStep(nn.Module):
    """snnTorch's BatchNormTT1d: a BatchNorm1d without a bias for each step; parameters are those of all steps."""

    def __init__(self):
        super().__init__()
        self.norms = snntorch.BatchNormTT1d(HIDDEN, STEPS)
        for norm in self.norms:
            norm.weight.data.uniform_(0.5, 1.5)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)

    def stacked(self):
        return {name: torch.stack([getattr(norm, name).detach() for norm in self.norms])
                for name in ("weight", "running_mean", "running_var")}


class Net:
    """linear, batch norm or none, recurrent leaky, linear, leaky."""

    def __init__(self, normal=False):
        self.first, self.second = nn.Linear(INPUTS, HIDDEN), nn.Linear(HIDDEN, OUTPUTS)
        self.hidden = snntorch.RLeaky(beta=0.8, linear_features=HIDDEN, learn_beta=True, spike_grad=atan)
        self.out = snntorch.Leaky(beta=0.8, learn_beta=True, spike_grad=atan)
        self.norm = PerStep() if normal else None
        for layer in (self.first, self.second):
            layer.weight.data *= 3
        self.modules = {"h1": self.first, "norm": self.norm, "h2": self.hidden, "3": self.second, "4": self.out}
        if not normal:
            self.modules = {"h1": self.first, "h2": self.hidden, "2": self.second, "3": self.out}
        self.near = math.inf

    def tensors(self):
        found = {}
        for key, module in self.modules.items():
            values = module.stacked() if isinstance(module, PerStep) else dict(module.named_parameters())
            # a threshold that is not trained is no parameter of ours
            found |= {f"{key}.{name}": value.detach().clone() for name, value in values.items()}
        return found

    def parameters(self, *keys):
        return [p for key, module in self.modules.items() if not keys or key in keys for p in module.parameters()]

    def run(self, x, first, state):
        """Spikes of these steps, the state behind them."""
        spk, hidden, out = state
        spikes = []
        for step, value in enumerate(x):
            value = self.first(value)
            if self.norm:
                value = self.norm.norms[first + step](value)
            spk, hidden = self.hidden(value, spk, hidden)
            s, out = self.out(self.second(spk), out)
            spikes.append(s)
            self.near = min(self.near, float((hidden - 1).abs().min()), float((out - 1).abs().min()))
        return torch.stack(spikes), (spk, hidden, out)

    def rest(self):
        spk, hidden = self.hidden.init_rleaky()
        return spk, hidden, self.out.init_leaky()


def adam(net):
    return torch.optim.Adam(net.parameters(), lr=1e-2)


def sgd(net):
    return torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)


def groups(net):
    return torch.optim.AdamW([{"params": net.parameters("2", "3")}, {"params": net.parameters("h1"), "lr": 1e-3, "weight_decay": 0.3},
                              {"params": net.parameters("h2"), "lr": 0.0}], lr=1e-2, weight_decay=0.01)


def cosine(update, updates):
    return (1 + math.cos(math.pi * update / updates)) / 2


# name -> (lines of train, window, optimizer, clip, schedule)
CASES = {
    "clip_norm": ("optimizer adam(lr = 1e-2)\n  clip norm(0.02)", STEPS, adam, lambda p: nn.utils.clip_grad_norm_(p, 0.02), None),
    "clip_norm_sgd": ("optimizer sgd(lr = 0.5, momentum = 0.9)\n  clip norm(0.2)", STEPS, sgd, lambda p: nn.utils.clip_grad_norm_(p, 0.2),
                      None),
    "clip_value": ("optimizer sgd(lr = 0.5, momentum = 0.9)\n  clip value(0.01)", STEPS, sgd, lambda p: nn.utils.clip_grad_value_(p, 0.01),
                   None),
    "groups": ("optimizer adamw(lr = 1e-2)\n  group h1(lr = 1e-3, weight_decay = 0.3)\n  group h2(lr = 0)\n  schedule cosine", STEPS, groups,
               None, cosine),
    "truncate_1": ("optimizer adam(lr = 1e-2)\n  truncate 1", 1, adam, None, None),
    "truncate_3": ("optimizer sgd(lr = 0.5, momentum = 0.9)\n  truncate 3", 3, sgd, None, None),
    "norm_per_step": ("optimizer adam(lr = 1e-2)", STEPS, adam, None, None),
    "norm_per_step_truncate_3": ("optimizer adam(lr = 1e-2)\n  truncate 3", 3, adam, None, None),
}


def compute(name, seed):
    lines, window, make, clip, schedule = CASES[name]
    torch.manual_seed(seed)
    net = Net(normal=name.startswith("norm"))
    tensors, losses = net.tensors(), []
    optimizer = make(net)
    rates = [group["lr"] for group in optimizer.param_groups]
    windows = math.ceil(STEPS / window)
    for batch in range(UPDATES):
        x, labels = torch.randn(STEPS, BATCH, INPUTS) * 1.5, torch.randint(0, OUTPUTS, (BATCH,))
        tensors |= {f"batch.{batch}.input": x, f"batch.{batch}.labels": labels}
        state, sum_ = net.rest(), 0
        for index in range(windows):
            part = x[index * window:(index + 1) * window]
            spikes, state = net.run(part, index * window, state)
            state = tuple(value.detach() for value in state)
            loss = torch.stack([nn.functional.cross_entropy(step, labels) for step in spikes]).mean()
            optimizer.zero_grad()
            loss.backward()
            if clip:
                clip(net.parameters())
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * (schedule(batch * windows + index + 1, UPDATES * windows) if schedule else 1)
            # A step's own weights have no gradient in other windows; Adam goes on without one, as with one of 0.
            for parameter in net.parameters():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            optimizer.step()
            sum_ += float(loss.detach()) * len(part)
        losses.append(sum_ / STEPS)
    tensors["losses"] = torch.tensor(losses)
    if net.norm:  # inference goes by the running statistics
        for norm in net.norm.norms:
            norm.eval()
        x = torch.randn(STEPS, BATCH, INPUTS)
        with torch.no_grad():
            tensors |= {"input": x, "spikes": net.run(x, 0, net.rest())[0]}
    return tensors | {f"after.{key}": value for key, value in net.tensors().items()}, net.near


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, (lines, *_) in CASES.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        for seed in range(1000):
            tensors, near = compute(name, seed)
            if near > 1e-4:
                break
        else:
            raise SystemExit(f"{name}: no seed")
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, f"{folder}/{name}.safetensors")
        norm = "  norm: batch_norm_tt\n" if name.startswith("norm") else ""
        with open(f"{folder}/{name}.snn", "w") as file:
            file.write(f"snn 1\nmodel {name}_ {{\n  input f32[{INPUTS}] over time\n  steps {STEPS}\n  h1: linear({HIDDEN})\n{norm}"
                       f"  h2: rleaky(beta = learn 0.8)\n  linear({OUTPUTS})\n  leaky(beta = learn 0.8)\n}}\n"
                       f"train {{\n  loss ce_rate\n  {lines}\n}}\n")
        print(name, "seed", seed)


main()
