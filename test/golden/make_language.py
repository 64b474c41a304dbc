"""Golden values of layers, neurons and losses of the prelude, in double precision, by PyTorch 2.14 and snnTorch 1.0.0.

usage: make_language.py FOLDER

Writes CASE.snn and CASE.safetensors: input, labels, parameters, and what they lead to. The seed is the first with which no membrane
comes within 1e-4 of its threshold and no layer is silent."""

import os
import sys

import snntorch
import snntorch.functional as losses
from snntorch.functional import quant
import torch
from safetensors.torch import save_file
from torch import nn

from double_spike import atan

torch.set_default_dtype(torch.float64)
STEPS, BATCH, WIDTH = 7, 3, 6


class Steps:
    """A neuron of snnTorch with its state; `records` has its spikes and membranes."""

    def __init__(self, module, threshold=1.0):
        self.module, self.threshold, self.spikes, self.membranes = module, threshold, [], []
        state = module.reset_mem()
        self.state = list(state) if isinstance(state, tuple) else [state]

    def __call__(self, x):
        found = self.module(x, *self.state)
        self.state = list(found) if len(found) == len(self.state) else list(found[1:])
        self.spikes.append(found[0])
        self.membranes.append(found[-1])
        return found[0]


class Concat(nn.Module):
    def forward(self, a, b):
        return torch.cat([a, b], 1)


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


def ce_rate(spikes, membranes, labels):
    """By PyTorch: snnTorch adds the steps in single precision."""
    return torch.stack([nn.functional.cross_entropy(step, labels) for step in spikes]).mean()


def leaky(**options):
    return snntorch.Leaky(beta=0.8, spike_grad=atan, **options)


# name -> (input's extents, lines, modules by key, sources of layers with several, loss, its function)
CASES = {}


def layer(name, extents, line, module):
    CASES[name] = (extents, [line, "leaky(beta = 0.8)", "flatten", "linear(5)", "leaky(beta = 0.8)"],
                   lambda shape: [module, leaky(), nn.Flatten(), nn.Linear(shape, 5), leaky()], {}, "ce_rate", ce_rate)


layer("conv1d", [4, 11], "conv(6, kernel = 3)", lambda: nn.Conv1d(4, 6, 3))
layer("conv1d_all", [4, 13], "conv(6, kernel = 3, stride = 2, padding = 2, dilation = 2, groups = 2, bias = false)",
      lambda: nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False))
layer("conv2d", [2, 7, 6], "conv(4, kernel = 3)", lambda: nn.Conv2d(2, 4, 3))
layer("conv2d_all", [4, 6, 5], "conv(6, kernel = (3, 2), stride = (2, 1), padding = (1, 2), dilation = (1, 2), groups = 2)",
      lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2))
layer("conv2d_depthwise", [3, 5, 4], "conv(6, kernel = 3, padding = 1, groups = 3)", lambda: nn.Conv2d(3, 6, 3, padding=1, groups=3))
layer("conv_transpose1d", [4, 5], "conv_transpose(3, kernel = 4, stride = 3, padding = 2, output_padding = 1, dilation = 2)",
      lambda: nn.ConvTranspose1d(4, 3, 4, stride=3, padding=2, output_padding=1, dilation=2))
layer("conv_transpose2d", [3, 4, 3], "conv_transpose(5, kernel = 3, stride = 2, padding = 1, output_padding = 1)",
      lambda: nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1))
layer("conv_transpose2d_all", [4, 3, 4], "conv_transpose(6, kernel = (3, 2), stride = (2, 1), padding = (1, 0), dilation = (1, 2), groups = 2, bias = false)",
      lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, bias=False))
