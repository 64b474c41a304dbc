# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules whose `forward` says what happens in one time step, or goes through all steps at once."""

from . import layers
from .errors import ConversionError
from .known import refuse
from .read import Reader
from .values import Call, Value

_LOOPS = "a forward that loops over all steps is converted without steps="


def step(net, shape, steps, over_time, framework):
    """The graph of a module whose forward says what happens in one time step, or does the same with all steps at once; its neurons keep
    their states."""
    return StepReader(net, shape, framework, steps, over_time).read()


class StepReader(Reader):
    """Interprets a trace of one time step, or of one call for all steps."""

    def __init__(self, net, shape, framework, steps, over_time):
        super().__init__(net, shape, framework)
        self.graph.steps, self.graph.over_time = steps, over_time
        self.all_steps = framework.layers_take_all_steps
        self.lead = 2 if self.all_steps else 1
        self.keeps_states = not self.all_steps

    def _begin(self, nodes, node):
        self._take_shape(node, 2 if self.graph.over_time else 1)

    def _input(self):
        return Value(-1, 0 if self.graph.over_time else None)

    def _use(self, path, value):
        return layers.Use(False) if self.all_steps else layers.Use(value.step is None, self.graph.steps)

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

    def _finish(self, returned):
        self._check_norms(1)
        value = self.framework.step_result(returned)
        values = [self.values.get(node) for node in (value if isinstance(value, (tuple, list)) else (value,))]
        if len(values) == 1 and isinstance(values[0], Call):
            call = values[0]
            values = [Value(call.layer, call.step, output) for output in call.outputs]
            if not set(call.outputs) <= {"spikes", "membrane"}:
                raise ConversionError(f"layer \"{self.graph.layers[call.layer].path}\" returns {', '.join(call.outputs)}; spikes and "
                                      "membranes can be had: take these of it in a module of your own, or say output=False")
        if not values or not all(isinstance(value, Value) for value in values):
            raise ConversionError("the network is expected to return spikes and membranes of neurons")
        self._take_outputs([(value.layer, value.output) for value in values])
