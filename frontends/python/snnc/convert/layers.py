# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of PyTorch as lines of a model."""

import dataclasses

import torch
from torch import nn

from .graph import Layer, arguments
from .known import own_tensors, refuse

# A mask of its own in each step, where the standard's dropout has one for all steps of a sample.
STEP_DROPOUT = """neuron step_dropout(x; p = 0.5 in [0, 1)) {
  value if training then x * (random() >= p) / (1 - p) else x
}"""


# Pointwise modules of PyTorch that the standard does not have, as neurons that never fire.
POINTWISE = {
    nn.LeakyReLU: ("negative_slope", """neuron leaky_relu(x; negative_slope = 0.01) {
  value if x > 0 then x else negative_slope * x
}"""),
    nn.Sigmoid: (None, """neuron logistic(x) { value sigmoid(x) }"""),
    nn.Tanh: (None, """neuron tangent(x) { value tanh(x) }"""),
    nn.SiLU: (None, """neuron silu(x) { value x * sigmoid(x) }"""),
}


class OneMask(nn.Dropout):
    """What a framework's dropout is that has one mask for all steps."""


@dataclasses.dataclass(frozen=True)
class Use:
    """How a network calls a layer.

    Attributes:
        static: its input is the same in all steps.
        calls: how often it is called; None: as often as there are steps, whose number is open.
    """

    static: bool
    calls: int | None = 1

    @property
    def once(self):
        return self.static and self.calls == 1


def _extents(value, rank):
    """One number if all extents agree: `3`, `(3, 5)`."""
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def _unless(value, default, rank):
    text = _extents(value, rank)
    return None if text == str(default) else text


def linear(path, module, **_):
    return arguments("linear", (None, str(module.out_features)), ("bias", None if module.bias is not None else "false"))


def conv(path, module, rank, **_):
    if module.padding_mode != "zeros":
        refuse(path, module, f"padding_mode is \"{module.padding_mode}\"; there is \"zeros\" alone")
    padding = module.padding
    if padding == "valid":
        padding = 0
    elif padding == "same":
        if any(d * (k - 1) % 2 for d, k in zip(module.dilation, module.kernel_size)):
            refuse(path, module, "padding=\"same\" of an even kernel adds more on one side than on the other")
        padding = tuple(d * (k - 1) // 2 for d, k in zip(module.dilation, module.kernel_size))
    return arguments("conv", (None, str(module.out_channels)), ("kernel", _extents(module.kernel_size, rank)),
                     ("stride", _unless(module.stride, 1, rank)), ("padding", _unless(padding, 0, rank)),
                     ("dilation", _unless(module.dilation, 1, rank)), ("groups", _unless(module.groups, 1, 1)),
                     ("bias", None if module.bias is not None else "false"))


def conv_transpose(path, module, rank, **_):
    return arguments("conv_transpose", (None, str(module.out_channels)), ("kernel", _extents(module.kernel_size, rank)),
                     ("stride", _unless(module.stride, 1, rank)), ("padding", _unless(module.padding, 0, rank)),
                     ("output_padding", _unless(module.output_padding, 0, rank)),
                     ("dilation", _unless(module.dilation, 1, rank)), ("groups", _unless(module.groups, 1, 1)),
                     ("bias", None if module.bias is not None else "false"))


def upsample(path, module, shape, **_):
    extents = shape[1:]
    if module.mode != "nearest":
        refuse(path, module, f"its mode is \"{module.mode}\"; there is \"nearest\" alone")
    size = module.size if module.size is not None else module.scale_factor
    if len(extents) not in (1, 2) or size is None:
        refuse(path, module, f"it takes samples of two or three extents, [channels, ...], and a size; found {list(shape)}")
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,) * len(extents)
    scales = tuple(s if module.size is None else s / extent for s, extent in zip(sizes, extents))
    if any(scale < 1 or scale != int(scale) for scale in scales):
        refuse(path, module, f"it makes {list(extents)} {' x '.join(f'{scale:g}' for scale in scales)} times as large; there are whole multiples alone")
    return arguments("upsample", (None, _extents(tuple(map(int, scales)), len(extents))))