layer("upsample2d", [3, 4, 3], "upsample((2, 3))", lambda: nn.Upsample(scale_factor=(2, 3)))
layer("layer_norm", [3, 4, 3], "layer_norm(eps = 0.01)", lambda: nn.LayerNorm([3, 4, 3], eps=0.01))
layer("group_norm", [6, 4], "group_norm(3)", lambda: nn.GroupNorm(3, 6))
layer("max_pool1d", [3, 11], "max_pool(3, stride = 2, padding = 1)", lambda: nn.MaxPool1d(3, 2, 1))
layer("max_pool2d", [2, 8, 6], "max_pool((3, 2), stride = (2, 1), padding = (1, 0))", lambda: nn.MaxPool2d((3, 2), (2, 1), (1, 0)))
layer("avg_pool1d", [3, 11], "avg_pool(3, stride = 2, padding = 1)", lambda: nn.AvgPool1d(3, 2, 1))
layer("avg_pool2d", [2, 8, 6], "avg_pool((3, 2), stride = (2, 1), padding = (1, 0))", lambda: nn.AvgPool2d((3, 2), (2, 1), (1, 0)))
# By the statistics of all steps at once, as the layer before all neurons.
layer("batch_norm1d", [7], "batch_norm", lambda: nn.BatchNorm1d(7))
layer("batch_norm2d", [3, 5, 4], "batch_norm(momentum = 0.3, eps = 1e-3)", lambda: nn.BatchNorm2d(3, momentum=0.3, eps=1e-3))
CASES["graph"] = ([2, 5], ["h1: leaky(beta = 0.8, threshold = 0.5)", "h2: conv(2, kernel = 3, padding = 1)", "h3: add(h1)",
                           "h4: concat(h1, h2)", "leaky(beta = 0.8, threshold = 0.93)", "flatten", "linear(5)", "leaky(beta = 0.8)"],
                  lambda shape: [leaky(threshold=0.5), nn.Conv1d(2, 2, 3, padding=1), Add(), Concat(), leaky(threshold=0.93), nn.Flatten(),
                                 nn.Linear(20, 5), leaky()],
                  {2: [1, 0], 3: [0, 1]}, "ce_rate", ce_rate)


def neuron(name, line, module):
    CASES[name] = ([WIDTH], [f"linear({WIDTH})", line, f"linear({WIDTH})", line],
                   lambda shape: [nn.Linear(WIDTH, WIDTH), module(), nn.Linear(WIDTH, WIDTH), module()], {}, "ce_rate", ce_rate)


def neurons():
    resets = {"subtract": {"reset_mechanism": "subtract"}, "zero": {"reset_mechanism": "zero"}, "none": {"reset_mechanism": "none"}}
    for reset, given in resets.items():
        for delay in (True, False):
            text = f"reset = {reset}, delay = {str(delay).lower()}"
            suffix = f"{reset}_{'delay' if delay else 'now'}"
            more = dict(given, reset_delay=delay, spike_grad=atan, learn_beta=True)
            neuron(f"leaky_{suffix}", f"leaky(beta = learn 0.8, threshold = learn 0.9, {text})",
                   lambda more=more: snntorch.Leaky(beta=0.8, threshold=0.9, learn_threshold=True, **more))
            neuron(f"synaptic_{suffix}", f"synaptic(alpha = learn 0.7, beta = learn 0.8, {text})",
                   lambda more=more: snntorch.Synaptic(alpha=0.7, beta=0.8, learn_alpha=True, **more))
            neuron(f"rleaky_{suffix}", f"rleaky(beta = learn 0.8, {text})",
                   lambda more=more: snntorch.RLeaky(beta=0.8, linear_features=WIDTH, **more))
            if not delay:
                continue  # snnTorch 1.0.0's RSynaptic raises an error
            neuron(f"rsynaptic_{suffix}", f"rsynaptic(alpha = learn 0.7, beta = learn 0.8, {text})",
                   lambda more=more: snntorch.RSynaptic(alpha=0.7, beta=0.8, linear_features=WIDTH, learn_alpha=True, **more))
        usual = dict(given, spike_grad=atan)
        neuron(f"alpha_{reset}", f"alpha(alpha = 0.8, beta = 0.6, reset = {reset})",
               lambda usual=usual: snntorch.Alpha(alpha=0.8, beta=0.6, **usual))
        neuron(f"lapicque_{reset}", f"lapicque(beta = 0.8, R = 2, reset = {reset})",
               lambda usual=usual: snntorch.Lapicque(beta=0.8, R=2, **usual))
        neuron(f"slstm_{reset}", f"slstm({WIDTH}, threshold = 0.1, reset = {reset})",
               lambda usual=usual: snntorch.SLSTM(WIDTH, WIDTH, threshold=0.1, **usual))


