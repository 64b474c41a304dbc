# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules whose `forward` says what happens in one time step, or goes through all steps at once."""

import operator

import torch
from torch import fx

from . import layers
from .errors import ConversionError, Forbidden
from .known import refuse
from .memory import is_input
from .outside import OWN
from .read import Reader
from .values import Call, Single, Total, Value

_LOOPS = "a forward that loops over all steps is converted without steps="


def step(net, given, steps, over_time, framework):
    """A reader of a module whose forward says what happens in one time step, or does the same with all steps at once; its neurons keep
    their states."""
    return StepReader(net, given, framework, steps, over_time)


_REPEATS = ("unsqueeze", "repeat", "expand", torch.unsqueeze, torch.stack)


def _repeats(node):
    """Whether an operation may repeat its input for all steps."""
    return node.target in _REPEATS or (node.target is operator.getitem and node.args[1] is None)


class StepReader(Reader):
    """Interprets a trace of one time step, or of one call for all steps."""

    passed = (*Reader.passed, *_REPEATS)
    takes_steps = False

    def __init__(self, net, given, framework, steps, over_time):
        self.steps, self.over_time = steps, over_time
        self.all_steps = framework.layers_take_all_steps
        self.lead = 2 if self.all_steps else 1
        self.keeps_states = not self.all_steps
        self.surrounds = self.all_steps  # what is outside of one step would be computed in each
        super().__init__(net, given, framework)

    def _reset(self):
        super()._reset()
        self.graph.steps, self.graph.over_time = self.steps, self.over_time

    def _begin(self, nodes, node):
        self.repeats = False
        if self.source != OWN:
            self.graph.over_time = True
            return
        self.repeats = self.all_steps and any(_repeats(user) for copy in nodes if is_input(copy) for user in copy.users)
        if self.repeats:
            self.graph.over_time = False
        self._take_shape(node, 2 if self.graph.over_time else 1)

    def _input(self, node):
        if self.source != OWN:
            return super()._input(node)
        return Single() if self.repeats else Value(-1, 0 if self.graph.over_time else None)

    def _operation(self, node):
        if self.repeats and _repeats(node) and isinstance(self._first_of(node), Single):
            return self._repeated(node)
        return super()._operation(node)

    def _first_of(self, node):
        first = node.args[0]
        return self.values.get(first[0] if isinstance(first, (tuple, list)) and first else first)

    def _repeated(self, node):
        """x.unsqueeze(0), and x.repeat(steps, 1, ...), x.expand(steps, -1, ...) and torch.stack([x] * steps), with an axis of time in front
        or without."""
        target, rest, one = node.target, self._resolved(node.args[1:]), self._first_of(node)
        if target is operator.getitem or "unsqueeze" in str(target):
            if (rest in ([0], [None]) or node.kwargs == {"dim": 0}) and not one.axis:
                return Single(axis=True)
        elif target is torch.stack:
            parts, dim = self._parts(node, "torch.stack")
            if dim == 0 and all(self.values.get(part) == Single() for part in parts):
                return self._at_all_steps(len(parts))
        else:
            steps, *others = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
            rank = None if self.graph.shape is None else 1 + len(self.graph.shape)
            extents = self.shape if target == "expand" and not one.axis and rank == len(others) else ()
            same = [1 if target == "repeat" else -1] * len(others)
            if extents:
                same = [extent if other == extent else -1 for other, extent in zip(others, extents)]
            if isinstance(steps, int) and steps > 0 and others == same and rank in (None, len(others)) and not node.kwargs:
                return self._at_all_steps(steps)
        raise ConversionError("forward repeats its input in another way than x.unsqueeze(0).repeat(steps, 1, ...) or .expand(steps, -1, ...), "
                              "for all steps, [time, sample, ...]")

    def _at_all_steps(self, steps):
        if self.graph.steps not in (None, steps):
            raise Forbidden(f"forward repeats its input for {steps} steps, and there are {self.graph.steps}")
        self.graph.steps = steps
        return Value(-1, None)

    def _use(self, path, value):
        return layers.Use(False) if self.all_steps else layers.Use(value.step is None, self.graph.steps)

    def _use_of_function(self, node, value):
        return self._use(None, value)

    def _next_mask(self, key, now, what):
        return super()._next_mask(key, 0, what)

    def _neurons(self, path, module, value, given):
        if self.calls[path]:
            refuse(path, module, f"it is used twice in one step; {_LOOPS}")
        if not self.framework.hides_state(module) and not self.framework.steps_keep_state:
            refuse(path, module, f"in a module of one time step it has no state from step to step: say init_hidden=True; {_LOOPS}")
        return super()._neurons(path, module, value, given)

    def _check_states(self, path, module, place, now, given):
        if given and any(argument is not None for argument in given):
            refuse(path, module, "it is called with a state that is not its own")

    def _take_steps(self, lengths):
        """A call of the network is one step, or all of them."""
        self._check_norms(1)

    def _finish(self, returned):
        if self._is_made_outside(returned):
            return
        self._take_steps(set())
        value = self.framework.step_result(returned)
        self.graph.single = not isinstance(value, (tuple, list))
        values = [self.values.get(node) if isinstance(node, fx.Node) else None for node in ((value,) if self.graph.single else value)]
        if self.graph.single and isinstance(values[0], Call):
            self.graph.single = False
            call = values[0]
            values = [Value(call.layer, call.step, output) for output in call.outputs]
            if not set(call.outputs) <= {"spikes", "membrane"}:
                raise ConversionError(f"layer \"{self.graph.layers[call.layer].path}\" returns {', '.join(call.outputs)}; spikes and "
                                      "membranes can be had: take these of it in a module of your own, or say output=False")
        self.returns_more = self.surrounds and not self._are_outputs(values)
        if self.returns_more:
            return
        if not values or not all(isinstance(value, (Value, Total)) for value in values):
            raise ConversionError("the network is expected to return spikes and membranes of neurons")
        self._take_outputs([(value.layer, value.output) for value in values])

    def _are_outputs(self, values):
        """Whether the network can give all of these, of its last neurons."""
        last = max((place for place, layer in enumerate(self.graph.layers) if layer.neuron), default=-1)
        return all(isinstance(value, (Value, Total)) and value.layer == last and len(self.graph.layers[last].shape) == 1 for value in values)
