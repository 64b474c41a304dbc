# Random functions of core ops, as texts: what random-nets.py and random-models.py share.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Net(seed).build() is a function @loss of maps, folds, contracts and scans with smooth bodies: windows, strides, padding,
broadcasts, digits, shifts of time, largest and smallest values, invariants and carries; tensors() are values for it."""
import math
import random

STEPS, SAMPLES = 4, 3


def array_type(shape, element):
    return "!core.array<" + " x ".join([str(extent) for extent in shape] + [element]) + ">"


def listed(items):
    return ", ".join(map(str, items))


class Value:
    def __init__(self, name, shape, element):
        self.name, self.shape, self.element = name, tuple(shape), element

    @property
    def type(self):
        return array_type(self.shape, self.element)


def typed(values):
    """%a, %b : type of a, type of b"""
    return listed(v.name for v in values) + (" : " + listed(v.type for v in values) if values else "")


class Body:
    """A scalar body: instructions on numbers of type f32, from arguments of any type."""

    def __init__(self, net, inputs, domain, in_scan):
        self.net, self.rng, self.domain, self.in_scan = net, net.rng, domain, in_scan
        self.lines, self.reals, self.bits = [], [], []
        self.names = [net.fresh("a") for _ in inputs]
        for name, value in zip(self.names, inputs):
            if value.element == "f32":
                self.reals.append(name)
            elif value.element == "f64":
                self.reals.append(self.emit(f"arith.truncf {name} : f64 to f32"))
            elif value.element == "i64":
                dims = [dim for dim, extent in enumerate(domain) if isinstance(extent, int)]
                at = self.index(self.rng.choice(dims)) if dims else self.emit("arith.constant 1 : i64")
                self.bits.append(self.emit(f"arith.cmpi eq, {at}, {name} : i64"))
            else:
                self.bits.append(name)
                if self.rng.random() < 0.5:  # through another type, as counts of losses do
                    wide = self.emit(f"arith.uitofp {name} : i1 to f64")
                    self.reals.append(self.emit(f"arith.truncf {wide} : f64 to f32"))
                else:
                    self.reals.append(self.emit(f"arith.uitofp {name} : i1 to f32"))

    def emit(self, text):
        name = self.net.fresh("e")
        self.lines.append(f"{name} = {text}")
        return name

    def constant(self, low=-1.0, high=1.0):
        return self.emit(f"arith.constant {self.rng.uniform(low, high):.4f} : f32")

    def index(self, dim):
        return self.emit(f"core.index {dim}")

    def real(self):
        rng = self.rng
        choice = rng.random()
        if self.reals and choice < 0.8:
            return rng.choice(self.reals)
        if choice < 0.9 and self.domain:
            dims = [dim if isinstance(extent, int) else extent for dim, extent in enumerate(self.domain)]
            at = self.index(rng.choice(dims + (["time"] if self.in_scan else [])))
            number = self.emit(f"arith.sitofp {at} : i64 to f32")
            scale = self.constant(0.1, 0.3)
            return self.emit(f"arith.mulf {number}, {scale} : f32")
        if choice < 0.93 and "sample" in self.domain and ("time" in self.domain or self.in_scan):
            return self.emit(f"core.random {rng.randrange(4)} : f32")
        return self.constant()

    def above_one(self, x):
        square, one = self.emit(f"arith.mulf {x}, {x} : f32"), self.constant(1.0, 1.5)
        return self.emit(f"arith.addf {square}, {one} : f32")

    def instruction(self):
        rng = self.rng
        x, y = self.real(), self.real()
        kind = rng.choice(["binary", "binary", "binary", "unary", "unary", "div", "fma", "extremum", "select", "root",
                           "power", "custom", "negate"])
        if kind == "binary":
            return self.emit(f"arith.{rng.choice(['addf', 'subf', 'mulf'])} {x}, {y} : f32")
        if kind == "unary":
            return self.emit(f"math.{rng.choice(['tanh', 'sin', 'cos', 'atan'])} {x} : f32")
        if kind == "div":
            return self.emit(f"arith.divf {y}, {self.above_one(x)} : f32")
        if kind == "fma":
            return self.emit(f"math.fma {x}, {y}, {self.real()} : f32")
        if kind == "extremum":
            return self.emit(f"arith.{rng.choice(['maximumf', 'minimumf'])} {x}, {y} : f32")
        if kind == "select":
            if not self.bits or rng.random() < 0.3:
                self.bits.append(self.emit(f"arith.cmpf ogt, {self.real()}, {self.constant()} : f32"))
            return self.emit(f"arith.select {rng.choice(self.bits)}, {x}, {y} : f32")
        if kind == "root":
            return self.emit(f"math.{rng.choice(['sqrt', 'log', 'log1p'])} {self.above_one(x)} : f32")
        if kind == "power":
            return self.emit(f"math.powf {self.above_one(self.tamed(x))}, {self.tamed(y)} : f32")
        if kind == "negate":
            return self.emit(f"arith.negf {x} : f32")
        return self.custom(x, y)

    def custom(self, x, y):
        """x (tanh(y) + where the point is), which states its derivative."""
        dims = [dim for dim, extent in enumerate(self.domain) if isinstance(extent, int)]
        where = f"core.index {self.rng.choice(dims)}" if dims else "arith.constant 2 : i64"
        prefix = self.net.fresh("c")
        factor = """
  PREFIX0 = WHERE
  PREFIX1 = arith.sitofp PREFIX0 : i64 to f32
  PREFIX2 = arith.constant 0.125 : f32
  PREFIX3 = arith.mulf PREFIX1, PREFIX2 : f32
  PREFIX4 = math.tanh PREFIXy : f32
  PREFIX5 = arith.addf PREFIX4, PREFIX3 : f32"""
        text = f"core.custom_vjp({x}, {y}) : (f32, f32) -> f32 value {{" + """
