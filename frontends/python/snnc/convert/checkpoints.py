# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights of a network and of what it was converted to: names, shapes, which are trained."""

import dataclasses
import functools

import torch
from torch import nn

from .errors import ConversionError
from .known import kind_of


def check_types(net):
    for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if isinstance(tensor, nn.parameter.UninitializedTensorMixin):
            raise ConversionError(f"{name} has no extents yet, of a lazy layer: call the network once before")
        if tensor.is_meta:
            raise ConversionError(f"{name} is on the device meta, where tensors have no values")
        if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
            raise ConversionError(f"{name} is of type {str(tensor.dtype).removeprefix('torch.')}, expected float32 or float64")


def freeze(net, graph):
    """Marks layers whose parameters are not trained; a text freezes all of a layer, by its label."""
    parameters = dict(net.named_parameters(remove_duplicate=False))
    for layer in graph.layers:
        names = [name for name in layer.tensors.values() if f"{layer.path}.{name}" in parameters]
        frozen = [name for name in names if not parameters[f"{layer.path}.{name}"].requires_grad]
        if frozen and frozen != names:
            raise ConversionError(f"layer \"{layer.path}\": {', '.join(frozen)} has requires_grad=False and other parameters have not; a "
                                  "layer of the language is frozen as a whole")
        layer.frozen = bool(frozen)


def check_apart(net, names):
    """No two of the text's parameters share memory in the network."""
    parameters, seen = dict(net.named_parameters(remove_duplicate=False)), {}
    for name in names:
        tensor = parameters.get(name)
        if tensor is None or tensor.numel() == 0:
            continue
        other = seen.setdefault(tensor.data_ptr(), name)
        if other != name:
            raise ConversionError(f"{other} and {name} are one tensor (tied weights); each layer of the language has weights of its own")


def free_buffers(net, graph, framework):
    """Names of buffers that no layer has and forward does not look at: nothing that the network gives depends on them."""
    free = set()
    for name, _ in net.named_buffers():
        owner = net.get_submodule(name.rpartition(".")[0])
        if name not in graph.read and not framework.is_neuron(owner) and kind_of(owner, framework.layers) is None:
            free.add(name)
    return free