def _eps(module):
    return "eps", None if module.eps == 1e-5 else repr(module.eps)


def layer_norm(path, module, shape, **_):
    if tuple(module.normalized_shape) != tuple(shape):
        refuse(path, module, f"it normalizes over {list(module.normalized_shape)} of a sample of {list(shape)}; there is one over all of it")
    return arguments("layer_norm", _eps(module), ("affine", None if module.elementwise_affine else "false"),
                     ("bias", "false" if module.elementwise_affine and module.bias is None else None))


def group_norm(path, module, **_):
    return arguments("group_norm", (None, str(module.num_groups)), _eps(module), ("affine", None if module.affine else "false"))


def instance_norm(path, module, shape, **_):
    if module.track_running_stats:
        refuse(path, module, "it keeps running statistics, which there are for batch norm alone")
    return arguments("group_norm", (None, str(shape[0])), _eps(module), ("affine", None if module.affine else "false"))


def pointwise(path, module, graph, kind, **_):
    number, definition = POINTWISE[kind]
    if definition not in graph.definitions:
        graph.definitions.append(definition)
    name = definition.split("(")[0].removeprefix("neuron ")
    return arguments(name, (number, repr(getattr(module, number)))) if number else name


def pool(path, module, rank, name, **_):
    if module.ceil_mode or getattr(module, "dilation", 1) not in (1, (1,) * rank) or getattr(module, "return_indices", False):
        refuse(path, module, "ceil_mode, dilation and return_indices cannot be expressed")
    if name == "avg_pool" and not module.count_include_pad and _extents(module.padding, rank) != "0":
        refuse(path, module, "count_include_pad=False cannot be expressed")
    if name == "avg_pool" and getattr(module, "divisor_override", None) is not None:
        refuse(path, module, "divisor_override cannot be expressed")
    kernel = _extents(module.kernel_size, rank)
    stride = _extents(module.stride, rank)
    return arguments(name, (None, kernel), ("stride", None if stride == kernel else stride),
                     ("padding", _unless(module.padding, 0, rank)))


def adaptive(path, module, rank, **_):
    if module.output_size is None or (isinstance(module.output_size, tuple) and None in module.output_size):
        refuse(path, module, "an output size of None cannot be expressed")
    return arguments("adaptive_avg_pool", (None, _extents(module.output_size, rank)))


def batch_norm(path, module, use, **_):
    if not module.track_running_stats or module.momentum is None:
        refuse(path, module, "it has no running statistics with a fixed momentum")
    return arguments("batch_norm", ("eps", None if module.eps == 1e-5 else repr(module.eps)),
                     ("momentum", None if module.momentum == 0.1 else repr(module.momentum)),
                     ("affine", None if module.affine else "false"),
                     ("statistics", "each_step" if use.calls != 1 else "one_step" if use.once else None))


def dropout(path, module, graph, kind, use, **_):
    if module.p == 1:
        refuse(path, module, "p=1 lets nothing through in training")
    if use.once or kind is OneMask:
        return f"dropout(p = {module.p!r})"
    if STEP_DROPOUT not in graph.definitions:
        graph.definitions.append(STEP_DROPOUT)
    return f"step_dropout(p = {module.p!r})"


def flatten(path, module, lead, **_):
    if module.start_dim != 1 or module.end_dim != -1:
        refuse(path, module, "it flattens other dimensions than those of a sample")
    return "flatten"


def relu(path, module, **_):
    return "relu"


