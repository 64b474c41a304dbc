#!/usr/bin/env python3
"""Networks of the sizes of the examples: what they compute in double precision, and how far snnTorch 1.0.0 is from it.

    pip install torch==2.13.0 snntorch safetensors
    python3 make_large.py OUT_DIR [CASE ...]

Writes large_CASE.safetensors. Weights, inputs and labels are not in it: they are numbers by count, which `snn-random`
makes for the same network and seed (`splitmix` here is its generator). Values are those of double precision, rounded;
spikes are bytes, and equal to snnTorch's. Of large tensors every K-th element of the flattened tensor is kept, as
"every.K.NAME", which `snn-compare` knows.

The seed is the first from 0 on with which no membrane comes closer to its threshold than the margin below, so that
rounding cannot flip a spike. Nothing else chooses it: how large the errors are plays no part.
"""
import argparse
import math
import os

import numpy
import snntorch
import snntorch.functional
import torch
from safetensors.torch import save_file
from snntorch import surrogate, utils

from double_spike import spike

SLOPE, BETA, CLASSES = 25, 0.9, 10

# The gain makes all layers fire. Membranes are around 1 and have seven digits; the more of them there are, the closer one of them comes.
CASES = {
    # As examples/fashion_mnist/population.snn.
    "population": dict(sizes=(784, 128, 500), steps=1, batch=8, gain=4.0, margin=2e-5),
    # As examples/fashion_mnist/baseline10.snn, in wide.
    "static": dict(sizes=(784, 1000, 10), steps=25, batch=4, gain=2.0, margin=2e-6),
    # As test/Benchmark/workloads/fc100.snn.
    "long": dict(sizes=(784, 128, 500), steps=100, batch=4, gain=2.0, margin=2e-6),
}


def splitmix(state, count):
    """The first `count` numbers of test/tools' Random(state)."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(state) + numpy.uint64(0x9E3779B97F4A7C15) * numpy.arange(1, count + 1, dtype=numpy.uint64)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return z ^ (z >> numpy.uint64(31))


def draw(case, seed):
    """What snn-random --seed=SEED --gain=GAIN makes: parameters in single precision, bytes of images, labels."""
    wide, hidden, out = case["sizes"]
    shapes = {"1.weight": (hidden, wide), "1.bias": (hidden,), "3.weight": (out, hidden), "3.bias": (out,)}
    numbers = splitmix(2 * seed + 1, sum(math.prod(shape) for shape in shapes.values()))
    parameters, at = {}, 0
    for name, shape in shapes.items():
        bound = 1 / math.sqrt(shapes[name[0] + ".weight"][1])
        unit = (numbers[at:at + math.prod(shape)] >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53
        value = (case["gain"] if len(shape) == 2 else 1.0) * (-bound + 2 * bound * unit)
        parameters[name] = torch.from_numpy(value.reshape(shape).astype(numpy.float32))
        at += math.prod(shape)
    numbers = splitmix(seed, case["batch"] * (wide + 1))
    images = (numbers[:case["batch"] * wide] % numpy.uint64(256)).astype(numpy.uint8).reshape(case["batch"], wide)
    labels = (numbers[case["batch"] * wide:] % numpy.uint64(CLASSES)).astype(numpy.int64)
    return parameters, torch.from_numpy(images), torch.from_numpy(labels)


fast_sigmoid = spike(lambda gradient, x: gradient / (SLOPE * x.abs() + 1)**2)


def in_double(case, parameters, images, labels):
    """The network from its equations: snnTorch rounds spikes' products to single precision whatever one asks for."""
    weights = {name: value.double().requires_grad_(True) for name, value in parameters.items()}
    drive = torch.nn.functional.linear(images.double() / 255, weights["1.weight"], weights["1.bias"])
    membranes, spikes, margin = {2: [], 4: []}, {2: [], 4: []}, math.inf
    memory = {2: torch.zeros_like(drive), 4: torch.zeros(case["batch"], case["sizes"][2], dtype=torch.float64)}

    def neuron(layer, x):
        nonlocal margin
        memory[layer] = BETA * memory[layer] + x - (memory[layer] > 1).double()
        margin = min(margin, (memory[layer].detach() - 1).abs().min().item())
        membranes[layer].append(memory[layer])
        spikes[layer].append(fast_sigmoid(memory[layer] - 1))
        return spikes[layer][-1]

    for _ in range(case["steps"]):
        neuron(4, torch.nn.functional.linear(neuron(2, drive), weights["3.weight"], weights["3.bias"]))
    count = torch.stack(spikes[4]).sum(0).reshape(case["batch"], CLASSES, -1).sum(2)
    per_class = case["sizes"][2] // CLASSES
    target = torch.zeros_like(count)
    target[torch.arange(case["batch"]), labels] = case["steps"] * per_class
    loss = ((count - target)**2).mean() / case["steps"]
    loss.backward()
    return tensors_of(loss, membranes, spikes, {name: value.grad for name, value in weights.items()}), margin


