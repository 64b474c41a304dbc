# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Norse's neurons as lines of a model."""

import math

import torch
from norse.torch.functional.reset import reset_value
from norse.torch.functional.threshold import threshold
from norse.torch.module.iaf import IAFCell
from norse.torch.module.lif import LIFCell
from norse.torch.module.lif_box import LIFBoxCell
from norse.torch.module.snn import SNNCell

from . import framework
from .graph import Layer, arguments, number
from .known import refuse

# Norse's LIFCell (lif.py): the input jumps onto a current that decays, the membrane leaks towards it.
LIF_CELL = """neuron norse_lif(x; dt = 0.001, tau_syn_inv = 200, tau_mem_inv = 100, v_th = 1.0, v_reset = 0, surrogate = fast_sigmoid(slope = 100)) {
  state current = 0, mem = 0
  jumped = current + x
  v = mem + dt * tau_mem_inv * (jumped - mem)
  current = jumped - dt * tau_syn_inv * jumped
  s = fire(v - v_th, surrogate)
  mem = (1 - s) * v + s * v_reset
  spike s
}"""

# Its IAFCell (iaf.py).
IAF_CELL = """neuron norse_iaf(x; v_th = 1.0, v_reset = 0, surrogate = fast_sigmoid(slope = 100)) {
  state mem = 0
  v = mem + x
  s = fire(v - v_th, surrogate)
  mem = (1 - s) * v + s * v_reset
  spike s
}"""

# Of each: the line's name, its definition if the standard has none, and numbers with their defaults.
_CELLS = {
    LIFBoxCell: ("norse_lif_box", None, {"tau_mem_inv": 100}, True),
    LIFCell: ("norse_lif", LIF_CELL, {"tau_syn_inv": 200, "tau_mem_inv": 100}, True),
    IAFCell: ("norse_iaf", IAF_CELL, {}, False),
}


def _slope(parameters):
    """The slope k of the surrogate's derivative 1 / (k |v| + 1)^2, as this version of Norse has it: 1.1 takes 1 whatever its
    alpha is, others take alpha."""
    at = torch.tensor(1.0, requires_grad=True)
    threshold(at, parameters.method, parameters.alpha).backward()
    return round(1 / math.sqrt(at.grad.item()) - 1, 4)


def is_neuron(module):
    return isinstance(module, SNNCell)


def make(graph, path, module, source, shape):
    """The line of a layer of neurons."""
    if type(module) not in _CELLS:
        refuse(path, module, "there is no such neuron in the language; write it as a `neuron`")
    call, definition, usual, timed = _CELLS[type(module)]
    parameters = module.p
    if parameters.method != "super":
        refuse(path, module, f"its surrogate is \"{parameters.method}\", expected \"super\"")
    if getattr(parameters, "reset_method", reset_value) is not reset_value:
        refuse(path, module, "its reset_method is another than reset_value")
    if torch.as_tensor(getattr(parameters, "v_leak", 0.0)).count_nonzero():
        refuse(path, module, "v_leak is not 0: its membrane starts there, and in the language at 0")
    pairs = []

    def add(name, value, default):
        value = torch.as_tensor(value)
        if value.numel() != 1 or isinstance(value, torch.nn.Parameter):
            refuse(path, module, f"{name} is expected to be one number that is not trained")
        text = number(value)
        pairs.append((name, None if float(text) == default else text))

    if timed:
        add("dt", module.dt, 0.001)
    for name, default in {**usual, "v_th": 1, "v_reset": 0}.items():
        add(name, getattr(parameters, name), default)
    slope = number(_slope(parameters))
    pairs.append(("surrogate", None if float(slope) == 100 else f"fast_sigmoid(slope = {slope})"))
    if definition and definition not in graph.definitions:
        graph.definitions.append(definition)
    return Layer(path, arguments(call, *pairs), [source], {}, neuron=True)


class Framework(framework.Framework):
    """Calls give spikes and a state, which the next call takes."""

    name = "Norse"
    is_neuron = staticmethod(is_neuron)
    neuron = staticmethod(make)
    outputs = staticmethod(lambda module: ("spikes", "state"))
    states = staticmethod(lambda module: ("state",))
    hides_state = staticmethod(lambda module: False)
    steps_keep_state = True  # Norse's SequentialState hands states on

    @staticmethod
    def step_result(returned):
        return returned[0] if isinstance(returned, (tuple, list)) else returned  # SequentialState returns states beside it


__all__ = ["Framework"]
