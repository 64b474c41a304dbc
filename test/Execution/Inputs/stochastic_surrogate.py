"""The gradient through stochastic_spike, against the numbers that a neuron draws in the place of the layer.

usage: stochastic_surrogate.py BIN FOLDER"""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
from tensor_files import read_tensors, run, write_tensors

BIN, FOLDER = sys.argv[1:]
STEPS, SAMPLES, NEURONS = 4, 5, 6
HEAD = f"snn 1\nneuron noise(x) {{ value random() + 0 * x }}\nmodel m {{\n  input f32[{NEURONS}] over time\n  steps {STEPS}\n"
MODELS = {"drawn": "  noise\n  leaky\n}\n", "fired": "  leaky(beta = 0, reset = none, surrogate = stochastic_spike)\n}\ntrain { loss l1_rate }\n"}

numbers = random.Random(1)
x = [numbers.uniform(-1, 1.5) for _ in range(STEPS * SAMPLES * NEURONS)]
write_tensors(f"{FOLDER}/in.safetensors", {"input": ("F64", [STEPS, SAMPLES, NEURONS], x), "labels": ("I64", [SAMPLES], [0] * SAMPLES)})


def values(name, *flags):
    run(f"{BIN}/snn-run", f"{FOLDER}/{name}.so", f"{FOLDER}/in.safetensors", "-o", f"{FOLDER}/{name}.out", "--gradients", *flags)
    return read_tensors(f"{FOLDER}/{name}.out")


for name, lines in MODELS.items():
    with open(f"{FOLDER}/{name}.snn", "w") as file:
        file.write(HEAD + lines)
    run(f"{BIN}/snnc", f"{FOLDER}/{name}.snn", "--precision=f64", "-o", f"{FOLDER}/{name}.so")
drawn, fired = values("drawn")["hidden.0"].numbers, values("fired")["grad.input"].numbers
if values("fired", "--threads=3")["grad.input"].numbers != fired:
    sys.exit("the gradient depends on the number of threads")
for v, number, got in zip(x, drawn, fired):
    want = (1 if v > 1 else (number - 0.5) * 0.2) / len(x)
    if abs(got - want) > 1e-15:
        sys.exit(f"the gradient at {v} is {got}, expected {want}")
