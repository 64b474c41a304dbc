# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fit trains as snn-train does, bit by bit; step is forward; evaluate and predict are what they say."""

import json
import pickle
import threading

import numpy as np
import torch

import snnc
import support

WINDOWS = """snn 1
model windows {
  input f32[6] over time
  steps ? <= 20
  linear 12
  rleaky(beta = learn 0.7)
  linear 4
  leaky(beta = 0.5)
}
train {
  loss ce_rate
  optimizer adam(lr = 1e-2)
  schedule cosine(warmup = 1)
  truncate 4
  batch 8
  epochs 3
}
"""


def test_as_snn_train():
    random = np.random.default_rng(3)
    x, y = random.standard_normal((50, 10, 6)).astype(np.float32) * 2, random.integers(0, 4, 50)
    for kind, text in (("plain", WINDOWS.replace("linear 12", "linear 64")),
                       ("noisy", WINDOWS.replace("linear 12", "linear 64\n  rate\n  linear 64"))):
        with support.folder() as scratch:
            (scratch / "windows.snn").write_text(text)
            np.savez(scratch / "data.npz", x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])
            support.tool("snn-train", scratch / "windows.snn", f"--data={scratch / 'data.npz'}", "--seed=7", "--validation=0.2",
                         f"--out={scratch / 'run'}", "--threads=1")
            expected = support.tensors(scratch / "run" / "weights.safetensors")
            lines = [json.loads(line) for line in (scratch / "run" / "metrics.jsonl").read_text().splitlines()]
            model = snnc.compile(scratch / "windows.snn", seed=7)
            history = model.fit(x.swapaxes(0, 1), y, validation=0.2, progress=False)
            model.load(scratch / "run" / "weights.safetensors")
        assert len({numbers["validation_loss"] for numbers in history}) > 1, history
        for name, array in model.state_dict().items():
            support.same_bits(array, expected[name].astype(array.dtype), f"{kind} {name}")
        for numbers, line in zip(history, lines):
            for name in ("loss", "accuracy"):
                found = numbers[f"validation_{name}"]
                assert found == line[f"validation_{name}"], (kind, name, numbers, line)
            assert numbers["loss"] == line["train_loss"], (kind, numbers, line)


def test_fit_goes_on():
    """Two calls of one epoch are one of two: order, masks of dropout, moments; evaluate says what it did before."""
    text = WINDOWS.replace("rleaky(beta = learn 0.7)", "rleaky(beta = learn 0.7)\n  dropout(p = 0.4)").replace(
        "schedule cosine(warmup = 1)\n", "")
    random = np.random.default_rng(3)
    x, y = random.standard_normal((10, 50, 6)).astype(np.float32), random.integers(0, 4, 50)
    model = snnc.compile(text)
    parts, fresh = model.copy(), model.copy()
    whole = model.fit(x, y, epochs=2, progress=False)
    found = [*parts.fit(x, y, epochs=1, progress=False), *parts.fit(x, y, epochs=1, progress=False)]
    assert found == whole and [numbers["epoch"] for numbers in found] == [0, 1] and parts.epoch == 2
    for name, array in model.state_dict().items():
        support.same_bits(parts.state_dict()[name], array, name)
    fresh.load_state_dict(model.state_dict())
    assert fresh.evaluate(x, y) == model.evaluate(x, y)


def test_batches_that_are_none():
    x, y = support.random_images(8)
    model = support.population(hidden=16)
    before = model.state_dict()
    with support.raises(ValueError, "each of 3 epochs", "generator", "once"):
        model.fit(((x, y) for _ in range(3)), epochs=3, progress=False)
    for option in ({"batch": 4}, {"shuffle": False}):
        with support.raises(TypeError, "batch and shuffle are of samples and targets"):
            model.fit([(x, y)], epochs=1, progress=False, **option)
    with support.raises(ValueError, "pair (x, y)", "float"):
        model.fit([(x, y)], epochs=1, validation=0.1, progress=False)
    with support.raises(ValueError, "pair (x, y) or a share", "'a'"):
        model.fit(x, y, epochs=1, validation="a", progress=False)
    with support.raises(TypeError, "expected samples and targets"):
        model.fit(torch.from_numpy(x), epochs=1, progress=False)
    with support.raises(TypeError, "batch 0", "pair (x, y)", "ndarray"):
        model.fit([x], epochs=1, progress=False)
    with support.raises(ValueError, "no batch in epoch 0"):
        model.fit([], epochs=1, progress=False)
    for name, array in model.state_dict().items():
        support.same_bits(array, before[name], name)
    assert len(model.fit(iter([(x, y)]), epochs=1, progress=False)) == 1


def test_step_is_forward():
    model = snnc.compile(WINDOWS, seed=1)
    x = np.random.default_rng(0).standard_normal((9, 3, 6)).astype(np.float32) * 4
    outputs, state = model.run(x, ("spikes", "state")), None
    for step in range(9):
        spikes, state = model.step(x[step], state)
        support.same_bits(spikes, outputs["spikes"][step], f"step {step}")
    assert state.steps == 9
    for name in state.keys():
        support.same_bits(np.array(state[name]), np.array(outputs["state"][name]), name)
    spikes = model.spikes(x)
    assert set(spikes) == {"spikes", "1"} and spikes["1"].shape == (9, 3, 12)


def test_batches_of_a_loader():
    x, y = support.random_images(300)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=64)
    model = support.population(hidden=16)
    twin = model.copy()
    first = model.fit(loader, epochs=2, progress=False)
    second = twin.fit(x, y, epochs=2, batch=64, shuffle=False, progress=False)
    assert [round(a["loss"], 9) for a in first] == [round(b["loss"], 9) for b in second]
    found = model.evaluate(x, y)
    assert found["accuracy"] == np.mean(model.predict(x) == y) and found["loss"] < first[0]["loss"]


