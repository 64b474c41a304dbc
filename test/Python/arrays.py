# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What models take: arrays of any strides, types and makers; and what they refuse, in words, with nothing changed."""

import threading
import warnings

import numpy as np
import torch

import snnc
import support

SERIES = "snn 1\nmodel series {\n  input f32[6] over time\n  steps 5\n  linear 4\n  leaky(beta = 0.5)\n}\n"


def test_strides_and_makers():
    model = snnc.compile(SERIES)
    x = np.random.default_rng(0).standard_normal((5, 3, 6)).astype(np.float32) * 3
    expected = model(x)
    assert expected.shape == (5, 3, 4) and expected.any() and not expected.all()
    wide = np.zeros((10, 6, 12), np.float32)
    wide[::2, ::2, ::2] = x
    readonly = x.copy()
    readonly.flags.writeable = False
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    by_sample = np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)
    for name, view in {"gaps": wide[::2, ::2, ::2], "readonly": readonly, "backwards": backwards, "by sample": by_sample,
                       "Fortran": np.asfortranarray(x), "list": x.tolist(), "f64": x.astype(np.float64),
                       "torch": torch.from_numpy(x), "leaf": torch.from_numpy(x).requires_grad_(),
                       "turned": torch.from_numpy(by_sample.swapaxes(0, 1)).transpose(0, 1),
                       "foreign": Foreign(x), "foreign order": x.astype(">f4")}.items():
        support.same_bits(model(view), expected, name)
    one = np.broadcast_to(x[:1], (5, 3, 6))
    support.same_bits(model(one), model(one.copy()), "strides of 0")


