# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Losses and accuracies of snnTorch under their own names, computed for all time steps at once.

    from snnc.torch import functional as SF               # instead of: from snntorch import functional as SF
    criterion = SF.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=10)
    loss = criterion(spikes, labels)

Values and gradients are those of snnTorch 1.0, but for the last bits where a sum over time goes in another order; what
it does otherwise than it says is done as it says: `reduction="sum"` with weights of classes gives one number, targets may vary
over time, and a wanted rate or membrane may be negative (there it becomes 0 for other classes). A module of snnTorch may be trained with
these losses as well. What snnTorch does class by class or step by step, each with a gradient as large as all
spikes, is one operation here, and the gradient of counts stays [sample, neuron]: `snnc.torch.Module` hands it on as it is.

Spikes and membranes are [time, sample, neuron], targets classes of type int64, [sample]. `reduction` is "mean", "sum" or
"none", as PyTorch's losses have it. Neurons of a population stand side by side: of 500 for 10 classes, the first 50 are of class 0.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

__all__ = ["accuracy_rate", "ce_count_loss", "ce_max_membrane_loss", "ce_rate_loss", "mse_count_loss", "mse_membrane_loss"]


class _Loss:
    def __init__(self, reduction):
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction: expected 'mean', 'sum' or 'none', found {reduction!r}")
        self.reduction = reduction
        self.__name__ = type(self).__name__


class _Counts(_Loss):
    """A loss of how often each class spikes."""

    def __init__(self, population_code, num_classes, reduction):
        super().__init__(reduction)
        self.num_classes = _classes(population_code, num_classes)


