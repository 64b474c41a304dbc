# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models for NumPy: calls, parameters, training."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Union

import numpy as np
from numpy.typing import ArrayLike

from . import _arrays, _compiler, _runtime, _training, _weights, cache
from ._values import Hypers, State, StateTensor, Tensors, expect_state

Number = Union[int, float, str]  # of a param; text stands in place of a number as it does after -D
Targets = Union[ArrayLike, Mapping[str, ArrayLike]]


def compile(source: str | os.PathLike, /, *, mode: str = "train", precision: str = "f32", target: str | None = None,
            memory_limit: str | None = None, threads: int | None = None, seed: int = 0, cached: bool = True,
            defines: Mapping[str, Number] | None = None, **params: Number) -> Model:
    """Compiles a model and returns it with its initial parameters.

    Args:
        source: the path of a `.snn` file, or a text (a str with more than one line).
        mode: "train"; "infer": without backward pass and update; or "tune": trains the network as it infers, so that running
            statistics stay as they are and nothing is dropped.
        precision: "f32", or "f64" for checking.
        target: None for this machine, or names as `snnc --target-cpu` takes them.
        memory_limit: what a call of the model's batch may take, such as "64MiB"; see `snnc --help`.
        threads: how many work on a call; None: as many as this process has CPUs. The results are the same bits.
        seed: of the initial parameters and of the model's random numbers.
        cached: whether the compiled model is kept for the next time (see `snnc.cache`).
        params: values for the model's `param` lines. One that has the name of an argument above goes into the
            dictionary `defines`.

    Raises:
        CompileError: with the compiler's diagnostics, each with its place and a caret.
        OSError: the file cannot be read.
        ValueError: `mode` is another one; a streaming build is no library that could be loaded.
    """
    if mode not in ("train", "infer", "tune"):
        raise ValueError(f"mode: expected \"train\", \"infer\" or \"tune\", found {mode!r}")
    text = _compiler.Source.of(source)
    values = {**(defines or {}), **params}
    options = _compiler.Options(tuple((name, _compiler.number(name, value)) for name, value in sorted(values.items())),
                                mode, precision, target, memory_limit)
    return Model(_open(text, options, cached), text, options, threads=threads, seed=seed)


def _open(source, options, cached):
    """The library of this text, compiled or from the cache."""
    def make(path):
        _compiler.run(source, options, ["-o", path])

    key = hashlib.sha256()
    for part in (_compiler.identity(), *options.flags()):
        key.update(part.encode() + b"\0")
    key.update(source.encoded())
    if cached:
        return cache.obtain(key.hexdigest(), make, _runtime.Library)
    with tempfile.TemporaryDirectory(prefix="snnc-") as folder:
        make(f"{folder}/model.so")
        return _runtime.Library(f"{folder}/model.so")


@functools.lru_cache(maxsize=None)
def own_threads(count):
    """Of the runtime; one team for each number: models that are called at the same time share its workers."""
    return _runtime.Threads.own(count)