def given_later(module, **values):
    """What snnTorch 1.0.0 has, but takes no argument for, or not one that is trained."""
    for name, value in values.items():
        delattr(module, name)
        if isinstance(value, nn.Parameter):
            setattr(module, name, value)
        else:
            module.register_buffer(name, torch.as_tensor(value))
    return module


def graded():
    """Factors of spikes, of which the one that feeds back is one too."""
    given = dict(beta=0.8, spike_grad=atan)
    neuron("graded_leaky", "leaky(beta = 0.8, graded_spikes_factor = 0.6)",
           lambda: snntorch.Leaky(graded_spikes_factor=0.6, **given))
    neuron("graded_leaky_now", "leaky(beta = 0.8, threshold = learn 0.9, graded_spikes_factor = learn 0.7, delay = false)",
           lambda: snntorch.Leaky(threshold=0.9, learn_threshold=True, graded_spikes_factor=0.7, learn_graded_spikes_factor=True,
                                  reset_delay=False, **given))
    neuron("graded_rleaky", "rleaky(beta = 0.8, graded_spikes_factor = learn each 1, delay = false, reset = zero)",
           lambda: given_later(snntorch.RLeaky(linear_features=WIDTH, reset_delay=False, reset_mechanism="zero", **given),
                               graded_spikes_factor=nn.Parameter(torch.rand(WIDTH) + 0.5)))
    neuron("graded_rsynaptic", "rsynaptic(alpha = 0.7, beta = 0.8, graded_spikes_factor = 1.5)",
           lambda: given_later(snntorch.RSynaptic(alpha=0.7, linear_features=WIDTH, **given), graded_spikes_factor=1.5))
    extents, lines, make, sources, _, _ = CASES["graded_leaky"]
    CASES["loss_graded"] = (extents, lines, make, sources, "mse_count(correct = 0.8, incorrect = 0.2)",
                            lambda s, m, l: losses.mse_count_loss(0.8, 0.2)(s, l))


class Inhibited(snntorch.Leaky):
    """One neuron of a sample, whatever its shape; snnTorch's rule is for dense layers."""

    def fire_inhibition(self, batch_size, mem):
        return super().fire_inhibition(batch_size, mem.flatten(1)).view_as(mem)


def inhibited():
    given = dict(beta=0.8, spike_grad=atan, inhibition=True)
    for delay in (True, False):
        text = f"inhibition = true, delay = {str(delay).lower()}"
        neuron(f"inhibited_{'delay' if delay else 'now'}", f"leaky(beta = 0.8, threshold = learn 0.9, {text})",
               lambda delay=delay: snntorch.Leaky(threshold=0.9, learn_threshold=True, reset_delay=delay, **given))
    neuron("inhibited_rleaky", "rleaky(beta = 0.8, inhibition = true)", lambda: snntorch.RLeaky(linear_features=WIDTH, **given))
    CASES["inhibited_conv"] = ([2, 5], ["conv(3, kernel = 2)", "leaky(beta = 0.8, inhibition = true)", "flatten", "linear(5)",
                                        "leaky(beta = 0.8)"],
                               lambda shape: [nn.Conv1d(2, 3, 2), Inhibited(**given), nn.Flatten(), nn.Linear(12, 5), leaky()], {},
                               "ce_rate", ce_rate)


