# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a module is, where its class alone says it. Whatever else computes is traced, or refused."""

import types

from torch.nn.utils import parametrize

from .errors import ConversionError, Forbidden

# What a subclass may have of its own and still compute what its base computes.
_INERT = {"__init__", "__module__", "__doc__", "__qualname__", "__annotations__", "__firstlineno__", "__static_attributes__",
          "__repr__", "extra_repr", "reset_parameters"}

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

# Modules around a network, and where they have it.
_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


def named(path, module):
    """A module in words."""
    return f"layer \"{path}\" ({type(module).__name__})" if path else f"the network ({type(module).__name__})"


def refuse(path, module, why):
    raise ConversionError(f"{named(path, module)}: {why}")


def forbid(path, module, why):
    raise Forbidden(f"{named(path, module)}: {why}")


def forbid_mode(path, module, net):
    """A module that is not in the network's mode, or holds one that is not."""
    if any(inner.training != net.training for inner in module.modules()):
        own, other = ("eval()", "train()") if net.training else ("train()", "eval()")
        forbid(path, module, f"it is in {own}, and the network in {other}; a converted network has one mode")


def kind_of(module, kinds):
    """That of `kinds` which the module is, of this class or of one that is only made in another way; or None."""
    for kind in type(module).__mro__:
        if kind in kinds:
            return kind
        if not set(vars(kind)) <= _INERT:
            return None
    return None


def check(net, own_hooks):
    """A call of each module does what its class says, and parameters learn by their gradients: nobody has hung anything on them, but for
    hooks of these names."""
    if type(net).__name__ in _WRAPPERS and type(net).__module__.startswith("torch."):
        refuse("", net, f"it is around another module, which is to be converted: .{_WRAPPERS[type(net).__name__]}")
    for path, module in net.named_modules():
        if parametrize.is_parametrized(module):
            refuse(path, module, "a parametrization computes its weights from others; "
                                 "torch.nn.utils.parametrize.remove_parametrizations makes them its own")
        hooks = [name for name in _HOOKS if getattr(module, name)]
        if hooks:
            refuse(path, module, f"it has {hooks[0].strip('_').replace('_', ' ')}, which cannot be expressed (weight_norm and pruning "
                                 "are such, and remove_weight_norm and prune.remove end them)")
        for name, parameter in module.named_parameters(recurse=False):
            hooks = [*(parameter._backward_hooks or {}).values(), *(parameter._post_accumulate_grad_hooks or {}).values()]
            if any(getattr(hook, "__name__", "") not in own_hooks for hook in hooks):
                refuse(path, module, f"its {name} has a hook, which would be lost; register it on the converted module's")
        replaced = [name for name in vars(module) if isinstance(getattr(type(module), name, None), types.FunctionType)]
        if replaced:
            refuse(path, module, f"its method {replaced[0]} is another than that of its class")


# Packages of neurons, and who converts them.
_FRAMEWORKS = {"snntorch": "from_snntorch", "spikingjelly": "from_spikingjelly", "norse": "from_norse"}


def check_framework(net, framework):
    """No module is one of another framework."""
    for path, module in net.named_modules():
        package = type(module).__module__.partition(".")[0]
        if package in _FRAMEWORKS and package != framework.name.lower():
            refuse(path, module, f"it is of another framework than {framework.name}: say {_FRAMEWORKS[package]}")


def own_tensors(path, module):
    """Names of what a layer's state_dict has of it, but for the count of batches, which changes no result."""
    parameters, buffers = (dict(named(recurse=False)) for named in (module.named_parameters, module.named_buffers))
    for name in ("weight", "bias"):
        if getattr(module, name, None) is not None and name not in parameters:
            refuse(path, module, f"its {name} is no parameter; one that is not to be trained can have requires_grad=False")
    for name in (*parameters, *buffers):
        if name not in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            refuse(path, module, f"it has a tensor of its own, \"{name}\", which its class does not look at")
    return {name: name for name in (*parameters, *buffers) if name != "num_batches_tracked"}


__all__ = ["check", "check_framework", "forbid", "forbid_mode", "kind_of", "named", "own_tensors", "refuse"]
