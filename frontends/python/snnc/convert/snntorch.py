# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""snnTorch's neurons as lines of a model."""

import math
import re

import numpy as np
import snntorch
from torch import nn

from . import layers
from .graph import Layer, arguments, number

# Outputs of a call, of which the last ones are its states.
OUTPUTS = {
    snntorch.Leaky: ("spikes", "membrane"),
    snntorch.RLeaky: ("spikes", "membrane"),
    snntorch.Lapicque: ("spikes", "membrane"),
    snntorch.Synaptic: ("spikes", "syn", "membrane"),
    snntorch.RSynaptic: ("spikes", "syn", "membrane"),
    snntorch.Alpha: ("spikes", "syn_exc", "syn_inh", "membrane"),
}

# What a call takes behind the input: its own outputs of the step before.
STATES = {
    snntorch.Leaky: ("membrane",),
    snntorch.RLeaky: ("spikes", "membrane"),
    snntorch.Lapicque: ("membrane",),
    snntorch.Synaptic: ("syn", "membrane"),
    snntorch.RSynaptic: ("spikes", "syn", "membrane"),
    snntorch.Alpha: ("syn_exc", "syn_inh", "membrane"),
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
    if getattr(function, "__qualname__", "").startswith("ATan"):
        return None
    layers.refuse(path, module, f"its spike_grad {function!r} is none of snntorch.surrogate; write it as a `surrogate` of the "
                                "language")
    return None


def parameter(path, module, name, default, own=None):
    """Text of a numeric parameter, None where it is the default, and whether a checkpoint has to bring it."""
    tensor = getattr(module, own or name)
    learned = isinstance(tensor, nn.Parameter)
    values = tensor.detach().reshape(-1)
    if values.numel() > 1 or tensor.ndim > 0:
        extent = "per channel" if tensor.ndim > 1 and all(e == 1 for e in tensor.shape[1:]) else "each"
        start = number(values[0]) if values.numel() else "0"
        return f"{'learn ' if learned else ''}{extent} {start}", True
    text = number(values[0])
    if learned:
        return f"learn {text}", True
    return (None if default is not None and float(text) == default else text), False


def recurrence(path, module, tensors):
    """`recurrent = ...` of RLeaky and RSynaptic."""
    recurrent = module.recurrent
    if not module.all_to_all:
        if recurrent.V.ndim == 0:
            layers.refuse(path, module, "one V for all neurons; the language has a V for each (all_to_all=False, V of their number)")
        tensors["recurrent.V"] = "recurrent.V"
        own = "each"
    elif isinstance(recurrent, nn.Linear):
        own = arguments("linear", ("bias", None if recurrent.bias is not None else "false"))
    else:
        own = layers.conv(path, recurrent, 2)
        own = re.sub(r"^conv\(\d+, ", "conv(", own)
    if module.all_to_all:
        tensors.update({f"recurrent.{name}": f"recurrent.{name}" for name, _ in recurrent.named_parameters()})
    if any(not tensor.requires_grad for tensor in recurrent.parameters()):
        layers.refuse(path, module, "learn_recurrent=False: its recurrent weights are not trained")
    return own


def neuron(graph, path, module, source):
    """The line of a layer of neurons."""
    kind = next((kind for kind in OUTPUTS if type(module) is kind), None)
    if kind is None:
        layers.refuse(path, module, "there is no such neuron in the language; write it as a `neuron`")
    if module.state_quant:
        layers.refuse(path, module, "state_quant is a function of Python; the language has `quantize`")
    if getattr(module, "surrogate_disable", False):
        layers.refuse(path, module, "surrogate_disable: its spikes have no surrogate")
    tensors, pairs = {}, []

    def add(name, default=None, own=None):
        text, stored = parameter(path, module, name, default, own)
        pairs.append((name, text))
        if stored:
            tensors[own or name] = own or name

    if kind in (snntorch.Synaptic, snntorch.RSynaptic, snntorch.Alpha):
        add("alpha")
    if kind is snntorch.Lapicque:
        lapicque(path, module, pairs)
        tensors["R"] = "R"
    else:
        add("beta")
    add("threshold", 1.0)
    if kind in (snntorch.RLeaky, snntorch.RSynaptic):
        text = recurrence(path, module, tensors)
        pairs.append(("recurrent", None if text == "linear" else text))
    usual = "zero" if kind is snntorch.Alpha else "subtract"
    reset = _RESETS[int(module.reset_mechanism_val)]
    pairs.append(("reset", None if reset == usual else reset))
    if not getattr(module, "reset_delay", True):
        pairs.append(("delay", "false"))
    pairs.append(("surrogate", surrogate(path, module)))
    pairs.append(("inhibition", "true" if module.inhibition else None))
    add("graded_spikes_factor", 1.0)
    constants = {name: name for name in ("beta", "alpha", "threshold", "graded_spikes_factor", "reset_mechanism_val")
                 if name in dict(module.named_buffers()) and name not in tensors}
    return Layer(path, arguments(kind.__name__.lower(), *pairs), [source], {**tensors, **constants}, neuron=True)


def lapicque(path, module, pairs):
    """mem = dt / C * x + (1 - dt / (R C)) * mem: here by beta and R, with dt = 1, as its documentation says."""
    if isinstance(module.beta, nn.Parameter):
        layers.refuse(path, module, "a trained beta cannot be expressed")
    values = {name: float(getattr(module, name)) for name in ("R", "C", "time_step") if np.ndim(getattr(module, name)) == 0}
    if len(values) < 3 or values["time_step"] != 1:
        layers.refuse(path, module, "R, C and time_step are expected to be one number each, and time_step to be 1")
    beta = math.exp(-1 / (values["R"] * values["C"]))
    pairs += [("beta", number(beta)), ("R", None if values["R"] == 1 else number(values["R"]))]


class Framework:
    """What tracing has to know: calls of neurons give spikes and states, which the next call takes."""

    name = "snnTorch"

    is_neuron = staticmethod(is_neuron)
    neuron = staticmethod(neuron)

    @staticmethod
    def outputs(module):
        return OUTPUTS.get(type(module), ("spikes", "membrane"))

    @staticmethod
    def states(module):
        return STATES.get(type(module), ())

    @staticmethod
    def hides_state(module):
        return module.init_hidden

    @staticmethod
    def gives_membrane(module):
        """Whether a call in an nn.Sequential gives more than spikes."""
        return module.output or not module.init_hidden


__all__ = ["Framework"]
