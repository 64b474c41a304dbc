#!/usr/bin/env python3
# Writes random models in the snn language, which together have each production of its grammar.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  random-snn.py --seed=7                              prints one
  random-snn.py --seed=1 --count=100 -o FOLDER        FOLDER/1.snn to FOLDER/100.snn
  random-snn.py --count=100 --coverage                how often each production occurs; exit status 1 if one does not
  random-snn.py --seed=7 --smooth                     one whose gradient with --spike=soft can be had by differences
  random-snn.py --seed=7 --exact                      one whose operations are all rounded as IEEE says

A model begins with a comment that says how to call it, and which neurons' parameters no gradient reaches.
"""
import argparse
import os
import random
import sys

from random_layers import LayerWriter, PRODUCTIONS as LAYER_PRODUCTIONS
from random_training import TrainingWriter, PRODUCTIONS as TRAINING_PRODUCTIONS

# Names of productions, by the part of the language that they belong to. `use` knows no others.
PRODUCTIONS = {
    "file": "comment param param-of-params alias definitions-after-model arguments-over-lines trailing-comma",
    "model": "u8 f32 several-extents divided over-time static steps open-steps let label number-argument positional "
             "named learn learn-each learn-uniform learn-each-uniform learn-per-channel learn-per-channel-uniform each per-channel "
             "no-arguments population no-population",
    "layer": "flatten linear linear-without-bias leaky rleaky synaptic rate dropout own recurrent-linear "
             "recurrent-linear-without-bias recurrent-each reset-subtract reset-zero reset-none delay-true delay-false "
             "graded inhibition uniform_levels exponential_levels",
    "surrogate": "fast_sigmoid atan sigmoid straight_through straight_through_estimator triangular heaviside "
                 "spike_rate_escape leaky_spike stochastic_spike sparse_fast_sigmoid own",
    "definition": "surrogate neuron loss metric optimizer schedule clip def def-number def-block def-derivative derivative soft "
                  "no-soft state several-states rest fixed option else-if spike value next range-closed range-open "
                  "range-inf no-inputs tuple where where-next-line layer-parameter surrogate-parameter detached-spike random-spike",
    "expression": "number name call negation add subtract multiply divide power negative-power compare choice "
                  "parentheses at element axis min max clamp abs exp log sqrt tanh sin cos atan trunc named-argument",
    "reduction": "sum mean max min argmax argmin over-time over-neuron over-class over-parameter over-several classes",
    "word": "steps per_class time neuron class fired attached detach training random random-per-sample update updates "
            "epoch epochs",
    **LAYER_PRODUCTIONS,
    **TRAINING_PRODUCTIONS,
}
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]


class Writer(LayerWriter, TrainingWriter):
    def __init__(self, seed, counts, smooth=False, exact=False):
        self.rng, self.counts, self.smooth, self.exact = random.Random(seed), counts, smooth, exact
        self.definitions, self.neurons, self.surrogates, self.unreached = [], [], [], []
        self.fresh = 0

    def use(self, *names):
        for name in names:
            self.counts[name] += 1  # a KeyError here: not in the table

    def maybe(self, share=0.5):
        return self.rng.random() < share

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self, low, high):
        return f"{self.rng.uniform(low, high):.4f}"

    def name(self, prefix):
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    # Expressions of moderate size in names of reals.

    def expression(self, atoms, depth=2):
        if depth == 0 or self.maybe(0.15):
            if atoms and self.maybe(0.8):
                self.use("expression.name")
                return self.pick(*atoms)
            self.use("expression.number")
            return self.number(0.1, 1)
        kinds = ["add", "subtract", "multiply", "divide", "power", "negative-power", "negation", "sqrt"]
        if not self.exact:
            kinds += ["exp", "log", "tanh", "sin", "cos", "atan"]
        if not self.smooth:
            kinds += ["choice", "compare", "min", "max", "clamp", "abs", "trunc"]
        kind = self.pick(*kinds)
        self.use("expression." + kind, "expression.parentheses")
        a, b = self.expression(atoms, depth - 1), self.expression(atoms, depth - 1)
        if kind in ("exp", "log", "tanh", "sin", "cos", "atan", "abs", "trunc", "sqrt", "min", "max", "clamp"):
            self.use("expression.call")
        return {
            "add": f"({a} + {b})", "subtract": f"({a} - {b})", "multiply": f"({a} * {b} / (1 + ({a})^2))",
            "divide": f"({a}) / (1 + ({b})^2)", "power": f"(({a}) / (1 + ({a})^2))^{self.pick(2, 3)}",
            "negative-power": f"(1 + ({a})^2)^-{self.pick(1, 2)}", "negation": f"(-{a})",
            "sqrt": f"sqrt(1 + ({a})^2)", "exp": f"exp(-({a})^2)", "log": f"log(1 + ({a})^2)",
            "choice": f"(if {a} {self.pick(*COMPARISONS[:4])} {b} then {a} else {b})",
            "compare": f"({a} {self.pick(*COMPARISONS)} {b})", "min": f"min({a}, {b})", "max": f"max({a}, {b})",
            "clamp": f"clamp({a}, -2, {self.number(0, 2)})",
        }.get(kind, f"{kind}({a})")

    def where(self, result, name, value):
        """`result` with the name's value behind it, on this line or the next."""
        self.use("definition.where")
        gap = " "
        if self.maybe():
            self.use("definition.where-next-line")
            gap = "\n    "
        return f"{result}{gap}where {name} = {value}"

    # Definitions. Each returns the name, and leaves its text.

    def interval(self, low="0", high="1000"):
        kind = self.pick("closed", "open", "inf")
        self.use("definition.range-" + kind)
        return f"in [{low}, {high}]" if kind == "closed" else f"in [{low}, {high})" if kind == "open" else f"in [{low}, inf)"

    def define(self, kind, head, lines):
        self.use("definition." + kind.split()[0])
        self.definitions.append(f"{kind} {head} {{\n" + "".join(f"  {line}\n" for line in lines) + "}")

    def function(self):
        name = self.name("f")
        self.use("definition.def", "expression.call")
        if self.maybe(0.3):
            self.use("definition.def-number")
            self.definitions.append(f"def {name} = {self.pick('1 / 3', '2^-1', '-(-0.25)')}")
            return name, 0
        self.use("expression.named-argument")
        if self.maybe(0.4):
            self.use("definition.def-block")
            result = self.where("half + y", "half", "x * scale") if self.maybe() else "x * scale + y"
            self.definitions.append(f"def {name}(x; scale = 0.5) {{\n  y = {self.expression(['x'])}\n  {result}\n}}")
        else:
            self.definitions.append(f"def {name}(x; scale = 0.5) = scale * {self.expression(['x'])}")
        return name, 1

    def stated(self):
        """A function that states the derivative which it has."""
        name = self.name("stated")
        self.use("definition.def-derivative", "definition.def")
        if self.maybe():
            self.definitions.append(f"def {name}(x; scale = 0.5) {{\n  scale * x * x + x\n"
                                    f"  derivative x = grad * (2 * scale * x + 1)\n}}")
        else:
            self.definitions.append(f"def {name}(x; scale = 0.5) {{\n  y = 1 + x * x\n  scale / y\n"
                                    f"  derivative x = -2 * grad * x * result / y\n}}")
        return name, 1

    def surrogate(self):
        name = self.name("bump")
        lines = ["u = k * v", "derivative 1 / (1 + u^2)"]
        if self.smooth or self.maybe():
            self.use("definition.soft")
            lines.append("soft atan(u) / k")
        else:
            self.use("definition.no-soft")
            lines = [f"derivative max(1 - abs(v) * k, {self.number(0, 0.1)})"]
        self.use("definition.derivative")
        self.define("surrogate", f"{name}(v; k = {self.number(1, 3)} {self.interval('0.5')})", lines)
        return name

    def own_neuron(self):
        name, self.neuron_parameters = self.name("cell"), []
        parameters, lines, options = [], [], []

        def parameter(prefix, low, high):
            key = self.name(prefix)
            bounds = " " + self.interval("0", "2") if self.maybe(0.4) else ""
            parameters.append(f"{key} = {self.number(low, high)}{bounds}")
            reals.append((key, low, high))
            return key

        reals = []
        decay, gain = parameter("decay", 0.3, 0.9), parameter("gain", 0.1, 0.6)
        rest = self.pick("0", "0.25")
        if rest != "0":
            self.use("definition.rest")
        states = ["mem"]
        if self.maybe():
            self.use("definition.several-states")
            states.append("trace")
        self.use("definition.state")
        lines.append("state " + ", ".join(f"{state} = {rest}" for state in states))
        drive, atoms = "x", ["x", "mem", gain]
        if "trace" in states:
            lines.append(f"trace = {decay} * trace + 0.1 * {self.expression(['x', 'mem'])}")
            atoms.append("trace")
        if self.functions:
            function, inputs = self.pick(*self.functions)
            drive += f" + 0.1 * {function}" + (f"(mem, scale = {gain})" if inputs else "")
        if self.maybe(0.4):
            self.use("word.attached", "expression.call")
            drive += f" - {gain} * attached(fired)"
        if not self.smooth and self.maybe(0.4):
            self.use("word.fired")
            drive += " - 0.5 * fired"
        if self.maybe(0.3):
            self.use("word.detach")
            gone = parameter("gone", 0.05, 0.2)
            self.unreached.append(gone)
            drive += f" - detach({gone})"
        if self.maybe(0.3):
            # A model that is called step by step has one step in each call, so that `steps` gives other numbers.
            word = self.pick("time", "neuron", *([] if self.exact else ["steps"]))
            self.use("word." + word)
            drive += f" + {gain} / (1 + {word})"
        if not self.smooth and self.maybe(0.3):
            self.use("word.training", "word.random", "expression.choice")
            per = ""
            if self.maybe():
                self.use("word.random-per-sample")
                per = "per = sample"
            drive += f" + (if training then random({per}) else 0.5)"
        if self.maybe(0.3):
            reduction = self.pick(*(["sum", "mean"] if self.smooth else ["sum", "mean", "max", "min"]))
            self.use("reduction." + reduction, "reduction.over-neuron", "expression.named-argument")
            drive += f" - 0.01 * {reduction}(mem, over = neuron)"
        layer = None
        if self.maybe(0.4):
            self.use("definition.layer-parameter")
            layer = self.pick("linear", "each", "linear")
            parameters.append(f"back = {layer}")
            drive += " + 0.1 * back(" + ("attached(fired)" if self.smooth or self.maybe() else "mem") + ")"
        if self.maybe(0.4):
            lines.append(f"mem = {decay} * mem + " + self.where("part", "part", drive))
        else:
            lines.append(f"mem = {decay} * mem + {drive}")
        if self.maybe(0.4):
            self.use("definition.option")
            options = ["left", "right", "middle"] if self.maybe() else ["left", "right"]
            parameters.append(f"branch = one_of({', '.join(options)})")
            lines += ["if branch == left {", "  fixed kind = 1", f"  mem = mem + {gain}"]
            self.use("definition.fixed")
            if len(options) == 3:
                self.use("definition.else-if")
                lines += ["} else if branch == middle {", f"  mem = mem - {gain}"]
            lines += ["} else {", f"  mem = mem + {self.expression(atoms)} / 4", "}"]
        kind = self.pick("fire", "fire", "value") if self.smooth else self.pick("fire", "fire", "fire", "value", "random", "detached")
        threshold = f"{self.number(0.2, 0.9)}"
        if kind == "fire":
            self.use("definition.spike", "definition.surrogate-parameter")
            parameters.append(f"surrogate = {self.any_surrogate()}")
            lines.append(f"spike fire(mem - {threshold}, surrogate)")
        elif kind == "value":
            self.use("definition.value")
            lines.append(f"value {self.expression(['mem'] + atoms)}")
            lines = [line.replace("attached(fired)", "mem").replace("fired", "mem") for line in lines]
        else:
            self.use("definition.spike", f"definition.{kind}-spike")
            lines.append("spike random() < mem" if kind == "random" else f"spike detach(mem > {threshold})")
            if kind == "random":
                self.use("word.random")
            lines = [line.replace("attached(fired)", "fired") for line in lines]
        self.define("neuron", f"{name}(x; {', '.join(parameters)})", lines)
        self.neurons.append((name, kind, reals, options, layer))

    def any_surrogate(self):
        # The soft fast_sigmoid has a jump in its second derivative, which differences see.
        names = ["atan", "atan"] if self.smooth else PRODUCTIONS["surrogate"].split()[:-1]
        if self.exact:
            names = [name for name in names if name not in ("sigmoid", "spike_rate_escape")]
        if self.surrogates and self.maybe(0.4):
            self.use("surrogate.own")
            return f"{self.pick(*self.surrogates)}(k = {self.number(1, 2)})"
        name = self.pick(*names)
        self.use("surrogate." + name)
        argument = {"fast_sigmoid": "slope", "atan": "alpha", "sigmoid": "slope", "triangular": "threshold",
                    "leaky_spike": "slope", "sparse_fast_sigmoid": "slope", "spike_rate_escape": "beta"}.get(name)
        return f"{name}({argument} = {self.number(1, 3)})" if argument and self.maybe() else name

    # Layers

    def value_of(self, low, high, can_learn=True):
        """An argument's value, which may learn."""
        kinds = ("number", "learn", "learn-each", "learn-uniform", "learn-each-uniform", "learn-per-channel", "learn-per-channel-uniform",
                 "each", "per-channel")
        kind = self.pick(*kinds) if can_learn else "number"
        if kind == "number":
            return self.number(low, high)
        self.use("model." + kind)
        value = f"uniform({low}, {high})" if "uniform" in kind else self.number(low, high)
        return kind.replace("-uniform", "").replace("-", " ") + " " + value

    def call(self, name, arguments):
        if not arguments:
            self.use("model.no-arguments")
            return name
        self.use("model.named")
        if self.maybe(0.2):
            self.use("file.trailing-comma", "file.arguments-over-lines")
            return f"{name}({arguments[0]},\n    " + ", ".join(arguments[1:]) + (",)" if arguments[1:] else ")")
        return f"{name}({', '.join(arguments)})"

    def recurrent(self):
        kind = self.pick("linear", "linear(bias = false)", "each")
        self.use("layer.recurrent-" + {"linear(bias = false)": "linear-without-bias"}.get(kind, kind))
        return kind

    def neuron(self, last):
        """A layer of neurons; the last one must have spikes."""
        own = [neuron for neuron in self.neurons if not last or neuron[1] == "fire"]
        if own and self.maybe(0.6):
            name, kind, reals, options, layer = self.pick(*own)
            self.use("layer.own")
            arguments = [f"{key} = {self.value_of(low, high)}" for key, low, high in reals if self.maybe(0.7)]
            if options and self.maybe():
                arguments.append(f"branch = {self.pick(*options)}")
            if kind == "fire" and self.maybe():
                arguments.append(f"surrogate = {self.any_surrogate()}")
            if layer and self.maybe():
                arguments.append(f"back = {self.recurrent()}")
            return self.call(name, arguments)
        name = self.pick("leaky", "rleaky", "synaptic")
        self.use("layer." + name)
        arguments = []
        if self.maybe(0.8):
            arguments.append(f"beta = {self.value_of(0.5, 0.95)}")
        if name == "synaptic" and self.maybe():
            arguments.append(f"alpha = {self.value_of(0.5, 0.95)}")
        if self.maybe():
            arguments.append(f"threshold = {self.value_of(0.4, 1)}")
        if name == "rleaky":
            arguments.append(f"recurrent = {self.recurrent()}")
        if self.smooth or self.maybe():
            reset = "none" if self.smooth else self.pick("subtract", "zero", "none")
            self.use("layer.reset-" + reset)
            arguments.append(f"reset = {reset}")
        if not self.smooth and self.maybe():
            delay = self.pick("true", "false")
            self.use("layer.delay-" + delay)
            arguments.append(f"delay = {delay}")
        if self.smooth or self.exact or self.maybe(0.7):
            arguments.append(f"surrogate = {self.any_surrogate()}")
        if self.maybe(0.3):
            self.use("layer.graded")
            arguments.append(f"graded_spikes_factor = {self.value_of(0.5, 1.5)}")
        if not self.smooth and self.maybe(0.2):
            self.use("layer.inhibition")
            arguments.append("inhibition = true")
        if not self.smooth and self.maybe(0.2):
            levels = "uniform_levels" if self.exact else self.pick("uniform_levels", "exponential_levels")
            self.use("layer." + levels)
            arguments.append(f"quantize = {levels}(bits = {self.rng.randint(2, 9)})")
        return self.call(name, arguments)

    def linear(self, width):
        self.use("layer.linear")
        kind = self.pick("plain", "number", "bias", "param")
        if kind == "number":
            self.use("model.number-argument")
            return f"linear {width}"
        if kind == "bias":
            self.use("layer.linear-without-bias", "model.named")
            return f"linear(outputs = {width}, bias = false)"
        self.use("model.positional")
        if kind == "param":
            name = self.name("width")
            self.use("file.param")
            self.params.append(f"param {name} = {width}")
            return f"linear({name})"
        return f"linear({width})"

    def with_label(self, layer):
        """A layer with weights, which a group may know by its label."""
        if self.maybe(0.8):
            return layer
        self.learning.append(self.name("w"))
        return f"{self.learning[-1]}: {layer}"

    def model(self):
        rng, lines = self.rng, []
        self.params, self.functions, self.labels = [], [], []
        self.heads = []  # labels of neurons of one extent, which may be classes
        self.learning = []  # labels of layers with weights
        if self.maybe(0.5):
            self.functions.append(self.function())
        if not self.smooth and self.maybe(0.2):  # differences know nothing of a derivative that is stated
            self.functions.append(self.stated())
        if self.maybe():
            self.surrogates.append(self.surrogate())
        for _ in range(rng.randint(0, 2)):
            self.own_neuron()
        bytes_, over_time = self.maybe(0.3), self.maybe()
        self.use("model.u8" if bytes_ else "model.f32", "model.over-time" if over_time else "model.static")
        graph = self.maybe(0.6)
        extents = [rng.randint(1, 20)]
        if self.maybe(0.5 if graph else 0.3):
            self.use("model.several-extents")
            extents.insert(0, rng.randint(1, 3))
            if graph and self.maybe():
                extents[1:] = [rng.randint(3, 8), rng.randint(3, 8)]
        divided = " / 255" if bytes_ else " / 2" if self.maybe(0.2) else ""
        if divided:
            self.use("model.divided")
        lines.append(f"input {'u8' if bytes_ else 'f32'}[{', '.join(map(str, extents))}]{divided}" + (" over time" if over_time else ""))
        self.steps = rng.randint(1, 7)
        if self.maybe(0.3):
            self.use("model.open-steps")
            lines.append(f"steps ? <= {self.steps + 20}")
        else:
            self.use("model.steps")
            lines.append(f"steps {self.steps}")
        self.use("layer.flatten")
        lines += self.graph(extents) if graph else ["flatten"]
        for _ in range(rng.randint(0, 1 if graph else 2)):
            lines.append(self.with_label(self.linear(rng.randint(1, 40))))
            if not self.smooth and self.maybe(0.2):
                kind = self.pick("rate", "dropout")
                self.use("layer." + kind)
                lines.append("rate" if kind == "rate" else f"dropout(p = {self.number(0.1, 0.6)})")
                if kind == "dropout":
                    continue
            layer = self.neuron(last=False)
            if self.maybe(0.4):
                self.use("model.label")
                name = self.name("h")
                if not any(layer.startswith(own[0]) and own[1] == "value" for own in self.neurons):
                    self.labels.append(name)
                    self.heads.append(name)
                layer = f"{name}: {layer}"
            elif self.maybe(0.3):
                self.use("model.let")
                name = self.name("kept")
                lines.append(f"let {name} = {layer}")
                layer = name
            lines.append(layer)
        self.classes = classes = rng.randint(2, 5)
        population = self.maybe()
        outputs = classes * (rng.randint(1, 9) if population else 1)
        lines.append(self.with_label(self.linear(outputs)))
        lines.append(self.other_neuron([classes], last=True) if graph and self.maybe() else self.neuron(last=True))
        self.use("model.population" if population else "model.no-population")
        if population:
            lines.append(f"population({self.pick('', 'classes = ')}{classes})")
        lines[1:1] = self.declare(outputs)
        return "model random {\n" + "".join(f"  {line}\n" for line in lines) + "}"

    def text(self):
        self.batch = self.pick(1, 3, 37, 130)
        model, train = self.model(), self.train()
        self.use("file.comment")
        parts = ["snn 1"]
        if self.params and self.maybe():
            self.use("file.param-of-params")
            name, value = self.params[-1].split()[1::2]
            self.params[-1:] = [f"param base = {value} - 1", f"param {name} = 1 + base"]
        if self.maybe(0.2):
            self.use("file.alias")
            parts.append("alias Membrane, Cell = leaky")
        items = self.params + self.definitions + [model] + ([train] if train else [])
        if self.definitions and self.maybe(0.3):
            self.use("file.definitions-after-model")
            items = self.params + [model] + self.definitions + ([train] if train else [])
        head = f"# batch {self.batch} steps {self.steps} unreached {' '.join(self.unreached)}".rstrip()
        return "\n".join([parts[0], head] + parts[1:] + items) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the first model")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("-o", "--output", help="a folder for the texts; without it they are printed")
    parser.add_argument("--coverage", action="store_true", help="print how often each production occurs instead")
    parser.add_argument("--smooth", action="store_true", help="differentiable with soft spikes")
    parser.add_argument("--exact", action="store_true", help="without functions of a mathematical library")
    options = parser.parse_args()
    counts = {f"{part}.{name}": 0 for part, names in PRODUCTIONS.items() for name in names.split()}
    if options.output:
        os.makedirs(options.output, exist_ok=True)
    for seed in range(options.seed, options.seed + options.count):
        text = Writer(seed, counts, options.smooth, options.exact).text()
        if options.output:
            with open(os.path.join(options.output, f"{seed}.snn"), "w") as file:
                file.write(text)
        elif not options.coverage:
            print(text, end="")
    if options.coverage:
        for name, count in counts.items():
            print(f"{name:40} {count}")
        missing = [name for name, count in counts.items() if count == 0]
        print(f"{len(counts)} productions, {len(missing)} without an occurrence")
        sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
