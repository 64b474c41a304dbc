# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Norse's neurons as lines of a model."""

import dataclasses
import math

import torch
from norse.torch.functional.reset import reset_value
from norse.torch.functional.threshold import threshold
from norse.torch.module.iaf import IAFCell
from norse.torch.module.leaky_integrator import LICell, LILinearCell
from norse.torch.module.lif import LIFCell, LIFRecurrentCell
from norse.torch.module.lif_box import LIFBoxCell
from norse.torch.module.snn import SNN, SNNCell, SNNRecurrent, SNNRecurrentCell

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

# Its LICell (leaky_integrator.py): a membrane that never fires, and is what the layer gives.
LI_CELL = """neuron norse_li(x; dt = 0.001, tau_syn_inv = 200, tau_mem_inv = 100) {
  state current = 0, mem = 0
  jumped = current + x
  mem = mem + dt * tau_mem_inv * (jumped - mem)
  current = jumped - dt * tau_syn_inv * jumped
  value mem
}"""

# Its LILinearCell, with the weights in front of it.
LI_LINEAR_CELL = """layer norse_li_linear(x[inputs]; outputs in [1, inf), dt = 0.001, tau_syn_inv = 200, tau_mem_inv = 100) {
  learn input_weights[outputs, inputs] = uniform(-1.7 / sqrt(inputs), 1.7 / sqrt(inputs))
  state mem[outputs] = 0, current[outputs] = 0
  jumped[n] = current[n] + sum(x[i] * input_weights[n, i], over = i)
  mem[n] = mem[n] + dt * tau_mem_inv * (jumped[n] - mem[n])
  current[n] = jumped[n] - dt * tau_syn_inv * jumped[n]
  value mem
}"""

# Its LIFRecurrentCell (lif.py): weights of the input and of the spikes of the step before; its reset lets no gradient through. Without
# autapses no gradient goes to a neuron's weight for itself.
LIF_RECURRENT_CELL = """layer norse_lif_recurrent(x[inputs]; outputs in [1, inf), dt = 0.001, tau_syn_inv = 200, tau_mem_inv = 100, v_th = 1.0, v_reset = 0,
                          autapses = one_of(false, true), surrogate = fast_sigmoid(slope = 100)) {
  learn input_weights[outputs, inputs] = uniform(-2.4 / sqrt(outputs), 2.4 / sqrt(outputs))
  learn recurrent_weights[outputs, outputs] = uniform(-2.4 / sqrt(outputs), 2.4 / sqrt(outputs))
  state mem[outputs] = 0, current[outputs] = 0, before[outputs] = 0
  if autapses == true {
    back[n, h] = recurrent_weights[n, h]
  } else {
    back[n, h] = if n == h then detach(recurrent_weights[n, h]) else recurrent_weights[n, h]
  }
  jumped[n] = current[n] + sum(x[i] * input_weights[n, i], over = i) + sum(before[h] * back[n, h], over = h)
  v[n] = mem[n] + dt * tau_mem_inv * (jumped[n] - mem[n])
  current[n] = jumped[n] - dt * tau_syn_inv * jumped[n]
  s[n] = fire(v[n] - v_th, surrogate)
  mem[n] = (1 - detach(s[n])) * v[n] + detach(s[n]) * v_reset
  before[n] = s[n]
  spike s
}"""


@dataclasses.dataclass(frozen=True)
class _Cell:
    """A class of neurons: the line's name, its definition if the standard has none, numbers with their defaults, and what it learns."""

    call: str
    definition: str | None
    numbers: dict
    timed: bool = True
    fires: bool = True
    tensors: tuple = ()


_CELLS = {
    LIFBoxCell: _Cell("norse_lif_box", None, {"tau_mem_inv": 100}),
    LIFCell: _Cell("norse_lif", LIF_CELL, {"tau_syn_inv": 200, "tau_mem_inv": 100}),
    IAFCell: _Cell("norse_iaf", IAF_CELL, {}, timed=False),
    LICell: _Cell("norse_li", LI_CELL, {"tau_syn_inv": 200, "tau_mem_inv": 100}, fires=False),
    LILinearCell: _Cell("norse_li_linear", LI_LINEAR_CELL, {"tau_syn_inv": 200, "tau_mem_inv": 100}, fires=False, tensors=("input_weights",)),
    LIFRecurrentCell: _Cell("norse_lif_recurrent", LIF_RECURRENT_CELL, {"tau_syn_inv": 200, "tau_mem_inv": 100},
                            tensors=("input_weights", "recurrent_weights")),
}