class ce_count_loss(_Counts):
    """Cross entropy of the counts of spikes.

    Args:
        population_code: whether a class has several neurons, whose spikes are added.
        num_classes: their number, with `population_code`; it divides the number of neurons.
        reduction: of the samples' losses.
        weight: of each class, [class]; the mean stays over the number of samples.
    """

    def __init__(self, population_code=False, num_classes=False, reduction="mean", weight=None):
        super().__init__(population_code, num_classes, reduction)
        self.weight = weight

    def __call__(self, spk_out: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return _cross_entropy(_counts(spk_out, targets, self.num_classes), targets, self.weight, self.reduction)


class mse_count_loss(_Counts):
    """Mean squared distance of the counts of spikes from a wanted rate, over the number of time steps.

    Args:
        correct_rate, incorrect_rate: of the time steps in which neurons of the target's class, and of others, are to spike.
        population_code, num_classes: see `ce_count_loss`.
        reduction: of the squares, [sample, class].
        weight: of the squares of a sample of each class, [class]; the mean stays over the number of squares.
    """

    def __init__(self, correct_rate=1, incorrect_rate=0, population_code=False, num_classes=False, reduction="mean", weight=None):
        super().__init__(population_code, num_classes, reduction)
        self.correct_rate, self.incorrect_rate, self.weight = correct_rate, incorrect_rate, weight

    def __call__(self, spk_out: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        counts = _counts(spk_out, targets, self.num_classes)
        steps, members = len(spk_out), spk_out.shape[-1] / counts.shape[-1]
        on, off = (int(steps * rate * members) for rate in (self.correct_rate, self.incorrect_rate))
        return _squared(counts, _wanted(counts, targets, on, off), targets, self.weight, self.reduction) / steps


class ce_rate_loss(_Loss):
    """Cross entropy of the spikes of each time step, mean over time.

    Args:
        population_code, num_classes: stand here as in snnTorch, which has no such loss of populations either.
        reduction: of the samples' losses.
        weight: see `ce_count_loss`.
    """

    def __init__(self, population_code=False, num_classes=False, reduction="mean", weight=None):
        super().__init__(reduction)
        if population_code:
            raise ValueError("population_code=True: a time step's spikes of a population are no class's; use ce_count_loss")
        self.weight = weight

    def __call__(self, spk_out: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        steps, samples, _ = _shape(spk_out, targets)
        losses = F.cross_entropy(spk_out.flatten(0, 1), targets.long().repeat(steps), self.weight, reduction="none")
        return _of_samples(losses.view(steps, samples).mean(0), targets, self.weight, self.reduction)


class ce_max_membrane_loss(_Loss):
    """Cross entropy of the greatest membrane of each neuron over time; arguments as of `ce_rate_loss`."""

    def __init__(self, reduction="mean", weight=None):
        super().__init__(reduction)
        self.weight = weight

    def __call__(self, mem_out: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        _shape(mem_out, targets)
        return _cross_entropy(mem_out.max(0)[0], targets, self.weight, self.reduction)


class mse_membrane_loss(_Loss):
    """Squared distance of the membrane from a target, mean over time.

    Args:
        time_var_targets: whether targets have a class for each time step, [time, sample].
        on_target, off_target: the wanted membrane of the target's class and of others.
        reduction: of the squares, [sample, class].
        weight: see `mse_count_loss`; not with targets that vary over time.
    """

    def __init__(self, time_var_targets=False, on_target=1, off_target=0, reduction="mean", weight=None):
        super().__init__(reduction)
        if time_var_targets and weight is not None:
            raise ValueError("weight: expected none with time_var_targets=True, as a sample has several classes")
        self.time_var_targets, self.weight = time_var_targets, weight
        self.on_target, self.off_target = on_target, off_target

    def __call__(self, mem_out: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        _shape(mem_out, targets, self.time_var_targets)
        wanted = _wanted(mem_out if self.time_var_targets else mem_out[0], targets, self.on_target, self.off_target)
        return _weighted((mem_out - wanted).square().mean(0), targets, self.weight, self.reduction)


def accuracy_rate(spk_out: torch.Tensor, targets: torch.Tensor, population_code=False, num_classes=False) -> np.float64:
    """The share of samples whose class spikes most; the first of several that spike as often."""
    counts = _counts(spk_out.detach(), targets, _classes(population_code, num_classes))
    return np.float64((counts.argmax(-1) == targets).double().mean().item())


def _classes(population_code, num_classes):
    if population_code and not num_classes:
        raise ValueError("population_code=True: num_classes= is expected too")
    return int(num_classes) if population_code else None


def _shape(values, targets, over_time=False):
    if values.dim() != 3:
        raise ValueError(f"expected [time, sample, neuron], found {list(values.shape)}")
    expected = values.shape[:2] if over_time else values.shape[1:2]
    if targets.shape != expected:
        raise ValueError(f"targets: expected {list(expected)}, found {list(targets.shape)}")
    return values.shape


def _counts(spikes, targets, classes):
    """Spikes of each neuron, or of each class's population, [sample, class]."""
    neurons = _shape(spikes, targets)[-1]
    counts = spikes.sum(0)
    if classes is None:
        return counts
    if neurons % classes:
        raise ValueError(f"num_classes: expected a divisor of the {neurons} neurons, found {classes}")
    return counts.unflatten(-1, (classes, neurons // classes)).sum(-1)


def _wanted(values, targets, on, off):
    """`on` at the class of each target and `off` elsewhere, of the values' shape."""
    return torch.full_like(values, float(off), requires_grad=False).scatter_(-1, targets.long().unsqueeze(-1), float(on))


def _squared(values, wanted, targets, weight, reduction):
    if weight is None:
        return F.mse_loss(values, wanted, reduction=reduction)
    return _weighted((values - wanted).square(), targets, weight, reduction)


def _weighted(squares, targets, weight, reduction):
    """Squares, [sample, class], by the weight of the sample's class."""
    return _reduced(squares if weight is None else squares * weight[targets.long()].unsqueeze(-1), reduction)


def _cross_entropy(values, targets, weight, reduction):
    return _of_samples(F.cross_entropy(values, targets.long(), weight, reduction="none"), targets, weight, reduction)


# The class of samples that count for nothing, as PyTorch has it.
_IGNORED = -100


def _of_samples(losses, targets, weight, reduction):
    """Without weights the mean is that of samples that are not ignored."""
    if reduction == "mean" and weight is None:
        return losses.sum() / (targets != _IGNORED).sum()
    return _reduced(losses, reduction)


def _reduced(losses, reduction):
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
