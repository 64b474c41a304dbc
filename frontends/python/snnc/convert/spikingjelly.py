# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""SpikingJelly's neurons as lines of a model."""

import torch
from spikingjelly.activation_based import base, layer, neuron, surrogate
from torch import nn

from . import framework, layers
from .errors import ConversionError
from .graph import Layer, arguments, number
from .known import refuse

# Its IFNode adds what comes.
IF_NODE = """neuron spikingjelly_if(x; v_threshold = 1.0, v_reset = 0, detach_reset = one_of(false, true), surrogate = sigmoid(slope = 4),
                        reset = one_of(hard, soft)) {
  state mem = 0
  mem = mem + x
  s = fire_at(mem - v_threshold, surrogate)
  mem = reset_now(mem, s, v_threshold, v_reset, reset = reset, detach_reset = detach_reset)
  spike s
}"""

_SURROGATES = {surrogate.Sigmoid: ("sigmoid", "slope", 4), surrogate.ATan: ("atan", "alpha", None)}


def is_neuron(module):
    return isinstance(module, neuron.BaseNode)


def is_multi_step(net):
    """Whether the network takes all steps at once, [time, sample, ...]: its step mode."""
    modes = {module.step_mode for module in net.modules() if isinstance(module, base.StepModule) and hasattr(module, "step_mode")}
    if len(modes) > 1:
        raise ConversionError("some modules are in step mode \"s\" and others in \"m\", expected one mode")
    return modes == {"m"}


def make(graph, path, module, source, shape):
    """The line of a layer of neurons."""
    if type(module) not in (neuron.ParametricLIFNode, neuron.LIFNode, neuron.IFNode):
        refuse(path, module, "there is no such neuron in the language; write it as a `neuron`")
    for name in ("tau", "v_threshold", "v_reset"):
        if isinstance(getattr(module, name, None), torch.Tensor):
            refuse(path, module, f"its {name} is a tensor, expected a number")
    if module.v_reset is not None and float(module.v_reset) != 0:
        refuse(path, module, f"v_reset={module.v_reset:g}: its membrane starts there, and in the language at 0")
    kind = _SURROGATES.get(type(module.surrogate_function))
    if kind is None:
        refuse(path, module, f"its surrogate is {type(module.surrogate_function).__name__}, expected Sigmoid or ATan")
    if not module.surrogate_function.spiking:
        refuse(path, module, "spiking=False: it gives the surrogate's values instead of spikes")
    name, argument, usual = kind
    alpha = float(module.surrogate_function.alpha)
    tensors, pairs = {}, []
    if type(module) is neuron.ParametricLIFNode:
        call = "spikingjelly_plif"
        if module.w.numel() != 1:
            refuse(path, module, f"its w has the shape {list(module.w.shape)}, expected one number")
        pairs.append(("w", f"learn {number(module.w.detach())}"))
        tensors["w"] = "w"
    elif type(module) is neuron.LIFNode:
        call = "spikingjelly_lif"
        pairs.append(("tau", number(module.tau)))
    else:
        call = "spikingjelly_if"
        if IF_NODE not in graph.definitions:
            graph.definitions.append(IF_NODE)
    pairs.append(("v_threshold", None if module.v_threshold == 1 else number(module.v_threshold)))
    if module.v_reset is None:
        pairs.append(("reset", "soft"))
    if not getattr(module, "decay_input", True):
        pairs.append(("decay_input", "false"))
    if module.detach_reset:
        pairs.append(("detach_reset", "true"))
    pairs.append(("surrogate", None if alpha == usual else f"{name}({argument} = {number(alpha)})"))
    return Layer(path, arguments(call, *pairs), [source], tensors, neuron=True)


_OF_ELEMENTS = (nn.Identity, nn.ReLU, *layers.POINTWISE)  # whatever their axes are

# Its layers, which are torch.nn's at one step, and at all steps of a batch; its dropout keeps its mask until it is reset.
_OWN_LAYERS = {getattr(layer, kind.__name__): kind for kind in layers.KINDS if kind not in (nn.Dropout, *_OF_ELEMENTS) and hasattr(layer, kind.__name__)}
_OWN_LAYERS[layer.Dropout] = layers.OneMask


class Framework(framework.Framework):
    """Calls of neurons keep their states themselves and give spikes alone."""

    name = "SpikingJelly"
    is_neuron = staticmethod(is_neuron)
    neuron = staticmethod(make)
    layers = {**layers.KINDS, **_OWN_LAYERS}
    outputs = staticmethod(lambda module: ("spikes",))
    states = staticmethod(lambda module: ())
    hides_state = staticmethod(lambda module: True)
    keeps_shape = staticmethod(lambda module: True)
    remembers = staticmethod(lambda module: isinstance(module, (base.MemoryModule, layer.Dropout, layer.Dropout2d)))
    hidden = staticmethod(lambda module: (module._memories, sorted(module._memories)))


class MultiStep(Framework):
    """In step mode "m" a layer takes all steps as one batch; of torch.nn's, those do that look at no axis but the last one."""

    layers = {kind: kind for kind in (nn.Linear, nn.Dropout, *_OF_ELEMENTS)} | _OWN_LAYERS
    layers_take_all_steps = True
    containers = (layer.SeqToANNContainer,)
    no_layer = "there is no such layer in the language, or none of step mode \"m\"; torch.nn's have counterparts in spikingjelly's layer"


__all__ = ["Framework", "MultiStep", "is_multi_step"]
