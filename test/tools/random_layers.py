# Graphs of layers for random-snn.py: standard layers, own ones in index notation, and what connects them.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Names of productions, as in random-snn.py.
PRODUCTIONS = {
    "graph": "from from-input add add-of-above concat concat-of-above fan-out own-of-two label-of-neuron flat block block-of-two",
    "layers": "conv-1d conv-2d conv_transpose-1d conv_transpose-2d output-padding upsample layer_norm group_norm max_pool-1d max_pool-2d avg_pool-1d avg_pool-2d adaptive_avg_pool-1d adaptive_avg_pool-2d "
              "batch_norm batch_norm_tt without-affine slstm sconv_lstm lstm-factor lstm-levels kernel-pair stride "
              "padding dilation groups without-bias recurrent-conv neuron-of-several-extents",
    "index": "landing local masked low-rank centred reversed repeated outer affine largest smallest memory spiking gated choice "
             "sample-mean function function-parameter spike-factor learn state or-number or-none trunc extent rest option same-extents uniform start",
    "neurons": "rsynaptic alpha lapicque state_leaky delta_leaky integrator integrate_fire alif spikingjelly_lif "
               "spikingjelly_plif norse_lif_box",
}
MOST = 400  # elements of a layer, so that the interpreter is done soon


def size(shape):
    elements = 1
    for extent in shape:
        elements *= extent
    return elements