def quantised():
    """Both kinds of levels, at sizes that are not the default."""
    for name, text, bits, given in (
            ("uniform", "uniform_levels(bits = 4)", 4, {}),
            ("uniform_limits", "uniform_levels(bits = 3, threshold = 0.9, lower = 0.5, upper = 1)", 3,
             dict(threshold=0.9, lower_limit=0.5, upper_limit=1)),
            ("exponential", "exponential_levels(bits = 4)", 4, dict(uniform=False)),
            ("exponential_limits", "exponential_levels(bits = 5, threshold = 0.9, lower = 0.5, upper = 1, multiplier = 0.8)", 5,
             dict(uniform=False, threshold=0.9, lower_limit=0.5, upper_limit=1, multiplier=0.8)),
            ("exponential_zero", "exponential_levels(bits = 3, center = 0)", 3, dict(uniform=False, thr_centered=False))):
        levels = quant.state_quant(num_bits=bits, **given)
        more = dict(beta=0.8, state_quant=levels, spike_grad=atan)
        neuron(f"levels_{name}", f"leaky(beta = learn 0.8, quantize = {text})", lambda more=more: snntorch.Leaky(learn_beta=True, **more))
    more = dict(state_quant=quant.state_quant(num_bits=4), spike_grad=atan)
    neuron("levels_synaptic", "synaptic(alpha = 0.7, beta = 0.8, reset = zero, quantize = uniform_levels(bits = 4))",
           lambda: snntorch.Synaptic(alpha=0.7, beta=0.8, reset_mechanism="zero", **more))
    neuron("levels_alpha", "alpha(alpha = 0.8, beta = 0.6, threshold = 0.3, quantize = uniform_levels(bits = 5))",
           lambda: snntorch.Alpha(alpha=0.8, beta=0.6, threshold=0.3, **dict(more, state_quant=quant.state_quant(num_bits=5))))
    neuron("levels_slstm", f"slstm({WIDTH}, threshold = 0.1, reset = zero, quantize = uniform_levels(bits = 7, upper = 0))",
           lambda: snntorch.SLSTM(WIDTH, WIDTH, threshold=0.1, reset_mechanism="zero",
                                  **dict(more, state_quant=quant.state_quant(num_bits=7, upper_limit=0))))
    neuron("alpha_learn", "alpha(alpha = learn 0.8, beta = learn each 0.6, threshold = learn 0.9, graded_spikes_factor = learn 0.7)",
           lambda: given_later(snntorch.Alpha(alpha=0.8, beta=0.6, threshold=0.9, spike_grad=atan),
                               alpha=nn.Parameter(torch.tensor(0.8)), beta=nn.Parameter(torch.full((WIDTH,), 0.6)),
                               threshold=nn.Parameter(torch.tensor(0.9)), graded_spikes_factor=nn.Parameter(torch.tensor(0.7))))



def shared():
    """Values of each channel, and of each neuron that are not trained."""
    CASES["per_channel"] = ([2, 5, 4], ["conv(3, kernel = 2)", "leaky(beta = learn per channel 0.8, threshold = learn per channel 1, "
                                        "graded_spikes_factor = per channel 1)", "flatten", "linear(5)", "leaky(beta = each 0.8)"],
                            lambda shape: [nn.Conv2d(2, 3, 2), snntorch.Leaky(
                                beta=torch.rand(3, 1, 1), threshold=torch.rand(3, 1, 1) + 0.5, learn_beta=True, learn_threshold=True,
                                graded_spikes_factor=torch.rand(3, 1, 1) + 0.5, spike_grad=atan), nn.Flatten(), nn.Linear(36, 5),
                                snntorch.Leaky(beta=torch.rand(5), spike_grad=atan)], {}, "ce_rate", ce_rate)


neurons()
graded()
inhibited()
quantised()
shared()
CASES["sconv_lstm"] = ([2, 4, 5], ["sconv_lstm(3, kernel = 3, threshold = 0.05)", "flatten", "linear(5)", "leaky(beta = 0.8)"],
                       lambda shape: [snntorch.SConv2dLSTM(2, 3, 3, threshold=0.05, spike_grad=atan), nn.Flatten(),
                                      nn.Linear(60, 5), leaky()], {}, "ce_rate", ce_rate)


def loss(name, line, function):
    CASES["loss_" + name] = ([WIDTH], [f"linear({WIDTH})", "leaky(beta = 0.8)", f"linear({WIDTH})", "leaky(beta = 0.8)"],
                             lambda shape: [nn.Linear(WIDTH, WIDTH), leaky(), nn.Linear(WIDTH, WIDTH), leaky()], {}, line, function)


loss("mse_count", "mse_count(correct = 0.8, incorrect = 0.2)", lambda s, m, l: losses.mse_count_loss(0.8, 0.2)(s, l))
loss("ce_rate_smoothed", "ce_rate(smoothing = 0.1)",  # by PyTorch: snnTorch has no smoothing
     lambda s, m, l: torch.stack([nn.functional.cross_entropy(step, l, label_smoothing=0.1) for step in s]).mean())
