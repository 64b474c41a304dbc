# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""snnTorch's neurons as lines of a model."""

import math
import re

import numpy as np
import snntorch
import torch
from torch import nn

from . import framework, layers
from .graph import Layer, arguments, number
from .known import kind_of, refuse

# Outputs of a call, of which the last ones are its states.
OUTPUTS = {
    snntorch.Leaky: ("spikes", "membrane"),
    snntorch.RLeaky: ("spikes", "membrane"),
    snntorch.Lapicque: ("spikes", "membrane"),
    snntorch.Synaptic: ("spikes", "syn", "membrane"),
    snntorch.RSynaptic: ("spikes", "syn", "membrane"),
    snntorch.Alpha: ("spikes", "syn_exc", "syn_inh", "membrane"),
    snntorch.SLSTM: ("spikes", "syn", "membrane"),
    snntorch.SConv2dLSTM: ("spikes", "syn", "membrane"),
}

# What a call takes behind the input: its own outputs of the step before.
STATES = {
    snntorch.Leaky: ("membrane",),
    snntorch.RLeaky: ("spikes", "membrane"),
    snntorch.Lapicque: ("membrane",),
    snntorch.Synaptic: ("syn", "membrane"),
    snntorch.RSynaptic: ("spikes", "syn", "membrane"),
    snntorch.Alpha: ("syn_exc", "syn_inh", "membrane"),
    snntorch.SLSTM: ("syn", "membrane"),
    snntorch.SConv2dLSTM: ("syn", "membrane"),
}

_RESETS = {0: "subtract", 1: "zero", 2: "none"}

# The functions of snntorch.surrogate: names of the language, and of the arguments of each, with the defaults.
_SURROGATES = {
    "atan": ("atan", {"alpha": ("alpha", 2)}),
    "fast_sigmoid": ("fast_sigmoid", {"slope": ("slope", 25)}),
    "sigmoid": ("sigmoid", {"slope": ("slope", 25)}),
    "straight_through_estimator": ("straight_through_estimator", {}),
    "triangular": ("triangular", {"threshold": ("threshold", 1)}),
    "heaviside": ("heaviside", {}),
    "spike_rate_escape": ("spike_rate_escape", {"beta": ("beta", 1), "slope": ("slope", 25)}),
    "SFS": ("sparse_fast_sigmoid", {"slope": ("slope", 25), "B": ("bound", 1)}),
    "SSO": ("stochastic_spike", {"mean": ("mean", 0), "variance": ("variance", 0.2)}),
}


def is_neuron(module):
    return isinstance(module, snntorch.SpikingNeuron)


def surrogate(path, module):
    """`name(argument = value)`, or None for the default."""
    function = module.spike_grad
    found = re.fullmatch(r"(\w+)\.<locals>\.inner", getattr(function, "__qualname__", ""))
    if getattr(function, "__module__", "") == "snntorch.surrogate" and found and found[1] in _SURROGATES:
        name, known = _SURROGATES[found[1]]
        values = dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in function.__closure__ or ())))
        pairs = [(known[own][0], number(value)) for own, value in values.items()
                 if own in known and float(value) != known[own][1]]
        text = arguments(name, *pairs)
        return None if text == "atan" else text
    refuse(path, module, f"its spike_grad {function!r} is none of snntorch.surrogate; write it as a `surrogate` of the "
                                "language")
    return None


def fitted(path, module, name, tensor, shape):
    """How a parameter lies over neurons of this shape, and its own shape without axes of one element in front: "" is one number."""
    if tensor.numel() == 1 and tensor.ndim <= len(shape) + 1:
        return "", ()
    own = tuple(tensor.shape)
    if len(own) == len(shape) + 1 and own[0] == 1:
        own = own[1:]
    if own == shape:
        return "each", own
    if len(own) == len(shape) > 1 and own == (shape[0], *(1,) * (len(shape) - 1)):
        return "per channel", own
    refuse(path, module, f"{name} of shape {list(tensor.shape)} lies over neurons of shape {list(shape)}; it can be one number, or one for "
                         "each neuron or channel")
    return None


