# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Losses and accuracies of all time steps at once, beside snnTorch's of the same names."""

import itertools

import numpy as np
import snntorch
import torch
from snntorch import functional

import snnc
import support
from snnc.torch import functional as ours

WEIGHT = torch.linspace(0.5, 2.0, 10)
REDUCTIONS = [{"reduction": reduction} for reduction in ("mean", "sum", "none")]
WEIGHTS = [{}, {"weight": WEIGHT}]
POPULATIONS = [{}, {"population_code": True, "num_classes": 10}]
RATES = [{}, {"correct_rate": 0.85, "incorrect_rate": 0.15}]

LOSSES = {  # arguments that snnTorch takes too
    "ce_count_loss": (REDUCTIONS, WEIGHTS, POPULATIONS),
    "mse_count_loss": (REDUCTIONS, RATES, POPULATIONS),
    "ce_rate_loss": (REDUCTIONS, WEIGHTS),
    "ce_max_membrane_loss": (REDUCTIONS, WEIGHTS),
    "mse_membrane_loss": (REDUCTIONS, [{}, {"on_target": 1.5, "off_target": 0.25}]),
}


def values_and_targets(name, options, steps, samples, seed):
    torch.manual_seed(seed)
    neurons = 30 if options.get("population_code") else 10
    values = torch.randn(steps, samples, neurons) if "membrane" in name else (torch.rand(steps, samples, neurons) < 0.3).float()
    return values, torch.randint(0, 10, (samples,))


def test_ignored_samples():
    """PyTorch's class for these, -100, which snnTorch hands on."""
    targets = torch.tensor([0, -100, 1, -100, 2, 3])
    values = (torch.rand(5, 6, 10) < 0.4).float()
    for name in ("ce_count_loss", "ce_rate_loss", "ce_max_membrane_loss"):
        found = []
        for losses in (functional, ours):
            leaf = values.clone().requires_grad_()
            loss = getattr(losses, name)()(leaf, targets)
            loss.sum().backward()
            found.append((loss.reshape(()), leaf.grad))
        torch.testing.assert_close(found[1], found[0])


def test_arguments_of_snntorch():
    values, targets = values_and_targets("ce_rate_loss", {}, 4, 6, 1)
    torch.testing.assert_close(ours.ce_rate_loss(False, False, "sum")(values, targets),
                               functional.ce_rate_loss(False, False, "sum")(values, targets).reshape(()))
    with support.raises(ValueError, "population_code=True", "ce_count_loss"):
        ours.ce_rate_loss(True, 5)
    for kind in (torch.uint8, torch.int32, torch.float32):
        for loss in (ours.mse_count_loss(), ours.ce_count_loss(), ours.ce_rate_loss(), ours.mse_membrane_loss(on_target=torch.tensor(0.5))):
            assert loss(values, targets.to(kind)) == loss(values, targets)
    for loss in (ours.mse_count_loss, ours.mse_membrane_loss):
        squares = loss(reduction="none")(values, targets)
        torch.testing.assert_close(loss(weight=WEIGHT)(values, targets), (squares * WEIGHT[targets].unsqueeze(-1)).mean())
    with support.raises(ValueError, "weight: expected none with time_var_targets=True"):
        ours.mse_membrane_loss(time_var_targets=True, weight=WEIGHT)


def test_values_and_gradients():
    cases = 0
    for name, groups in LOSSES.items():
        for options in ({k: v for group in chosen for k, v in group.items()} for chosen in itertools.product(*groups)):
            for steps, samples in ((1, 1), (1, 16), (25, 16), (7, 3)):
                values, targets = values_and_targets(name, options, steps, samples, cases)
                found = []
                for losses in (functional, ours):
                    leaf = values.clone().requires_grad_()
                    loss = getattr(losses, name)(**options)(leaf, targets)
                    if options.get("reduction") == "sum":  # snnTorch leaves it undone where classes have weights
                        loss = loss.sum()
                    (loss * torch.linspace(1, 2, loss.numel()).view_as(loss)).sum().backward()
                    found.append((loss.detach(), leaf.grad))
                (expected, gradient), (loss, own) = found
                what = f"{name}{options} of {steps} steps"
                support.close(loss.reshape(expected.shape), expected, 1e-6, what)
                support.close(own, gradient, 1e-6, f"gradient of {what}")
                cases += 1
    assert cases > 100


def test_wanted_counts_are_cut_like_snntorchs():
    """3 * 0.3 * 50 is a little less than 45, 3 * 50 * 0.3 is not: what becomes a whole number depends on the order."""
    spikes, targets = torch.ones(3, 4, 500), torch.randint(0, 10, (4,))
    for rate in (0.3, 0.58, 0.6, 0.7, 0.74, 0.82):
        found, expected = (losses.mse_count_loss(rate, 0.1, population_code=True, num_classes=10)(spikes, targets) for losses in (ours, functional))
        assert found == expected, f"rate {rate}: {found} and {expected}"