class LayerWriter:
    """What a graph needs of Writer in random-snn.py: `use`, `maybe`, `pick`, `number`, `name`, `any_surrogate`, `neuron`."""

    def pair(self, values):
        """Numbers for the extents, as one number where they are equal."""
        if len(values) == 2 and (values[0] != values[1] or self.maybe(0.3)):
            self.use("layers.kernel-pair")
            return f"({values[0]}, {values[1]})"
        return str(values[0])

    def window(self, shape, pool):
        """Arguments of a kernel that fits, and the extents that it leaves; none if there are too many."""
        extents, found = shape[1:], []
        for extent in extents:
            kernel = self.rng.randint(1, min(4, extent))
            padding = self.rng.randint(0, kernel // 2 if pool else 2)
            room = (extent + 2 * padding - 1) // (kernel - 1) if kernel > 1 else 3
            dilation = 1 if pool else self.rng.randint(1, min(3, max(room, 1)))
            stride = self.rng.randint(1, 3)
            found.append((kernel, stride, padding, dilation))
        if self.maybe(0.4):
            found = [min(found)] * len(found)
        if any(e + 2 * p - d * (k - 1) - 1 < 0 for e, (k, s, p, d) in zip(extents, found)):
            return None
        after = [(e + 2 * p - d * (k - 1) - 1) // s + 1 for e, (k, s, p, d) in zip(extents, found)]
        kernels, strides, paddings, dilations = ([window[i] for window in found] for i in range(4))
        arguments = ["kernel = " + self.pair(kernels)]
        if strides != (kernels if pool else [1] * len(strides)):
            self.use("layers.stride")
            arguments.append("stride = " + self.pair(strides))
        for word, values, usual in (("padding", paddings, 0), ("dilation", dilations, 1)):
            if any(value != usual for value in values):
                self.use("layers." + word)
                arguments.append(f"{word} = " + self.pair(values))
        return arguments, after

    def standard(self, shape):
        """A layer of the prelude: its text and its shape."""
        rank = len(shape)
        pools = ["max_pool", "avg_pool", "adaptive_avg_pool"]
        kinds = {1: ["linear", "slstm"], 2: ["conv", "conv_transpose", "upsample", *pools],
                 3: ["conv", "conv_transpose", "upsample", *pools, "sconv_lstm"]}.get(rank, [])
        if not self.smooth:  # a variance of few values has a derivative that differences do not see
            kinds += ["batch_norm", "batch_norm_tt", "layer_norm", "group_norm"]
        if self.exact:
            kinds = [kind for kind in kinds if "lstm" not in kind]
        if self.smooth:
            kinds = [kind for kind in kinds if kind != "max_pool"]
        if not kinds:
            return None
        kind = self.pick(*kinds)
        spikes = f"threshold = {self.number(0.05, 0.2)}, surrogate = {self.any_surrogate()}"
        if not self.smooth and self.maybe(0.6):
            spikes += f", reset = {self.pick('none', 'subtract', 'zero')}"
        if kind == "linear":
            return self.linear(self.width()), [self.last_width]
        if "lstm" in kind and self.maybe(0.4):
            self.use("layers.lstm-factor")
            spikes += f", graded_spikes_factor = {self.number(0.5, 2)}"
        if "lstm" in kind and not self.smooth and self.maybe(0.3):
            self.use("layers.lstm-levels")
            spikes += f", quantize = uniform_levels(bits = {self.rng.randint(3, 9)})"
        if kind == "slstm":
            self.use("layers.slstm")
            return f"slstm({self.width(9)}, {spikes})", [self.last_width]
        if kind == "sconv_lstm":
            self.use("layers.sconv_lstm")
            outputs = self.rng.randint(1, 3)
            return (f"sconv_lstm({outputs}, kernel = {self.pair([self.pick(1, 3), self.pick(1, 3)])}, {spikes})",
                    [outputs] + shape[1:])
        if kind == "upsample":
            scales = [self.rng.randint(1, 3) for _ in shape[1:]]
            after = shape[:1] + [scale * extent for scale, extent in zip(scales, shape[1:])]
            if size(after) > MOST:
                return None
            self.use("layers.upsample")
            return f"upsample({self.pair(scales)})", after
        if kind == "conv_transpose":
            return self.transposed(shape)
        if kind in ("layer_norm", "group_norm"):
            self.use("layers." + kind)
            arguments = [str(self.pick(*[count for count in range(1, 5) if shape[0] % count == 0]))] if kind == "group_norm" else []
            arguments += [f"eps = {self.number(0.01, 0.5)}"] + (["affine = false"] if self.maybe(0.3) else [])
            return f"{kind}({', '.join(arguments)})", shape
        if kind.startswith("batch_norm"):
            plain = self.maybe(0.3)
            self.use("layers." + kind, *["layers.without-affine"] if plain else [])
            return kind + ("(affine = false)" if plain else ""), shape
        if kind == "adaptive_avg_pool":
            self.use(f"layers.{kind}-{rank - 1}d")
            after = [self.rng.randint(1, extent + 1) for extent in shape[1:]]
            return f"adaptive_avg_pool({self.pair(after)})", shape[:1] + after
        found = self.window(shape, pool=kind != "conv")
        if not found:
            return None
        arguments, after = found
        self.use(f"layers.{kind}-{rank - 1}d")
        if kind != "conv":
            return f"{kind}({', '.join(arguments)})", shape[:1] + after
        groups = self.pick(*[count for count in range(1, 5) if shape[0] % count == 0])
        outputs = groups * self.rng.randint(1, 5)
        if groups > 1:
            self.use("layers.groups")
            arguments.append(f"groups = {groups}")
        if self.maybe(0.3):
            self.use("layers.without-bias")
            arguments.append("bias = false")
        return f"conv({outputs}, {', '.join(arguments)})", [outputs] + after

    def transposed(self, shape):
        """A transposed convolution, or none if it is too large."""
        found, after = [], []
        for extent in shape[1:]:
            kernel, stride, dilation = self.rng.randint(1, 4), self.rng.randint(1, 3), self.rng.randint(1, 2)
            padding, more = self.rng.randint(0, 2), self.rng.randint(0, max(stride, dilation) - 1)
            found.append((kernel, stride, padding, dilation, more))
            after.append((extent - 1) * stride + dilation * (kernel - 1) + 1 + more - 2 * padding)
        groups = self.pick(*[count for count in range(1, 5) if shape[0] % count == 0])
        outputs = groups * self.rng.randint(1, 4)
        if min(after) < 1 or size([outputs] + after) > MOST:
            return None
        kernels, strides, paddings, dilations, mores = ([window[i] for window in found] for i in range(5))
        self.use(f"layers.conv_transpose-{len(shape) - 1}d", *["layers.output-padding"] if any(mores) else [])
        arguments = [str(outputs), f"kernel = {self.pair(kernels)}", f"stride = {self.pair(strides)}", f"padding = {self.pair(paddings)}",
                     f"dilation = {self.pair(dilations)}", f"output_padding = {self.pair(mores)}"]
        if groups > 1:
            arguments.append(f"groups = {groups}")
        if self.maybe(0.3):
            arguments.append("bias = false")
        return f"conv_transpose({', '.join(arguments)})", [outputs] + after

    def width(self, most=40):
        self.last_width = self.rng.randint(1, most)
        return self.last_width

    # Own layers. Each leaves its definition, and gives the call and its shape.

    def own_layer(self, shape):
        kinds = ["centred", "memory", "choice", "gated-by-weight"]
        if len(shape) == 1:
            kinds += ["landing", "local", "masked", "low-rank", "reversed", "repeated", "outer", "affine", "spiking", "spiking"]
        if not self.smooth:
            kinds += ["sample-mean"] if self.maybe(0.2) else []
            kinds += ["largest", "smallest"] if len(shape) == 2 else []
        kind = self.pick(*kinds)
        name = self.name("own")
        count = shape[0]
        rest = "" if len(shape) == 1 else ", ..."
        head, lines, call, after = f"x[n{rest}]", [], name, list(shape)
        weight = f"uniform(-{self.number(0.2, 0.6)}, {self.number(0.2, 0.6)})"
        if kind == "local":
            self.use("index.local", "index.or-number", "index.extent")
            outputs, reach, stride = self.width(), self.rng.randint(1, 4), self.rng.randint(1, 2)
            head += "; outputs in [1, inf), reach = 3 in [1, inf), stride = 1"
            lines = [f"learn weight[outputs, reach] = {weight}",
                     f"y[o] = sum((x[o * stride + q - {self.rng.randint(0, 2)}] or 0) * weight[o, q], over = q)"]
            call, after = f"{name}({outputs}, reach = {reach}, stride = {stride})", [outputs]
        elif kind == "landing":
            self.use("index.landing", "index.extent")
            reach, stride, first = self.rng.randint(1, 4), self.rng.randint(1, 3), self.rng.randint(-2, 2)
            extent = max(1, count * stride + reach - 1 + first + self.rng.randint(-2, 2))
            term = self.pick("x[i] * weight[q]", "x[i] * weight[q] * 0.5", "(x[i + q - 1] or 0) * weight[q]", "(x[i] + 0.1) * weight[q]")
            lines = [f"learn weight[{reach}] = {weight}",
                     f"y[{stride} * i + {self.pick('q', f'{reach - 1} - q')} + {first} < {extent}] = sum({term}, over = (i < n, q))"]
            after = [extent]
        elif kind == "masked":
            self.use("index.masked", "expression.choice")
            head += "; outputs in [1, inf)"
            lines = [f"learn weight[outputs, n] = {weight}", "learn mask[n] = 1",
                     "kept[i] = x[i] * mask[i]", "y[o] = sum(kept[i] * weight[o, i], over = i)"]
            call, after = f"{name}({self.width()})", [self.last_width]
        elif kind == "low-rank":
            self.use("index.low-rank")
            head += "; outputs in [1, inf), rank = 2 in [1, inf)"
            lines = [f"learn left[outputs, rank] = {weight}", f"learn right[rank, n] = {weight}",
                     "low[r] = sum(x[i] * right[r, i], over = i)", "y[o] = sum(left[o, r] * low[r], over = r)"]
            if self.maybe(0.3):
                lines[2:] = ["y[o] = sum(x[i] * sum(left[o, r] * right[r, i], over = r), over = i)"]
            call, after = f"{name}({self.width()}, rank = {self.rng.randint(1, 4)})", [self.last_width]
        elif kind == "centred":
            self.use("index.centred", "index.extent", *(["index.rest"] if rest else []))
            lines = ([f"m = 1 / n", "y[i] = x[i] - m * sum(x[j], over = j)"] if not rest else
                     ["m[...] = mean(x[i, ...], over = i)", "y[i, ...] = x[i, ...] - m[...]"])
        elif kind == "reversed":
            self.use("index.reversed")
            lines = ["y[i < n] = x[n - 1 - i]"]
        elif kind == "repeated":
            self.use("index.repeated", "index.trunc", "index.extent")
            times = self.rng.randint(2, 3)
            lines = [f"y[i < {times} * n] = x[trunc(i / {times})]"]
            after = [times * count]
        elif kind == "outer":
            self.use("index.outer")
            width = self.rng.randint(1, 4)
            head += "; width in [1, inf)"
            lines = [f"learn weight[width] = {weight}", "y[i, j] = x[i] * weight[j]"]
            call, after = f"{name}({width})", [count, width]
        elif kind == "affine":
            self.use("index.affine", "index.or-number")
            a, b = self.rng.randint(1, 4), self.rng.randint(1, 4)
            place = f"{self.rng.randint(1, 2)} * i + {self.rng.randint(0, 3)} * j - {self.rng.randint(0, 3)}"
            if self.maybe(0.3):
                place = f"trunc(({place} + 3) / {self.rng.randint(2, 3)})"
            lines = [f"y[i < {a}, j < {b}] = x[{place}] or {self.pick('0', '0.5', '-1')}"]
            after = [a, b]
        elif kind in ("largest", "smallest"):
            self.use("index." + kind, "index.or-none", "index.extent")
            fold = "max" if kind == "largest" else "min"
            kernel = self.rng.randint(2, 3)
            head = "x[n, m]"
            lines = [f"y[i, j < m] = {fold}(x[i, j + q - 1] or none, over = (q < {kernel}))"]
        elif kind == "memory":
            self.use("index.memory", "index.state", *(["index.rest"] if rest else []))
            places = "n" + rest
            taken = f"x[i{rest}]"
            functions = [name for name, inputs in self.functions if inputs]
            if functions and self.maybe():
                self.use("index.function")
                taken += f" + 0.1 * {self.pick(*functions)}(trace[i{rest}])"
            elif not self.smooth and self.maybe(0.4):
                self.use("index.function-parameter")
                head += f"; bound = {self.pick('exact', 'uniform_levels(bits = 4)')}"
                call = f"{name}(bound = uniform_levels(bits = {self.rng.randint(2, 6)}))" if self.maybe() else name
                taken = f"bound({taken})"
            lines = [f"state trace[{places}] = {self.pick('0', '0.25')}",
                     f"trace[i{rest}] = {self.number(0.3, 0.9)} * trace[i{rest}] + {taken}"]
            if self.maybe():
                lines.append(f"y[i{rest}] = trace[i{rest}] - x[i{rest}]")
            else:
                lines += [f"learn gain[n] = {self.pick('1', weight)}", f"y[i{rest}] = gain[i] * trace[i{rest}]"]
        elif kind == "spiking":
            self.use("index.spiking", "index.state")
            head += f"; threshold = {self.number(0.2, 0.8)}, surrogate = {self.any_surrogate()}"
            lines = ["state mem[n] = 0", f"learn back[n, n] = {weight}", "state last[n] = 0",
                     "pull[i] = sum(back[i, j] * last[j], over = j)",
                     f"mem[i] = {self.number(0.3, 0.9)} * mem[i] + x[i] + 0.1 * pull[i]",
                     "s[i] = fire(mem[i] - threshold, surrogate)", "last[i] = s[i]", "spike s"]
            if self.maybe(0.4):
                self.use("index.spike-factor")
                head += ", factor = 1"
                lines[-1] += " * factor"
                call = f"{name}(factor = {self.number(0.5, 2)})" if self.maybe(0.7) else name
        elif kind == "choice":
            self.use("index.choice", "index.option", *(["index.rest"] if rest else []))
            head += "; way = one_of(plain, scaled)"
            lines = [f"y[i{rest}] = x[i{rest}]", "if way == scaled {",
                     "  learn scale[n] = 1" if self.maybe() else "  learn scale[n] = uniform(0.5, 1.5)",
                     f"  y[i{rest}] = y[i{rest}] * scale[i]" +
                     (f" + (if way == plain then 1 else {self.number(0, 1)})" if self.maybe() else ""), "}"]
            call = f"{name}(way = {self.pick('plain', 'scaled')})" if self.maybe(0.8) else name
        elif kind == "sample-mean":
            self.use("index.sample-mean")
            lines = [f"m[i{rest}] = mean(x[i{rest}], over = sample)", f"y[i{rest}] = x[i{rest}] - m[i{rest}]"]
        else:
            self.use("index.gated", "index.start", *(["index.rest"] if rest else []))
            lines = [f"learn gate[n{rest}] = {self.number(0.2, 1)}", f"y[i{rest}] = x[i{rest}] * gate[i{rest}]"]
        if any("learn " in line for line in lines):
            self.use("index.learn", *(["index.uniform"] if "uniform" in "".join(lines) else []))
        if not lines[-1].startswith("spike s"):
            lines.append("value y")
        self.definitions.append(f"layer {name}({head}) {{\n" + "".join(f"  {line}\n" for line in lines) + "}")
        return call, after

    def block(self, shape, label=None):
        """Layers under a name, with a parameter, that leave the shape as it is; of two inputs, if there is a label."""
        name, weights = self.name("block"), "linear(width, bias = false)" if len(shape) == 1 else "conv(width, kernel = 3, padding = 1)"
        if len(shape) == 2:
            self.use("layers.conv-1d")
        lines = [weights, self.plain_neuron(shape)]
        if label or self.maybe():
            lines += [f"inner: {weights}", f"add(inner, {'other' if label else 'x'})", self.plain_neuron(shape)]
        self.use("graph.block-of-two" if label else "graph.block")
        self.definitions.append(f"block {name}(x{', other' if label else ''}; width = 2) {{\n" + "".join(f"  {line}\n" for line in lines) + "}")
        return f"{name}({label + ', ' if label else ''}width = {shape[0]})", shape

    def joined(self, shape, known):
        """A layer of two inputs: with one label, the other is the line above."""
        same = [label for label, other in known if other == shape]
        near = [label for label, other in known if other[1:] == shape[1:] and len(other) == len(shape)]
        kind = self.pick("add", "concat", "own", "block")
        if kind == "concat" and near:
            label = self.pick(*near)
            other = dict(known)[label]
            self.use("graph.concat-of-above")
            if self.maybe(0.3):
                self.use("graph.concat")
                return f"concat({label}, {label})", [2 * other[0]] + shape[1:]
            return f"concat({label})", [shape[0] + other[0]] + shape[1:]
        if not same:
            return None
        label = self.pick(*same)
        if kind == "block":
            return self.block(shape, label)
        if kind == "own":
            name = self.name("own")
            self.use("graph.own-of-two", "index.same-extents")
            self.definitions.append(f"layer {name}(a[n, ...], b[n, ...]; share = 0.5) {{\n"
                                    f"  y[i, ...] = a[i, ...] * share + b[i, ...] * (1 - share)\n  value y\n}}")
            return f"{name}({label}{self.pick('', ', share = 0.25')})", shape
        self.use("graph.add-of-above")
        if self.maybe(0.4):
            self.use("graph.add")
            return f"add({label}, {self.pick(*same)})", shape
        return f"add({label})", shape

    def recurrence(self, shape):
        if len(shape) == 1:
            return self.recurrent()
        if self.maybe(0.4):
            self.use("layer.recurrent-each")
            return "each"
        self.use("layers.recurrent-conv")
        kernel, groups = self.pick(1, 3), self.pick(1, shape[0])
        return f"conv(kernel = {kernel}, padding = {kernel // 2}, groups = {groups})"

    def other_neuron(self, shape, last):
        """A neuron of the prelude that random-snn.py's `neuron` does not know; the last one has spikes."""
        kinds = ["rsynaptic", "alpha", "lapicque", "alif"]
        if not self.smooth:
            kinds += ["delta_leaky", "integrate_fire", "spikingjelly_lif", "norse_lif_box"]
            kinds += [] if self.exact else ["spikingjelly_plif"]
        if not self.exact:
            kinds.append("state_leaky")
        if not last:
            kinds.append("integrator")
        kind = self.pick(*kinds)
        if self.smooth and kind == "alif":
            kind = "lapicque"
        self.use("neurons." + kind)
        learn = not (self.exact and kind in ("alpha", "lapicque"))
        numbers = {"rsynaptic": "alpha beta threshold", "alpha": "alpha beta", "lapicque": "beta R", "state_leaky": "beta",
                   "delta_leaky": "beta delta_threshold", "integrator": "beta", "integrate_fire": "threshold",
                   "alif": "beta rho kappa threshold", "spikingjelly_lif": "v_threshold", "spikingjelly_plif": "w",
                   "norse_lif_box": "v_leak v_th"}[kind].split()
        limits = {"alpha": (0.8, 0.95), "beta": (0.4, 0.7), "tau": (2, 3), "R": (0.5, 2), "kappa": (0.1, 0.3),
                  "delta_threshold": (0.2, 0.6), "v_leak": (0, 0.2)}
        arguments = [f"{key} = {self.value_of(*limits.get(key, (0.4, 0.9)), learn)}" for key in numbers if self.maybe(0.6)]
        options = {"rsynaptic": {"reset": "subtract zero none", "delay": "true false"},
                   "alpha": {"reset": "zero subtract none"}, "lapicque": {"reset": "subtract zero none"},
                   "integrate_fire": {"reset": "subtract zero"},
                   "spikingjelly_lif": {"decay_input": "true false", "detach_reset": "true false"},
                   "spikingjelly_plif": {"decay_input": "true false", "detach_reset": "true false"}}.get(kind, {})
        for option, words in options.items():
            if self.smooth:
                arguments += ["reset = none"] if option == "reset" else []
            elif self.maybe():
                arguments.append(f"{option} = {self.pick(*words.split())}")
        if kind == "rsynaptic":
            arguments.append(f"recurrent = {self.recurrence(shape)}")
        if kind != "integrator" and (self.smooth or self.exact or self.maybe()):
            arguments.append(f"surrogate = {self.any_surrogate()}")
        return f"{kind}({', '.join(arguments)})" if arguments else kind

    def graph(self, shape):
        """Lines from an input of this shape to one extent. Labels of neurons go to `labels`."""
        lines, known, used = [], [("input", list(shape))], set()
        for _ in range(self.rng.randint(2, 6)):
            labelled = None
            kind = self.pick("standard", "standard", "own", "neuron", "neuron", "join", "from", "block")
            if kind == "from" and len(known) > 1:
                label, shape = self.pick(*known)
                self.use("graph.from-input" if label == "input" else "graph.from")
                lines.append(f"from {label}")
                if label in used:
                    self.use("graph.fan-out")
                used.add(label)
                continue
            if kind == "neuron":
                text, after = self.other_neuron(shape, last=False) if self.maybe() else self.plain_neuron(shape), shape
                if len(shape) > 1:
                    self.use("layers.neuron-of-several-extents")
                labelled = not text.startswith("integrator")
            else:
                found = (self.standard(shape) if kind == "standard" else self.own_layer(shape) if kind == "own" else
                         self.joined(shape, known) if kind == "join" else self.block(shape) if kind == "block" else None)
                if not found or size(found[1]) > MOST:
                    continue
                text, after = found
            shape = list(after)
            if self.maybe(0.4):
                self.use("model.label")
                label = self.name("h")
                known.append((label, shape))
                if labelled:
                    self.use("graph.label-of-neuron")
                    self.labels.append(label)
                    self.heads += [label] if len(shape) == 1 else []
                if text.startswith(("conv(", "linear", "batch_norm", "block")) and "affine = false" not in text:
                    self.learning.append(label)
                text = f"{label}: {text}"
            lines.append(text)
        self.use("graph.flat")
        return lines + ["flatten"]

    def plain_neuron(self, shape):
        """One whose recurrence, if it has one, fits any shape."""
        text = self.neuron(last=False)
        if len(shape) > 1:
            for layer in ("= linear(bias = false)", "= linear"):
                text = text.replace(layer, "= each")
        own = [neuron for neuron in self.neurons if text.startswith(neuron[0] + "(") or text == neuron[0]]
        if own and (own[0][1] == "value" or len(shape) > 1):  # its recurrence may be `linear` by default
            return f"leaky(surrogate = {self.any_surrogate()})" if not self.smooth else "leaky(reset = none, surrogate = atan)"
        return text