loss("ce_count", "ce_count", lambda s, m, l: losses.ce_count_loss()(s, l))
loss("ce_max_membrane", "ce_max_membrane", lambda s, m, l: losses.ce_max_membrane_loss()(m, l))
loss("mse_membrane", "mse_membrane(correct = 2, incorrect = -1)",  # by PyTorch: snnTorch 1.0.0 takes an off_target of -1 for 0
     lambda s, m, l: ((m - (3 * nn.functional.one_hot(l, WIDTH) - 1)) ** 2).mean())
loss("mse_temporal", "mse_temporal(correct = 2, incorrect = 5, tolerance = 1)",
     lambda s, m, l: losses.mse_temporal_loss(on_target=2, off_target=5, tolerance=1)(s, l))
loss("ce_temporal", "ce_temporal", lambda s, m, l: losses.ce_temporal_loss()(s, l))
loss("ce_temporal_reciprocal", "ce_temporal(inverse = reciprocal)", lambda s, m, l: losses.ce_temporal_loss(inverse="reciprocal")(s, l))
loss("rates", "l1_rate + 2 * rate_band(low = 0.1, high = 0.3)",  # by PyTorch
     lambda s, m, l: s.mean() + 2 * (torch.relu(0.1 - s.mean(0)) ** 2 + torch.relu(s.mean(0) - 0.3) ** 2).mean())


class FirstSpike(torch.autograd.Function):
    """The step of each neuron's first spike, the last one if there is none."""

    @staticmethod
    def forward(ctx, spikes):
        steps = torch.arange(STEPS, dtype=spikes.dtype)[:, None, None]
        first = torch.where(spikes > 0, steps, STEPS - 1).min(0)[0]
        ctx.save_for_backward(steps == first)
        return first

    @staticmethod
    def backward(ctx, grad):
        (here,) = ctx.saved_tensors
        return torch.where(here, -grad, 0)


# Of two heads h1 and h2 on h0; (declared lines, what they are given, by the case's labels) come last.
HEADS = ([WIDTH], [f"linear({WIDTH})", "h0: leaky(beta = 0.8)", "linear(3)", "h1: leaky(beta = 0.8)", f"from h0\n  linear({WIDTH})",
                   "h2: leaky(beta = 0.8)"],
         lambda shape: [nn.Linear(WIDTH, WIDTH), leaky(), nn.Linear(WIDTH, 3), leaky(), nn.Linear(WIDTH, WIDTH), leaky()], {4: [1]})
WEIGHTS = torch.tensor([1, 2, 0.5, 0.25, 3, 1.5])


def of_class(x):
    return x.unflatten(-1, (3, 2)).sum(-1)


