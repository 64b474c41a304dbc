# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What cannot be converted."""


class ConversionError(ValueError):
    """A network, or a layer of it, that the language does not express; says which and why."""


class Forbidden(ConversionError):
    """What PyTorch may not compute around a converted network either: it would be something else there."""
