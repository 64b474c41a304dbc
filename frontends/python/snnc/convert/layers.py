# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers of PyTorch as lines of a model."""

from torch import nn

from .errors import ConversionError
from .graph import Layer, arguments

# A mask of its own in each step, where the standard's dropout has one for all steps of a sample.
STEP_DROPOUT = """neuron step_dropout(x; p = 0.5 in [0, 1)) {
  value if training then x * (random() >= p) / (1 - p) else x
}"""


def refuse(path, module, why):
    raise ConversionError(f"layer \"{path}\" ({type(module).__name__}): {why}")


def _extents(value, rank):
    """One number if all extents agree: `3`, `(3, 5)`."""
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    return str(values[0]) if len(set(values)) == 1 else f"({', '.join(map(str, values))})"


def _unless(value, default, rank):
    text = _extents(value, rank)
    return None if text == str(default) else text


def _tensors(module):
    """Those of its state_dict, but for the count of batches, which changes no result."""
    names = [name for named in (module.named_parameters, module.named_buffers) for name, _ in named(recurse=False)]
    return {name: name for name in names if name != "num_batches_tracked"}


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


def batch_norm(path, module, together, **_):
    if not together:
        refuse(path, module, "in a loop over time it takes the statistics of each step apart, batch_norm of the language those of "
                             "all steps together; put it outside of the loop, or train a text with batch_norm")
    if not module.track_running_stats or module.momentum is None:
        refuse(path, module, "it has no running statistics with a fixed momentum")
    return arguments("batch_norm", ("eps", None if module.eps == 1e-5 else repr(module.eps)),
                     ("momentum", None if module.momentum == 0.1 else repr(module.momentum)),
                     ("affine", None if module.affine else "false"))


_LAYERS = {
    nn.Linear: (linear, {}),
    nn.Conv1d: (conv, {"rank": 1}),
    nn.Conv2d: (conv, {"rank": 2}),
    nn.MaxPool1d: (pool, {"rank": 1, "name": "max_pool"}),
    nn.MaxPool2d: (pool, {"rank": 2, "name": "max_pool"}),
    nn.AvgPool1d: (pool, {"rank": 1, "name": "avg_pool"}),
    nn.AvgPool2d: (pool, {"rank": 2, "name": "avg_pool"}),
    nn.AdaptiveAvgPool1d: (adaptive, {"rank": 1}),
    nn.AdaptiveAvgPool2d: (adaptive, {"rank": 2}),
    nn.BatchNorm1d: (batch_norm, {}),
    nn.BatchNorm2d: (batch_norm, {}),
}


def layer(graph, path, module, source, static, all_steps=False):
    """The line of a layer of PyTorch, or None for one that does nothing. `static`: its input is the same in all steps;
    `all_steps`: a call of it takes all steps at once, so that its statistics are of all."""
    if isinstance(module, nn.Identity):
        return None
    if isinstance(module, nn.Flatten):
        if module.start_dim != 1 or module.end_dim != -1:
            refuse(path, module, "it flattens other dimensions than those of a sample")
        return Layer(path, "flatten", [source])
    if isinstance(module, nn.Dropout):
        if module.p == 0:
            return None
        if static:
            return Layer(path, f"dropout(p = {module.p!r})", [source])
        if STEP_DROPOUT not in graph.definitions:
            graph.definitions.append(STEP_DROPOUT)
        return Layer(path, f"step_dropout(p = {module.p!r})", [source])
    for kind in type(module).__mro__:
        if kind in _LAYERS:
            make, options = _LAYERS[kind]
            call = make(path, module, together=static or all_steps, **options)
            return Layer(path, call, [source], _tensors(module))
    refuse(path, module, "there is no such layer in the language")
    return None


def input_shape(modules):
    """The shape of a sample, where the first layers say it: a linear layer, flattened in front or not."""
    for module in modules:
        if isinstance(module, nn.Linear):
            return (module.in_features,)
        if not isinstance(module, (nn.Flatten, nn.Identity, nn.Dropout)):
            return None
    return None