class Model:
    """A compiled network with its parameters; `snnc.compile` makes one.

    Inputs are [sample, ...], or [time, sample, ...] where the model's text says `over time`; outputs are
    [time, sample, ...]. Calls from several threads wait for each other; copies do not share anything that changes.

    Attributes:
        parameters, buffers: arrays by name, views of what the next call reads.
        gradients: of the parameters, as `loss_and_gradient` and `backward` leave them.
        hyper: numbers of the loss and the optimizer, such as `hyper["lr"]`.
        updates: how many updates have been made.
        epoch, seed: random numbers of a call depend on these two, and on `sample_ids` (in `evaluate` and `predict`, as in
            snn-eval, `epoch` counts as 0). `fit` counts epochs on.
    """

    def __init__(self, library, source, options, *, threads=None, seed=0):
        if threads is not None:
            threads = _arrays.whole(threads, "threads", 1)
        self.library = library
        self.source = source.text
        self._source, self._options = source, options
        self.workers = None if threads == 1 else own_threads(threads or 0)
        self._arena = _runtime.Arena()
        self._length = 0, 0  # of the training: updates and epochs, or 0
        self._updating = threading.Lock()  # of counting updates: two calls do not make the same one
        self._places = {tensor.name: place for place, tensor in enumerate(library.outputs)}
        self._states = {tensor.name: StateTensor(tensor.dtype, tensor.shape, tensor.strides, tensor.offset)
                        for tensor in library.states}
        self._parameters, self._gradients, self._optimizer, self._buffers = (
            _runtime.allocate(size) for size in (library.parameter_bytes, library.parameter_bytes if library.trains else 0,
                                                 library.optimizer_bytes, library.buffer_bytes))
        self.parameters = Tensors(self._parameters, library.parameters)
        self.gradients = Tensors(self._gradients, library.parameters if library.trains else ())
        self.buffers = Tensors(self._buffers, library.buffers)
        self.hyper = Hypers(library.hyper)
        self.initialize(seed)

    @property
    def name(self) -> str:
        """The model's name in its text."""
        return self.library.name

    @property
    def steps(self) -> int | None:
        """The number of time steps, or None if each call says it."""
        return self.library.steps if self.library.steps > 0 else None

    @property
    def classes(self) -> int:
        return self.library.classes

    @property
    def threads(self) -> int:
        return 1 if self.workers is None else self.workers.workers

    def __repr__(self):
        inputs = ", ".join(map(repr, self.library.inputs[:1]))
        return f"<snnc.Model {self.name}: {inputs}, {len(self.parameters)} parameters, {self.library.target}>"

    def initialize(self, seed: int = 0) -> None:
        """Draws the parameters anew (PyTorch's default distributions, a function of the seed alone) and forgets the
        training. The seed is also that of the model's random numbers."""
        seed = _arrays.whole(seed, "seed", 0, 2**64 - 1)
        self.library.initial(seed, self._parameters, self._buffers)
        self.seed = seed
        self.epoch = 0
        self.updates = 0
        self._optimizer[:] = 0

    def copy(self) -> Model:
        """Another model with the same values, which may be used at the same time."""
        other = Model(self.library, self._source, self._options, threads=self.threads, seed=self.seed)
        other.workers = self.workers
        other._restore(self._values())
        return other

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def _tuned(self):
        """The same text, compiled so that gradients are of the network as it infers; it has values of its own."""
        options = dataclasses.replace(self._options, mode="tune")
        return Model(_open(self._source, options, cached=True), self._source, options, threads=self.threads, seed=self.seed)

    def _values(self):
        """All that changes: spans, numbers, counters."""
        return {"spans": [self._parameters, self._gradients, self._optimizer, self._buffers],
                "hyper": self.hyper.values_array, "seed": self.seed, "epoch": self.epoch, "updates": self.updates, "length": self._length}

    def _restore(self, values):
        for own, given in zip(self._values()["spans"], values["spans"]):
            own[:] = given
        self.hyper.values_array[:] = values["hyper"]
        self.seed, self.epoch, self.updates = values["seed"], values["epoch"], values["updates"]
        self._length = values.get("length", (0, 0))

    def __getstate__(self):
        return {"source": self._source, "options": self._options, "threads": self.threads, **self._values()}

    def __setstate__(self, state):
        """Compiles the text again, or takes it from the cache: a file never brings code."""
        library = _open(state["source"], state["options"], cached=True)
        self.__init__(library, state["source"], state["options"], threads=state["threads"])
        self._restore(state)

    # Calls

    def __call__(self, x: ArrayLike, *, steps: int | None = None, sample_ids: ArrayLike | None = None) -> np.ndarray:
        """Runs the network from rest; returns the last layer's spikes, [time, sample, neuron]."""
        return self.run(x, ("spikes",), steps=steps, sample_ids=sample_ids)["spikes"]

    def run(self, x: ArrayLike, outputs: Sequence[str] = ("spikes", "membrane"), *, steps: int | None = None,
            state: State | None = None, sample_ids: ArrayLike | None = None) -> dict[str, np.ndarray | State]:
        """Runs the network and returns the outputs of these names, as a dictionary of arrays.

        There are "spikes", "membrane", "count" [sample, class], and of the other layers of neurons "hidden.NAME" and
        "hidden_membrane.NAME". From rest, or from a `state`, which is left as it is; "state" among the outputs is that
        behind the last step.
        """
        expect_state(state)
        wanted = [name for name in outputs if name != "state"]
        call = self._prepare(x, steps=steps, sample_ids=sample_ids)
        results = self._outputs(wanted, call, of_forward=True)
        behind = self._state_behind(call, state) if "state" in outputs else None
        self._call("forward", call, outputs=results, state=state, state_out=behind)
        found = {name: results[self._places[name]] for name in wanted}
        return {**found, "state": behind} if behind is not None else found

    def spikes(self, x: ArrayLike, *, steps: int | None = None,
               sample_ids: ArrayLike | None = None) -> dict[str, np.ndarray]:
        """The spikes of all layers of neurons, by name: [time, sample, ...]; the last layer's are "spikes"."""
        names = [name for name in self._places if name == "spikes" or name.startswith("hidden.")]
        found = self.run(x, names, steps=steps, sample_ids=sample_ids)
        return {name.removeprefix("hidden."): array for name, array in found.items()}

    def step(self, x: ArrayLike, state: State | None = None) -> tuple[np.ndarray, State]:
        """One time step: returns the spikes, [sample, neuron], and the state behind it. As many steps give the bits
        of one run, but for neurons that read `steps` where the text says `steps ?`: a step is a call of one. `x` is
        [sample, ...], and `state` what the step before has returned, or None at rest."""
        expect_state(state)
        call = self._prepare(x, single=True)
        results = self._outputs(("spikes",), call)
        behind = self._state_behind(call, state)
        self._call("step", call, outputs=results, state=state, state_out=behind)
        return results[self._places["spikes"]][0], behind

    def predict(self, x: ArrayLike, *, steps: int | None = None, batch: int | None = None) -> np.ndarray:
        """The class of each sample: that with the largest count of spikes, the first of equal ones."""
        return _training.predict(self, x, steps, batch)

    def evaluate(self, x: ArrayLike, y: Targets, *, steps: int | None = None,
                 batch: int | None = None) -> dict[str, float]:
        """Loss, metrics and accuracy over samples, each from rest: a dictionary of numbers.

        `y` is the target, or a dictionary of the targets if the model declares several.
        """
        return _training.evaluate(self, x, y, steps, batch)

    # Training

    def loss_and_gradient(self, x: ArrayLike, y: Targets, *, steps: int | None = None,
                          sample_ids: ArrayLike | None = None) -> float:
        """The mean loss of the batch; leaves its gradient in `gradients`, clipped if the text says so, and updates running
        statistics."""
        return self._call("loss_and_gradient", self._prepare(x, y, steps=steps, sample_ids=sample_ids))

    def train_step(self, x: ArrayLike, y: Targets, *, steps: int | None = None,
                   sample_ids: ArrayLike | None = None) -> float:
        """One update of the parameters with the model's own loss and optimizer; returns the loss before it.

        A model that truncates backpropagation makes an update for each of its windows, and gives the mean.
        """
        return _training.train_step(self, self._prepare(x, y, steps=steps, sample_ids=sample_ids))[0]

    def set_training(self, *, updates: int = 0, epochs: int = 0) -> None:
        """How long the training is that `train_step` and `update` belong to, for schedules that depend on it (0: not known). `fit`
        counts its own batches and epochs."""
        self._length = _arrays.whole(updates, "updates", 0), _arrays.whole(epochs, "epochs", 0)

    def update(self) -> None:
        """An update with what stands in `gradients`."""
        with self._updating:
            self._call("update", _Call([None] * len(self.library.inputs), 1, 1))
            self.updates += 1

    def backward(self, x: ArrayLike, output_gradients: Mapping[str, ArrayLike], *, steps: int | None = None,
                 sample_ids: ArrayLike | None = None) -> np.ndarray | None:
        """For a loss of one's own: leaves in `gradients` those of the parameters, and returns that of the input (None if the
        input is bytes). `output_gradients` has the loss's derivatives by outputs, by name, of the outputs' shapes. The text's
        `clip` is not applied."""
        call = self._prepare(x, steps=steps, sample_ids=sample_ids)
        seeds = [None] * len(self._places)
        for name, gradient in output_gradients.items():
            place = self._place(name)
            array = _arrays.convert(_arrays.as_numpy(gradient, name), self.library.precision, name)
            seeds[place] = np.ascontiguousarray(array)
        results = self._outputs(("grad.input",) if "grad.input" in self._places else (), call)
        self._call("backward", call, outputs=results, output_gradients=seeds)
        return results[self._places["grad.input"]] if "grad.input" in self._places else None

    def fit(self, x: ArrayLike | Iterable, y: Targets | None = None, *, epochs: int | None = None, batch: int | None = None,
            validation: float | tuple[ArrayLike, Targets] | None = None, steps: int | None = None, shuffle: bool | None = None,
            progress: bool = True) -> list[dict[str, float]]:
        """Trains with the model's own loss and optimizer; returns a list with a dictionary of numbers for each epoch.

        The same seed, samples and batches give the parameters of `snn-train`, bit by bit. Another call goes on: it counts epochs
        and updates from where the one before has ended, so two calls of one epoch are one of two (but that a schedule ends with
        the epochs that its call knows of).

        Args:
            x, y: samples and targets; or `x` alone, something that gives batches (x, y) each time it is gone through,
                such as a DataLoader of PyTorch.
            epochs, batch: None: what the model's text says.
            validation: a pair (x, y), or the share of the samples to be put aside, such as 0.1.
            steps: time steps, for a model that leaves them open and an input that does not vary.
            shuffle: whether samples go in a new random order in each epoch; None: they do. Batches that are given are
                neither shuffled nor divided.
            progress: whether a bar of tqdm is shown.
        """
        return _training.fit(self, x, y, epochs=epochs, batch=batch, validation=validation, steps=steps, shuffle=shuffle,
                             progress=progress)

    # Parameters in files

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of parameters, buffers and compiled constants, under PyTorch's names and in its shapes."""
        return _weights.state_dict(self)

    def load_state_dict(self, tensors: Mapping[str, ArrayLike], strict: bool = True) -> None:
        """Takes parameters and buffers from arrays by name. ValueError if one is missing, does not fit or is not finite, if a
        constant differs from the compiled one, or, if `strict`, if there are others; then nothing has changed."""
        _weights.load_state_dict(self, tensors, strict, "the tensors")

    def save(self, path: str | os.PathLike) -> None:
        """Writes the `state_dict` as safetensors; the file is there whole or not at all. FileError."""
        _weights.save(self, path)

    def load(self, path: str | os.PathLike, strict: bool = True) -> None:
        """Reads what `save`, `snn-train` or safetensors' own functions wrote; see `load_state_dict`. FileError."""
        _weights.load(self, path, strict)

    def emit(self, stage: str) -> str | bytes:
        """The text of a stage of the compiler ("ast", "snn", "bptt", "loops", "cpu", "llvm", "asm", "header"), or the
        bytes of "obj" and "so"."""
        made = _compiler.run(self._source, self._options, [f"--emit={stage}", "-o", "-"])
        return made if stage in ("obj", "so") else made.decode("utf-8", errors="replace")

    # How calls are made

    def _place(self, name, of_forward=False):
        """Of an output, or KeyError. `of_forward`: of those that a run of the network gives, without a loss."""
        def is_beside(name):
            return of_forward and name.startswith(("grad.", _training.METRIC))
        if name not in self._places or is_beside(name):
            raise KeyError(f"model {self.name} has no output {name!r}{' of a run' if name in self._places else ''}; "
                           f"it has {', '.join(other for other in self._places if not is_beside(other))}")
        return self._places[name]

    def _targets(self, y):
        """The targets in the order of the table."""
        if not self.library.trains:
            raise _runtime.ModelError(f"{self.name}: the model was compiled without training (mode=\"infer\")")
        names = [tensor.name for tensor in self.library.inputs[1:]]
        if isinstance(y, Mapping):
            if set(y) != set(names):
                raise ValueError(f"expected the targets {', '.join(names)}, found {', '.join(map(str, y))}")
            return [y[name] for name in names]
        if len(names) != 1:
            raise ValueError(f"model {self.name} takes the targets {', '.join(names) or '(none)'}: give a dictionary")
        return [y]

    def _prepare(self, x, y=None, *, steps=None, sample_ids=None, single=False):
        """Arrays of the model's types, and how many samples and steps they are. `single`: [sample, ...] of one step."""
        values = [x, *(self._targets(y) if y is not None else [])]
        arrays = []
        for tensor, value in zip(self.library.inputs, values):
            what = f"input \"{tensor.name}\""
            array = _arrays.convert(_arrays.as_numpy(value, what), tensor.dtype, what)
            over_time = tensor.shape[0] == "T"
            array = _arrays.fit(array, tensor.shape[1:] if single and over_time else tensor.shape, what)
            arrays.append(array[None] if single and over_time else array)
        lengths = {array.shape[0] for tensor, array in zip(self.library.inputs, arrays) if tensor.shape[0] == "T"}
        if steps is not None:
            lengths.add(_arrays.whole(steps, "steps", 1, self.library.max_steps))
        if single:
            lengths = {1}
        elif not lengths:
            if self.steps is None:
                raise ValueError(f"model {self.name} takes 1 to {self.library.max_steps} time steps: say steps=")
            lengths.add(self.steps)
        batches = {array.shape[tensor.shape.index("B")] for tensor, array in zip(self.library.inputs, arrays)}
        if len(lengths) > 1 or len(batches) > 1:
            raise ValueError(f"inputs disagree: {sorted(batches)} samples, {sorted(lengths)} time steps")
        if 0 in batches or 0 in lengths:
            raise ValueError(f"there are no {'samples' if 0 in batches else 'time steps'}")
        ids = None
        if sample_ids is not None:
            ids = np.ascontiguousarray(_arrays.convert(_arrays.as_numpy(sample_ids, "sample_ids"), "i64", "sample_ids"))
        arrays += [None] * (len(self.library.inputs) - len(arrays))
        return _Call(arrays, batches.pop(), lengths.pop(), ids)

    def _outputs(self, names, call, of_forward=False):
        results = [None] * len(self._places)
        for name in names:
            place = self._place(name, of_forward)
            tensor = self.library.outputs[place]
            extents = {"T": call.steps, "B": call.batch}
            results[place] = np.empty([extents.get(e, e) for e in tensor.shape], _arrays.DTYPES[tensor.dtype])
        return results

    def _state_behind(self, call, state):
        steps = (state.steps if state is not None else 0) + call.steps
        return State(_runtime.allocate(call.batch * self.library.state_bytes), call.batch, steps, self._states)

    def _call(self, entry, call, *, outputs=None, output_gradients=None, state=None, state_out=None, updates=None, epochs=None,
              epoch=None, given=None, content=0, taken=None):
        if state is not None and (state.batch != call.batch or state.tensors != self._states
                                  or state.bytes.nbytes != call.batch * self.library.state_bytes):
            def text(batch, tensors):
                return f"{batch} samples of {', '.join(f'{name} {list(t.shape)}' for name, t in tensors.items()) or 'nothing'}"
            raise ValueError(f"the state is of {text(state.batch, state.tensors)}; the call has {text(call.batch, self._states)}")
        numbers = _runtime.Numbers(call.batch, call.steps, state.steps if state is not None else 0, self.updates + 1,
                                   self._length[0] if updates is None else updates, self.epoch if epoch is None else epoch,
                                   self._length[1] if epochs is None else epochs, self.seed)
        return self.library.call(
            _runtime.ENTRIES[entry], self._arena, self.workers, numbers, self._parameters,
            self._gradients if self.library.trains else None, self._optimizer, self._buffers,
            state.bytes if state is not None else None, state_out.bytes if state_out is not None else None,
            call.inputs, outputs, output_gradients, self.hyper.values_array, call.sample_ids, given, content, taken)


@dataclasses.dataclass
class _Call:
    inputs: list
    batch: int
    steps: int
    sample_ids: np.ndarray | None = None
