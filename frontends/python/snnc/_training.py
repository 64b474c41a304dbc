# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Epochs of training and evaluation: what runtime/train/Trainer.cpp does for files, for arrays."""

import collections.abc
import math
import numbers

import numpy as np

from . import _arrays, _runtime

METRIC = "metric."


class Means:
    """Means over samples of numbers that are means over batches."""

    def __init__(self):
        self.samples, self.sums = 0, {}

    def add(self, numbers, samples):
        for name, number in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + number * samples
        self.samples += samples

    def result(self):
        return {name: total / self.samples for name, total in self.sums.items()}


class Samples:
    """Arrays of a data set; batches are gathered from them by row."""

    def __init__(self, model, x, y):
        self.model = model
        self.arrays, self.axes = [], []
        for tensor, value in zip(model.library.inputs, [x, *(model._targets(y) if y is not None else [])]):
            array = _arrays.fit(_arrays.as_numpy(value, tensor.name), tensor.shape, f"input \"{tensor.name}\"")
            self.arrays.append(array)
            self.axes.append(tensor.shape.index("B"))
        counts = {array.shape[axis] for array, axis in zip(self.arrays, self.axes)}
        if len(counts) != 1:
            raise ValueError(f"the arrays have {' and '.join(map(str, sorted(counts)))} samples, expected as many in each")
        self.count = counts.pop()
        if self.count == 0:
            raise ValueError("there are no samples")

    def call(self, rows, steps):
        """The call of these samples, whose numbers are their places."""
        taken = [np.take(array, rows, axis=axis) for array, axis in zip(self.arrays, self.axes)]
        targets = {tensor.name: array for tensor, array in zip(self.model.library.inputs[1:], taken[1:])}
        return self.model._prepare(taken[0], targets if len(taken) > 1 else None, steps=steps, sample_ids=rows)


def _metrics(model):
    return [tensor.name for tensor in model.library.outputs if not tensor.shape]


def _named(model, results):
    return {name.removeprefix(METRIC): float(results[model._places[name]]) for name in _metrics(model)}


def train_step(model, call, *, updates=None, epochs=None):
    """One batch: an update for each window of time. Returns loss and metrics, means over the windows. All updates or none.

    `updates`, `epochs`: of the training, 0 if nobody knows; None: what `Model.set_training` has said.
    """
    with model._updating:
        window = model.library.window or call.steps
        if call.steps <= window:
            results = model._outputs(_metrics(model), call)
            loss = model._call("train_step", call, outputs=results, updates=updates, epochs=epochs)
            model.updates += 1
            return loss, _named(model, results)
        spans = model._values()["spans"]
        before, count = [span.copy() for span in spans], model.updates
        try:
            return _windows(model, call, window, updates, epochs)
        except BaseException:
            for span, values in zip(spans, before):
                span[:] = values
            model.updates = count
            raise


def _windows(model, call, window, updates, epochs):
    means, state = {}, None
    for first in range(0, call.steps, window):
        part = type(call)([array[first:first + window] if array is not None and tensor.shape[0] == "T" else array
                           for tensor, array in zip(model.library.inputs, call.inputs)],
                          call.batch, min(window, call.steps - first), call.sample_ids)
        results = model._outputs(_metrics(model), part)
        behind = model._state_behind(part, state)
        try:
            loss = model._call("train_step", part, outputs=results, state=state, state_out=behind, updates=updates,
                               epochs=epochs)
        except _runtime.ModelError as error:
            raise _runtime.ModelError(f"in the window of {part.steps} steps that begins at step {first}: {error}") from None
        model.updates += 1
        state = behind
        for name, number in {"loss": loss, **_named(model, results)}.items():
            means[name] = means.get(name, 0.0) + number * (part.steps / call.steps)
    return means.pop("loss"), means


def _batches(count, size):
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]


def _size(model, batch):
    return model.library.default_batch if batch is None else _arrays.whole(batch, "batch", 1)


def _has_classes(model):
    labels = [tensor for tensor in model.library.inputs[1:] if tensor.name == "labels" and tensor.dtype == "i64"]
    return "count" in model._places and bool(labels) and len(labels[0].shape) == 1


def predict(model, x, steps, batch):
    samples = Samples(model, x, None)
    classes = []
    for rows in _batches(samples.count, _size(model, batch)):
        call = samples.call(np.arange(rows.start, rows.stop), steps)
        results = model._outputs(("count",), call)
        model._call("forward", call, outputs=results, epoch=0)
        classes.append(results[model._places["count"]].argmax(axis=1))
    return np.concatenate(classes)


def evaluate(model, x, y, steps, batch):
    samples = Samples(model, x, y)
    return _evaluate(model, [samples.call(np.arange(rows.start, rows.stop), steps)
                             for rows in _batches(samples.count, _size(model, batch))])


def _evaluate(model, calls):
    means, classes = Means(), _has_classes(model)
    for call in calls:
        results = model._outputs([*_metrics(model), *(["count"] if classes else [])], call)
        loss = model._call("evaluate", call, outputs=results, epoch=0)
        found = {"loss": loss, **_named(model, results)}
        if classes:
            right = results[model._places["count"]].argmax(axis=1) == _labels(model, call)
            found["accuracy"] = float(np.count_nonzero(right)) / call.batch
        means.add(found, call.batch)
    return means.result()


