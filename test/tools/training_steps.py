# Training as the reference interpreter does it: windows, gradients, updates, for compare-bits.py.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import re

from tensor_files import read_tensors, run, write_tensors

REALS = {4: "F32", 8: "F64"}


def window_of(text):
    """The steps of a window; None where a model is trained on all steps at once."""
    window = re.search(r"snn\.model [^\n]*\bwindow = (\d+)", text)
    return window and int(window.group(1))


class Module:
    """What a text of the stage bptt says of training."""

    def __init__(self, text):
        self.parameters = re.findall(r'snn\.parameter @"?([^" ]+)', text)
        self.buffers = re.findall(r'snn\.buffer @"?([^" ]+)', text)
        self.states = re.findall(r'snn\.state @"?([^" ]+)', text)
        # (hyper, label) -> value, of groups
        self.of_groups = {(of, at): float(value) for of, at, value in re.findall(r'snn\.hyper @"?[^" ]+"? of "([^"]+)" at "([^"]+)" = (\S+)', text)}
        arguments = self.head(text, "loss_and_gradient")
        self.over_time = re.findall(r'!core\.array<time x [^>]*> \{snn\.bind = @"?([^"}, ]+)', arguments)
        self.moments = re.findall(r'\{snn\.bind = @"?([^"}, ]+)"?, snn\.copy', self.head(text, "update"))
        self.window = window_of(text)

    @staticmethod
    def head(text, function):
        """Arguments of a function."""
        line = re.search(rf"func\.func @{function}\((.*)", text).group(1)
        return line.split(" -> (")[0]

    def groups(self):
        """Parameters whose updates have the same numbers: [(numbers, names)]."""
        labels = sorted({at for _, at in self.of_groups}, key=len)
        found = {}
        for name in self.parameters:
            at = [label for label in labels if name == label or name.startswith(label + ".")]
            found.setdefault(at[-1] if at else None, []).append(name)
        return [({of: value for (of, label), value in self.of_groups.items() if label == at}, names) for at, names in found.items()]


def entry(tensor):
    """A tensor of a file as write_tensors takes it."""
    size = len(tensor.packed) // max(len(tensor.numbers), 1)
    if any(isinstance(number, float) for number in tensor.numbers):
        return REALS[size], tensor.shape, tensor.numbers
    return {8: "I64", 1: "U8"}[size], tensor.shape, tensor.numbers


def between(tensor, first, last):
    """Steps of a tensor whose first extent is time."""
    kind, shape, numbers = entry(tensor)
    step = len(numbers) // shape[0]
    return kind, [last - first] + shape[1:], numbers[first * step:last * step]


class Training:
    """Calls of the interpreter, and what they change: `tensors`, which the next call is given, and the optimizer's `moments`."""

    def __init__(self, bin, path, given, scratch):
        with open(path) as file:
            self.module = Module(file.read())
        self.given = read_tensors(given)
        self.tensors = {name: entry(tensor) for name, tensor in self.given.items()}
        self.moments = {}
        self.into, self.out = os.path.join(scratch, "call.safetensors"), os.path.join(scratch, "result.safetensors")
        self.interpreter = [f"{bin}/snn-interpret", path, f"--inputs={self.into}", f"--outputs={self.out}"]

    def interpret(self, tensors, *flags):
        write_tensors(self.into, tensors)
        run(*self.interpreter, *flags)
        return read_tensors(self.out)

    def window(self, first, last, carried, counts):
        """The loss of these steps, and the states behind them."""
        self.tensors.update((name, between(self.given[name], first, last)) for name in self.module.over_time if name in self.given)
        got = self.interpret({**self.tensors, **carried}, "--function=loss_and_gradient", f"--steps={last - first}", f"--first-step={first}")
        self.tensors.update((name, entry(got[name])) for name in self.module.buffers if name in got)
        for numbers, names in self.module.groups():
            self.update(numbers, names, [value for name in names for value in got["grad." + name].numbers], counts)
        return got["loss"].numbers[0], {name: entry(got[name]) for name in self.module.states if name in got}

    def update(self, numbers, names, gradient, counts):
        """Parameters of these names, behind each other; `numbers` are those of their group."""
        kind = self.tensors[names[0]][0]
        count = len(gradient)
        moments = self.moments.setdefault(names[0], {name: [0.0] * count for name in self.module.moments})
        after = self.interpret({"p": (kind, [count], [value for name in names for value in self.tensors[name][2]]), "g": (kind, [count], gradient),
                                **{name: (kind, [count], values) for name, values in moments.items()},
                                **{name: ("F64", [], [value]) for name, value in numbers.items()},
                                **{name: ("I64", [], [value]) for name, value in counts.items()}}, "--function=update", "--each")
        self.moments[names[0]] = {name: after[name].numbers for name in self.module.moments}
        moved = iter(after["p"].numbers)
        for name in names:
            self.tensors[name] = (kind, self.tensors[name][1], [next(moved) for _ in self.tensors[name][2]])


def train(bin, path, given, steps, calls, scratch):
    """What `snn-run --steps-of-training=CALLS` writes: parameters and buffers as (type, shape, numbers), and the list "losses". `path` is the
    text of the stage bptt, `given` the file that snn-run gets, `steps` those of a call."""
    training = Training(bin, path, given, scratch)
    firsts = range(0, steps, training.module.window or steps)
    losses = []
    for call in range(calls):
        loss, carried = 0.0, {}
        for number, first in enumerate(firsts):
            counts = {"update": call * len(firsts) + number + 1, "updates": calls * len(firsts), "epoch": 0, "epochs": 1}
            last = min(first + firsts.step, steps)
            part, carried = training.window(first, last, carried, counts)
            loss += part * ((last - first) / steps)
        losses.append(loss)
    return {name: training.tensors[name] for name in [*training.module.parameters, *training.module.buffers]}, losses
