# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Divides a forward among PyTorch and the network, and writes what PyTorch computes as two graphs: of the input, and of what the network gives."""

import copy
import dataclasses
import operator

import torch
from torch import fx, nn
from torch.nn import functional

from .errors import ConversionError
from .memory import in_place, is_alias, memory_of, name_of
from .outside import MADE_EACH, Again
from .surrounded import Around, Part, tensor_of
from .values import Call, Series, Total, Value


class Split:
    """Divides the nodes of a graph among PyTorch and the network, whose layers a `Reader` has found."""

    def __init__(self, reader, nodes):
        self.reader, self.nodes = reader, nodes
        self.values, self.layers = reader.values, reader.graph.layers
        self._observed = {}
        self.returned = []
        fx.node.map_arg(reader.returned, self.returned.append)
        self.writes = {}  # of memory: the nodes that change it
        for node in nodes:
            if in_place(node) and node.args and isinstance(node.args[0], fx.Node):
                self.writes.setdefault(memory_of(node), []).append(node)
        wanted = [*self.returned, *reader.kept] if reader.returns_more else []
        self.needed = self.closure([*reader.entries, *wanted])
        found = dict.fromkeys(pair for node in nodes if node in self.needed for pair in self.observed(node) or ())
        self.sources = sorted(found) if reader.returns_more else []  # places of layers, and outputs of these
        self.ahead, self.behind = set(), set()  # what comes from the module's input alone, and from outputs of the network
        dirty = set()  # memory that holds something that comes from outputs
        of_input = set()  # and such that holds something that comes from the input
        for node in nodes:
            memory = memory_of(node)
            if self.observed(node) is not None or memory in dirty or any(given in self.behind or memory_of(given) in dirty
                                                                         for given in node.all_input_nodes):
                self.behind.add(node)
                dirty |= {memory} if in_place(node) else set()
            elif node.op == "placeholder" or memory in of_input or any(given in self.ahead for given in node.all_input_nodes):
                self.ahead.add(node)
                of_input |= {memory} if in_place(node) else set()
        for node in nodes:
            if node in self.needed and self.observed(node) is None:
                self._expect_outside(node)

    def closure(self, nodes, leaves=()):
        """Nodes and all that they are made of, down to outputs of the network and the module's input; and what changes it in place, but for
        `leaves`."""
        found, waiting = set(), list(nodes)
        while waiting:
            node = waiting.pop()
            if node in found or node in leaves:
                continue
            found.add(node)
            if self.observed(node) is None:
                waiting += [*node.all_input_nodes, *self.writes.get(memory_of(node), ())]
        return found

    def _expect_outside(self, node):
        value = self.values.get(node)
        layer = self.layers[value.layer] if isinstance(value, Value) and value.layer >= 0 else None
        if layer is not None and layer.neuron:
            raise ConversionError(f"{value.output} of layer \"{layer.path}\" is used behind the network; spikes and membranes can be had")
        is_container = node.op == "call_module" and isinstance(self.reader.net.get_submodule(node.target), self.reader.framework.containers)
        if layer is not None and node.op == "call_module" and (layer.tensors or layer.per_step or is_container):
            raise Again(layers=(node.target,), why=ConversionError(
                f"what layer \"{node.target}\" gives is used behind the network, where spikes and membranes of neurons can be, and what a last layer gives"))

    def observed(self, node):
        """The outputs of the network that a node shows, as it was read; or None if it is computed outside."""
        if node not in self._observed:
            self._observed[node] = self._outputs_of(node)
        return self._observed[node]

    def _outputs_of(self, node):
        value = self.values.get(node)
        if isinstance(value, Call):
            pairs = [(value.layer, output) for output in value.outputs]
        elif isinstance(value, Total):
            pairs = [(value.layer, "spikes")]
        elif isinstance(value, (Value, Series)) and value.layer >= 0:
            pairs = [(value.layer, value.output)]
        else:
            return None
        return pairs if all(self._is_shown(*pair) for pair in pairs) else None

    def _is_shown(self, place, output):
        layer = self.layers[place]
        if layer.neuron:
            return output == "membrane" or (output == "spikes" and (layer.fires or place == len(self.layers) - 1))
        return bool(layer.tensors) and place == len(self.layers) - 1 and len(layer.shape) == 1 and self.reader.is_behind(place)