^bb0(PREFIXx: f32, PREFIXy: f32):""" + factor + """
  PREFIXv = arith.mulf PREFIXx, PREFIX5 : f32
  core.yield PREFIXv : f32
} vjp {
^bb0(PREFIXx: f32, PREFIXy: f32, PREFIXv: f32, PREFIXg: f32):""" + factor + """
  PREFIXdx = arith.mulf PREFIXg, PREFIX5 : f32
  PREFIX6 = arith.constant 1.0 : f32
  PREFIX7 = arith.mulf PREFIX4, PREFIX4 : f32
  PREFIX8 = arith.subf PREFIX6, PREFIX7 : f32
  PREFIX9 = arith.mulf PREFIX8, PREFIXx : f32
  PREFIXdy = arith.mulf PREFIX9, PREFIXg : f32
  core.yield PREFIXdx, PREFIXdy : f32, f32
}"""
        return self.emit(text.replace("PREFIX", prefix + "_").replace("WHERE", where))

    def tamed(self, x):
        return self.emit(f"math.tanh {x} : f32")

    def grow(self, count):
        for _ in range(count):
            self.reals.append(self.instruction())

    def result(self, element):
        """A number of moderate size that depends on much of the body."""
        x = self.reals[-1] if self.reals else self.constant()
        if self.reals:
            x = self.emit(f"arith.addf {x}, {self.rng.choice(self.reals)} : f32")
        if element == "i1":
            return self.emit(f"arith.cmpf ogt, {x}, {self.constant()} : f32")
        x = self.tamed(x)
        return self.emit(f"arith.extf {x} : f32 to f64") if element == "f64" else x

    def text(self, inputs, yields, elements):
        head = listed(f"{name}: {value.element}" for name, value in zip(self.names, inputs))
        label = f"^bb0({head}):\n" if inputs else ""
        return "{\n" + label + "\n".join(self.lines) + f"\ncore.yield {listed(yields)} : {listed(elements)}\n}}"


class Net:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.counter = 0
        self.arguments = []
        self.lines = []

    def fresh(self, prefix):
        self.counter += 1
        return f"%{prefix}{self.counter}"

    # Maps. `domain` is a list of extents; dims are d0, d1, ...

    def affine(self, domain, positions):
        dims = ", ".join(f"d{dim}" for dim in range(len(domain)))
        return f"affine_map<({dims}) -> ({', '.join(positions)})>"

    def read_position(self, extent, domain, outside):
        """How a point finds its position along an extent, or None if it cannot."""
        rng = self.rng
        if extent in ("time", "sample"):
            if extent not in domain:
                return None
            dim = f"d{domain.index(extent)}"
            if extent == "time" and outside and rng.random() < 0.4:
                return f"{dim} {rng.choice(['- 1', '+ 1', '- 2'])}"
            return dim
        plain, odd = [], [str(rng.randrange(extent))]
        numbered = [(dim, n) for dim, n in enumerate(domain) if isinstance(n, int)]
        for dim, n in numbered:
            if n <= extent:
                plain.append(f"d{dim}" if n == extent else f"d{dim} + {rng.randrange(extent - n + 1)}")
                odd.append(f"{extent - 1} - d{dim}")
            if 2 * (n - 1) < extent:
                plain.append(f"d{dim} * 2")
            for k in (2, 3):
                if (n - 1) // k < extent:
                    odd.append(f"d{dim} floordiv {k}")
                if k <= extent:
                    odd.append(f"d{dim} mod {k}")
            if outside:
                plain.append(f"d{dim} * {rng.randint(1, 2)} {rng.choice(['- 2', '- 1', '+ 1'])}")
            for other, m in numbered:
                if other == dim:
                    continue
                if n * m <= extent:
                    plain.append(f"d{dim} * {m} + d{other}")
                if n + m - 1 <= extent:
                    plain.append(f"d{dim} + d{other}")
                if 2 * (n - 1) + m <= extent:
                    plain.append(f"d{dim} * 2 + d{other}")
                if outside:
                    plain.append(f"d{dim} * {rng.randint(1, 2)} + d{other} - 1")
        return rng.choice(plain if plain and rng.random() < 0.85 else odd)

    def read_map(self, value, domain, outside=False):
        positions = [self.read_position(extent, domain, outside) for extent in value.shape]
        return None if None in positions else self.affine(domain, positions)

    def write_map(self, domain, along, plain):
        """A map by which each point finds an element of a result, and the result's extents."""
        rng = self.rng
        dims = [dim for dim in range(len(domain)) if dim not in along]
        rng.shuffle(dims)
        free = [dim for dim in along if isinstance(domain[dim], int)]
        positions, shape = [], []
        while dims:
            dim = dims.pop()
            extent = domain[dim]
            if not isinstance(extent, int):
                shift = extent == "time" and not plain and rng.random() < 0.15
                positions.append(f"d{dim} + 1" if shift else f"d{dim}")
                shape.append(extent)
                continue
            kinds = ["plain", "plain", "stride", "shift", "cut", "room", "digits", "window"]
            choice = "plain" if plain else rng.choice(kinds)
            partner = next((other for other in dims if isinstance(domain[other], int)), None)
            if choice == "digits" and partner is not None:
                dims.remove(partner)
                positions.append(f"d{dim} * {domain[partner]} + d{partner}")
                shape.append(extent * domain[partner])
            elif choice == "window" and free:
                inner = rng.choice(free)
                positions.append(f"d{dim} * 2 + d{inner} - 1")
                shape.append(max(1, 2 * (extent - 1) + domain[inner] - rng.randrange(2)))
            elif choice == "stride":
                positions.append(f"d{dim} * 2 + 1")
                shape.append(2 * extent)
            elif choice == "shift":
                positions.append(f"d{dim} + 1")
                shape.append(extent + 2)
            elif choice == "cut" and extent > 1:
                positions.append(f"d{dim} - 1")
                shape.append(extent - 1)
            elif choice == "room":
                positions.append(f"d{dim}")
                shape.append(extent + 1)
            else:
                positions.append(f"d{dim}")
                shape.append(extent)
        return self.affine(domain, positions), shape

    def domain(self, pool, in_scan):
        """Extents like those of values at hand, in any order, and a few more."""
        rng = self.rng
        value = rng.choice([value for value in pool if value.element != "i64"])
        domain = [extent for extent in value.shape if rng.random() < 0.9]
        if rng.random() < 0.4:
            domain.append(rng.randint(1, 3))
        if "sample" not in domain and rng.random() < 0.3:
            domain.append("sample")
        if "time" not in domain and not in_scan and rng.random() < 0.3:
            domain.append("time")
        rng.shuffle(domain)
        while math.prod(extent if isinstance(extent, int) else 4 for extent in domain) > 1500:
            domain.remove(max(extent for extent in domain if isinstance(extent, int)))
        return domain

    def inputs(self, pool, domain, outside):
        chosen = []
        for _ in range(self.rng.randint(1, 3)):
            value = self.rng.choice(pool)
            away = outside and self.rng.random() < 0.5
            position = self.read_map(value, domain, away)
            if position:
                chosen.append((value, position, away))
        return chosen

    def reads(self, chosen):
        return f"reads({typed([value for value, _, _ in chosen])}) by [{listed(m for _, m, _ in chosen)}]"

    # Ops. Each appends its text to `lines` and its result to `pool`.

    def map(self, pool, lines, in_scan, shape=None, values=()):
        rng = self.rng
        domain = list(shape) if shape is not None else self.domain(pool, in_scan)
        same = self.affine(domain, [f"d{dim}" for dim in range(len(domain))])
        chosen = [(value, same, False) for value in values] + self.inputs(pool, domain, rng.random() < 0.4)
        body = Body(self, [value for value, _, _ in chosen], domain, in_scan)
        body.grow(rng.randint(1, 5))
        writes, results = [], []
        for _ in range(1 if shape is not None else rng.choice([1, 1, 2])):
            write, extents = (same, shape) if shape is not None else self.write_map(domain, [], rng.random() < 0.5)
            element = "f32" if shape is not None else rng.choice(["f32"] * 8 + ["f64", "i1"])
            writes.append(write)
            results.append(Value(self.fresh("v"), extents, element))
        absent = ""
        if any(away for _, _, away in chosen):
            defaults = {"f32": "0.5 : f32", "f64": "0.5 : f64", "i1": "false", "i64": "-1 : i64"}
            absent = listed(defaults[value.element] if away else "unit" for value, _, away in chosen)
            absent = f" {{absent = [{absent}]}}"
        yields = [body.result(value.element) for value in results]
        lines.append(f"{listed(value.name for value in results)} = core.map over [{listed(domain)}] "
                     f"{self.reads(chosen)} writes [{listed(writes)}]{absent} -> "
                     f"{listed(value.type for value in results)} "
                     + body.text([value for value, _, _ in chosen], yields, [value.element for value in results]))
        pool.extend(results)
        return results

    def along(self, domain, ordered):
        """Some dims to sum: if `ordered`, at most the first is marked."""
        dims = [dim for dim in range(len(domain)) if self.rng.random() < 0.5]
        self.rng.shuffle(dims)
        if ordered:
            marked = [dim for dim in dims if not isinstance(domain[dim], int)][:1]
            dims = marked + [dim for dim in dims if isinstance(domain[dim], int)]
        return dims

    def fold(self, pool, lines, in_scan):
        rng = self.rng
        kind = rng.choice(["add", "add", "max", "min"])
        domain = self.domain(pool, in_scan)
        along = self.along(domain, kind != "add")
        chosen = self.inputs(pool, domain, rng.random() < 0.4)
        body = Body(self, [value for value, _, _ in chosen], domain, in_scan)
        body.grow(rng.randint(0, 3))
        write, extents = self.write_map(domain, along, kind != "add")
        element = rng.choice(["f32"] * 5 + ["f64"]) if kind == "add" else "f32"
        result = Value(self.fresh("v"), extents, element)
        winner = f", {self.fresh('w')}" if kind != "add" else ""
        lines.append(f"{result.name}{winner} = core.fold {kind} over [{listed(domain)}] along {along} "
                     f"{self.reads(chosen)} writes {write} -> {result.type}"
                     + (f" winner {array_type(extents, 'i32')} " if winner else " ")
                     + body.text([value for value, _, _ in chosen], [body.result(element)], [element]))
        if kind == "add":
            pool.append(result)
        else:  # an infinity where no point has a term
            self.finite(result, pool, lines)

    def finite(self, value, pool, lines):
        same = self.affine(value.shape, [f"d{dim}" for dim in range(len(value.shape))])
        result = Value(self.fresh("v"), value.shape, "f32")
        a, b, c, d, e = (self.fresh("e") for _ in range(5))
        lines.append(f"{result.name} = core.map over [{listed(value.shape)}] reads({typed([value])}) by [{same}] "
                     f"writes [{same}] -> {result.type} " + f"""{{
^bb0({a}: f32):
{b} = math.absf {a} : f32
{c} = arith.constant 1.0e+30 : f32
{d} = arith.cmpf olt, {b}, {c} : f32
{e}0 = arith.constant 0.25 : f32
{e} = arith.select {d}, {a}, {e}0 : f32
core.yield {e} : f32
}}""")
        pool.append(result)

    def contract(self, pool, lines, in_scan):
        rng = self.rng
        domain = self.domain(pool, in_scan)
        factors = [value for value in pool if value.element in ("f32", "i1")]
        for _ in range(20):
            values = (rng.choice(factors), rng.choice(factors))
            chosen = [(value, self.read_map(value, domain, rng.random() < 0.3)) for value in values]
            if all(m for _, m in chosen):
                break
        else:
            return
        along = self.along(domain, False)
        write, extents = self.write_map(domain, along, rng.random() < 0.6)
        result = Value(self.fresh("v"), extents, "f32")
        (lhs, left), (rhs, right) = chosen
        lines.append(f"{result.name} = core.contract over [{listed(domain)}] along {along} {lhs.name}, {rhs.name} "
                     f"by [{left}, {right}] writes {write} : {lhs.type}, {rhs.type} -> {result.type}")
        pool.append(result)

    def scan(self, pool, lines):
        rng = self.rng
        values = [value for value in pool if value.element != "i64"]
        steps = [value for value in values if value.shape[:1] == ("time",)]
        still = [value for value in values if "time" not in value.shape]
        sliced = [rng.choice(steps) for _ in range(rng.randint(1, 2))] if steps else []
        if not sliced or not still:
            return
        invariant = [rng.choice(still) for _ in range(rng.randint(0, 3))]
        carried = [value for value in still if value.element == "f32"]
        init = [rng.choice(carried) for _ in range(rng.randint(0, 2))] if carried else []
        arguments = [Value(self.fresh("s"), value.shape[1:], value.element) for value in sliced]
        arguments += [Value(self.fresh("s"), value.shape, value.element) for value in invariant + init]
        inner, text = list(arguments), []
        self.ops(inner, text, rng.randint(1, 4), in_scan=True)
        carries = arguments[len(sliced) + len(invariant):]
        following = []
        for carry in carries:
            values = [carry] if rng.random() < 0.8 else []
            following.append(self.map(inner, text, True, carry.shape, values)[0])
        if len(carries) == 2 and carries[0].shape == carries[1].shape and rng.random() < 0.3:
            following.reverse()
        stacked = [rng.choice(inner) for _ in range(rng.randint(1, 3))]
        if inner[-1] not in stacked:
            stacked.append(inner[-1])
        results = [Value(self.fresh("v"), ("time",) + value.shape, value.element) for value in stacked]
        finals = [Value(self.fresh("v"), value.shape, value.element) for value in carries]

        def types(word, values):
            return f" {word}({listed(value.type for value in values)})" if values else ""

        head = listed(f"{value.name}: {value.type}" for value in arguments)
        reverse = rng.choice(["", "", "reverse "])
        lines.append(f"{listed(value.name for value in results + finals)} = core.scan {reverse}"
                     f"sliced({typed(sliced)}) invariant({typed(invariant)}) init({typed(init)}) ->"
                     f"{types('stacked', results)}{types('final', finals)} {{\n^bb0({head}):\n" + "\n".join(text)
                     + f"\ncore.step stacked({typed(stacked)}) next({typed(following)})\n}}")
        pool.extend(results + finals)

    def ops(self, pool, lines, count, in_scan):
        for _ in range(count):
            kinds = ["map", "fold", "contract"] * 2 + ([] if in_scan else ["scan"] * 3)
            kind = self.rng.choice(kinds)
            if kind == "scan":
                self.scan(pool, lines)
            else:
                getattr(self, kind)(pool, lines, in_scan)

    def argument(self, shape, element="f32"):
        value = Value(f"%p{len(self.arguments)}", shape, element)
        self.arguments.append(value)
        return value

    def loss(self, pool):
        """The name of a loss in which everything has a share."""
        shares = []
        for value in pool:
            if value.element == "i64":
                continue
            share = Value(self.fresh("v"), (), "f64")
            shares.append(share)
            domain = list(value.shape)
            read = self.affine(domain, [f"d{dim}" for dim in range(len(domain))])
            body = Body(self, [value], domain, False)
            body.grow(1)
            self.lines.append(f"{share.name} = core.fold add over [{listed(domain)}] along {list(range(len(domain)))} "
                              f"reads({typed([value])}) by [{read}] writes {self.affine(domain, [])} -> {share.type} "
                              + body.text([value], [body.result("f64")], ["f64"]))
        names = [self.fresh("x") for _ in shares]
        total, body = names[0], []
        for name in names[1:]:
            following = self.fresh("x")
            body.append(f"{following} = arith.addf {total}, {name} : f64")
            total = following
        none = "affine_map<() -> ()>"
        loss = self.fresh("v")
        self.lines.append(f"{loss} = core.map over [] reads({typed(shares)}) by [{listed([none] * len(shares))}] "
                          f"writes [{none}] -> !core.array<f64> {{\n^bb0({listed(f'{name}: f64' for name in names)}):\n"
                          + "\n".join(body) + f"\ncore.yield {total} : f64\n}}")
        return loss

    def build(self):
        rng = self.rng
        pool = [self.argument(("time", "sample", rng.randint(2, 5))),
                self.argument((rng.randint(2, 6), rng.randint(2, 4))),
                self.argument(("sample", rng.randint(1, 5))), self.argument(())]
        if rng.random() < 0.5:
            pool.append(self.argument(("time", rng.randint(1, 4), "sample", rng.randint(2, 4))))
        if rng.random() < 0.4:
            pool.append(self.argument(("time", "sample", rng.randint(2, 6)), "i1"))
        if rng.random() < 0.3:
            pool.append(self.argument(("sample",), "i64"))
        if rng.random() < 0.3:
            pool.append(self.argument((), "f64"))
        self.ops(pool, self.lines, rng.randint(2, 6), in_scan=False)
        loss = self.loss(pool)
        head = listed(f"{value.name}: {value.type} {{snn.bind = @{value.name[1:]}}}" for value in self.arguments)
        return (f"func.func @loss({head}) -> (!core.array<f64> {{snn.bind = @loss}}) {{\n" + "\n".join(self.lines)
                + f"\nreturn {loss} : !core.array<f64>\n}}\n")

    def tensors(self):
        """Random values of the arguments: name -> (dtype, shape, numbers)."""
        result = {}
        for value in self.arguments:
            shape = [STEPS if extent == "time" else SAMPLES if extent == "sample" else extent for extent in value.shape]
            count = math.prod(shape)
            if value.element == "i1":
                result[value.name[1:]] = ("U8", shape, [self.rng.randrange(2) for _ in range(count)])
            elif value.element == "i64":
                result[value.name[1:]] = ("I64", shape, [self.rng.randrange(3) for _ in range(count)])
            else:
                result[value.name[1:]] = ("F64", shape, [self.rng.uniform(-1, 1) for _ in range(count)])
        return result