def parameter(path, module, name, shape):
    """Text of a numeric parameter, whether a checkpoint has to bring it, and its shape there."""
    tensor = getattr(module, name)
    extent, own = fitted(path, module, name, tensor, shape)
    words = ["learn"] if isinstance(tensor, nn.Parameter) else []
    if extent:
        words.append(extent)
    start = number(tensor.detach().reshape(-1)[0])
    return " ".join([*words, start]), bool(words), own


def recurrence(path, module, tensors, shapes, shape):
    """`recurrent = ...` of RLeaky and RSynaptic."""
    recurrent = module.recurrent
    if not module.all_to_all:
        extent, own = fitted(path, module, "V", recurrent.V, shape)
        if extent != "each" and own != shape:
            refuse(path, module, "one V for all neurons; the language has a V for each (all_to_all=False, V of their number)")
        if not isinstance(recurrent.V, nn.Parameter):
            refuse(path, module, "learn_recurrent=False with all_to_all=False: a V that is not trained cannot be expressed")
        tensors["recurrent.V"] = "recurrent.V"
        shapes["recurrent.V"] = own
        own = "each"
    elif kind_of(recurrent, {nn.Linear}):
        if shape != (recurrent.in_features,) or shape != (recurrent.out_features,):
            refuse(path, module, f"its recurrent Linear is from {recurrent.in_features} to {recurrent.out_features}, and its neurons are {list(shape)}; "
                                 "it can be among neurons of one extent alone")
        own = arguments("linear", ("bias", None if recurrent.bias is not None else "false"))
    elif kind_of(recurrent, {nn.Conv2d}):
        own = layers.conv(path, recurrent, 2)
        own = re.sub(r"^conv\(\d+, ", "conv(", own)
    else:
        refuse(path, module, f"its recurrent is {type(recurrent).__name__}, expected nn.Linear or nn.Conv2d")
    if module.all_to_all:
        tensors.update({f"recurrent.{name}": f"recurrent.{name}" for name, _ in recurrent.named_parameters()})
    return own


def reset(path, module):
    """The word for it; snnTorch chooses the reset when a neuron is made, whatever is written to it later."""
    chosen = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}.get(module.state_function.__name__)
    stated = _RESETS[int(module.reset_mechanism_val)]
    if chosen != stated:
        refuse(path, module, f"it was made with another reset_mechanism than it has now, \"{stated}\"")
    return stated


def neuron(graph, path, module, source, shape):
    """The line of a layer of neurons."""
    kind = next((kind for kind in OUTPUTS if type(module) is kind), None)
    if kind is None:
        own = "`delta_leaky`" if type(module) is snntorch.DeltaLeaky else "a `neuron`"
        refuse(path, module, f"there is no such neuron among those that are converted; write it as {own}")
    if getattr(module, "surrogate_disable", False):
        refuse(path, module, "surrogate_disable: its spikes have no surrogate")
    if module.inhibition and len(shape) != 1:
        refuse(path, module, f"inhibition among neurons of shape {list(shape)}, expected one extent")
    if kind is snntorch.SLSTM:
        return slstm(path, module, source, shape)
    if kind is snntorch.SConv2dLSTM:
        return sconv_lstm(path, module, source, shape)
    tensors, shapes, pairs = {}, {}, []

    def add(name, default=None):
        text, stored, shapes[name] = parameter(path, module, name, shape)
        pairs.append((name, None if not stored and float(text) == default else text))
        if stored:
            tensors[name] = name

    if kind in (snntorch.Synaptic, snntorch.RSynaptic, snntorch.Alpha):
        add("alpha")
    if kind is snntorch.Lapicque:
        lapicque(path, module, pairs)
        tensors["R"] = "R"
    else:
        add("beta")
    add("threshold", 1.0)
    if kind in (snntorch.RLeaky, snntorch.RSynaptic):
        text = recurrence(path, module, tensors, shapes, shape)
        pairs.append(("recurrent", None if text == "linear" else text))
    usual = "zero" if kind is snntorch.Alpha else "subtract"
    word = reset(path, module)
    pairs.append(("reset", None if word == usual else word))
    if kind is snntorch.RSynaptic and not module.reset_delay:
        refuse(path, module, "reset_delay=False: snnTorch resets what the call was given instead of the membrane, which fails or changes nothing")
    if not getattr(module, "reset_delay", True):
        pairs.append(("delay", "false"))
    pairs.append(("surrogate", surrogate(path, module)))
    pairs.append(("inhibition", "true" if module.inhibition else None))
    pairs.append(("quantize", quantize(path, module)))
    constants = ["beta", "alpha", "threshold", "reset_mechanism_val"]
    if not module.inhibition:
        add("graded_spikes_factor", 1.0)
        constants.append("graded_spikes_factor")
    elif isinstance(module.graded_spikes_factor, nn.Parameter):
        refuse(path, module, "learn_graded_spikes_factor together with inhibition: snnTorch scales no spikes then")
    elif module.graded_spikes_factor.numel() != 1 or module.graded_spikes_factor != 1:
        # fire_inhibition of snnTorch multiplies with no factor, though a reset without delay divides by it.
        if not getattr(module, "reset_delay", True):
            refuse(path, module, "graded_spikes_factor together with inhibition: snnTorch scales no spikes then")
    tensors.update({name: name for name in constants if name in dict(module.named_buffers())})
    shapes = {name: own for name, own in shapes.items() if name in tensors and own != _shape(module, name)}
    return Layer(path, arguments(kind.__name__.lower(), *pairs), [source], tensors, neuron=True, shapes=shapes,
                 keep_spikes="spikes" in STATES[kind] and module.init_hidden)


