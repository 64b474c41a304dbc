"""The surrogates of the prelude: numbers of each, against the formula of snnTorch in plain Python, and against its own soft form.

usage: surrogates.py BIN FOLDER"""

import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tools"))
from tensor_files import read_tensors, run, write_tensors

BIN, FOLDER = sys.argv[1:]

# snntorch/surrogate.py: what a gradient is multiplied by at v = membrane - threshold.
FORMULAS = {
    "fast_sigmoid": lambda v: 1 / (25 * abs(v) + 1) ** 2,
    "atan": lambda v: 2 / 2 / (1 + (math.pi / 2 * 2 * v) ** 2),
    "sigmoid": lambda v: 25 * math.exp(-25 * v) / (math.exp(-25 * v) + 1) ** 2,
    "straight_through": lambda v: 1,
    "straight_through_estimator": lambda v: 1,
    "triangular": lambda v: 1 if v < 0 else -1,
    "heaviside": lambda v: 1 if v > 0 else 0,
    "spike_rate_escape": lambda v: 25 * math.exp(-1 * abs(v - 1)),
    "leaky_spike": lambda v: 1 if v > 0 else 0.1,
    "sparse_fast_sigmoid": lambda v: 1 / (25 * abs(v) + 1) ** 2 if v > 1 else 0,
}
RANDOM = "stochastic_spike"  # 1 above the threshold, else (a number from [0, 1) - 1 / 2) * 0.2; it has no soft form
# None is a kink of any of them (those are 0 and 1).
POINTS = [-3.0, -1.125, -0.5, -0.03125, 0.03125, 0.375, 0.75, 1.5, 4.0]
WIDTH = 2.0**-20


def interpret(module, function, inputs):
    write_tensors(f"{FOLDER}/in.safetensors", {name: ("F64", [len(v)], v) for name, v in inputs.items()})
    run(f"{BIN}/snn-interpret", module, f"--function={function}", f"--inputs={FOLDER}/in.safetensors",
        f"--outputs={FOLDER}/out.safetensors", "--wide")
    return {name: tensor.numbers for name, tensor in read_tensors(f"{FOLDER}/out.safetensors").items()}


def expect(name, what, got, want, tolerance):
    for v, x, y in zip(POINTS, got, want):
        if not abs(x - y) <= tolerance * max(1, abs(y)):
            sys.exit(f"{name}: {what} at {v} is {x!r}, expected {y!r}")


texts = {}
for form, flags in {"hard": [], "soft": ["--soft"]}.items():
    texts[form] = f"{FOLDER}/{form}.mlir"
    text = run(f"{BIN}/snn-definitions", "--core", "--wide", *flags)
    with open(texts[form], "w") as file:
        file.write(text)
    found = [line.split("(")[0].split(".")[-1] for line in text.splitlines() if "func.func @surrogate." in line]
    if sorted(found) != sorted([*FORMULAS, RANDOM]):
        sys.exit(f"the prelude has the surrogates {sorted(found)}, but this test knows {sorted(FORMULAS)}")

run(f"{BIN}/snn-opt", texts["hard"], f"--core-vjp=function=surrogate.{RANDOM}", "--core-resolve-vjps", "-o", f"{FOLDER}/vjp.mlir")
got = interpret(f"{FOLDER}/vjp.mlir", f"surrogate.{RANDOM}_vjp", {"v": POINTS, "seed.output": [1.0] * len(POINTS)})
drawn = [slope for v, slope in zip(POINTS, got["grad.v"]) if v <= 0]
if [slope for v, slope in zip(POINTS, got["grad.v"]) if v > 0] != [1] * (len(POINTS) - len(drawn)):
    sys.exit(f"{RANDOM}: not 1 above the threshold")
if len(set(drawn)) < len(drawn) or any(not -0.1 <= slope < 0.1 for slope in drawn):
    sys.exit(f"{RANDOM}: {drawn} are not different numbers from -0.1 to 0.1")

# In single precision, from the smallest number to the largest of either sign, no derivative overflows.
text = run(f"{BIN}/snn-definitions", "--core")
with open(f"{FOLDER}/single.mlir", "w") as file:
    file.write(text)
ENDS = [0.0] + [sign * factor * 2.0**k for k in range(-149, 128) for factor in (1, 2 - 2.0**-23) for sign in (1, -1) if k >= -126 or factor == 1]
for name in FORMULAS:
    run(f"{BIN}/snn-opt", f"{FOLDER}/single.mlir", f"--core-vjp=function=surrogate.{name}", "--core-resolve-vjps", "-o", f"{FOLDER}/vjp.mlir")
    write_tensors(f"{FOLDER}/in.safetensors", {key: ("F32", [len(ENDS)], v) for key, v in
                                               {"v": ENDS, "seed.output": [1.0] * len(ENDS)}.items()})
    run(f"{BIN}/snn-interpret", f"{FOLDER}/vjp.mlir", f"--function=surrogate.{name}_vjp", f"--inputs={FOLDER}/in.safetensors",
        f"--outputs={FOLDER}/out.safetensors")
    for v, slope in zip(ENDS, read_tensors(f"{FOLDER}/out.safetensors")["grad.v"].numbers):
        if not math.isfinite(slope):
            sys.exit(f"{name}: the derivative at {v} is {slope}")

seeds = [1 + 0.25 * i for i in range(len(POINTS))]
for name, formula in FORMULAS.items():
    run(f"{BIN}/snn-opt", texts["hard"], f"--core-vjp=function=surrogate.{name}", "--core-resolve-vjps", "-o",
        f"{FOLDER}/vjp.mlir")
    got = interpret(f"{FOLDER}/vjp.mlir", f"surrogate.{name}_vjp", {"v": POINTS, "seed.output": seeds})
    expect(name, "the step", got["output"], [v > 0 for v in POINTS], 0)
    slopes = [formula(v) for v in POINTS]
    expect(name, "the gradient", got["grad.v"], [seed * slope for seed, slope in zip(seeds, slopes)], 1e-13)
    ends = interpret(texts["soft"], f"surrogate.{name}", {"v": [v + sign * WIDTH for sign in (1, -1) for v in POINTS]})
    differences = [(up - down) / (2 * WIDTH) for up, down in zip(ends["output"], ends["output"][len(POINTS):])]
    expect(name, "the difference of the soft form", differences, slopes, 1e-8)
