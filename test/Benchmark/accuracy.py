#!/usr/bin/env python3
# How exact membranes and gradients are: ours and snnTorch's in f32 against snnTorch's in f64, on random nets.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  PYTHON accuracy.py --bin=build/bin --count=200 > nets.jsonl     PYTHON has torch and snntorch
  PYTHON accuracy.py --reordered --count=200 > same.jsonl     how far two runs of snnTorch are apart in this sense
  PYTHON accuracy.py --summary nets.jsonl

Each net is a stack of linear and leaky layers with a loss; all three runs have the same numbers. Errors are the rms of the
difference from f64 over the rms in f64, for the membranes of each layer and the gradient of each parameter. A spike that
differs is a jump and no rounding, so a net counts with hard spikes only if all spikes of all layers agree in the three
runs; otherwise it is computed with soft ones (the surrogate's antiderivative, no reset), which snnTorch does with the same
modules. An error below HALF_ULP counts as HALF_ULP on both sides of a ratio: such a result is as good as its format.
"""
import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile

HALF_ULP = 2.0 ** -25  # about the rms of rounding once
SURROGATES = {"atan": "atan(alpha = 2)", "fast_sigmoid": "fast_sigmoid(slope = 25)"}


class Net:
    """Sizes and numbers by seed, of limited work."""

    def __init__(self, seed, work):
        rng = random.Random(seed)

        def size(low, high):
            return round(math.exp(rng.uniform(math.log(low), math.log(high))))

        while True:
            layers = rng.randint(1, 6)
            self.widths = [784 if rng.random() < 0.25 else size(8, 8192)]
            self.widths += [size(8, 8192 if rng.random() < 0.1 else 512) for _ in range(layers - 1)] + [rng.randint(2, 20)]
            self.batch, self.steps = size(1, 1000), size(1, 1000)
            pairs = list(zip(self.widths, self.widths[1:]))
            self.macs = self.batch * self.steps * sum(a * b for a, b in pairs)
            cells = self.batch * self.steps * sum(self.widths)
            if self.macs <= work and cells <= work / 60 and max(a * b for a, b in pairs) <= 3 << 20:
                break
        self.seed, self.soft = seed, False
        self.static, self.positive = rng.random() < 0.4, rng.random() < 0.4
        self.learns, self.loss = rng.random() < 0.5, rng.choice(["mse_count", "ce_rate"])
        self.surrogate, self.reset = rng.choice(list(SURROGATES)), rng.choice(["subtract", "zero", "none"])
        self.beta = rng.choice([0.5, 0.8, 0.9, 0.95])

    def text(self):
        beta = ("learn " if self.learns else "") + str(self.beta)
        reset = "none" if self.soft else self.reset
        neuron = f"leaky(beta = {beta}, reset = {reset}, surrogate = {SURROGATES[self.surrogate]})"
        layers = "".join(f"  linear({width})\n  {neuron}\n" for width in self.widths[1:])
        over = "" if self.static else " over time"
        return (f"snn 1\nmodel net {{\n  input f32[{self.widths[0]}]{over}\n  steps {self.steps}\n  flatten\n{layers}}}\n"
                f"train {{\n  loss {self.loss}\n}}\n")


def soft(name):
    import torch
    if name == "atan":
        return lambda v: torch.atan(math.pi / 2 * 2 * v) / math.pi + 0.5
    return lambda v: v / (25 * v.abs() + 1) + 0.5


def torch_run(net, tensors, dtype):
    """name -> tensor, as snn-run calls them."""
    import snntorch
    import torch
    spike = soft(net.surrogate) if net.soft else getattr(snntorch.surrogate, net.surrogate)()
    count = len(net.widths) - 1
    names = [str(2 * index + 1) for index in range(count)]
    linears, neurons = [], []
    for index, name in enumerate(names):
        linear = torch.nn.Linear(net.widths[index], net.widths[index + 1])
        linear.load_state_dict({key: tensors[f"{name}.{key}"] for key in ("weight", "bias")})
        linears.append(linear.to(dtype))
        neurons.append(snntorch.Leaky(beta=net.beta, learn_beta=net.learns, spike_grad=spike,
                                      reset_mechanism="none" if net.soft else net.reset).to(dtype))
    x, labels = tensors["input"].to(dtype), tensors["labels"]
    memories, spikes = [[] for _ in names], [[] for _ in names]
    mems = [neuron.reset_mem() for neuron in neurons]
    for step in range(net.steps):
        value = x if net.static else x[step]
        for k, (linear, neuron) in enumerate(zip(linears, neurons)):
            value, mems[k] = neuron(linear(value), mems[k])
            value = value.to(dtype)  # snnTorch's spikes are f32
            memories[k].append(mems[k].detach())
            spikes[k].append(value)
    last = torch.stack(spikes[-1])
    if net.loss == "ce_rate":
        log = torch.log_softmax(last, 2)
        loss = -log.gather(2, labels.expand(net.steps, -1).unsqueeze(2)).mean()
    else:
        target = torch.nn.functional.one_hot(labels, net.widths[-1]) * net.steps
        loss = ((last.sum(0) - target.to(dtype)) ** 2).mean() / net.steps
    loss.backward()
    results = {}
    for k, name in enumerate(names):
        place = str(2 * k + 2)
        results["membrane" if k + 1 == count else f"hidden_membrane.{place}"] = torch.stack(memories[k])
        results["spikes" if k + 1 == count else f"hidden.{place}"] = torch.stack(spikes[k]).detach()
        results[f"grad.{name}.weight"], results[f"grad.{name}.bias"] = linears[k].weight.grad, linears[k].bias.grad
        if net.learns:
            results[f"grad.{place}.beta"] = neurons[k].beta.grad.reshape(())
    return results


def our_run(net, tensors, folder, tools):
    from safetensors.torch import load_file, save_file
    text, library, given, out = (os.path.join(folder, name) for name in ("net.snn", "net.so", "in", "out"))
    with open(text, "w") as file:
        file.write(net.text())
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, given)
    kind = "soft" if net.soft else "hard"
    for command in ([f"{tools}/snnc", text, f"--spike={kind}", "-o", library],
                    [f"{tools}/snn-run", library, given, "-o", out, "--gradients"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"seed {net.seed}: {' '.join(command)}: {done.stdout[-500:]}\n{net.text()}")
    return load_file(out)


def reordered_run(net, tensors, dtype):
    """snnTorch's run of the same net with its samples, inputs and neurons in another order, put back in order: a computation
    that is exactly as good as snnTorch's own."""
    import torch
    generator = torch.Generator().manual_seed(net.seed + 1)
    samples = torch.randperm(net.batch, generator=generator)
    # The last layer's neurons stand for classes, whose order labels name.
    orders = [torch.randperm(width, generator=generator) for width in net.widths[:-1]] + [torch.arange(net.widths[-1])]
    moved = {name: tensor.clone() for name, tensor in tensors.items()}
    moved["input"] = tensors["input"].index_select(-1, orders[0]).index_select(-2, samples)
    moved["labels"] = tensors["labels"][samples]
    for k in range(len(orders) - 1):
        name = str(2 * k + 1)
        moved[f"{name}.weight"] = tensors[f"{name}.weight"][orders[k + 1]][:, orders[k]]
        moved[f"{name}.bias"] = tensors[f"{name}.bias"][orders[k + 1]]
    results = torch_run(net, moved, dtype)
    back = [order.argsort() for order in orders]
    for name, value in results.items():
        parts = name.split(".")
        if parts[0] in ("membrane", "spikes", "hidden_membrane", "hidden"):
            layer = int(parts[1]) // 2 if len(parts) > 1 else len(orders) - 1
            results[name] = value[:, samples.argsort()][:, :, back[layer]]
        elif parts[2] != "beta":
            layer = int(parts[1]) // 2 + 1
            value = value[back[layer]]
            results[name] = value[:, back[layer - 1]] if parts[2] == "weight" else value
    return results


def make_tensors(net):
    import torch
    generator = torch.Generator().manual_seed(net.seed)
    shape = (net.batch, net.widths[0]) if net.static else (net.steps, net.batch, net.widths[0])
    x = torch.rand(shape, generator=generator) if net.positive else torch.randn(shape, generator=generator)
    tensors = {"input": x, "labels": torch.randint(net.widths[-1], (net.batch,), generator=generator)}
    for k, (inputs, outputs) in enumerate(zip(net.widths, net.widths[1:])):
        bound = 3 / math.sqrt(inputs)
        tensors[f"{2 * k + 1}.weight"] = (torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound
        tensors[f"{2 * k + 1}.bias"] = (torch.rand(outputs, generator=generator) * 2 - 1) * bound
        if net.learns:
            tensors[f"{2 * k + 2}.beta"] = torch.tensor(net.beta)
    return tensors


def measure(seed, work, tools):
    import torch
    net = Net(seed, work)
    tensors = make_tensors(net)
    for net.soft in (False, True):
        wide, single = (torch_run(net, tensors, dtype) for dtype in (torch.float64, torch.float32))
        spikes = [name for name in wide if name.startswith(("spikes", "hidden."))]
        if not net.soft and any((wide[name] != single[name]).any() for name in spikes):
            continue
        if tools is None:
            ours = reordered_run(net, tensors, torch.float32)
        else:
            with tempfile.TemporaryDirectory() as folder:
                ours = our_run(net, tensors, folder, tools)
        if net.soft or all((wide[name] == ours[name].to(torch.float64)).all() for name in spikes):
            break
    errors = {}
    for name in wide:
        if not name.startswith(("grad", "membrane", "hidden_membrane")):
            continue
        scale = wide[name].square().mean().sqrt()
        if ours[name].shape != wide[name].shape:
            raise RuntimeError(f"seed {seed}: {name}: {ours[name].shape} is not {wide[name].shape}")
        if scale > 0:
            errors[name] = [float((got[name].to(torch.float64) - wide[name]).square().mean().sqrt() / scale)
                            for got in (ours, single)]
    return {"seed": seed, "widths": net.widths, "batch": net.batch, "steps": net.steps, "soft": net.soft,
            "loss": net.loss, "errors": errors}


def quantile(numbers, share):
    return sorted(numbers)[min(len(numbers) - 1, math.ceil(share * len(numbers)) - 1)] if numbers else math.nan


def kind_of(name):
    return "membranes" if "membrane" in name else "gradients of " + {"weight": "weights", "bias": "biases", "beta": "`beta`"}[
        name.rsplit(".", 1)[1]]


def summarise(path):
    with open(path) as file:
        nets = [json.loads(line) for line in file]
    print(f"{len(nets)} nets, {sum(net['soft'] for net in nets)} of them with soft spikes\n")
    print("| | tensors | ours, median | 95 % | torch, median | 95 % | ratio, median | 95 % | largest |\n" + "|---" * 9 + "|")
    ratios = {}
    for net in nets:
        for name, (ours, torch) in net["errors"].items():
            ratios.setdefault(kind_of(name), []).append((ours, torch, max(ours, HALF_ULP) / max(torch, HALF_ULP)))
    for kind, rows in sorted(ratios.items()):
        ours, torch, ratio = zip(*rows)
        print(f"| {kind} | {len(rows)} | {quantile(ours, 0.5):.1e} | {quantile(ours, 0.95):.1e} | {quantile(torch, 0.5):.1e} | "
              f"{quantile(torch, 0.95):.1e} | {quantile(ratio, 0.5):.2f} | {quantile(ratio, 0.95):.2f} | {max(ratio):.2f} |")
    # A single number such as the gradient of `beta` may be right by chance, on either side, so a ratio of two of them says little;
    # the net's rms over its tensors says more. Both are given, and the same with sides changed.
    pooled, worst, inverse = [], [], []
    for net in nets:
        pairs = [(max(a, HALF_ULP), max(b, HALF_ULP)) for a, b in net["errors"].values()]
        pooled.append(math.sqrt(sum(a * a for a, _ in pairs) / sum(b * b for _, b in pairs)))
        worst.append(max(a / b for a, b in pairs))
        inverse.append(max(b / a for a, b in pairs))
    for text, found in (("rms over all tensors of a net, ours over torch's", pooled),
                        ("the same, torch's over ours", [1 / ratio for ratio in pooled]),
                        ("worst tensor of a net, ours over torch's", worst), ("the same, torch's over ours", inverse)):
        print(f"{text}: at most 2 in {100 * sum(r <= 2 for r in found) / len(found):.1f} % of the nets; "
              f"median {quantile(found, 0.5):.2f}, 95 % {quantile(found, 0.95):.2f}, largest {max(found):.2f}")
    for longest in (4, 1000):
        first = [next(net["errors"][name] for name in ("hidden_membrane.2", "membrane") if name in net["errors"])
                 for net in nets if net["widths"][0] == 784 and net["steps"] <= longest]
        if first:
            print(f"784 inputs, up to {longest} steps, {len(first)} nets, membranes of the first layer: ours at most "
                  f"{max(a for a, _ in first):.2e}, torch's {max(b for _, b in first):.2e}")
    largest = max(ours for net in nets for ours, _ in net["errors"].values())
    within = sum(max(ours for ours, _ in net["errors"].values()) <= 1e-5 for net in nets)
    print(f"largest error {largest:.1e}; within 1e-5 in {within} nets")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="the folder of snnc and snn-run")
    parser.add_argument("--reordered", action="store_true",
                        help="instead of ours, snnTorch's run with samples, inputs and neurons in another order")
    parser.add_argument("--seed", type=int, default=1, help="of the first net")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--work", type=float, default=4e8, help="products in one forward pass, at most")
    parser.add_argument("--summary", help="print the table of these results instead")
    options = parser.parse_args()
    if options.summary:
        return summarise(options.summary)
    if bool(options.bin) == options.reordered:
        parser.error("the folder of the programs is needed, --bin, or --reordered")
    import torch
    torch.set_num_threads(1)
    for seed in range(options.seed, options.seed + options.count):
        print(json.dumps(measure(seed, options.work, options.bin)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