def _shape(module, name):
    for part in name.split("."):
        module = getattr(module, part)
    return tuple(module.shape)


def quantize(path, module):
    """That of a function which snntorch.functional.quant.state_quant made, or None; of that, its levels are known."""
    function = module.state_quant
    if not function:
        return None
    if getattr(function, "__module__", "") != "snntorch.functional.quant" or getattr(function, "__name__", "") != "inner":
        refuse(path, module, "its state_quant is none of snntorch.functional.quant; the language has `quantize = f`, with a `def f` of one's own")
    levels = function.__closure__[0].cell_contents
    bits = len(levels).bit_length() - 1
    low, high = float(levels[0]), float(levels[-1])
    if not low < 0 < high or len(levels) != 2 ** bits or not torch.equal(levels, torch.linspace(low, high, len(levels))):
        refuse(path, module, "its state_quant has levels that are not uniform; write quantize = exponential_levels(...) into the text")
    own = float(module.threshold.detach().reshape(-1)[0])  # levels are shares beyond a threshold, most likely this one
    threshold = own if 0 < own <= min(-low, high) else min(-low, high)
    lower, upper = _share(-low, threshold), _share(high, threshold)
    pairs = [("bits", None if bits == 8 else str(bits)), ("threshold", None if threshold == 1 else number(threshold)),
             ("lower", None if lower == 0 else number(lower)), ("upper", None if upper == 0.2 else number(upper))]
    return arguments("uniform_levels", *pairs)


def _share(level, threshold):
    """How far a level lies beyond the threshold: the round number that gives it, if there is one."""
    share = level / threshold - 1
    return round(share, 6) if np.float32(threshold * (1 + round(share, 6))) == np.float32(level) else share


def slstm(path, module, source, shape):
    """The line of an SLSTM, whose weights are its own."""
    if module.input_size != module.hidden_size:
        refuse(path, module, "snnTorch sets its state to 0 in each step where input_size and hidden_size differ; it would be another network")
    if shape != (module.input_size,):
        refuse(path, module, f"it takes samples of shape {[module.input_size]}, found {list(shape)}")
    pairs = [(None, str(module.hidden_size)), *gates(path, module)]
    tensors = {f"lstm_cell.{name}": f"lstm_cell.{name}" for name, _ in module.lstm_cell.named_parameters()}
    return Layer(path, arguments("slstm", *pairs), [source], tensors, neuron=True, shape=(module.hidden_size,))


