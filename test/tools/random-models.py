#!/usr/bin/env python3
# Writes random functions of core ops as models at stage bptt.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  random-models.py --bin=build/bin --seed=7 --count=20 -o FOLDER     FOLDER/7.mlir to FOLDER/26.mlir
  compare-bits.py --bin=build/bin FOLDER/*.mlir

The functions are those of random-nets.py: windows, strides, digits, largest values, scans, and so on, which no layer of the language
needs. Their bodies have exact operations alone, so that compiled code and interpreter agree in all bits. Arguments without
samples are parameters, those with samples are inputs or states; values with samples are outputs of `forward`.
"""
import argparse
import os
import re

import core_functions as nets
from tensor_files import run

Value, listed = nets.Value, nets.listed


class ExactBody(nets.Body):
    """Rounds as IEEE says: no function of a mathematical library."""

    def instruction(self):
        while True:
            before = len(self.lines)
            result = super().instruction()
            if not re.search(r"math\.(?!fma|sqrt|absf)", "".join(self.lines[before:])):
                return result
            del self.lines[before:]
            self.reals = [name for name in self.reals if self.defined(name)]
            self.bits = [name for name in self.bits if self.defined(name)]

    def defined(self, name):
        return name in self.names or any(line.startswith(name + " ") for line in self.lines)

    def tamed(self, x):
        return self.emit(f"arith.divf {x}, {self.above_one(x)} : f32")


class Model(nets.Net):
    EXTENTS = [1, 2, 3, 4, 5, 6, 15, 16, 17, 33]

    def __init__(self, seed):
        super().__init__(seed)
        self.declarations, self.boundary = [], []

    def given(self, kind, shape, element="f32"):
        """A value of the host: as inputs lie there, time and samples come first, and spikes are reals."""
        name = f"p{len(self.boundary)}"
        outer = [extent for extent in ("time", "sample") if extent in shape]
        outside = Value("%" + name, outer + [extent for extent in shape if isinstance(extent, int)],
                        "f32" if element == "i1" else element)
        if kind == "parameter":
            self.declarations.append(f"snn.parameter @{name} : {outside.type} init #snn.uniform<-1.0 : f64, 1.0 : f64>")
        elif kind == "state":
            self.declarations.append(f"snn.state @{name} : {outside.type} rest {self.rng.choice(['0.0', '0.375'])}")
        elif kind == "hyper":
            self.declarations.append(f"snn.hyper @{name} = 0.625")
        else:
            self.declarations.append(f"snn.input @{name} : {outside.type}")
        self.boundary.append((kind, outside))
        if kind not in ("parameter", "hyper") and element != "i64":
            return self.arranged(outside, shape, element)
        return outside

    def arranged(self, value, shape, element):
        """The same elements in an array whose samples and steps stand elsewhere."""
        if value.shape == tuple(shape) and value.element == element:
            return value
        numbers = iter([dim for dim, extent in enumerate(shape) if isinstance(extent, int)])
        dims = [next(numbers) if isinstance(extent, int) else shape.index(extent) for extent in value.shape]
        result, x = Value(self.fresh("v"), shape, element), self.fresh("a")
        y, lines = x, ""
        if element != value.element:
            half, y = self.fresh("e"), self.fresh("e")
            lines = f"{half} = arith.constant 0.5 : f32\n{y} = arith.cmpf ogt, {x}, {half} : f32\n"
        same = self.affine(shape, [f"d{dim}" for dim in range(len(shape))])
        self.lines.append(f"{result.name} = core.map over [{listed(shape)}] reads({nets.typed([value])}) by "
                          f"[{self.affine(shape, [f'd{dim}' for dim in dims])}] writes [{same}] -> {result.type} {{\n"
                          f"^bb0({x}: {value.element}):\n{lines}core.yield {y} : {element}\n}}")
        return result

    def build(self):
        """The text of a module with @forward and @loss."""
        rng = self.rng
        some = lambda: rng.choice(self.EXTENTS)
        pool = [self.given("input", ("time", "sample", some())), self.given("input", ("sample",), "i64"),
                self.given("parameter", (some(), some())), self.given("parameter", ()),
                self.given(rng.choice(["input", "state"]), ("sample", some()))]
        if rng.random() < 0.5:
            pool.append(self.given("parameter", (some(), rng.randint(1, 3), rng.randint(1, 3))))
        if rng.random() < 0.5:
            pool.append(self.given("input", ("time", rng.randint(1, 4), "sample", rng.randint(2, 18))))
        if rng.random() < 0.6:
            pool.append(self.given("input", ("time", "sample", some()), "i1"))
        if rng.random() < 0.3:
            pool.append(self.given("hyper", (), "f64"))
        self.ops(pool, self.lines, rng.randint(2, 6), in_scan=False)
        rest, results = list(self.lines), []
        for value in rng.sample(pool, len(pool)):
            isGiven = any(value is given for _, given in self.boundary)
            if "sample" in value.shape and value.element in ("f32", "i1") and not isGiven and len(results) < 5:
                outer = [extent for extent in ("time", "sample") if extent in value.shape]
                shape = outer + [extent for extent in value.shape if isinstance(extent, int)]
                output = self.arranged(value, shape, value.element)
                self.declarations.append(f"snn.output @out{len(results)} : {output.type}")
                results.append(output)
        forward, self.lines = self.lines, rest
        loss = self.loss(pool)
        head = listed(f"{value.name}: {value.type} {{snn.bind = @{value.name[1:]}}}" for _, value in self.boundary)
        bound = listed(f"{value.type} {{snn.bind = @out{number}}}" for number, value in enumerate(results))
        self.declarations.append("snn.input @labels : !core.array<sample x i64>")
        loss_head = head + ", %labels: !core.array<sample x i64> {snn.bind = @labels}"  # a host gives some to each loss
        model = "snn.model @net train real = f32 max_steps = 1000 classes = 3 batch = 128 epochs = 1"
        return "\n".join([
            model, *self.declarations, f"func.func @forward({head}) -> ({bound}) {{", *forward,
            f"return {nets.typed(results)}", "}",
            f"func.func @loss({loss_head}) -> (!core.array<f64> {{snn.bind = @loss}}) {{", *self.lines,
            f"return {loss} : !core.array<f64>", "}", ""])

    def declared(self, text):
        """`text` after differentiation: the gradient's function as an entry."""
        start = text.index("func.func @loss(")
        text = text[:start] + text[text.index("func.func @loss_vjp("):].replace("@loss_vjp", "@loss_and_gradient", 1)
        outputs = []
        for kind, value in self.boundary:
            bind, name = "{snn.bind = @grad." + value.name[1:] + "}", value.name[1:]
            if kind == "parameter":
                text = text.replace(bind, f"{{snn.bind = @{name}, snn.span = #snn.span<gradients>}}")
            elif value.element != "i64":
                outputs.append(f"  snn.output @grad.{name} : {value.type}\n")
        number = "!core.array<f32>"
        text = text.rstrip().removesuffix("}") + f"""
  func.func @update(%p: {number} {{snn.bind = @p, snn.span = #snn.span<parameters>}},
      %g: {number} {{snn.bind = @g, snn.span = #snn.span<gradients>}})
      -> ({number} {{snn.bind = @p, snn.span = #snn.span<parameters>}}) {{
    %next = core.map over [] reads(%p, %g : {number}, {number}) by [affine_map<() -> ()>, affine_map<() -> ()>]
        writes [affine_map<() -> ()>] -> {number} {{
    ^bb0(%a: f32, %b: f32):
      %less = arith.subf %a, %b : f32
      core.yield %less : f32
    }}
    return %next : {number}
  }}
}}
"""
        at = text.index("  func.func")
        return text[:at] + "".join(outputs) + text[at:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the folder of snn-opt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("-o", "--output", required=True, help="the folder for the texts")
    options = parser.parse_args()
    nets.Body = ExactBody
    os.makedirs(options.output, exist_ok=True)
    for seed in range(options.seed, options.seed + options.count):
        model, path = Model(seed), os.path.join(options.output, f"{seed}.mlir")
        primal, gradient = path + ".primal", path + ".gradient"
        with open(primal, "w") as file:
            file.write(model.build())
        run(*[f"{options.bin}/snn-opt", primal, "--core-vjp=function=loss of-loss", "--core-resolve-vjps",
                  "--core-fix-order", "--canonicalize", "--cse", "-o", gradient])
        with open(gradient) as file:
            text = model.declared(file.read())
        with open(gradient, "w") as file:
            file.write(text)
        run(*[f"{options.bin}/snn-opt", gradient, "--snn-stamp-model", "-o", path])
        os.remove(primal)
        os.remove(gradient)


if __name__ == "__main__":
    main()
