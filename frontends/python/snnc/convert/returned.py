# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a forward returns: outputs of the network, or something that PyTorch makes of them."""

from torch import fx

from . import around
from .errors import ConversionError
from .examples import Examples
from .graph import Layer
from .known import named
from .outside import MADE_EACH
from .values import Last, Outside, Series, Total, Value

READOUT = """neuron readout(x) {
  state mem = 0
  mem = x
  spike fire(mem - 1, atan(alpha = 2))
}"""


class Returned:
    """Finds what is returned: a part of `Reader`, on whose members it works."""

    def _finish(self, returned):
        if self._is_made_outside(returned):
            return
        self.graph.single = not isinstance(returned, (tuple, list))
        series = self._series((returned,) if self.graph.single else returned)
        if series is None and self._is_one_step():
            raise ConversionError("forward is expected to return spikes and membranes of neurons, stacked over all time steps "
                                  "by torch.stack, or those of the last step, or sums of spikes; of a module of one time step say steps=, "
                                  "their number")
        if series is None:
            self.returns_more = True
            return
        self.graph.of_last_step = tuple(isinstance(value, Last) for value in series)
        self._take_outputs([(value.layer, value.output) for value in series])
        axes = {value.axis for value in series if isinstance(value, Series)}
        if axes:
            self.graph.time_axes = (self.graph.time_axes[0], axes.pop())
        self._take_steps({value.steps for value in series})

    def _is_made_outside(self, returned):
        """Whether PyTorch has to go on behind the network, whatever is returned: calls of layers may change their buffers."""
        self.returned = returned
        self.kept = [node for node, value in self.values.items() if node.op == "call_module" and isinstance(value, Outside)
                     and any(True for _ in self.net.get_submodule(node.target).buffers())]
        self.returns_more = bool(self.kept) and not self._is_one_step()
        return self.returns_more

    def _series(self, returned):
        """What is returned, if it is outputs of the network as it gives them; else None, and PyTorch makes it of them."""
        series = [self._whole(self.values[node]) if isinstance(node, fx.Node) else None for node in returned]
        if not all(isinstance(value, (Series, Total, Last)) for value in series):
            return None
        steps = max((count for path, count in self.calls.items() if path in self.places), default=0)
        last = max((place for place, layer in enumerate(self.graph.layers) if layer.neuron), default=-1)
        axes = {value.axis for value in series if isinstance(value, Series)}
        some = any(value.steps not in (None, steps) for value in series)
        inner = any(isinstance(value, Total) and value.layer != last for value in series)
        return None if some or inner or len(axes) > 1 else series

    def _is_one_step(self):
        """Whether neurons that keep their states are called once: forward says what happens in one time step then."""
        if self.all_steps:
            return False
        neurons = [path for path in self.calls if path in self.places]
        keep = [path for path in neurons if path in self.remembering or self.framework.hides_state(self.modules[path])]
        return bool(keep) and all(self.calls[path] == 1 for path in neurons)

    def _take_steps(self, lengths):
        lengths |= {count for path, count in self.calls.items() if path in self.places}
        if len(lengths) != 1:
            raise ConversionError(f"forward goes through different numbers of time steps: {sorted(lengths)}")
        self.graph.steps = lengths.pop()
        if self.graph.over_time and self.given_steps not in (None, self.graph.steps):
            raise ConversionError(f"forward takes {self.graph.steps} of the {self.given_steps} steps of the input given; a compiled network "
                                  "takes all: give it those that it is to have")
        if self.source == MADE_EACH and len(self.entries) != self.graph.steps:
            raise ConversionError(f"forward makes {len(self.entries)} tensors of its input that layers take, in {self.graph.steps} time steps")
        self._check_norms(self.graph.steps)

    def _surround(self, nodes, trace):
        """What PyTorch computes: written when it is known what the network has."""
        split = around.Split(self, nodes)
        if self.returns_more:
            if not split.sources:
                raise ConversionError("forward returns nothing that comes from neurons")
            self._take_outputs(split.sources)
            self._take_steps(set())
        self._check_layers(split)
        axis, others = self._samples_axis(nodes, trace)
        return around.Writer(split, others, None if axis is None else self.shape[axis]).around(axis, self.given)

    def _samples_axis(self, nodes, trace):
        """Along which axis the module's input has its samples, and by their number the nodes for others of them; nothing is known without
        a sample."""
        if self.shape is None:
            return None, {}
        seen = [next(iter(self.entries))] if self.entries else [node for node in nodes if node.op == "placeholder"]
        candidates = (0, 1) if self.entries else (1,) if self.graph.over_time and self.graph.time_axes[0] == 0 else (0,)
        for axis in candidates[:len(self.shape)]:
            # One more, which is odd if they are even, and many; and one.
            counts = dict.fromkeys((self.shape[axis] + 1, 2 * self.shape[axis] + 7, 1))
            counts.pop(self.shape[axis], None)
            others = {count: self._for_samples(nodes, trace, axis, count) for count in counts}
            if None in others.values():
                continue
            first = next(iter(counts))
            grown = Examples(self.net, self.given.of_samples(axis, first), self.framework)
            found = grown.shape_of(others[first][nodes.index(seen[0])])
            if found is not None and (not self.entries or found[self.lead - 1] != self.samples):
                return axis, others
        raise ConversionError("forward does something else for another number of samples")

    def _for_samples(self, nodes, trace, axis, count):
        """The nodes for this number of samples, if they are of the same operations."""
        try:
            others = list(trace.again(self.given.of_samples(axis, count)).nodes)
        except ConversionError:
            return None
        same = len(others) == len(nodes) and all(
            one.op == other.op and (one.op == "get_attr" or one.target == other.target) for one, other in zip(nodes, others))
        return others if same else None

    def _whole(self, value):
        """What a value of one step that is returned is of all steps. What neurons give that are called once is also its sum over time."""
        if not isinstance(value, Value) or value.step is None or value.layer < 0:
            return value
        if self._is_one_step():
            return value
        steps = max((count for path, count in self.calls.items() if path in self.places), default=0)
        if steps > 1:
            return Last(value.layer, steps, value.output) if value.step == steps - 1 else value
        once = self._is_spikes(value) and self.calls[self.graph.layers[value.layer].path] == 1
        return Total(value.layer, 1) if once else value

    def _take_outputs(self, outputs):
        graph = self.graph
        while graph.layers and self._is_without_effect(graph.layers[-1]) and len(graph.layers) - 1 not in dict(outputs):
            graph.layers.pop()
        read_out = bool(graph.layers) and not graph.layers[-1].neuron and bool(self.calls) and len(graph.layers) - 1 in dict(outputs)
        if not graph.layers or not (graph.layers[-1].neuron or read_out):
            last = self.modules.get(graph.layers[-1].path) if graph.layers else None
            raise ConversionError("the network ends with " + (named(graph.layers[-1].path, last) if last else "no neurons") +
                                  ", expected a layer of neurons at its end")
        for place, output in outputs:
            path = graph.layers[place].path if place >= 0 else "input"
            if place < 0 or not (graph.layers[place].neuron or (read_out and place == len(graph.layers) - 1)):
                raise ConversionError(f"what \"{path}\" gives is returned, expected spikes and membranes of neurons")
            if output not in ("spikes", "membrane", "count", "rate"):
                raise ConversionError(f"{output} of layer \"{path}\" is returned; spikes and membranes can be had")
        last = graph.layers[-1]
        if len(last.shape) != 1:
            raise ConversionError(f"layer \"{last.path}\": the last neurons have the shape {list(last.shape)}, expected one extent; "
                                  "flatten before them")
        if read_out or not last.fires:
            outputs = self._read_out(outputs)
        graph.outputs = tuple(outputs)

    def _read_out(self, outputs):
        """A model ends with neurons: such that do nothing but to show what the layer before them gives."""
        graph, place = self.graph, len(self.graph.layers) - 1
        graph.definitions.append(READOUT)
        graph.layers.append(Layer("", "readout", [place], neuron=True, fires=False, shape=graph.layers[place].shape))
        return [(place + 1, "membrane") if source == place else (source, output) for source, output in outputs]

    @staticmethod
    def _is_without_effect(last):
        """Whether a last layer that is not returned can be left out: batch norm moves its statistics."""
        return not last.neuron and "running_mean" not in last.tensors