# Of each, what writes its line, and what that has to know: `rank` is the number of extents behind the channels.
_LAYERS = {
    nn.Linear: (linear, {}),
    nn.Conv1d: (conv, {"rank": 1}),
    nn.Conv2d: (conv, {"rank": 2}),
    nn.ConvTranspose1d: (conv_transpose, {"rank": 1}),
    nn.ConvTranspose2d: (conv_transpose, {"rank": 2}),
    nn.MaxPool1d: (pool, {"rank": 1, "name": "max_pool"}),
    nn.MaxPool2d: (pool, {"rank": 2, "name": "max_pool"}),
    nn.AvgPool1d: (pool, {"rank": 1, "name": "avg_pool"}),
    nn.AvgPool2d: (pool, {"rank": 2, "name": "avg_pool"}),
    nn.AdaptiveAvgPool1d: (adaptive, {"rank": 1}),
    nn.AdaptiveAvgPool2d: (adaptive, {"rank": 2}),
    nn.BatchNorm1d: (batch_norm, {}),
    nn.BatchNorm2d: (batch_norm, {}),
    nn.LayerNorm: (layer_norm, {}),
    nn.GroupNorm: (group_norm, {}),
    nn.InstanceNorm1d: (instance_norm, {"rank": 1}),
    nn.InstanceNorm2d: (instance_norm, {"rank": 2}),
    nn.Upsample: (upsample, {}),
    nn.UpsamplingNearest2d: (upsample, {"rank": 2}),
    nn.Dropout: (dropout, {}),
    OneMask: (dropout, {}),
    nn.Flatten: (flatten, {}),
    nn.ReLU: (relu, {}),
    **{kind: (pointwise, {}) for kind in POINTWISE},
    nn.Identity: (None, {}),
}

KINDS = {kind: kind for kind in _LAYERS if kind is not OneMask}
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
TRAINED_APART = (*BATCH_NORMS, nn.Dropout, OneMask)  # which do something else in training


def layer(graph, path, module, kind, place, shape, use, lead):
    """The line of a layer of PyTorch, or None for one that does nothing.

    Args:
        kind: the class of torch.nn whose computation it is.
        place, shape: where its input comes from, and the extents of a sample of that.
        lead: how many axes stand in front of a sample's: that of samples, and of time where a call takes all steps.
    """
    make, options = _LAYERS[kind]
    drops = issubclass(kind, nn.Dropout)
    if make is None or (drops and module.p == 0):
        return None
    rank = options.get("rank")
    if rank is not None and len(shape) != rank + 1:
        refuse(path, module, f"it takes samples of {rank + 1} extents, [channels, ...], found {list(shape)}; an input has samples as its "
                             "first axis")
    if kind is nn.Linear and len(shape) != 1:
        refuse(path, module, f"it takes samples of one extent, found {list(shape)}; flatten them before it")
    call = make(path, module, graph=graph, kind=kind, use=use, lead=lead, shape=tuple(shape), **options)
    if not drops:  # which may keep a mask
        shape = shape_behind(path, module, shape, lead)
    return Layer(path, call, [place], own_tensors(path, module), shape=shape, per_step=kind is nn.Dropout and not use.once)


def shape_behind(path, module, shape, lead):
    """The extents that a module makes of a sample's."""
    state = {name: torch.empty_like(tensor, device="meta") for named in (module.named_parameters, module.named_buffers)
             for name, tensor in named()}
    dtype = next((tensor.dtype for tensor in module.parameters()), None)
    try:
        made = torch.func.functional_call(module, state, (torch.empty((2,) * lead + tuple(shape), dtype=dtype, device="meta"),))
    except Exception as error:  # whatever PyTorch says to an input that does not fit
        refuse(path, module, f"it does not take samples of shape {list(shape)}: {str(error).splitlines()[0]}")
    return tuple(made.shape[lead:])


def first_shape(module, kind):
    """The shape of a sample that a first layer asks for, () if it takes any, None if another shape is to be given."""
    if kind is nn.Linear:
        return (module.in_features,)
    return () if kind in (nn.Flatten, nn.Identity, nn.ReLU, nn.Dropout, OneMask, *POINTWISE) else None
