#!/usr/bin/env python3
# Compares compiled models with the reference interpreter, bit for bit.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  compare-bits.py --bin=build/bin model.snn
  compare-bits.py --bin=build/bin --batch=1,37 --steps=1,64 --threads=1,3 --snnc=--precision=f64 model.snn

A model may be a text of the stage bptt. For each model, batch and number of steps: snnc makes a library and the text of the
stage bptt, snn-random parameters, inputs and labels. Forward and gradient of the library (snn-run) and of the text (snn-interpret) must be the same numbers; where exp, tanh
or their like occur, close ones. With --train=N so must parameters be after N training steps (of which each is several updates, if the model
trains in windows). Threads, targets, limits of memory, step by step instead of forward, and other schedules (--schedule) must
give the same bytes. Exit status: 0 if all agree, else 1, after what does not.
"""
import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile

from tensor_files import Failed, Tensor, read_tensors, run
from training_steps import train, window_of

INEXACT = re.compile(r"math\.(exp|log|log1p|tanh|powf|atan|sin|cos|erf)\b")
CLOSE = 1e-5  # of the largest element
NOISE = 1e-7  # of the largest of all gradients: an ulp of the terms of a sum


def narrowed(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def differences(got, want, close, single):
    """What differs, for each tensor that both sides have."""
    if not got.keys() <= want.keys():
        return [f"{name}: not in the text" for name in got.keys() - want.keys()]
    found = []
    # A small gradient may be a sum of large terms, of which the largest gradient of all tells the size.
    terms = max((abs(y) for name in got if name.startswith("grad.") for y in want[name].numbers), default=0)
    for name, (shape, numbers, packed) in got.items():
        wanted_shape, wanted, wanted_bytes = want[name]
        if name == "loss" and single:  # snn-run writes it in the model's precision
            wanted = [narrowed(number) for number in wanted]
        if shape != wanted_shape:
            found.append(f"{name}: {shape}, but expected {wanted_shape}")
            continue
        # Both zeros are equal here; a NaN equals itself.
        wrong = [i for i, (x, y) in enumerate(zip(numbers, wanted)) if x != y and (x == x or y == y)]
        largest = max((abs(y) for y in wanted), default=0)
        if close:
            allowed = CLOSE * largest + (NOISE * terms if name.startswith("grad.") else 0)
            wrong = [i for i in wrong if not abs(numbers[i] - wanted[i]) <= allowed]
        if wrong:
            worst = max(wrong, key=lambda i: abs(numbers[i] - wanted[i]))
            found.append(f"{name}: {len(wrong)} of {len(numbers)} elements, at {wrong[0]} {numbers[wrong[0]]!r} for "
                         f"{wanted[wrong[0]]!r}, at {worst} {numbers[worst]!r} for {wanted[worst]!r}")
    return found


class Model:
    def __init__(self, path, options, folder):
        self.path, self.options, self.folder = path, options, folder
        self.text = self.file("bptt.mlir")
        snnc = [f"{options.bin}/snnc", *options.snnc]
        if path.endswith(".mlir"):  # already at this stage
            self.text = path
            snnc.append("--from=bptt")
        else:
            run(*snnc, path, "--emit=bptt", "-o", self.text)
        self.libraries = []
        for target in options.target or [None]:
            self.libraries.append(self.file(f"{target}.so"))
            run(*snnc, path, *([f"--target-cpu={target}"] if target else []), "-o", self.libraries[-1])
        for limit in options.memory_limit:
            self.libraries.append(self.file(f"limit{limit}.so"))
            run(*snnc, path, f"--memory-limit={self.least(snnc, path) if limit == 'least' else limit}", "-o", self.libraries[-1])
        usual = self.file("usual.mlir")
        if options.no_kernels or options.schedule:
            run(*snnc, path, "--emit=loops", "-o", usual)
        texts = []
        if options.no_kernels:
            # A product of lanes makes its scan pointwise, on which the places rest.
            texts.append(re.sub("#core.kernel<(?!lanes>)[a-z_]*>", "#core.kernel<loops>", self.read(usual)))
        for passes in options.schedule:
            loops = self.file("loops.mlir")
            run(f"{options.bin}/snn-opt", self.text, f"--pass-pipeline=builtin.module({passes})", "-o", loops)
            head = re.search("^module.*$", self.read(usual), re.M).group()  # says for which machine
            texts.append(self.read(loops).replace("\nmodule {\n", f"\n{head}\n", 1))
        for number, text in enumerate(texts):
            with open(self.file("loops.mlir"), "w") as file:
                file.write(text)
            self.libraries.append(self.file(f"schedule{number}.so"))
            run(f"{options.bin}/snnc", "--from=loops", self.file("loops.mlir"), "-o", self.libraries[-1])
        text = self.read(self.text)
        functions = re.findall(r"func\.func @(\w+)(.*?)(?=func\.func|\Z)", text, re.S)
        self.inexact = {name for name, body in functions if INEXACT.search(body)}
        steps = re.search(r"snn\.model [^\n]*\bsteps = (\d+)", text)
        self.steps = steps and steps.group(1)  # None: open
        self.training = "func.func @loss_and_gradient" in text
        self.single = "real = f32" in text
        self.window = window_of(text)

    @staticmethod
    def least(snnc, path):
        """The bytes that a call takes at least, which snnc says where they are more than a limit."""
        said = subprocess.run([*snnc, path, "--memory-limit=1", "--emit=loops", "-o", "-"], capture_output=True, text=True).stderr
        found = re.search(r"takes (\d+) bytes .* at least", said)
        if not found:
            raise Failed(said)
        return found.group(1)

    def file(self, name):
        return os.path.join(self.folder, name)

    def read(self, path):
        with open(path) as file:
            return file.read()

    def compute(self, library, inputs, name, *flags):
        run(f"{self.options.bin}/snn-run", library, inputs, "-o", self.file(name), *flags)
        with open(self.file(name), "rb") as file:
            return file.read()

    def check(self, batch, steps):
        options, given = self.options, [f"--steps={steps}"] if steps else []
        found = []
        whole = self.training and not (self.window and self.window < (steps or int(self.steps)))  # not in windows
        for function in ["forward"] + ["loss_and_gradient"] * whole:
            inputs = self.file("in.safetensors")
            flags = ["--no-labels"] if function == "forward" and self.training else []
            run(f"{options.bin}/snn-random", self.libraries[0], "-o", inputs, f"--batch={batch}", f"--seed={options.seed}",
                f"--gain={options.gain}", f"--zeros={options.zeros}", *flags, *given)
            flags = given + ["--gradients"] * (function != "forward")
            first = None
            for library in self.libraries:
                for threads in options.threads:
                    got = self.compute(library, inputs, "got.safetensors", f"--threads={threads}", *flags)
                    if first is None:
                        first = got
                    elif got != first:
                        found.append(f"{function}: other bits of {os.path.basename(library)} with {threads} threads")
            self.compute(self.libraries[0], inputs, "got.safetensors", f"--threads={options.threads[0]}", *flags)
            run(f"{options.bin}/snn-interpret", self.text, f"--function={function}", f"--inputs={inputs}",
                f"--outputs={self.file('want.safetensors')}", f"--steps={steps or self.steps}")
            got, want = read_tensors(self.file("got.safetensors")), read_tensors(self.file("want.safetensors"))
            # A text may have outputs that only some functions give, and no function gives a buffer that never changes.
            with open(self.text) as file:
                kept = set(re.findall(r'snn\.buffer @"?([^" ]+)', file.read()))
            got = {name: tensor for name, tensor in got.items() if name in want or not (self.text == self.path or name in kept)}
            found += [f"{function}: {line}" for line in differences(got, want, function in self.inexact, self.single)]
            if function == "forward" and options.streaming:
                self.compute(self.libraries[0], inputs, "steps.safetensors", "--streaming", *given)
                streamed = read_tensors(self.file("steps.safetensors"))
                # Counts of graded spikes are sums of reals, whose order is that of the steps here and time's elsewhere.
                graded = "count" in got and any(number % 1 for number in got["count"].numbers)
                sums = [{name: tensor for name, tensor in side.items() if graded and name == "count"} for side in (streamed, got)]
                rest = [{name: tensor for name, tensor in side.items() if name not in sums[0]} for side in (streamed, got)]
                found += [f"step: {line}" for line in differences(*rest, False, False) + differences(*sums, True, self.single)]
        if self.training and options.train:
            found += self.check_training(batch, steps or int(self.steps), given)
        return found

    def check_training(self, batch, steps, given):
        options, inputs = self.options, self.file("in.safetensors")
        run(f"{options.bin}/snn-random", self.libraries[0], "-o", inputs, f"--batch={batch}", f"--seed={options.seed}",
            f"--gain={options.gain}", f"--zeros={options.zeros}", *given)
        found = []
        first = None
        for library in self.libraries:
            for threads in options.threads:
                got = self.compute(library, inputs, "got.safetensors", f"--threads={threads}", f"--steps-of-training={options.train}", *given)
                first = first or got
                if got != first:
                    found.append(f"training: other bits of {os.path.basename(library)} with {threads} threads")
        if found or self.inexact & {"loss_and_gradient", "update"}:
            return found
        want, losses = train(options.bin, self.text, inputs, steps, options.train, self.folder)
        want = {name: Tensor(shape, numbers, b"") for name, (_, shape, numbers) in want.items()}
        want["losses"] = Tensor([options.train], [narrowed(loss) for loss in losses] if self.single else losses, b"")
        wrong = differences(read_tensors(self.file("got.safetensors")), want, False, False)
        return [f"training: {line}" for line in wrong]


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--bin", required=True, help="the folder of the programs")
    parser.add_argument("--snnc", action="append", default=[], help="a flag for snnc")
    parser.add_argument("--batch", type=numbers, default=[5])
    parser.add_argument("--steps", type=numbers, default=[7], help="for models that leave them open")
    parser.add_argument("--threads", type=numbers, default=[1, 3])
    parser.add_argument("--target", action="append", help="a name for --target-cpu")
    parser.add_argument("--memory-limit", action="append", default=[], metavar="SIZE", help="also with this limit; least: as low as it may be")
    parser.add_argument("--schedule", action="append", default=[], help="passes from bptt to loops, as snn-opt reads them")
    parser.add_argument("--no-kernels", action="store_true", help="also with all contracts as loops")
    parser.add_argument("--no-streaming", dest="streaming", action="store_false",
                        help="not step by step: for texts that look at several steps at once")
    parser.add_argument("--train", type=int, default=0, metavar="N", help="also N training steps")
    parser.add_argument("--gain", default="3", help="factor on weights")
    parser.add_argument("--zeros", default="0", help="share of the input that is zero")
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    failed = 0
    for path in options.models:
        with tempfile.TemporaryDirectory() as folder:
            try:
                model = Model(path, options, folder)
                sizes = [(b, t) for b in options.batch for t in ([None] if model.steps else options.steps)]
                for batch, steps in sizes:
                    found = model.check(batch, steps)
                    failed += bool(found)
                    for line in found:
                        print(f"{path}, batch {batch}" + (f", steps {steps}" if steps else "") + f": {line}")
            except Failed as failure:
                failed += 1
                print(f"{path}: {failure}")
    print(f"{failed} failed" if failed else "all agree")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
