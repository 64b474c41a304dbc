# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes texts that are legal in form and large in one respect, into the folder that is named.

import os
import sys

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)

LAYERS = "  input u8[16]\n  steps 2\n  linear(4)\n  mine\n"
FIRE = "  state mem = 0\n  mem = mem + x\n  spike fire(mem - 1, atan)\n"


def write(name, items, layers=LAYERS):
    with open(os.path.join(folder, name + ".snn"), "w") as file:
        file.write("snn 1\n" + items + "model m {\n" + layers + "}\n")


def neuron(parameters="", body=""):
    return "neuron mine(x" + ("; " + parameters if parameters else "") + ") {\n" + body + FIRE + "}\n"


long = "n" * 80000
branches = "".join(f"  if kind == w{i % 4} {{\n    v{i} = x\n  }}\n" for i in range(300))

write("long-layer", neuron(), LAYERS + "  " + long + "\n")
write("long-label", neuron(), LAYERS + "  " + long + ": mine\n")
write("long-model", neuron().replace("mine", long), LAYERS.replace("mine", long))
write("long-line", neuron(), LAYERS + "  " + "linear(4) " * 8000 + "\n")
write("long-number", "param p = " + "1" * 80000 + "\n" + neuron())
write("many-neuron-params", neuron(", ".join(f"p{i}=1" for i in range(85000))))
write("many-neuron-params-and-branches",
      neuron(",".join(f"p{i}=1" for i in range(80000)) + ", kind = one_of(w0, w1, w2, w3)", branches))
write("many-branches", neuron("kind = one_of(w0, w1, w2, w3), " + ", ".join(f"p{i} = 1" for i in range(255)), branches))
write("many-aliases", "alias " + "a," * 200000 + "b = mem\n" + neuron(body="".join(f"  v{i} = a\n" for i in range(900))))
chains = "".join(f"  if kind == w{i} {{\n    v = x\n  }}" + "".join(
    f" else if kind == w{j} {{\n    v = x\n  }}" for j in range(i + 1, i + 240)) + " else {\n    v = x\n  }\n" for i in range(2))
write("many-chains", neuron(", ".join(f"p{i} = 1" for i in range(200)) + ", kind = one_of(" + ", ".join(
    f"w{i}" for i in range(256)) + ")", chains), "  input u8[16]\n  steps 1048576\n" + "  mine(kind = w255)\n" * 1024)
write("many-unknown-params", "".join(f"param p{i}=1\n" for i in range(4000)) + "param q = " + "+".join(
    ["(" + "+".join(f"u{i}{j}" for j in range(60)) + ")" for i in range(60)]) + "\n" + neuron())
write("many-unknown-arguments", neuron(", ".join(f"{'p' * 90}{i} = 1" for i in range(256))),
      LAYERS.replace("mine", "mine(" + "z=1," * 200000 + ")"))
write("many-lets", neuron(", ".join(f"p{i} = 1" for i in range(256))), LAYERS.replace(
    "mine", "\n  ".join(f"let l{i} = mine" for i in range(40000)) + "\n  mine"))
write("many-words", neuron("kind = one_of(" + ", ".join(f"w{i}" for i in range(100000)) + ")"))
write("many-params", "".join(f"param p{i}=1\n" for i in range(60000)) + neuron())
write("many-unknown-names", neuron(body="".join(f"  v{i} = nobody{i}\n" for i in range(1000))))
write("many-layers", neuron(), "  input u8[16]\n  steps 2\n" + "  flatten\n" * 80000 + "  mine\n")
write("many-fires", "".join(f"param p{i} = 1\n" for i in range(4096)) +
      neuron("", "  v = 0\n" + "".join(f"  v = v + fire(x, fast_sigmoid(slope = {i + 1}))\n" for i in range(1000))))
write("many-steps", neuron(), LAYERS.replace("steps 2", "steps 1048576").replace("  linear(4)\n", ""))
write("block-lines", "block b(x;) {\n" + "from x\n" * 140000 + "leaky\n}\n", "  input u8[16]\n  steps 2\n" + "b\n" * 1000)
write("deep-or", "layer mine(x[inputs];) {\n  y[o] = " + "x[o] or " * 110000 + "0\n  value y\n}\n")
write("many-metrics", neuron(), LAYERS + "}\ntrain {\n" + "  metric accuracy\n" * 50000)
write("many-operations", "layer large(x[inputs];) {\n" + "".join(
    f"  y{i}[o < 4] = " + " + ".join(["x[0]"] * 60) + "\n" for i in range(1000)) + "  value y0\n}\n",
      "  input u8[16]\n  steps 2\n" + "  large\n" * 900 + "leaky\n")
write("many-where", neuron("", "  v = x where " + ", ".join(f"a{i} = x" for i in range(70000)) + "\n"))