class Writer:
    """Writes the two graphs of a split."""

    def __init__(self, split, others, samples):
        """`others`: by their number, the nodes of the same forward for other samples than `samples`; none if no extents are known."""
        self.split, self.reader, self.net, self.samples = split, split.reader, split.reader.net, samples
        self.counts = [samples, *others]
        self.others = dict(zip(split.nodes, zip(*others.values())))
        # What neurons have as numbers is compiled, and taken as it is.
        neurons = {path for path, module in self.net.named_modules() if self.reader.framework.is_neuron(module)}
        buffers = [name for name, _ in self.net.named_buffers(remove_duplicate=False) if name.rpartition(".")[0] not in neurons]
        self.held = {name for name, _ in self.net.named_parameters(remove_duplicate=False)} | set(buffers)
        self.tensors = list(dict.fromkeys(
            node.target for node in split.nodes if node in split.needed and node.op == "get_attr" and node.target in self.held))
        self.modules = {}

    def around(self, axis, given):
        split, entries = self.split, list(self.reader.entries)
        behind = {node for node in split.closure([*split.returned, *self.reader.kept]) if self._is_behind(node) or self._is_beside(node)}
        passed = [node for node in split.nodes if node in split.needed and not self._is_behind(node) and not self._is_beside(node) and (
            node in split.returned or any(user in behind for user in node.users))] if self.reader.returns_more else []
        self._expect_order(entries, passed)
        ahead = self._ahead(entries, passed)
        after = self._behind(behind, passed) if self.reader.returns_more else None
        outside = [node for node in split.nodes if node in split.needed and node.op.startswith("call_") and split.observed(node) is None]
        words = [name_of(node) for node in outside if not is_alias(node)] or ["parts of what it takes and gives"]
        compiled = {f"{layer.path}.{name}" if layer.path else name for layer in self.reader.graph.layers for name in layer.tensors.values()}
        held = {name: _on_cpu(tensor) for name, tensor in [*self.net.named_parameters(), *self.net.named_buffers()]
                if name in self.tensors and name not in compiled}
        return Around(ahead, after, self.modules, tuple(self.tensors), held, axis, given.shape, given.takes_reals(),
                      frozenset(self.net.state_dict()), ", ".join(dict.fromkeys(words)))

    def _expect_order(self, entries, passed):
        """All that is ahead is computed first: nothing there changes what the network or something behind it has taken before."""
        split = self.split
        order = {node: place for place, node in enumerate(split.nodes)}
        since = {memory_of(entry): order[entry] for entry in reversed(entries)}
        memories = set(map(memory_of, passed))
        for user in sorted(split.behind, key=order.get):
            for given in user.all_input_nodes:
                if memory_of(given) in memories:
                    since.setdefault(memory_of(given), order[user])
        for memory, first in since.items():
            if any(order[write] > first for write in split.writes.get(memory, ()) if write in split.ahead):
                raise ConversionError("forward changes in place what it makes of its input after layers or operations behind the network have taken it")

    def _is_behind(self, node):
        return node in self.split.behind

    def _is_beside(self, node):
        """Whether a node depends on nothing: constants, and what is made of them."""
        return node not in self.split.behind and node not in self.split.ahead

    def _ahead(self, entries, passed):
        """Of the input, its number of samples and tensors: the network's input, and what is passed to the graph behind it."""
        page = _Page([_INPUT, _SAMPLES, _REAL, *map(_Tensor, self.tensors)])
        wanted = self.split.closure([*entries, *passed], set(filter(in_place, self.split.behind)))
        if any(map(self._is_behind, wanted)):
            raise ConversionError("forward writes what neurons give into a tensor of which it makes the network's input")
        for node in self.split.nodes:
            if node in wanted:
                page.made[node] = page.made[_INPUT] if node.op == "placeholder" else self._copy(page, node)
        if not entries:
            own = page.made[_INPUT]
        elif self.reader.source == MADE_EACH:
            own = page.graph.call_function(torch.stack, ([page.made[node] for node in entries],))
        else:
            own = page.made[entries[0]]
        page.graph.output((own, *(page.made[node] for node in passed)))
        return page.module(self.modules, "Ahead")

    def _behind(self, wanted, passed):
        """Of the number of samples, tensors, what is passed and the network's outputs: what the module returns."""
        page = _Page([_SAMPLES, _REAL, *map(_Tensor, self.tensors), *passed, *self.split.sources])
        for node in self.split.nodes:
            if node in wanted and node not in page.made:
                page.made[node] = self._copy(page, node) if self.split.observed(node) is None else self._shown(page, self.split.values[node])
        end = self.split.nodes[-1]
        page.graph.output(self._literal(page, self.reader.returned, [other.args[0] for other in self.others.get(end, ())]))
        return page.module(self.modules, "Behind")

    def _shown(self, page, value):
        """What a node shows of the network's outputs, [time, sample, ...]."""
        if isinstance(value, Call):
            return tuple(self._shown(page, Value(value.layer, value.step, output)) for output in value.outputs)
        series = page.made[value.layer, "spikes" if isinstance(value, Total) else value.output]
        if self.reader.all_steps and not isinstance(value, Total):
            return series
        if isinstance(value, Series) and value.steps != self.reader.graph.steps:
            series = page.graph.call_function(operator.getitem, (series, slice(value.steps)))
        if isinstance(value, Series):
            return series if value.axis == 0 else page.graph.call_method("transpose", (series, 0, 1))
        if isinstance(value, Total):
            some = series if value.steps in (None, self.reader.graph.steps) else page.graph.call_function(operator.getitem, (series, slice(value.steps)))
            return page.graph.call_method("mean" if value.mean else "sum", (some, 0))
        return page.graph.call_function(operator.getitem, (series, value.step))

    def _copy(self, page, node):
        if node.op == "get_attr":
            return page.made[_Tensor(node.target)] if node.target in self.held else self._constant(page, node)
        if node.op == "call_module":
            self.modules.setdefault(node.target, copy.deepcopy(self.net.get_submodule(node.target)).cpu())
        args = self._literal(page, (node.args, node.kwargs), [(other.args, other.kwargs) for other in self.others.get(node, ())])
        if node.target is functional.dropout:  # by the mode that the module has then
            return self._dropout(page, *args[0], **args[1])
        return page.graph.create_node(node.op, page.name_of(node.target) if node.op == "call_module" else node.target, *args)

    def _dropout(self, page, x, p=0.5, training=True, inplace=False):
        path = f"dropout_{p}".replace(".", "_") + ("_in_place" if inplace else "")
        while hasattr(self.net, path):
            path += "_"
        self.modules.setdefault(path, nn.Dropout(p, inplace))
        return page.graph.call_module(page.name_of(path), (x,))

    def _literal(self, page, value, others):
        """Arguments as they are here, where a number that grows with the samples is made of theirs."""
        if isinstance(value, fx.Node):
            return page.made[value]
        if isinstance(value, (tuple, list)):
            made = [self._literal(page, one, [other[place] for other in others]) for place, one in enumerate(value)]
            return tuple(made) if isinstance(value, tuple) else made
        if isinstance(value, dict):
            if any(other.keys() != value.keys() for other in others):
                raise ConversionError("forward returns a dictionary of other names for another number of samples")
            return {name: self._literal(page, one, [other[name] for other in others]) for name, one in value.items()}
        if isinstance(value, slice):
            return slice(*(self._literal(page, getattr(value, end), [getattr(other, end) for other in others]) for end in ("start", "stop", "step")))
        if all(value == other or (value != value and other != other) for other in others):
            return value
        times = value // self.samples if type(value) is int else 0
        if times == 0 or any(number != times * count for number, count in zip([value, *others], self.counts)):
            raise ConversionError(f"forward computes with {value} for {self.samples} samples, and with {others[0]} for {self.counts[1]}, which is no "
                                  "multiple of them")
        return page.made[_SAMPLES] if times == 1 else page.graph.call_function(operator.mul, (page.made[_SAMPLES], times))

    def _constant(self, page, node):
        """A tensor that forward makes anew in each call, and may change then; or finds, and does not."""
        key = _Tensor(node.target)
        if key in page.made:
            return page.made[key]
        tensor, *others = (tensor_of(self.net, one.target).detach() for one in (node, *self.others.get(node, ())))
        if all(other.shape == tensor.shape and torch.equal(other, tensor) for other in others):
            name = f"constant{len(page.constants)}"
            page.constants[name] = tensor.cpu().clone()
            made = page.graph.call_method("clone", (page.graph.get_attr(name),))
        else:
            elements = torch.cat([one.reshape(-1) for one in (tensor, *others)])
            if not (elements == elements[:1]).all():
                raise ConversionError(f"forward makes a tensor of shape {list(tensor.shape)}, which has other elements for another number of samples")
            shape = [self._literal(page, extent, [other.shape[place] for other in others]) for place, extent in enumerate(tensor.shape)]
            kind = page.made[_REAL] if tensor.is_floating_point() else tensor.dtype
            made = page.graph.call_function(torch.full, (shape, elements[0].item() if elements.numel() else 0), {"dtype": kind})
        page.made[key] = made
        return made


_INPUT, _SAMPLES, _REAL = object(), object(), object()


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A parameter, a buffer or a constant, by its name."""

    name: str


class _Page:
    """A graph that is being written: what was made of nodes of the other one, of names and of outputs."""

    def __init__(self, given):
        self.graph, self.constants, self.paths = fx.Graph(), {}, {}
        self.made = {one: self.graph.placeholder(f"given{place}") for place, one in enumerate(given)}

    def name_of(self, path):
        """Of a layer in the graph: the network's may be names that modules have something of their own under."""
        name = next((name for name, other in self.paths.items() if other == path), f"layer{len(self.paths)}")
        self.paths[name] = path
        return name

    def module(self, modules, name):
        layers = {name: modules[path] for name, path in self.paths.items()}
        return Part(fx.GraphModule({**layers, **self.constants}, self.graph, name), self.paths)


def _on_cpu(tensor):
    """A copy: of a parameter, a parameter."""
    own = tensor.detach().cpu().clone()
    return nn.Parameter(own, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else own


__all__ = ["Split", "Writer"]