def weighted(population):
    """snnTorch's weights have defects (README.md): by PyTorch."""
    weights, k = (WEIGHTS[:3], of_class) if population else (WEIGHTS, lambda x: x)
    members = (lambda x: x.repeat_interleave(2, -1)) if population else (lambda x: x)
    classes = len(weights)
    given = f"weights = ({', '.join(str(float(w)) for w in weights)})"

    def entropy(scores, labels, smoothing):
        return nn.functional.cross_entropy(scores, labels, weight=weights, label_smoothing=smoothing)

    def entropies(s, m, l):
        return (torch.stack([entropy(k(step), l, 0.1) for step in s]).mean() + 0.5 * entropy(k(s.sum(0)), l, 0)
                + 0.25 * entropy(k(m.max(0)[0]), l, 0.2) + 0.125 * entropy(k(-FirstSpike.apply(s)), l, 0.1))

    def errors(s, m, l):
        one = nn.functional.one_hot(l, classes)
        counts = (k(s.sum(0)) - torch.trunc(STEPS * (0.2 + 0.6 * one) * (WIDTH // classes))) ** 2 / STEPS
        levels = (m - members(3 * one - 1)) ** 2
        late = FirstSpike.apply(s) - members(torch.where(one > 0, 1, STEPS - 1))
        late = torch.where(late.abs() < 2, 0, (late / STEPS) ** 2)
        return ((weights[l] * counts.mean(1)).mean() + 0.5 * (weights[l][None, :, None] * levels).mean()
                + 0.25 * (weights[l] * late.mean(1)).mean())

    name = "_population" if population else ""
    last = [f"population({classes})"] if population else []
    for kind, line, function in [
            ("ce", f"ce_rate(smoothing = 0.1, {given}) + 0.5 * ce_count({given}) + 0.25 * ce_max_membrane(smoothing = 0.2, {given})"
             f" + 0.125 * ce_temporal(smoothing = 0.1, {given})", entropies),
            ("mse", f"mse_count(correct = 0.8, incorrect = 0.2, {given}) + 0.5 * mse_membrane(correct = 2, incorrect = -1, {given})"
             f" + 0.25 * mse_temporal(correct = 1, tolerance = 2, {given})", errors)]:
        CASES[f"weights_{kind}{name}"] = (
            [WIDTH], [f"linear({WIDTH})", "leaky(beta = 0.8)", f"linear({WIDTH})", "leaky(beta = 0.8)"] + last,
            lambda shape: [nn.Linear(WIDTH, WIDTH), leaky(), nn.Linear(WIDTH, WIDTH), leaky()], {}, line,
            lambda out, g, function=function: function(*out["3"], g["labels"]), [], lambda l, classes=classes: {"labels": l % classes})


weighted(population=False)
weighted(population=True)


def squared(x, y):
    return ((x - y) ** 2).mean()


CASES["regression"] = HEADS + (
    "mse(h1, pose) + 0.5 * l1(curve) + mse_rate(h0, share)\n  metric mse(h1, pose)\n  metric mse(curve)",
    lambda out, g: (squared(out["h1"][1], g["pose"]) + 0.5 * (out["h2"][1] - g["curve"]).abs().mean()
                    + squared(out["h0"][0].mean(0), g["share"]),
                    {"metric.mse": squared(out["h1"][1], g["pose"]), "metric.mse.curve": squared(out["h2"][1], g["curve"])}),
    ["target pose f32[3]", f"target curve f32[{WIDTH}] over time", f"target share f32[{WIDTH}] / 2"],
    lambda l: {"pose": torch.randn(BATCH, 3), "curve": torch.randn(STEPS, BATCH, WIDTH), "share": torch.rand(BATCH, WIDTH)})
CASES["heads"] = HEADS + (
    "ce_rate(h1, shade, weights = (1, 2, 0.5)) + 0.5 * ce_rate(digit) + mse_membrane(h1, tone)\n  metric accuracy(h1, shade)\n  metric accuracy(digit)"
    "\n  metric accuracy_rate(h1, tone)",
    lambda out, g: (torch.stack([nn.functional.cross_entropy(step, g["shade"], weight=WEIGHTS[:3]) for step in out["h1"][0]]).mean()
                    + 0.5 * ce_rate(*out["h2"], g["digit"]) + squared(out["h1"][1], nn.functional.one_hot(g["tone"], 3)),
                    {"metric.accuracy": (out["h1"][0].sum(0).argmax(1) == g["shade"]).double().mean(),
                     "metric.accuracy.digit": (out["h2"][0].sum(0).argmax(1) == g["digit"]).double().mean(),
                     "metric.accuracy_rate": (out["h1"][0].argmax(2) == g["tone"]).double().mean()}),
    ["label digit", "label shade", "label tone over time"],
    lambda l: {"digit": l, "shade": l % 3, "tone": torch.randint(0, 3, (STEPS, BATCH))})
CASES["label_over_time"] = HEADS + (
    f"ce_rate(smoothing = 0.1, weights = ({', '.join(str(float(w)) for w in WEIGHTS)})) + 0.5 * ce_rate(h0)",
    lambda out, g: (nn.functional.cross_entropy(out["h2"][0].flatten(0, 1), g["labels"].flatten(), weight=WEIGHTS, label_smoothing=0.1)
                    + 0.5 * nn.functional.cross_entropy(out["h0"][0].flatten(0, 1), g["labels"].flatten()), {}),
    ["label over time"], lambda l: {"labels": torch.randint(0, WIDTH, (STEPS, BATCH))})


def compute(case, seed):
    """All tensors, and how near a membrane is to its threshold; None if a layer is silent."""
    extents, lines, make, sources, _, function, *towards = case
    torch.manual_seed(seed)
    modules = make(1)
    modules = [module() if callable(module) and not isinstance(module, nn.Module) else module for module in modules]
    if isinstance(modules[2], nn.Flatten):  # what is behind it is known by a trial
        normalises = isinstance(modules[0], nn.modules.batchnorm._BatchNorm)
        trial = torch.zeros(1, *extents) if normalises else modules[0](torch.zeros(1, *extents))
        modules[3] = nn.Linear((trial[0] if isinstance(trial, tuple) else trial).numel(), 5)
    keys = [line.split(":")[0] if ":" in line else str(index) for index, line in enumerate(lines)]
    tensors, steps = {}, {}
    for index, (key, module) in enumerate(zip(keys, modules)):
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1:
                parameter.data *= 3
            tensors[f"{key}.{name}"] = parameter.data.clone()
        if isinstance(module, snntorch.SpikingNeuron):
            steps[index] = Steps(module, module.threshold.detach())
            tensors |= {f"{key}.{name}": buffer.clone() for name, buffer in module.named_buffers() if buffer.dim() > 0 and buffer.numel()}
    x, labels = torch.randn(STEPS, BATCH, *extents) * 1.5, torch.randint(0, WIDTH - 1, (BATCH,))
    given = x
    if isinstance(modules[0], nn.modules.batchnorm._BatchNorm):
        modules[0].running_mean.normal_()
        modules[0].running_var.uniform_(0.5, 2)
        tensors |= {f"0.running_{name}": getattr(modules[0], f"running_{name}").clone() for name in ("mean", "var")}
        given = modules[0](x.flatten(0, 1)).unflatten(0, x.shape[:2])
        tensors |= {f"next.0.running_{name}": getattr(modules[0], f"running_{name}") for name in ("mean", "var")}
    for step in given:
        values = []
        for index, module in enumerate(modules):
            if index == 0 and given is not x:
                values.append(step)
                continue
            taken = [values[source] for source in sources.get(index, [])] or [values[-1] if values else step]
            values.append(steps[index](*taken) if index in steps else module(*taken))
    stacked = {index: (torch.stack(record.spikes), torch.stack(record.membranes)) for index, record in steps.items()}
    spikes, membranes = stacked[len(modules) - 1]
    if towards:
        given = towards[1](labels)
        found = function({keys[index]: record for index, record in stacked.items()},
                         given | {"share": given["share"] / 2} if "share" in given else given)
        value, metrics = found if isinstance(found, tuple) else (found, {})
        tensors |= given | {name: metric.detach() for name, metric in metrics.items()}
    else:
        value = function(spikes, membranes, labels)
        tensors["labels"] = labels
    value.backward()
    tensors |= {"input": x, "loss": value.detach(), "spikes": spikes.detach(), "membrane": membranes.detach()}
    for index in list(steps)[:-1]:
        tensors[f"hidden.{keys[index]}"], tensors[f"hidden_membrane.{keys[index]}"] = (part.detach() for part in stacked[index])
    for key, module in zip(keys, modules):
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                tensors[f"grad.{key}.{name}"] = parameter.grad
    near = min(float((stacked[index][1].detach() - record.threshold).abs().min()) for index, record in steps.items())
    silent = any(not part[0].any() for part in stacked.values())
    return None if silent else (tensors, near)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, case in CASES.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        for seed in range(200):
            found = compute(case, seed)
            if found and found[1] > 1e-4:
                break
        else:
            raise SystemExit(f"{name}: no seed")
        extents, lines, _, _, loss_line, _, *towards = case
        save_file({key: tensor.contiguous() for key, tensor in found[0].items()}, f"{folder}/{name}.safetensors")
        with open(f"{folder}/{name}.snn", "w") as file:
            body = "".join(f"  {line}\n" for line in (towards[0] if towards else []) + lines)
            file.write(f"snn 1\nmodel {name}_ {{\n  input f32[{', '.join(map(str, extents))}] over time\n  steps {STEPS}\n{body}}}\n"
                       f"train {{\n  loss {loss_line}\n}}\n")
        print(name, "seed", seed)


main()
