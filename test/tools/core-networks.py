#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints a network and its loss as a function @loss of core ops, as it is before differentiation.

    core-networks.py dense 784 128 500            linear and leaky layers, the loss a mean of squared rates
    core-networks.py dense 784 128 500 --static   the same image at each step
    core-networks.py deep 100 --width=64          many layers of one width
    core-networks.py batch-norm 3                 convolutions, batch norm over time, samples and space, leaky
"""
import argparse


class Text:
    def __init__(self):
        self.arguments, self.lines, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"%v{self.count}"

    def argument(self, bind, extents, element="f32"):
        name = self.name()
        self.arguments.append(f'{name}: {array(extents, element)} {{snn.bind = @"{bind}"}}')
        return name

    def add(self, line):
        self.lines.append("  " + line)

    def map(self, domain, inputs, reads, results, body, write=None):
        """inputs: (name, extents, element); results: (extents, element); body: (arguments, lines, yielded)."""
        name = self.name()
        names = [f"{name}_{k}" for k in range(len(results))]
        types = [array(x[1], x[2]) for x in inputs]
        identity = affine(len(domain), [f"d{k}" for k in range(len(domain))])
        self.add(f"{', '.join(names)} = core.map over [{', '.join(map(str, domain))}] reads({', '.join(x[0] for x in inputs)}"
                 f"{' : ' + ', '.join(types) if types else ''}) by [{', '.join(affine(len(domain), r) for r in reads)}] "
                 f"writes [{', '.join([write or identity] * len(results))}] -> {', '.join(array(*r) for r in results)} {{")
        self.body(inputs, body, results)
        return names

    def body(self, inputs, body, results):
        arguments, lines, yielded = body
        self.add("^bb0(" + ", ".join(f"%{a}: {t}" for a, t in zip(arguments, [x[2] for x in inputs])) + "):")
        for line in lines:
            self.add("  " + line)
        self.add(f"  core.yield {', '.join('%' + y for y in yielded)} : {', '.join(r[1] for r in results)}")
        self.add("}")

    def fold(self, domain, along, inputs, reads, write, result, body):
        name = self.name()
        arguments, lines, yielded = body
        self.add(f"{name} = core.fold add over [{', '.join(map(str, domain))}] along [{', '.join(map(str, along))}] "
                 f"reads({', '.join(x[0] for x in inputs)} : {', '.join(array(x[1], x[2]) for x in inputs)}) by "
                 f"[{', '.join(affine(len(domain), r) for r in reads)}] writes {affine(len(domain), write)} -> {array(*result)} {{")
        self.body(inputs, (arguments, lines, [yielded]), [result])
        return name

    def contract(self, domain, along, lhs, rhs, reads, write, extents):
        name = self.name()
        self.add(f"{name} = core.contract over [{', '.join(map(str, domain))}] along [{', '.join(map(str, along))}] {lhs[0]}, {rhs[0]} "
                 f"by [{', '.join(affine(len(domain), r) for r in reads)}] writes {affine(len(domain), write)} "
                 f": {array(*lhs[1:])}, {array(*rhs[1:])} -> {array(extents, 'f32')}")
        return name

    def print(self, loss):
        print(f"func.func @loss({', '.join(self.arguments)}) -> (!core.array<f64> {{snn.bind = @loss}}) {{")
        print("\n".join(self.lines))
        print(f"  return {loss} : !core.array<f64>\n}}")


def array(extents, element):
    return "!core.array<" + "".join(f"{e} x " for e in extents) + element + ">"


def affine(rank, positions):
    return f"affine_map<({', '.join(f'd{k}' for k in range(rank))}) -> ({', '.join(positions)})>"


SPIKE = ["%one = arith.constant 1.0 : f32", "%zero = arith.constant 0.0 : f32", "%d0 = arith.subf %m, %one : f32",
         "%f0 = arith.cmpf ogt, %d0, %zero : f32", "%r0 = arith.uitofp %f0 : i1 to f32", "%r = core.detach %r0 : f32",
         "%beta = arith.constant 0.9 : f32", "%a0 = arith.mulf %beta, %m : f32", "%a1 = arith.addf %a0, %x : f32",
         "%m1 = arith.subf %a1, %r : f32", "%d1 = arith.subf %m1, %one : f32",
         "%s = core.custom_vjp(%d1) : (f32) -> i1 value {", "^bb0(%v: f32):", "  %z = arith.constant 0.0 : f32",
         "  %f = arith.cmpf ogt, %v, %z : f32", "  core.yield %f : i1", "} vjp {", "^bb0(%v: f32, %result: i1, %g: f32):",
         "  %slope = arith.constant 25.0 : f32", "  %unit = arith.constant 1.0 : f32", "  %b0 = math.absf %v : f32",
         "  %b1 = arith.mulf %slope, %b0 : f32", "  %b2 = arith.addf %b1, %unit : f32", "  %b3 = arith.mulf %b2, %b2 : f32",
         "  %b4 = arith.divf %g, %b3 : f32", "  core.yield %b4 : f32", "}"]


def leaky(text, current, extents, varies=True):
    """extents: of one sample and step. Returns spikes over time."""
    zero = text.map(["sample"] + extents, [], [], [(["sample"] + extents, "f32")],
                    ([], ["%zero = arith.constant 0.0 : f32"], ["zero"]))[0]
    step, whole = array(["sample"] + extents, "f32"), array(["time", "sample"] + extents, "f32")
    bits = array(["time", "sample"] + extents, "i1")
    spikes, final, x, m = text.name(), text.name(), text.name(), text.name()
    group = f"sliced({current} : {whole}) invariant()" if varies else f"sliced() invariant({current} : {step})"
    text.add(f"{spikes}, {final} = core.scan {group} init({zero} : {step}) -> stacked({bits}) final({step}) {{")
    text.add(f"^bb0({x}: {step}, {m}: {step}):")
    identity = [f"d{k}" for k in range(len(extents) + 1)]
    s, after = text.map(["sample"] + extents, [(x, ["sample"] + extents, "f32"), (m, ["sample"] + extents, "f32")], [identity, identity],
                        [(["sample"] + extents, "i1"), (["sample"] + extents, "f32")], (["x", "m"], SPIKE, ["s", "m1"]))
    text.add(f"core.step stacked({s} : {array(['sample'] + extents, 'i1')}) next({after} : {step})")
    text.add("}")
    return spikes


def linear(text, x, layer, inputs, outputs, varies=True):
    outer, o = (["time", "sample"], ["d0", "d1"]) if varies else (["sample"], ["d0"])
    k = len(outer)
    weight, bias = text.argument(f"{layer}.weight", [outputs, inputs]), text.argument(f"{layer}.bias", [outputs])
    product = text.contract(outer + [outputs, inputs], [k + 1], (x[0], outer + [inputs], x[1]), (weight, [outputs, inputs], "f32"),
                            [o + [f"d{k + 1}"], [f"d{k}", f"d{k + 1}"]], o + [f"d{k}"], outer + [outputs])
    return text.map(outer + [outputs], [(product, outer + [outputs], "f32"), (bias, [outputs], "f32")], [o + [f"d{k}"], [f"d{k}"]],
                    [(outer + [outputs], "f32")], (["x", "b"], ["%y = arith.addf %x, %b : f32"], ["y"]))[0]


def mean_square(text, spikes, extents):
    """Counts over time, and the mean over the batch of the sum of their squares."""
    n = len(extents)
    count = text.fold(["time", "sample"] + extents, [0], [(spikes, ["time", "sample"] + extents, "i1")], [[f"d{k}" for k in range(n + 2)]],
                      [f"d{k}" for k in range(1, n + 2)], (["sample"] + extents, "f32"), (["s"], ["%y = arith.uitofp %s : i1 to f32"], "y"))
    return text.fold(["sample"] + extents, list(range(n + 1)), [(count, ["sample"] + extents, "f32")], [[f"d{k}" for k in range(n + 1)]],
                     [], ([], "f64"), (["c"], ["%q = arith.mulf %c, %c : f32", "%y = arith.extf %q : f32 to f64"], "y"))


def dense(text, sizes, static):
    x = (text.argument("input", (["sample"] if static else ["time", "sample"]) + [sizes[0]]), "f32")
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        varies = not static or layer > 0
        x = (leaky(text, linear(text, x, 2 * layer, inputs, outputs, varies), [outputs], varies), "i1")
    text.print(mean_square(text, x[0], [sizes[-1]]))


def batch_norm(text, layers, size=16, channels=8):
    x, inputs, element = text.argument("input", ["time", "sample", 3, size, size]), 3, "f32"
    outer = ["time", "sample"]
    for layer in range(layers):
        weight = text.argument(f"{3 * layer}.weight", [channels, inputs, 3, 3])
        space = [channels, size, size]
        x = text.contract(outer + space + [3, 3, inputs], [5, 6, 7], (x, outer + [inputs, size, size], element),
                          (weight, [channels, inputs, 3, 3], "f32"), [["d0", "d1", "d7", "d3 + d5 - 1", "d4 + d6 - 1"], ["d2", "d7", "d5", "d6"]],
                          ["d0", "d1", "d2", "d3", "d4"], outer + space)
        all5 = ["d0", "d1", "d2", "d3", "d4"]
        total = text.fold(outer + space, [1, 0, 3, 4], [(x, outer + space, "f32")], [all5], ["d2"], ([channels], "f32"), (["x"], [], "x"))
        ones = text.fold(outer + space, [1, 0, 3, 4], [(x, outer + space, "f32")], [all5], ["d2"], ([channels], "f32"),
                         (["x"], ["%y = arith.constant 1.0 : f32"], "y"))
        mean = text.map([channels], [(total, [channels], "f32"), (ones, [channels], "f32")], [["d0"], ["d0"]], [([channels], "f32")],
                        (["s", "n"], ["%y = arith.divf %s, %n : f32"], ["y"]))[0]
        square = text.fold(outer + space, [1, 0, 3, 4], [(x, outer + space, "f32"), (mean, [channels], "f32")], [all5, ["d2"]], ["d2"],
                           ([channels], "f32"), (["x", "m"], ["%k = core.detach %m : f32", "%c = arith.subf %x, %k : f32", "%y = arith.mulf %c, %c : f32"], "y"))
        scale = text.map([channels], [(square, [channels], "f32"), (ones, [channels], "f32")], [["d0"], ["d0"]], [([channels], "f32")],
                         (["s", "n"], ["%v = arith.divf %s, %n : f32", "%eps = arith.constant 1.0e-5 : f32", "%w = arith.addf %v, %eps : f32",
                                       "%q = math.sqrt %w : f32", "%one = arith.constant 1.0 : f32", "%y = arith.divf %one, %q : f32"], ["y"]))[0]
        x = text.map(outer + space, [(x, outer + space, "f32"), (mean, [channels], "f32"), (scale, [channels], "f32")], [all5, ["d2"], ["d2"]],
                     [(outer + space, "f32")], (["x", "m", "k"], ["%c = arith.subf %x, %m : f32", "%y = arith.mulf %c, %k : f32"], ["y"]))[0]
        x, inputs, element = leaky(text, x, space), channels, "i1"
    text.print(mean_square(text, x, [channels, size, size]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["dense", "deep", "batch-norm"])
    parser.add_argument("numbers", type=int, nargs="+")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--static", action="store_true")
    arguments = parser.parse_args()
    text = Text()
    if arguments.kind == "dense":
        dense(text, arguments.numbers, arguments.static)
    elif arguments.kind == "deep":
        dense(text, [arguments.width] * (arguments.numbers[0] + 1), arguments.static)
    else:
        batch_norm(text, arguments.numbers[0])


if __name__ == "__main__":
    main()
