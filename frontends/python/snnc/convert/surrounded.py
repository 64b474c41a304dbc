# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A module whose compiled network stands between two graphs that PyTorch computes."""

import copy
import dataclasses

from torch import fx, nn

from ..torch import Module
from .errors import ConversionError


@dataclasses.dataclass(frozen=True)
class Part:
    """A graph that PyTorch computes; `paths` of the layers that it calls, by its own names for them."""

    code: fx.GraphModule
    paths: dict

    def run(self, module, *given):
        """Calls the layers that the module has now."""
        for name, path in self.paths.items():
            self.code._modules[name] = module.get_submodule(path)
        return self.code(*given)


@dataclasses.dataclass(frozen=True)
class Around:
    """What PyTorch computes around a network.

    Attributes:
        ahead: takes the module's input, its number of samples, the type of reals and `tensors`; gives the network's input, and what `behind`
            takes of it.
        behind: takes the number of samples, the type of reals, `tensors`, what `ahead` gives it, and the network's outputs; gives what the
            module returns. None: the module returns the outputs.
        modules: which the graphs call, by the network's paths.
        tensors: names of parameters and buffers that both take themselves.
        held: those of them that the compiled network has not, with their values.
        axis, shape: of the module's input, that of its samples, and its extents, of which the others are fixed; None if they are not known.
        takes_reals: whether its elements are reals, as forward may ask; None if that is not known.
        saved: names of the network's state_dict.
        words: what is computed, for people.
    """

    ahead: Part
    behind: Part | None
    modules: dict
    tensors: tuple
    held: dict
    axis: int | None
    shape: tuple | None
    takes_reals: bool | None
    saved: frozenset
    words: str

    def names(self):
        """Of all parameters and buffers that are outside."""
        return {*self.held, *(f"{path}.{name}" for path, module in self.modules.items() for name in module.state_dict())}


class Surrounded(Module):
    """A compiled network between two graphs that PyTorch computes; a call takes and gives what the network's did that it was made of."""

    def __init__(self, around, *args, **options):
        super().__init__(*args, **options)
        around = copy.deepcopy(around)
        self.__dict__["_around"] = around  # and not as modules of this one, which has what they call
        for part in filter(None, (around.ahead, around.behind)):
            part.code.to(self._dtype)  # its constants
        for path, module in around.modules.items():
            owner, last = self._free(path)
            owner.add_module(last, module.to(self._dtype))
        for name, tensor in around.held.items():
            owner, last = self._free(name)
            own = tensor.detach().to(self._dtype) if tensor.is_floating_point() else tensor
            if isinstance(tensor, nn.Parameter):
                owner.register_parameter(last, nn.Parameter(own, requires_grad=tensor.requires_grad))
            else:
                owner.register_buffer(last, own, persistent=name in around.saved)

    def _free(self, path):
        owner, last = self._owner(path)
        if last not in owner._modules and hasattr(owner, last):
            raise ConversionError(f"\"{path}\": modules have something of their own under this name; give it another one")
        return owner, last

    def forward(self, x, *, state=None, with_state=False):
        """What the network gives that this one was made of, and the state behind its last step if `with_state`."""
        around = self._around
        self._expect_tensor(x)
        samples = None
        if around.shape is not None:
            samples = x.shape[around.axis] if x.ndim == len(around.shape) else None
            expected = [samples if place == around.axis else extent for place, extent in enumerate(around.shape)]
            if list(x.shape) != expected:
                expected[around.axis] = "samples"
                raise ValueError(f"expected an input of shape [{', '.join(map(str, expected))}], found {list(x.shape)}")
        if around.takes_reals is not None and x.is_floating_point() != around.takes_reals:
            raise TypeError(f"expected an input of {'reals' if around.takes_reals else 'whole numbers'}, as it was converted with, found {x.dtype}")
        tensors = [tensor_of(self, name) for name in around.tensors]
        own, *passed = around.ahead.run(self, x, samples, self._dtype, *tensors)
        found = super().forward(own, state=state, with_state=with_state)
        if around.behind is None:
            return found
        outputs, behind = (found[:-1], found[-1]) if with_state else (found, None)
        given = around.behind.run(self, samples, self._dtype, *tensors, *passed, *outputs)
        return (given, behind) if with_state else given

    def to_model(self):
        """Refused: a model would be the network alone."""
        raise ConversionError(f"to_model: PyTorch computes a part of what the module does, {self._around.words}")


def tensor_of(module, name):
    """A parameter, a buffer or another tensor that lies in a module, by its path."""
    for part in name.split("."):
        module = getattr(module, part)
    return module


__all__ = ["Around", "Part", "Surrounded", "tensor_of"]