def sconv_lstm(path, module, source, shape):
    """The line of an SConv2dLSTM, whose weights are its own."""
    if len(shape) != 3 or shape[0] != module.in_channels:
        refuse(path, module, f"it takes samples of shape [{module.in_channels}, height, width], found {list(shape)}")
    kernel = _pair(module.kernel_size)
    if not all(extent % 2 for extent in kernel):
        refuse(path, module, f"kernel_size={module.kernel_size}: snnTorch's states grow in each step where it is even, and fail")
    pairs = [(None, str(module.out_channels)), ("kernel", _extents(kernel)), *gates(path, module)]
    after = (module.out_channels, *shape[1:])
    for word, pool in (("max", module.max_pool), ("average", module.avg_pool)):
        if pool:
            pool = _pair(pool)
            pairs += [("pooling", word), ("pool", None if pool == (2, 2) else _extents(pool))]
            after = (module.out_channels, *(extent // by for extent, by in zip(shape[1:], pool)))
    if 0 in after:
        refuse(path, module, f"it pools samples of shape {list(shape)} to nothing")
    tensors = {f"conv.{name}": f"conv.{name}" for name, _ in module.conv.named_parameters()}
    return Layer(path, arguments("sconv_lstm", *pairs), [source], tensors, neuron=True, shape=after)


def _pair(extents):
    return (extents, extents) if isinstance(extents, int) else tuple(extents)


def _extents(pair):
    return str(pair[0]) if pair[0] == pair[1] else f"({pair[0]}, {pair[1]})"


def gates(path, module):
    """What SLSTM and SConv2dLSTM have in common."""
    if module.inhibition:
        refuse(path, module, "inhibition cannot be expressed")
    pairs = []
    for name in ("threshold", "graded_spikes_factor"):
        value = getattr(module, name)
        if isinstance(value, nn.Parameter) or value.numel() != 1:
            refuse(path, module, f"{name} is expected to be one number that is not trained")
        pairs.append((name, None if float(value) == 1 else number(value)))
    word = reset(path, module)
    return [*pairs, ("reset", None if word == "none" else word), ("bias", None if module.bias else "false"),
            ("surrogate", surrogate(path, module)), ("quantize", quantize(path, module))]


def lapicque(path, module, pairs):
    """mem = dt / C * x + (1 - dt / (R C)) * mem: here by beta and R, with dt = 1, as its documentation says."""
    if isinstance(module.beta, nn.Parameter):
        refuse(path, module, "a trained beta cannot be expressed")
    values = {name: float(getattr(module, name)) for name in ("R", "C", "time_step") if np.ndim(getattr(module, name)) == 0}
    if len(values) < 3 or values["time_step"] != 1:
        refuse(path, module, "R, C and time_step are expected to be one number each, and time_step to be 1")
    beta = math.exp(-1 / (values["R"] * values["C"]))
    if not math.isclose(float(module.beta), beta, rel_tol=1e-6):
        refuse(path, module, f"its beta is {number(module.beta)}, and its R and C, which it computes with, say {number(beta)}")
    pairs += [("beta", number(module.beta)), ("R", None if values["R"] == 1 else number(values["R"]))]


class Framework(framework.Framework):
    """Calls of neurons give spikes and states, which the next call takes, or keep them with init_hidden."""

    name = "snnTorch"
    remembers_states = True
    input_shape = staticmethod(lambda module: (module.input_size,) if type(module) is snntorch.SLSTM else None)
    is_neuron = staticmethod(is_neuron)
    neuron = staticmethod(neuron)

    @staticmethod
    def outputs(module):
        return OUTPUTS.get(type(module), ()) if module.output or not module.init_hidden else ("spikes",)

    @staticmethod
    def states(module):
        return STATES.get(type(module), ())

    @staticmethod
    def hides_state(module):
        return module.init_hidden

    @staticmethod
    def keeps_shape(module):
        return type(module) not in (snntorch.SLSTM, snntorch.SConv2dLSTM)

    @staticmethod
    def hidden(module):
        return module._buffers, sorted(module._non_persistent_buffers_set)


__all__ = ["Framework"]
