#!/usr/bin/env python3
"""Training trajectories computed by snnTorch 1.0.0: 20 Adam steps, each on a batch of its own.

    pip install torch==2.13.0 snntorch safetensors
    python3 make_training.py OUT_DIR [CASE ...]

Writes train_CASE.safetensors with the parameters at the start under their state_dict names, batch.K.input and
batch.K.labels for K = 0 .. 19 (batch 7 has 96 samples, the others 128), losses [20] and the parameters after the last
step as after.NAME. The sizes are small so that the files are: what they check does not depend on size.

A spike that flips by rounding changes everything after it, and Adam turns the rounding error of a gradient that is almost
zero into a step. Seeds are tried until no membrane of the whole run comes close to its threshold, and until the same run
with the samples of each batch in other orders (the same numbers but for rounding) ends at the same parameters.
"""
import argparse
import os

import snntorch as snn
import snntorch.functional as SF
import torch
from safetensors.torch import save_file
from snntorch import surrogate, utils

STEPS, BATCH, SHORT_BATCH, SHORT_STEP = 20, 128, 96, 7
MARGIN, NOISE, ORDERS = 1e-5, 6e-7, 8

CASES = {
    # As in the tutorial on population coding, in small: one time step, the population votes.
    "population": dict(steps=1, static=True, sizes=(24, 32, 50), classes=10, neuron=dict(beta=0.9), scale=2.0),
    # Everything that time adds: input that varies, resets, decay and threshold that learn.
    "learn": dict(steps=5, static=False, sizes=(5, 16, 10), classes=None, scale=3.0,
                  neuron=dict(beta=0.85, learn_beta=True, threshold=0.8, learn_threshold=True)),
}


def network(case):
    wide, hidden, out = case["sizes"]
    make = lambda last: snn.Leaky(spike_grad=surrogate.fast_sigmoid(slope=25), init_hidden=True, output=last, **case["neuron"])
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(wide, hidden), make(False),
                              torch.nn.Linear(hidden, out), make(True))
    with torch.no_grad():  # strong enough for both layers to fire
        net[1].weight.mul_(2)
        net[3].weight.mul_(2)
    return net


def batches(case):
    for step in range(STEPS):
        size = SHORT_BATCH if step == SHORT_STEP else BATCH
        lead = (size,) if case["static"] else (case["steps"], size)
        yield case["scale"] * torch.rand(*lead, 1, case["sizes"][0]), torch.randint(0, 10, (size,))


def attempt(case, seed, order=None):
    """One run, with the samples of each batch in an order: its tensors, the smallest distance to a threshold."""
    torch.manual_seed(seed)
    net, distances, losses = network(case), [], []
    tensors = {name: value.detach().clone() for name, value in net.named_parameters()}
    for layer in (net[2], net[4]):
        layer.register_forward_hook(lambda l, _, __: distances.append((l.mem - l.threshold).detach().abs().min().item()))
    population = dict(population_code=True, num_classes=case["classes"]) if case["classes"] else {}
    objective = SF.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, **population)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999))
    for step, (x, y) in enumerate(batches(case)):
        if order is not None:
            rows = torch.randperm(len(y), generator=torch.Generator().manual_seed(order))
            x, y = x.index_select(0 if case["static"] else 1, rows), y[rows]
        tensors |= {f"batch.{step}.input": x, f"batch.{step}.labels": y}
        utils.reset(net)
        spikes = torch.stack([net(x if case["static"] else x[t])[0] for t in range(case["steps"])])
        loss = objective(spikes, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    tensors["losses"] = torch.tensor(losses)
    tensors |= {f"after.{name}": value.detach().clone() for name, value in net.named_parameters()}
    return tensors, min(distances)


def difference(a, b):
    """The largest error of a parameter after training, relative to the tensor's largest value."""
    return max(((a[name] - b[name]).abs().max() / b[name].abs().max()).item() for name in b if name.startswith("after."))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" or ".join(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.cases or CASES:
        for seed in range(600):
            tensors, margin = attempt(CASES[name], seed)
            if margin < MARGIN:
                continue
            noise = max(difference(attempt(CASES[name], seed, order)[0], tensors) for order in range(ORDERS))
            losses = tensors["losses"].tolist()
            print(f"{name}: seed {seed}, margin {margin:.1e}, noise {noise:.1e}, losses {losses[0]:.4f} .. {losses[-1]:.4f}")
            if noise < NOISE:
                save_file({key: value.contiguous() for key, value in tensors.items()},
                          os.path.join(arguments.out, f"train_{name}.safetensors"))
                break
        else:
            raise SystemExit(f"{name}: no seed gives a run that is safe from rounding")


if __name__ == "__main__":
    main()