@dataclasses.dataclass(frozen=True)
class Likeness:
    """What a `snnc.torch.Module` has to have of the network that it was made of, beside its weights.

    Attributes:
        training: the network's mode.
        frozen: names of parameters with requires_grad=False.
        modules: further paths of a module, and its first one.
        aliases: further names of a parameter, and the one under which the text has it.
        shapes: of tensors with another shape in the network than in the text: the text's, and the network's.
        unused: parameters of which the text has nothing, since no output comes from them.
        buffers: that change no result: counts of batches that batch norms have seen, and those that no layer has.
        names: of its state_dict. What the text has as constants beside them is no part of a checkpoint.
        order: paths of its modules, parameters and buffers as they come there, by which optimizers and vectors of parameters
            tell one from the other; the text has layers as they are called.
    """

    training: bool
    frozen: frozenset
    modules: dict
    aliases: dict
    shapes: dict
    unused: dict
    buffers: dict
    names: frozenset
    order: tuple

    @classmethod
    def of(cls, net, names, shapes, free):
        """`names`: the network's, of the text's tensors; `shapes`: the text's, by these names; `free`: names of buffers that no layer
        has."""
        parameters = dict(net.named_parameters(remove_duplicate=False))
        first = {id(parameters[name]): name for name in names if name in parameters}
        modules = _further_paths(net)
        aliases, unused = {}, {}
        for name, tensor in parameters.items():
            if name in names or _within(name, modules):
                continue
            own = first.setdefault(id(tensor), name)
            if own == name:
                unused[name] = tensor.detach().cpu().clone()
            else:
                aliases[name] = own
        frozen = frozenset(name for name, tensor in parameters.items() if not tensor.requires_grad)
        tensors = {**parameters, **dict(net.named_buffers(remove_duplicate=False))}
        pairs = {name: (own, tuple(tensors[name].shape)) for name, own in shapes.items()}
        pairs.update({name: pairs[own] for name, own in aliases.items() if own in pairs})
        pairs.update({further + name.removeprefix(path): pair for further, path in modules.items()
                      for name, pair in list(pairs.items()) if _within(name, (path,))})
        saved = frozenset(net.state_dict())
        buffers = {name: tensor.detach().cpu().clone() for name, tensor in net.named_buffers()
                   if name.endswith(".num_batches_tracked") or (name in free and name in saved)}
        order = (*(path for path, _ in net.named_modules(remove_duplicate=False)), *tensors)
        return cls(net.training, frozen, modules, aliases, pairs, unused, buffers, saved, order)

    def apply(self, module):
        for name, tensor in self.unused.items():
            owner, last = module._owner(name)
            if last not in owner._parameters:  # else a layer that PyTorch computes has it
                owner.register_parameter(last, nn.Parameter(tensor.clone()))
        for name, own in self.aliases.items():
            owner, last = module._owner(name)
            owner.register_parameter(last, module.get_parameter(own))
        for name, tensor in self.buffers.items():
            owner, last = module._owner(name)
            own = owner._buffers.get(last)  # of a layer that PyTorch computes: it has the module's type
            owner.register_buffer(last, tensor.clone() if own is None else tensor.to(own.dtype, copy=True))
        for further, path in self.modules.items():
            owner, last = module._owner(path)
            if last in owner._modules:  # it has tensors
                shared = owner._modules[last]
                owner, last = module._owner(further)
                owner.add_module(last, shared)
        _arrange(module, {path: place for place, path in enumerate(self.order)})
        for name in self.frozen:
            module.get_parameter(name).requires_grad_(False)
        module.train(self.training)
        tensors = dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
        shapes = {name: pair for name, pair in self.shapes.items() if tensors[name].shape == pair[0]}
        if shapes:
            module._register_state_dict_hook(functools.partial(_give, shapes))
            module._register_load_state_dict_pre_hook(functools.partial(_take, shapes))
        constants = {name: tensor for name, tensor in module.state_dict().items() if name not in self.names}
        if constants:
            module._register_state_dict_hook(functools.partial(_leave_out, constants))
            module._register_load_state_dict_pre_hook(functools.partial(_put_in, constants))
        return module


def _arrange(module, places, path=""):
    """What a module holds comes as `places` says, and then what is not in them."""
    for held in (module._parameters, module._buffers, module._modules):
        for name in sorted(held, key=lambda name: places.get(path + name, len(places))):
            held[name] = held.pop(name)
    for name, child in module._modules.items():
        _arrange(child, places, f"{path}{name}.")


def _further_paths(net):
    """Paths of modules that have another one, which comes first, and do not lie in such a module."""
    first, further = {}, {}
    for path, module in net.named_modules(remove_duplicate=False):
        if first.setdefault(module, path) != path and not _within(path, further):
            further[path] = first[module]
    return further


def _within(name, paths):
    return any(name.startswith(f"{path}.") for path in paths)


def _give(shapes, module, state_dict, prefix, *_):
    for name, (_, theirs) in shapes.items():
        state_dict[prefix + name] = state_dict[prefix + name].reshape(theirs)


def _take(shapes, state_dict, prefix, *_):
    for name, (own, theirs) in shapes.items():
        given = state_dict.get(prefix + name)
        if given is not None and given.shape == theirs:
            state_dict[prefix + name] = given.reshape(own)


def _leave_out(constants, module, state_dict, prefix, *_):
    for name in constants:
        state_dict.pop(prefix + name, None)


def _put_in(constants, state_dict, prefix, *_):
    for name, tensor in constants.items():
        state_dict.setdefault(prefix + name, tensor)