class Foreign:
    """Something that speaks DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_types():
    model = support.population()
    x, _ = support.random_images(4)
    expected = model(x)
    support.same_bits(model(x[:, 0]), expected, "without the axis of channels")
    support.same_bits(model(x.astype(np.int64)), expected, "integers")
    with support.raises(TypeError, "\"input\"", "u8", "float32", "divided in the model"):
        model(x.astype(np.float32))
    with support.raises(ValueError, "values that u8 can hold"):
        model(x.astype(np.int64) + 1000)
    with support.raises(ValueError, "\"input\"", "[B, 1, 28, 28]", "[4, 1, 28, 27]"):
        model(x[..., :27])
    with support.raises(TypeError, "\"input\"", "complex"):
        model(x.astype(complex))
    with support.raises(TypeError, "\"input\"", "Float8"):
        model(torch.zeros(4, 1, 28, 28, dtype=torch.float8_e5m2))
    with support.raises(TypeError, "\"input\"", "masked", ".filled("):
        model(np.ma.masked_array(x, mask=x > 100))
    support.same_bits(model(np.ma.masked_array(x)), expected, "nothing is masked")
    with support.raises(TypeError, "sample_ids", "i64", "float64"):
        model(x, sample_ids=np.arange(4) + 0.5)
    with support.raises(TypeError, "\"input\"", "found one on meta"):
        model(torch.zeros(4, 1, 28, 28, device="meta"))
    with support.raises(ValueError, "there are no samples"):
        model(x[:0])
    series = snnc.compile(SERIES)
    with support.raises(ValueError, "there are no time steps"):
        series(np.zeros((0, 1, 6)))
    records = np.zeros((5, 2), [("a", "i1"), ("x", "f4", (6,))])
    records["x"] = np.random.default_rng(0).random((5, 2, 6))
    support.same_bits(series(records["x"]), series(records["x"].copy()), "a field of packed records")
    halves = torch.randn(5, 2, 6).bfloat16()
    support.same_bits(series(halves), series(halves.float()), "bfloat16")


def whole_number(model, name, number):
    """Gives the number to whom it concerns."""
    if name == "seed":
        model.initialize(number)
    elif name == "threads":
        snnc.compile(SERIES, threads=number)
    elif name == "steps":
        model.run(np.zeros((5, 1, 6)), steps=number)
    else:
        model.fit(np.zeros((5, 1, 6)), [0], **{"epochs": 1, name: number}, progress=False)


def test_refusals_change_nothing():
    model = support.population()
    x, y = support.random_images(4)
    before = model.state_dict()
    with support.raises(snnc.ModelError, "row 2 of the batch has label 10, expected 0 to 9"):
        model.train_step(x, [0, 1, 10, 2])
    with support.raises(ValueError, "[3, 4] samples"):
        model.train_step(x, y[:3])
    with support.raises(TypeError, "labels", "float64"):
        model.train_step(x, y.astype(float))
    with support.raises(KeyError, "no output 'spike'", "spikes"):
        model.run(x, ("spike",))
    with support.raises(ValueError, "lr is -1", "at least 0"):
        model.hyper["lr"] = -1
    with support.raises(TypeError, "lr: expected a number, found '1e-3'"):
        model.hyper["lr"] = "1e-3"
    with support.raises(KeyError, "no number 'rate'", "lr"):
        model.hyper["rate"] = 1
    state = model.run(x, ("state",))["state"]
    for call in (model.step, lambda x, state: model.run(x, state=state)):
        with support.raises(TypeError, "state: expected what a call before has returned", "found dict"):
            call(x, {})
    with support.raises(ValueError, "the state is of 4 samples", "the call has 3"):
        model.step(x[:3], state)
    other = snnc.compile(SERIES)
    with support.raises(ValueError, "state"):
        other.run(np.zeros((5, 4, 6)), state=state)
    with support.raises(snnc.ModelError, "NaN"):
        other(np.full((5, 1, 6), np.nan))
    with support.raises(ValueError, "[5, 7] time steps"):
        other(np.zeros((7, 1, 6)), steps=5)
    with support.raises(snnc.ModelError, "does not run 7 time steps, expected 5"):
        other(np.zeros((7, 1, 6)))
    for output in ("grad.input", "metric.accuracy"):
        with support.raises(KeyError, f"no output '{output}'"):
            other.run(np.zeros((5, 1, 6)), (output,))
    for name, number in (("steps", 5.5), ("steps", "5"), ("batch", 2.5), ("epochs", 1.5), ("seed", None), ("threads", 1.5)):
        with support.raises(TypeError, f"{name}: expected a whole number, found {number!r}"):
            whole_number(other, name, number)
    for name, number in (("steps", 0), ("steps", 2**40), ("batch", 0), ("epochs", -1), ("seed", -1), ("seed", 2**64), ("threads", 0)):
        with support.raises(ValueError, f"{name}: expected", f"found {number}"):
            whole_number(other, name, number)
    wide, deep = (snnc.compile(f"snn 1\nmodel m {{ input f32[6]\n steps 5\n linear {a}\n leaky\n linear {b}\n leaky }}") for a, b in ((4, 8), (8, 4)))
    with support.raises(ValueError, "the state is of 1 samples of 1.mem [4], 3.mem [8]; the call has 1 samples of 1.mem [8], 3.mem [4]"):
        deep.step(np.zeros((1, 6)), wide.step(np.zeros((1, 6)))[1])
    with support.raises(ValueError, "mode: expected \"train\", \"infer\" or \"tune\", found 'stream'"):
        snnc.compile(SERIES, mode="stream")
    infer = snnc.compile(SERIES, mode="infer")
    with support.raises(snnc.ModelError, "without"):
        infer.train_step(np.zeros((5, 1, 6)), [0])
    support.same_bits(infer(np.ones((5, 1, 6))), other(np.ones((5, 1, 6))), "infer")
    for name, array in model.state_dict().items():
        support.same_bits(array, before[name], name)


def test_compile_errors():
    with support.raises(snnc.CompileError, "<stdin>:6:3: error: unknown layer 'leky'; did you mean 'leaky'?", "  leky\n  ^~~~"):
        snnc.compile(SERIES.replace("leaky(beta = 0.5)", "leky"))
    with support.folder() as scratch:
        path = scratch / "broken.snn"
        path.write_text(SERIES.replace("linear 4", "linear 0"))
        with support.raises(snnc.CompileError, f"{path}:5:10: error:", "^"):
            snnc.compile(path)
        with support.raises(FileNotFoundError, "absent.snn"):
            snnc.compile(scratch / "absent.snn")
    with support.raises(snnc.CompileError, "--precision", "f16"):
        snnc.compile(SERIES, precision="f16")
    with support.raises(snnc.CompileError, "hidden"):
        snnc.compile(SERIES, hidden=3)
    with support.raises(TypeError, "param hidden", "list"):
        support.population(hidden=[3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        snnc.compile(SERIES, memory_limit="900MiB")  # of which the compiler notes that it is kept
    assert support.population(hidden=16).parameters["1.weight"].shape == (16, 784)
    assert "core.contract" in support.population().emit("bptt")


def test_weights():
    model = support.population(seed=1)
    with support.folder() as scratch:
        model.save(scratch / "weights.safetensors")
        other = support.population(seed=2)
        other.load(scratch / "weights.safetensors")
        for name, array in model.state_dict().items():
            support.same_bits(other.state_dict()[name], array, name)
        before = other.state_dict()
        larger = support.population(hidden=16)
        with support.raises(ValueError, "weights.safetensors", "1.weight", "[128, 784], expected [16, 784]", "another model"):
            larger.load(scratch / "weights.safetensors")
        tensors = model.state_dict()
        for change, parts in (({"3.bias": None}, ('no tensor "3.bias"',)), ({"5.bias": np.zeros(3)}, ('"5.bias"',)),
                              ({"3.bias": np.full(500, np.inf)}, ('"3.bias"', "value inf", "expected finite numbers")),
                              ({"3.bias": np.zeros(500, np.float16)}, ("dtype float16, expected F32 or F64",)),
                              ({"2.beta": np.float32(0.5)}, ('"2.beta" is 0.5, but 0.9 is compiled',))):
            with support.raises(ValueError, *parts):
                other.load_state_dict({n: a for n, a in {**tensors, **change}.items() if a is not None})
        with support.raises(TypeError, "expected a dictionary of arrays by name, found NoneType"):
            other.load_state_dict(None)
        data = (scratch / "weights.safetensors").read_bytes()
        for cut in range(0, 100):
            (scratch / "cut.safetensors").write_bytes(data[:len(data) * cut // 100])
            with support.raises(snnc.FileError, "cut.safetensors"):
                other.load(scratch / "cut.safetensors")
        for name, array in other.state_dict().items():
            support.same_bits(array, before[name], name)


def test_threads():
    """Models and threads of Python at once, each with its own results."""
    x, _ = support.random_images(64)
    shared, results = support.population(), {}
    own = [shared.copy() for _ in range(4)]
    expected = shared(x)

    def work(number):
        results[number] = [own[number](x) if turn % 2 else shared(x) for turn in range(20)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for found in results.values():
        for spikes in found:
            support.same_bits(spikes, expected, "from a thread")
    support.same_bits(support.population(threads=1)(x), expected, "one thread")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