def in_snntorch(case, parameters, images, labels):
    wide, hidden, out = case["sizes"]
    leaky = lambda last: snntorch.Leaky(beta=BETA, spike_grad=surrogate.fast_sigmoid(slope=SLOPE), init_hidden=True, output=last)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(wide, hidden), leaky(False), torch.nn.Linear(hidden, out), leaky(True))
    net.load_state_dict(parameters, strict=False)
    membranes, spikes = {2: [], 4: []}, {2: [], 4: []}

    def record(layer):
        def hook(module, _, output):
            spikes[layer].append(output[0] if isinstance(output, tuple) else output)
            membranes[layer].append(module.mem)
        return hook
    for layer in (2, 4):
        net[layer].register_forward_hook(record(layer))
    utils.reset(net)
    for _ in range(case["steps"]):
        net(images.float() / 255)
    population = dict(population_code=True, num_classes=CLASSES) if out > CLASSES else {}
    loss = snntorch.functional.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, **population)(torch.stack(spikes[4]), labels)
    loss.backward()
    return tensors_of(loss, membranes, spikes, {name: value.grad for name, value in net.named_parameters()})


def tensors_of(loss, membranes, spikes, gradients):
    tensors = {"loss": loss, "membrane": torch.stack(membranes[4]), "spikes": torch.stack(spikes[4]),
               "hidden_membrane.2": torch.stack(membranes[2]), "hidden.2": torch.stack(spikes[2])}
    tensors |= {f"grad.{name}": value for name, value in gradients.items()}
    return {name: value.detach() for name, value in tensors.items()}


def stored(name, tensor):
    """A tensor's name and form in the file."""
    if name in ("spikes", "hidden.2"):
        return name, tensor.to(torch.uint8)
    every = next((k for k in (1, 3, 7, 17, 37) if tensor.numel() // k <= 25000), 37)
    if every == 1:
        return name, tensor.float().contiguous()
    return f"every.{every}.{name}", tensor.flatten()[::every].float().contiguous()


def report(name, got, want):
    """As snn-compare has it, and the root of the mean square beside it."""
    for key, value in want.items():
        difference = (got[key].double() - value).abs()
        scale = value.abs().max().clamp_min(1e-300)
        print(f"  {name} {key}: {difference.max() / scale:.1e}, rms {difference.pow(2).mean().sqrt() / scale:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" or ".join(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.cases or CASES:
        case = CASES[name]
        for seed in range(100):
            data = draw(case, seed)
            want, margin = in_double(case, *data)
            if margin < case["margin"]:
                print(f"{name}: seed {seed} comes within {margin:.1e} of a threshold")
                continue
            got = in_snntorch(case, *data)
            for key in ("spikes", "hidden.2"):
                assert torch.equal(got[key].double(), want[key]), f"{name}: snnTorch has other {key}"
            rates = [want[key].mean().item() for key in ("hidden.2", "spikes")]
            print(f"{name}: seed {seed}, margin {margin:.1e}, loss {want['loss']:.5f}, firing {rates[0]:.2f} and {rates[1]:.2f}")
            report("snnTorch", got, want)
            save_file(dict(stored(*item) for item in want.items()), os.path.join(arguments.out, f"large_{name}.safetensors"))
            break
        else:
            raise SystemExit(f"{name}: no seed keeps its membranes away from the thresholds")


if __name__ == "__main__":
    main()
