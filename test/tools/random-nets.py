#!/usr/bin/env python3
# Compares the gradients that core-vjp writes with differences, on random functions of core ops.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  random-nets.py --bin=build/bin --count=5
  random-nets.py --bin=build/bin --seed=1000 --count=300 --keep=/tmp/found
  random-nets.py --print --seed=7

Each seed is a function @loss of maps, folds, contracts and scans with smooth bodies: windows, strides, padding,
broadcasts, digits, shifts of time, largest and smallest values, invariants and carries. snn-opt writes its gradient,
snn-interpret computes it and the loss, all in f64. The derivative along a random direction, in which each argument's
share is of the same order, must agree with the central difference. Exit status: 0 if all agree, else 1, after the
seeds that do not. With --scheduled the gradients are compared, in f32, with those after the schedule for a CPU: all bits.
"""
import argparse
import math
import os
import random
import sys
import tempfile

from core_functions import Net
from tensor_files import Failed, read_tensors, run, write_tensors

TOLERANCE = 1e-6


def check(seed, tools, folder, before, after):
    net = Net(seed)
    text, tensors = net.build(), net.tensors()
    forward, reverse = os.path.join(folder, "loss.mlir"), os.path.join(folder, "vjp.mlir")
    inputs, outputs = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
    with open(forward, "w") as file:
        file.write(text)
    run(*[f"{tools}/snn-opt", forward, *before, "--core-vjp=function=loss of-loss", *after, "-o", reverse])

    def interpret(path, function, values):
        write_tensors(inputs, values)
        run(*[f"{tools}/snn-interpret", path, f"--function={function}", f"--inputs={inputs}", f"--outputs={outputs}",
             "--wide"])
        return {name: tensor.numbers for name, tensor in read_tensors(outputs).items()}

    gradients = interpret(reverse, "loss_vjp", tensors)
    # Constants that canonicalisation folded were rounded to f32.
    loss = interpret(forward, "loss", tensors)["loss"][0]
    if not math.isclose(loss, gradients["loss"][0], rel_tol=1e-6, abs_tol=1e-5):
        raise Failed(f"the loss is {loss}, but beside its gradient {gradients['loss'][0]}")
    names = [name for name in tensors if "grad." + name in gradients]
    if names != [name for name, (dtype, _, _) in tensors.items() if dtype == "F64"]:
        raise Failed("a real argument has no gradient")

    def disagreement(names, epsilon):
        """Derivative along a random direction in these arguments, and the difference."""
        rng = random.Random(seed)
        direction, derivative, scale = {}, 0.0, 1.0
        for name in names:
            gradient = gradients["grad." + name]
            largest = max(max(map(abs, gradient)), 0.1)
            direction[name] = [rng.uniform(-1, 1) / largest for _ in gradient]
            derivative += sum(g * d for g, d in zip(gradient, direction[name]))
            scale += sum(abs(g * d) for g, d in zip(gradient, direction[name]))
        losses = []
        for sign in (1, -1):
            moved = dict(tensors)
            for name in names:
                dtype, shape, numbers = tensors[name]
                moved[name] = (dtype, shape, [x + sign * epsilon * d for x, d in zip(numbers, direction[name])])
            losses.append(interpret(reverse, "loss", moved)["loss"][0])
        difference = (losses[0] - losses[1]) / (2 * epsilon)
        error = abs(derivative - difference) / scale
        return error if math.isfinite(error) else math.inf, derivative, difference

    # A kink or a jump that lies between the two points is in reach of one of the steps, hardly of both.
    error = math.inf
    for epsilon in (1e-5, 1e-6):
        error, derivative, difference = disagreement(names, epsilon)
        if error <= TOLERANCE:
            return error
    parts = []
    for name in names:
        error, derivative, difference = disagreement([name], 1e-6)
        parts.append(f"%{name}: derivative {derivative:.9g}, difference {difference:.9g}"
                     + ("" if error <= TOLERANCE else "  WRONG"))
    raise Failed("the gradient disagrees with differences\n  " + "\n  ".join(parts))


def check_schedule(seed, tools, folder, before, after):
    """The schedule for a CPU changes no bit of any result, and its plan stands its check. An exception are functions of
    constants: fusion lets them meet, and canonicalisation folds them with another library than computes them."""
    net = Net(seed)
    texts = [os.path.join(folder, f"{name}.mlir") for name in ("loss", "vjp", "loops")]
    inputs = os.path.join(folder, "in.safetensors")
    with open(texts[0], "w") as file:
        file.write(net.build())
    write_tensors(inputs, net.tensors())
    run(*[f"{tools}/snn-opt", texts[0], *before, "--core-vjp=function=loss of-loss", *after, "-o", texts[1]])
    run(*[f"{tools}/snn-opt", texts[1], "--snn-to-loops", "--core-check-plan", "-o", texts[2]])
    results = []
    for text in texts[1:]:
        outputs = os.path.join(folder, "out.safetensors")
        run(*[f"{tools}/snn-interpret", text, "--function=loss_vjp", f"--inputs={inputs}", f"--outputs={outputs}"])
        with open(outputs, "rb") as file:
            results.append(file.read())
    if results[0] != results[1]:
        raise Failed("results are not the same bits after snn-to-loops")
    return 0.0


def listed_passes(names):
    return ["--" + name for name in names.split(",") if name]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="the folder of snn-opt and snn-interpret")
    parser.add_argument("--seed", type=int, default=1, help="of the first function")
    parser.add_argument("--count", type=int, default=1, help="functions, one seed after the other")
    parser.add_argument("--before", default="", help="passes before core-vjp")
    parser.add_argument("--passes", default="core-resolve-vjps,core-fix-order,canonicalize,cse", help="after core-vjp")
    parser.add_argument("--scheduled", action="store_true", help="compare the gradients before and after snn-to-loops")
    parser.add_argument("--keep", help="a folder for the texts that were found")
    parser.add_argument("--print", action="store_true", help="print the first function instead")
    options = parser.parse_args()
    if options.print:
        print(Net(options.seed).build(), end="")
        return
    if not options.bin:
        parser.error("the folder of the programs is needed: --bin")
    worst, failed = 0.0, 0
    for seed in range(options.seed, options.seed + options.count):
        with tempfile.TemporaryDirectory() as folder:
            try:
                before, after = listed_passes(options.before), listed_passes(options.passes)
                method = check_schedule if options.scheduled else check
                worst = max(worst, method(seed, options.bin, folder, before, after))
            except Failed as failure:
                failed += 1
                print(f"seed {seed}: {failure}")
                if options.keep:
                    os.makedirs(options.keep, exist_ok=True)
                    with open(os.path.join(options.keep, f"{seed}.mlir"), "w") as file:
                        file.write(Net(seed).build())
    print(f"{options.count - failed} of {options.count} agree, the worst within {worst:.3g}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