def test_own_loss():
    """backward with the loss's own derivatives is loss_and_gradient."""
    model = support.population(hidden=16)
    x, y = support.random_images(8)
    model.loss_and_gradient(x, y)
    expected = {name: array.copy() for name, array in model.gradients.items()}
    spikes = model(x)
    count = spikes.sum(0).reshape(8, 10, 50).sum(2)
    target = np.where(np.arange(10) == y[:, None], 50, 0)
    derivative = np.repeat(2 * (count - target) / (8 * 10), 50, axis=1)[None].astype(np.float32)
    model.backward(x, {"spikes": derivative})
    for name, array in model.gradients.items():
        support.close(array, expected[name], 1e-6, name)
    model.backward(x, {"count": (2 * (count - target) / (8 * 10))})
    for name, array in model.gradients.items():
        support.close(array, expected[name], 1e-6, name)
    before = model.parameters["3.bias"].copy()
    model.update()
    assert model.updates == 1 and not np.array_equal(before, model.parameters["3.bias"])


def test_all_windows_or_none():
    """A window that is refused takes the updates of those before it back."""
    model = snnc.compile(WINDOWS.replace("  schedule cosine(warmup = 1)\n", ""), seed=1)
    x, y = np.random.default_rng(0).standard_normal((10, 3, 6)), np.arange(3)
    before, twin = model.state_dict(), model.copy()
    x[9, 2, 0] = np.nan
    with support.raises(snnc.ModelError, "window of 2 steps that begins at step 8", "row 2 of the batch has a NaN"):
        model.train_step(x, y)
    assert model.updates == 0
    for name, array in model.state_dict().items():
        support.same_bits(array, before[name], name)
    with support.raises(snnc.ModelError, "does not run 21 time steps, expected 1 to 20"):
        model(np.zeros((21, 3, 6)))
    pose = snnc.compile("snn 1\nmodel m { input f32[6]\n target pose f32[4]\n steps 3\n linear 4\n h: leaky }\ntrain { loss mse(h, pose) }")
    with support.raises(snnc.ModelError, "row 1 of the batch has a NaN or an infinity in its input or a target"):
        pose.train_step(np.zeros((2, 6)), [[0] * 4, [np.inf] * 4])
    x[9, 2, 0] = 0
    assert model.train_step(x, y) == twin.train_step(x, y) and model.updates == 3
    for name, array in model.state_dict().items():
        support.same_bits(array, twin.state_dict()[name], name)


class Unknown:
    """Batches whose number nobody knows."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def test_schedules_know_how_long():
    x, y = np.random.default_rng(0).standard_normal((4, 3, 6)).astype(np.float32), np.arange(3)
    one, other = (snnc.compile(WINDOWS, seed=1) for _ in range(2))
    with support.raises(snnc.ModelError, "how long the training is", "Model.set_training"):
        one.train_step(x, y)
    one.set_training(updates=6, epochs=2)
    one = pickle.loads(pickle.dumps(one.copy()))
    with support.raises(snnc.ModelError, "how long the training is"):
        one.copy().fit(Unknown([(x, y)] * 3), epochs=2, progress=False)  # which counts for itself
    for epoch in range(2):
        one.epoch = epoch
        for _ in range(3):
            one.train_step(x, y)
    other.fit([(x, y)] * 3, epochs=2, progress=False)
    for name, array in one.state_dict().items():
        support.same_bits(array, other.state_dict()[name], name)


def test_updates_of_several_threads():
    """Each counts once and is one more: with the same batch, in whatever order, they are those of a loop."""
    x, y = support.random_images(16)
    model, twin = support.population(), support.population()
    threads = [threading.Thread(target=lambda: [model.train_step(x, y) for _ in range(10)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(30):
        twin.train_step(x, y)
    assert model.updates == 30
    for name, array in model.state_dict().items():
        support.same_bits(array, twin.state_dict()[name], name)


def test_validation_is_looked_at_before():
    model = snnc.compile(WINDOWS, seed=1)
    x, y = np.random.default_rng(0).standard_normal((4, 8, 6)).astype(np.float32), np.arange(8) % 4
    before = model.state_dict()
    with support.raises(TypeError, "labels", "float64"):
        model.fit(x, y, validation=(x, y.astype(float)), progress=False)
    assert model.updates == 0 and model.epoch == 0
    for name, array in model.state_dict().items():
        support.same_bits(array, before[name], name)


def test_clip_is_of_the_own_loss():
    """What the text clips are gradients of its loss; backward, also PyTorch's, gives the gradient itself."""
    text = WINDOWS.replace("truncate 4", "CLIP")
    x, y = np.random.default_rng(0).standard_normal((9, 3, 6)).astype(np.float32) * 4, np.arange(3)
    plain, clipped = (snnc.compile(text.replace("CLIP", clip), seed=1) for clip in ("", "clip norm(0.01)"))
    plain.backward(x, {"membrane": np.ones((9, 3, 4))})
    expected, norms = {name: array.copy() for name, array in plain.gradients.items()}, []
    for model in (plain, clipped):
        model.backward(x, {"membrane": np.ones((9, 3, 4))})
        net = snnc.torch.Module(model, outputs="membrane")
        net(torch.from_numpy(x)).sum().backward()
        for name, array in model.gradients.items():
            support.close(array, expected[name], 1e-6, name)
            support.close(net.get_parameter(name).grad, array, 1e-6, f"{name} in PyTorch")
        model.loss_and_gradient(x, y)
        norms.append(np.sqrt(sum(float((array**2).sum()) for array in model.gradients.values())))
    assert norms[0] > 0.02 and abs(norms[1] - 0.01) < 1e-4, norms


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