def _slope(parameters):
    """The slope k of the surrogate's derivative 1 / (k |v| + 1)^2, as this version of Norse has it: 1.1 takes 1 whatever its
    alpha is, others take alpha."""
    at = torch.tensor(1.0, requires_grad=True)
    threshold(at, parameters.method, parameters.alpha).backward()
    return round(1 / math.sqrt(at.grad.item()) - 1, 4)


def is_neuron(module):
    return isinstance(module, (SNN, SNNCell, SNNRecurrent, SNNRecurrentCell, LILinearCell))


def make(graph, path, module, source, shape):
    """The line of a layer of neurons."""
    if isinstance(module, (SNN, SNNRecurrent)):
        refuse(path, module, f"it goes through all time steps itself; its cell, {type(module).__name__}Cell, is taken in a SequentialState or a loop")
    if type(module) not in _CELLS:
        refuse(path, module, "there is no such neuron in the language; write it as a `neuron`")
    cell, parameters, pairs = _CELLS[type(module)], module.p, []
    if torch.as_tensor(getattr(parameters, "v_leak", 0.0)).count_nonzero():
        refuse(path, module, "v_leak is not 0: its membrane starts there, and in the language at 0")
    if type(module) is IAFCell and torch.as_tensor(parameters.v_reset).count_nonzero():
        refuse(path, module, "v_reset is not 0: its membrane starts there, and in the language at 0")
    if cell.tensors:
        if shape != (int(module.input_size),):
            refuse(path, module, f"it takes samples of shape {[int(module.input_size)]}, found {list(shape)}")
        shape = (int(module.hidden_size),)
        pairs.append((None, str(shape[0])))
        for name in cell.tensors:
            if not isinstance(getattr(module, name), torch.nn.Parameter):
                refuse(path, module, f"{name} is no parameter")

    def add(name, value, default):
        value = torch.as_tensor(value)
        if value.numel() != 1 or isinstance(value, torch.nn.Parameter):
            refuse(path, module, f"{name} is expected to be one number that is not trained")
        text = number(value)
        pairs.append((name, None if float(text) == default else text))

    if cell.timed:
        add("dt", module.dt, 0.001)
    for name, default in {**cell.numbers, **({"v_th": 1, "v_reset": 0} if cell.fires else {})}.items():
        add(name, getattr(parameters, name), default)
    if type(module) is LIFRecurrentCell and module.autapses:
        pairs.append(("autapses", "true"))
    if cell.fires:
        pairs.append(("surrogate", surrogate(path, module)))
    if cell.definition and cell.definition not in graph.definitions:
        graph.definitions.append(cell.definition)
    return Layer(path, arguments(cell.call, *pairs), [source], {name: name for name in cell.tensors}, neuron=True, shape=shape, fires=cell.fires,
                 keep_spikes="recurrent_weights" in cell.tensors)


def surrogate(path, module):
    """`fast_sigmoid(slope = value)`, or None for the default."""
    parameters = module.p
    if parameters.method != "super":
        refuse(path, module, f"its surrogate is \"{parameters.method}\", expected \"super\"")
    if getattr(parameters, "reset_method", reset_value) is not reset_value:
        refuse(path, module, "its reset_method is another than reset_value")
    slope = number(_slope(parameters))
    return None if float(slope) == 100 else f"fast_sigmoid(slope = {slope})"


class Framework(framework.Framework):
    """Calls give spikes and a state, which the next call takes."""

    name = "Norse"
    is_neuron = staticmethod(is_neuron)
    neuron = staticmethod(make)
    outputs = staticmethod(lambda module: ("spikes", "state"))
    states = staticmethod(lambda module: ("state",))
    hides_state = staticmethod(lambda module: False)
    own_hooks = ("autapse_hook",)  # which keeps the gradient from a neuron's weight for itself
    steps_keep_state = True  # Norse's SequentialState hands states on

    @staticmethod
    def input_shape(module):
        return (int(module.input_size),) if _CELLS.get(type(module)) and _CELLS[type(module)].tensors else None

    @staticmethod
    def step_result(returned):
        return returned[0] if isinstance(returned, (tuple, list)) else returned  # SequentialState returns states beside it


__all__ = ["Framework"]