def _labels(model, call):
    return next(array for tensor, array in zip(model.library.inputs, call.inputs) if tensor.name == "labels")


def _shares(model, x, y, validation):
    """Rows for training, and calls for validation, which are made anew in each epoch."""
    samples = Samples(model, x, y)
    rows = np.arange(samples.count)
    if validation is None:
        return samples, rows, None
    if isinstance(validation, (tuple, list)):
        return samples, rows, _pair(model, validation)
    is_share = isinstance(validation, numbers.Real) and 0 < validation < 1
    count = round(samples.count * validation) if is_share else 0
    if not 0 < count < samples.count:
        raise ValueError(f"validation: expected a pair (x, y) or a share of {samples.count} samples between 0 and 1, "
                         f"found {validation!r}")
    held = np.sort(_runtime.held_out(model.seed, samples.count, count))
    return samples, np.setdiff1d(rows, held), (samples, held)


def _pair(model, validation):
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ValueError("validation: expected a pair (x, y) beside something that gives batches, found "
                         f"{type(validation).__name__}")
    return Samples(model, *validation), None


class _Loader:
    """Batches that somebody else makes."""

    def __init__(self, model, batches, steps, epochs):
        is_array = isinstance(batches, np.ndarray) or hasattr(batches, "__dlpack__")
        if not isinstance(batches, collections.abc.Iterable) or is_array:
            raise TypeError("expected samples and targets, or something that gives batches (x, y)")
        if epochs > 1 and isinstance(batches, collections.abc.Iterator):
            raise ValueError(f"expected something that gives batches in each of {epochs} epochs, such as a list or a DataLoader, "
                             f"found {type(batches).__name__}, which gives them once")
        self.model, self.batches, self.steps = model, batches, steps

    def __len__(self):
        return len(self.batches) if hasattr(self.batches, "__len__") else 0

    def calls(self, epoch):
        for number, batch in enumerate(self.batches):
            if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                raise TypeError(f"batch {number}: expected a pair (x, y), found {type(batch).__name__}")
            call = self.model._prepare(*batch, steps=self.steps)
            call.sample_ids = np.arange(call.batch, dtype=np.int64) + (number << 24)
            yield call


class _Shuffled:
    """Batches of arrays, in the order that snn-train would take."""

    def __init__(self, model, samples, rows, size, steps, shuffle):
        self.model, self.samples, self.rows, self.size, self.steps, self.shuffle = model, samples, rows, size, steps, shuffle

    def __len__(self):
        return -(-len(self.rows) // self.size)

    def calls(self, epoch):
        rows = self.rows
        if self.shuffle:
            rows = rows[_runtime.shuffled_order(self.model.seed, epoch, len(rows))]
        for part in _batches(len(rows), self.size):
            yield self.samples.call(rows[part], self.steps)


def fit(model, x, y, *, epochs, batch, validation, steps, shuffle, progress):
    epochs = model.library.default_epochs if epochs is None else _arrays.whole(epochs, "epochs", 0)
    held = None
    if y is None:
        if batch is not None or shuffle is not None:
            raise TypeError("batch and shuffle are of samples and targets; what gives batches has made them")
        source = _Loader(model, x, steps, epochs)
        if validation is not None:
            held = _pair(model, validation)
    else:
        samples, rows, held = _shares(model, x, y, validation)
        source = _Shuffled(model, samples, rows, _size(model, batch), steps, shuffle is not False)
    if held is not None:
        for _ in _held_calls(held, _size(model, batch), steps):  # what does not fit is said before anything has changed
            pass
    before, last = model.updates, model.epoch + epochs  # a training that was begun goes on
    history = []
    for epoch in range(model.epoch, last):
        means = Means()
        with _bar(progress, epoch, last, len(source)) as bar:
            for call in source.calls(epoch):
                windows = -(-call.steps // model.library.window) if model.library.window else 1
                updates = before + epochs * len(source) * windows if len(source) else 0
                loss, metrics = train_step(model, call, updates=updates, epochs=last)
                if not math.isfinite(loss):
                    raise ValueError(f"the loss became {loss} in epoch {epoch}; a smaller learning rate may help")
                means.add({"loss": loss, **metrics}, call.batch)
                bar.update(1)
                bar.set_postfix({name: f"{number:.4g}" for name, number in means.result().items()}, refresh=False)
            if not means.samples:
                raise ValueError(f"there was no batch in epoch {epoch}")
            measured = {"epoch": epoch, **means.result()}
            if held is not None:
                found = _evaluate(model, _held_calls(held, _size(model, batch), steps))
                measured.update({f"validation_{name}": number for name, number in found.items()})
                bar.set_postfix({name: f"{number:.4g}" for name, number in measured.items() if name != "epoch"})
        history.append(measured)
        model.epoch = epoch + 1
    return history


def _held_calls(held, size, steps):
    samples, rows = held
    rows = np.arange(samples.count) if rows is None else rows
    return (samples.call(rows[part], steps) for part in _batches(len(rows), size))


class _NoBar:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, count):
        pass

    def set_postfix(self, numbers, refresh=True):
        pass


def _bar(progress, epoch, epochs, batches):
    if not progress:
        return _NoBar()
    from tqdm.auto import tqdm

    return tqdm(total=batches or None, desc=f"epoch {epoch + 1}/{epochs}", unit="batch")
