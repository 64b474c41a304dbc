# Training of random models for random-snn.py: losses, metrics, optimizers, what is done with gradients, and over how many steps.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Names of productions, as in random-snn.py.
PRODUCTIONS = {
    "train": "none mse_count ce_rate ce_count ce_max_membrane mse_membrane mse_temporal ce_temporal l1_rate rate_band own-loss smoothing "
             "weight sum loss-of-label metric metric-of-label several-metrics accuracy_membrane accuracy_temporal "
             "sgd nesterov rmsprop adam adamw own-optimizer constant step_decay linear_warmup cosine own-schedule batch epochs "
             "clip-norm clip-value own-clip group frozen-group truncate online",
    "towards": "target target-over-time target-bytes unnamed label label-over-time several-labels mse mse_rate l1 steps-of-label head weights weight-for-all "
               "metric-mse metric-of-head accuracy_rate",
}


def call(name, arguments):
    return f"{name}({', '.join(arguments)})" if arguments else name


class TrainingWriter:
    """What `train` and the declarations of targets need of Writer in random-snn.py."""

    def own_loss(self):
        name, lines = self.name("distance"), []
        self.use("definition.tuple", "expression.element", "reduction.sum", "reduction.over-class", "reduction.classes",
                 "expression.compare", "word.class", "expression.axis", "word.steps", "word.per_class")
        over = self.pick("mean", "sum") if self.smooth else self.pick("mean", "sum", "max", "min")
        self.use("reduction." + over, "reduction.over-time")
        lines.append(f"top = {over}({self.pick('membrane', 'spikes')}, over = time)")
        lines.append("reached = classes(top) / (steps * per_class)")
        result = "sum((reached - weights.0 * (label == class))^2, over = class) / weights.1"
        if self.maybe():
            self.use("expression.at")
            result += " + 0.1 * (reached at label)"
        if self.maybe():
            self.use("reduction.over-several", "reduction.mean", "word.time", "word.neuron")
            result += " + mean(spikes * (time + 1) / (neuron + 1), over = (time, neuron)) / steps"
        if not self.smooth and self.maybe():
            winner = self.pick("argmax", "argmin")
            self.use("reduction." + winner)
            result += f" + 0.1 * (reached at {winner}(reached, over = class))"
        lines.append(result)
        self.define("loss", f"{name}(spikes, membrane, label; weights = (1, 2) in (0, 3])", lines)
        return name

    def own_metric(self):
        name, kind = self.name("measure"), self.pick("silent", "winner", "share")
        if kind == "silent":
            self.use("reduction.sum", "reduction.over-several", "expression.compare")
            self.define("metric", f"{name}(spikes)", ["sum(spikes, over = (time, neuron)) == 0"])
        elif kind == "winner":
            winner = self.pick("argmax", "argmin")
            self.use("reduction." + winner, "reduction.classes")
            self.define("metric", f"{name}(membrane, label)",
                        [f"{winner}(classes(sum(membrane, over = time)), over = class) == label"])
        else:
            self.use("reduction.mean", "reduction.over-neuron", "reduction.over-time")
            self.define("metric", f"{name}(spikes; factor = 2)", ["factor * mean(mean(spikes, over = neuron), over = time)"])
        return name

    def own_optimizer(self):
        name, lines = self.name("descent"), []
        direction = "g"
        if self.maybe():
            self.use("definition.state")
            lines += ["state speed = 0", "speed = share * speed + g"]
            direction = "speed"
        else:
            lines.append("d = share * g + g")
            direction = "d"
        step = f"lr * {direction}"
        if self.maybe():
            self.use("word.update")
            step += " / sqrt(update)"
        if self.maybe():
            self.use("word.epoch")
            step += " / (1 + epoch)"
        self.use("definition.next")
        lines.append(f"next p - {step}")
        self.define("optimizer", f"{name}(p, g; lr = 0.01 in [0, inf), share = 0.5 in [0, 1))", lines)
        return name

    def own_schedule(self):
        name, kind = self.name("fall"), self.pick("constant", "epoch", "updates", "epochs")
        if kind == "constant":
            self.use("definition.no-inputs")
            self.define("schedule", name, ["0.5"])
        else:
            self.use(*{"epoch": ["word.epoch"], "updates": ["word.update", "word.updates"], "epochs": ["word.epoch", "word.epochs"]}[kind])
            text = {"epoch": "0.5^trunc(epoch / every)", "updates": "1 - update / (updates + every)",
                    "epochs": "1 / every + epoch / (epochs + 1)"}[kind]
            self.define("schedule", f"{name}(every = 10 in [1, inf))", [text])
        return name

    def declare(self, outputs):
        """Lines for what the model is trained towards: (name, whether over time) of each."""
        self.targets, self.given, lines = [], [], []
        for word, declared in ("target", self.targets), ("label", self.given):
            while self.maybe(0.25) and len(declared) < 2:
                over_time = self.maybe()
                name = "" if not declared and (word == "target" or over_time) and self.maybe(0.3) else self.name("aim")
                self.use("towards." + word + ("-over-time" if over_time else ""), *[] if name else ["towards.unnamed"])
                text = f"{word} {name}".rstrip()
                if word == "target":
                    bytes_ = self.maybe(0.2)
                    self.use(*["towards.target-bytes"] if bytes_ else [])
                    text += f" u8[{outputs}] / 255" if bytes_ else f" f32[{outputs}]"
                declared.append((name or {"target": "target", "label": "labels"}[word], over_time))
                lines.append(text + (" over time" if over_time else ""))
        if len(self.given) > 1:
            self.use("towards.several-labels")
        return lines

    def weights(self):
        """Of the classes of the last layer, as an argument, or nothing."""
        if self.maybe(0.6):
            return []
        several = self.maybe(0.8)
        self.use("towards.weights" if several else "towards.weight-for-all")
        numbers = [self.number(0.2, 3) for _ in range(self.classes if several else 1)]
        return [f"weights = ({', '.join(numbers)})" if several else f"weights = {numbers[0]}"]

    def smoothing(self):
        if self.maybe(0.6):
            return []
        self.use("train.smoothing")
        return [f"smoothing = {self.number(0.05, 0.4)}"]

    def of_classes(self, kind, label):
        """A loss that compares the last layer with labels: its text."""
        if kind == "own-loss":
            return call(self.own_loss(), label)
        arguments = label + self.weights()
        if kind.startswith("ce_"):
            arguments += self.smoothing()
        if kind in ("mse_count", "mse_membrane") and self.maybe():
            arguments += [f"correct = {self.number(0.5, 1)}", f"incorrect = {self.number(0, 0.4)}"]
        if kind == "mse_temporal" and self.maybe():
            arguments += [f"correct = {self.pick(0, 1)}", f"tolerance = {self.pick(0, 1)}"]
        if kind == "ce_temporal" and self.maybe():
            arguments.append("inverse = reciprocal")
        return call(kind, arguments)

    def term(self, weighted):
        """Of the sum of losses."""
        kinds = ["l1_rate"] + ([] if self.smooth else ["rate_band"]) + (["towards"] if self.targets else [])
        if self.classified:
            kinds += ["mse_count", "mse_membrane", "own-loss"] + ([] if self.smooth else ["mse_temporal"])
            kinds += [] if self.rounded else ["ce_rate", "ce_count"] + ([] if self.smooth else ["ce_max_membrane", "ce_temporal"])
        if self.of_step and not self.rounded:
            kinds.append("steps-of-label")
        kind = self.pick(*kinds)
        if kind == "towards":
            name, over_time = self.pick(*self.targets)
            kind = self.pick(*["mse"] + ([] if self.smooth else ["l1"]) + ([] if over_time else ["mse_rate"]))
            self.use("towards." + kind)
            text = call(kind, [name] if len(self.targets) > 1 or self.maybe() else [])
        elif kind == "steps-of-label":
            self.use("towards.steps-of-label")
            head = [self.pick(*self.heads)] if self.heads and self.maybe(0.3) else []
            self.use(*["towards.head"] if head else [])
            text = call("ce_rate", head + [self.pick(*self.of_step)] + ([] if head else self.weights() + self.smoothing()))
        elif kind in ("l1_rate", "rate_band"):
            self.use("train." + kind, *["train.loss-of-label"] if self.labels else [])
            bounds = [f"low = {self.number(0.05, 0.2)}"] if kind == "rate_band" and self.maybe() else []
            text = call(kind, ([self.pick(*self.labels)] if self.labels else []) + bounds)
        else:
            self.use("train." + kind)
            text = self.of_classes(kind, self.label)
        if weighted:
            self.use("train.weight")
            text = f"{self.number(0.1, 2)} * {text}" if self.maybe() else f"{text} * {self.number(0.1, 2)}"
        return text

    def losses(self):
        losses = [self.term(self.maybe(0.3))]
        while self.maybe(0.4) and len(losses) < 3:
            losses.append(self.term(self.maybe(0.7)))
        if len(losses) > 1:
            self.use("train.sum")
        return "loss " + " + ".join(losses)

    def metrics(self):
        lines, count = [], self.rng.randint(0, 2)
        if count:
            self.use("train.metric")
            if self.classified:
                lines.append("metric " + call("accuracy", self.label))
            if self.classified and self.label and self.heads and self.maybe():
                self.use("towards.metric-of-head")
                lines.append("metric " + call("accuracy", [self.pick(*self.heads)] + self.label))
            if self.classified and self.maybe():
                kind = self.pick("accuracy_membrane", "accuracy_temporal")
                self.use("train." + kind)
                lines.append("metric " + call(kind, self.label))
            if self.of_step and self.maybe():
                self.use("towards.accuracy_rate")
                lines.append("metric " + call("accuracy_rate", [self.of_step[0]]))
            if self.targets:
                self.use("towards.metric-mse")
                lines.append("metric " + call("mse", [self.targets[0][0]]))
        if count == 2:
            self.use("train.several-metrics")
            metric = self.own_metric()
            if self.labels and "label" not in self.definitions[-1]:
                self.use("train.metric-of-label")
                metric += f"({self.pick(*self.labels)})"
            if "label" not in self.definitions[-1]:
                lines.append("metric " + metric)
            elif self.classified:
                lines.append("metric " + call(metric, self.label))
        return lines

    def own_clip(self):
        name, least = self.name("bound"), self.number(0.1, 0.5)
        self.use("train.own-clip", "definition.clip", "reduction.max", "reduction.over-parameter")
        self.define("clip", f"{name}(g; limit = 1 in (0, inf))",
                    [f"g * max({least}, min(1, limit / m))" + self.where("", "m", "1e-3 + max(abs(g), over = parameter)")])
        return name

    def updates(self):
        """Lines on what happens with gradients."""
        kind = self.pick("sgd", "nesterov", "rmsprop", "adam", "adamw", "own-optimizer")
        self.use("train." + kind)
        # Parameters that no gradient reaches stay as they are in smooth models: no decay.
        optimizer = {"sgd": "sgd(lr = 1e-2, momentum = 0.5)", "nesterov": "sgd(lr = 1e-2, momentum = 0.5, nesterov = true)",
                     "rmsprop": "rmsprop(lr = 1e-2, momentum = 0.2)", "adam": "adam(lr = 1e-2, betas = (0.8, 0.99))",
                     "adamw": f"adamw(weight_decay = {0 if self.smooth else 0.1})"}.get(kind)
        lines = ["optimizer " + (optimizer or self.own_optimizer())]
        if self.maybe(0.6):
            kind = self.pick("constant", "step_decay", "linear_warmup", "cosine", "own-schedule")
            self.use("train." + kind)
            schedule = {"constant": "constant", "step_decay": "step_decay(every = 1, factor = 0.5)", "linear_warmup": "linear_warmup(warmup = 0.5)",
                        "cosine": "cosine(warmup = 1, floor = 0.1)"}.get(kind)
            lines.append("schedule " + (schedule or self.own_schedule()))
        if not self.smooth and self.maybe(0.4):  # what is cut off is not the derivative
            kind = self.pick("norm", "value", "own")
            self.use(*["train.clip-" + kind] if kind != "own" else [])
            lines.append(f"clip {self.own_clip() if kind == 'own' else kind}(limit = {self.number(0.01, 1)})")
        for label in sorted(set(self.learning)):
            if self.maybe(0.4):
                rate = self.pick("0", self.number(0.001, 0.1))
                self.use("train.frozen-group" if rate == "0" else "train.group")
                lines.append(f"group {label}(lr = {rate})")
        if not self.smooth and self.maybe(0.25):
            window = self.rng.randint(1, self.steps)
            self.use("train.online" if window == 1 else "train.truncate")
            lines.append(f"truncate {window}")
        return lines

    def train(self):
        if self.maybe(0.1) and not self.exact and not self.given:
            self.use("train.none")
            return ""
        # What reads one label of each sample says which, unless there is none or one.
        of_sample = [name for name, over_time in self.given if not over_time]
        self.of_step = [name for name, over_time in self.given if over_time]
        self.classified = bool(of_sample or not self.given)
        self.label = [self.pick(*of_sample)] if len(self.given) > 1 and of_sample else []
        # In exact models most losses have no function of a mathematical library either; others are compared less exactly.
        self.rounded = self.exact and self.maybe(0.75)
        lines = [self.losses(), *self.metrics(), *self.updates(), f"batch {self.batch}", "epochs 2"]
        self.use("train.batch", "train.epochs")
        self.rng.shuffle(lines)
        return "train {\n" + "".join(f"  {line}\n" for line in lines) + "}"
