# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What nodes of a trace stand for."""

import dataclasses

from torch import fx

from .errors import ConversionError


@dataclasses.dataclass(frozen=True)
class Value:
    """What a layer (-1: the input) gives: at one time step, or the same at all (`step` None)."""

    layer: int
    step: int | None
    output: str = "spikes"


@dataclasses.dataclass(frozen=True)
class Series:
    """All steps of an output of a layer, stacked along an axis."""

    layer: int
    steps: int
    output: str
    axis: int = 0


@dataclasses.dataclass(frozen=True)
class Last:
    """An output of a layer in the last step alone."""

    layer: int
    steps: int
    output: str


@dataclasses.dataclass(frozen=True)
class Total:
    """The sum of a layer's spikes in the first steps (None: in all), or their mean."""

    layer: int
    steps: int | None
    mean: bool = False

    @property
    def output(self):
        return "rate" if self.mean else "count"


@dataclasses.dataclass(frozen=True)
class Single:
    """An input that forward has not repeated yet for all steps, with an axis for them or without."""

    axis: bool = False


@dataclasses.dataclass(frozen=True)
class Turned:
    """An input whose samples have changed places with its first axis."""


@dataclasses.dataclass(frozen=True)
class Call:
    """What a call of neurons returns that are several tensors, before somebody takes one of it."""

    layer: int
    step: int
    outputs: tuple


@dataclasses.dataclass(frozen=True)
class Extents:
    """The shape of a value."""

    of: Value


@dataclasses.dataclass(frozen=True)
class Outside:
    """What the network does not compute, for the reason `why`, and PyTorch may: of the input ("ahead" of the network), of what it gives ("behind"
    it), or of neither ("beside" it)."""

    node: fx.Node
    side: str
    why: ConversionError


SAMPLES = "the number of samples"