def test_targets_of_each_step():
    """snnTorch takes none of these, so each step is a call of its own there."""
    membrane, targets = torch.randn(7, 5, 10), torch.randint(0, 10, (7, 5))
    own, theirs = membrane.clone().requires_grad_(), membrane.clone().requires_grad_()
    loss = ours.mse_membrane_loss(time_var_targets=True, on_target=1.5)(own, targets)
    each = functional.mse_membrane_loss(on_target=1.5)
    expected = torch.stack([each(theirs[step:step + 1], targets[step]) for step in range(7)]).mean()
    loss.backward()
    expected.backward()
    support.close(loss.detach(), expected.detach(), 1e-6, "loss")
    support.close(own.grad, theirs.grad, 1e-6, "gradient")


def test_negative_membrane():
    membrane, targets = torch.randn(7, 5, 10), torch.randint(0, 10, (5,))
    wanted = torch.nn.functional.one_hot(targets, 10) * 1.25 - 0.25
    loss = ours.mse_membrane_loss(on_target=1, off_target=-0.25)(membrane, targets)
    support.close(loss, torch.nn.functional.mse_loss(membrane, wanted.expand(7, 5, 10)), 1e-6, "loss")


def test_accuracy():
    for options in POPULATIONS:
        for seed in range(5):
            values, targets = values_and_targets("count", options, 9, 40, seed)
            expected = functional.accuracy_rate(values, targets, **options)
            found = ours.accuracy_rate(values.requires_grad_(), targets, **options)
            assert isinstance(found, np.float64) and abs(found - expected) < 1e-15, f"{found} and {expected}"


def test_gradient_of_counts_is_not_spread():
    """The module hands the gradient of a sum over time on to its output "count": the same bits as of all spikes."""
    torch.manual_seed(2)
    net = snnc.torch.Module("snn 1\nmodel m { input f32[20] over time\n steps 11\n linear 30\n leaky(beta = 0.9)\n linear 40\n leaky(beta = 0.8) }")
    x, targets = torch.randn(11, 6, 20), torch.randint(0, 4, (6,))
    criterion = ours.mse_count_loss(0.8, 0.1, population_code=True, num_classes=4)
    seen = []
    call = net._model._call

    def watched(entry, made, **arguments):
        if entry == "backward":
            seen.append([seed.shape for seed in arguments["output_gradients"] if seed is not None])
        return call(entry, made, **arguments)

    net._model._call = watched

    def gradients(through):
        net.zero_grad()
        spikes, membrane = net(x)
        criterion(through(spikes), targets).backward()
        return [parameter.grad.clone() for parameter in net.parameters()]

    short, long = gradients(lambda spikes: spikes), gradients(lambda spikes: spikes * 1.0)
    assert seen == [[(6, 40)], [(11, 6, 40)]], seen
    assert all(torch.equal(a, b) for a, b in zip(short, long)) and any(gradient.any() for gradient in short)
    # Where counts are those of populations, the sum over time has no output of its own.
    grouped = snnc.torch.Module("snn 1\nmodel m { input f32[20] over time\n steps 11\n linear 40\n leaky(beta = 0.9)\n"
                                "population(classes = 4) }")
    criterion(grouped(x)[0], targets).backward()
    assert any(parameter.grad.any() for parameter in grouped.parameters())


def test_snntorch_trains_with_them():
    torch.manual_seed(3)
    net, leaky = torch.nn.Linear(20, 40), snntorch.Leaky(beta=0.9)
    x, targets = torch.randn(11, 6, 20), torch.randint(0, 4, (6,))
    found = []
    for losses in (functional, ours):
        net.zero_grad()
        membrane, spikes = leaky.reset_mem(), []
        for current in x:
            spike, membrane = leaky(net(current), membrane)
            spikes.append(spike)
        losses.mse_count_loss(0.8, 0.1, population_code=True, num_classes=4)(torch.stack(spikes), targets).backward()
        found.append(net.weight.grad.clone())
    support.close(found[1], found[0], 1e-6, "gradient of snnTorch's network")


def test_bad_arguments():
    spikes, targets = torch.zeros(5, 3, 12), torch.zeros(3, dtype=torch.int64)
    for make, text in (
        (lambda: ours.ce_rate_loss(reduction="most"), "'mean', 'sum' or 'none', found 'most'"),
        (lambda: ours.ce_count_loss(population_code=True), "num_classes= is expected"),
        (lambda: ours.mse_count_loss(population_code=True, num_classes=5)(spikes, targets), "a divisor of the 12 neurons, found 5"),
        (lambda: ours.mse_count_loss()(spikes, targets[:2]), r"targets: expected [3], found [2]"),
        (lambda: ours.mse_membrane_loss(time_var_targets=True)(spikes, targets), r"targets: expected [5, 3], found [3]"),
        (lambda: ours.ce_rate_loss()(spikes[0], targets), r"expected [time, sample, neuron], found [3, 12]"),
        (lambda: ours.accuracy_rate(spikes, targets, population_code=True), "num_classes= is expected"),
    ):
        with support.raises(ValueError, text):
            make()


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
