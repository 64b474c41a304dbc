#!/usr/bin/env python3
# Compares streaming builds with the library of the same model, bit for bit, on several kinds of processors.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Examples:
  stream-bits.py --bin=build/bin --target=native,armv8-a,cortex-m4 model.snn
  stream-bits.py --bin=build/bin --steps=9 --snnc=-Dhidden=30 model.snn
  stream-bits.py --bin=build/bin --target=native,cortex-m4 --first-step=4294967290 model.snn

For each model and target: snn-random makes weights and inputs of one sample, snn-run says what the library gives for all time
steps, and a C program around the streaming build, weights in it or beside it, must give the same bits step by step.
With --first-step a stream begins there, with its state zero, and targets are compared with the first of them.
Code for AArch64 runs in qemu-aarch64, that for Cortex-M in qemu-system-arm (examples/cortex_m), without any library.
Prints for each the bytes of code, arena and stream. Exit status: 0 if all agree, else 1, after what does not.
"""
import argparse
import os
import re
import struct
import sys
import tempfile

from tensor_files import FORMATS, Failed, read_tensors, run, write_tensors

CODES = {"float": "f", "double": "d", "uint8_t": "B"}
HOSTED = """
#include <stdio.h>
static void say(const char *text) { fputs(text, stdout); }
"""
BARE = """
#include "board.h"
static void say(const char *text) { board_print(text); }
"""
MAIN = """
static void put(const char *name, const void *values, unsigned long bytes) {
  const unsigned char *byte = (const unsigned char *)values;
  char pair[3] = {0, 0, 0};
  say(name);
  say(" ");
  while (bytes--) {
    pair[0] = "0123456789abcdef"[*byte >> 4];
    pair[1] = "0123456789abcdef"[*byte++ & 15];
    say(pair);
  }
  say("\\n");
}
"""


def fields(header, struct_name):
    """(type, field, elements) of a struct of pointers."""
    body = re.search(r"typedef struct %s \{(.*?)\}" % struct_name, header, re.S).group(1)
    result = []
    for kind, field, shape in re.findall(r"(\w+) \*(\w+); /\* \[(.*?)\]", body):
        count = 1
        for extent in filter(None, shape.split(", ")):
            count *= int(extent)
        result.append((kind, field, count))
    return result


def words(packed):
    packed += b"\0" * (-len(packed) % 8)
    return ", ".join(f"0x{word:x}u" for word in struct.unpack(f"<{len(packed) // 4}I", packed))


def span(header, title, tensors, size):
    """The bytes of parameters or buffers as the header's comment says where they lie."""
    memory = bytearray(size)
    section = re.search(r" \* %s \(.*?\n((?: \*   .*\n)*)" % title, header)
    for name, kind, shape, at, strides in re.findall(r" \*   (\S+) +(\w+) \[(.*?)\] at (\d+), strides \[(.*?)\]",
                                                     section.group(1) if section else ""):
        extents = [int(word) for word in shape.split(", ") if word]
        steps = [int(word) for word in strides.split(", ") if word]
        code = FORMATS[kind.upper()]
        for i, number in enumerate(tensors[name].numbers):
            place = 0
            for extent, step in zip(reversed(extents), reversed(steps)):
                i, index = divmod(i, extent)
                place += index * step
            struct.pack_into("<" + code, memory, int(at) + place * struct.calcsize(code), number)
    return bytes(memory)


class Model:
    def __init__(self, path, options, folder):
        self.options, self.folder = options, folder
        self.far = None  # what the first target gives from a later step on
        self.snnc = [f"{options.bin}/snnc", path, *options.snnc]
        library, self.weights = self.file("library.so"), self.file("weights.safetensors")
        run(*self.snnc, "--mode=infer", "-o", library)
        steps = self.steps()
        run(f"{options.bin}/snn-random", library, "-o", self.file("in"), "--batch=1", f"--gain={options.gain}", "--no-labels",
            *steps)
        run(f"{options.bin}/snn-run", library, self.file("in"), "-o", self.file("out"), "--streaming", *steps)
        self.given, self.wanted = read_tensors(self.file("in")), read_tensors(self.file("out"))
        run(*self.snnc, "--mode=stream", "--emit=header", "-o", self.file("names.h"))
        header = self.read("names.h")
        self.name = re.search(r"typedef struct (\w+)_stream", header).group(1)
        self.inputs = fields(header, f"{self.name}_inputs")
        names = [field for _, field, _ in self.inputs]
        write_tensors(self.weights, {name: ("F64" if len(t.packed) == 8 * len(t.numbers) and t.numbers and
                                            isinstance(t.numbers[0], float) else "F32", t.shape, t.numbers)
                                     for name, t in self.given.items() if name not in names})

    def steps(self):
        """For a model that leaves their number open."""
        run(*self.snnc, "--mode=infer", "--emit=header", "-o", self.file("infer.h"))
        numbers = dict(re.findall(r"#define \w+?_(STEPS|MAX_STEPS) (\d+)", self.read("infer.h")))
        return [] if "STEPS" in numbers else [f"--steps={min(self.options.steps, int(numbers['MAX_STEPS']))}"]

    def file(self, name):
        return f"{self.folder}/{name}"

    def read(self, name):
        with open(self.file(name)) as file:
            return file.read()

    def program(self, header, steps, baked, bare):
        name = self.name
        lines = [f'#include "{name}.h"', BARE if bare else HOSTED, MAIN]
        for kind, field, count in self.inputs:
            lines.append(f"static const uint32_t given_{field}[] = {{{words(self.given[field].packed)}}};")
        if not baked:
            for what, title in (("parameters", "Parameters"), ("buffers", "Buffers")):
                size = int(re.search(rf"_{what[:-1].upper()}_BYTES (\d+)", header).group(1))
                if size:
                    lines.append(f"static const uint64_t {what}[] = {{0}};" if not self.given else
                                 f"static const uint32_t {what}[] = {{{words(span(header, title, self.given, size))}}};")
        outputs = fields(header, f"{name}_outputs")
        for kind, field, count in outputs:
            lines.append(f"static {kind} got_{field}[{count}];")
        lines += [f"static {name}_stream stream;", f"static {name}_arena arena;", "int main(void) {", "  unsigned t;",
                  "  unsigned char *byte = (unsigned char *)&arena;",
                  "  for (t = 0; t < sizeof(arena); ++t)", "    byte[t] = 0xff; /* it may hold anything */"]
        for what in () if baked else ("parameters", "buffers"):
            if f"const void *{what};" in header:
                lines.append(f"  stream.{what} = {what};")
        first = self.options.first_step
        lines.append(f"  stream.step = {first}u;")
        lines += [f"  for (t = 0; t < {steps}; ++t) {{", f"    {name}_inputs inputs;", f"    {name}_outputs outputs;"]
        for kind, field, count in self.inputs:
            over_time = len(self.given[field].numbers) == steps * count
            at = f"t * {count}u" if over_time else "0"
            lines.append(f"    inputs.{field} = (const {kind} *)(const void *)given_{field} + {at};")
        lines += [f"    outputs.{field} = got_{field};" for _, field, _ in outputs]
        lines.append(f"    if ({name}_step(&stream, &arena, &inputs, &outputs) != {name.upper()}_STEP_OK)\n      return 1;")
        lines += [f'    put("{field}", got_{field}, sizeof(got_{field}));' for _, field, _ in outputs]
        lines += ["  }", f"  return stream.step != {first}u + (uint64_t)t;", "}"]
        return "\n".join(lines) + "\n", outputs

    def check(self, target, baked):
        options = self.options
        bare = target.startswith("cortex")
        work = self.file(f"{target}{'_baked' if baked else ''}/")
        run(*self.snnc, "--mode=stream", f"--target-cpu={target}", "-o", work, *([f"--weights={self.weights}"] if baked else []))
        stem = os.path.splitext(os.path.basename(self.snnc[1]))[0]
        os.rename(f"{work}{stem}.h", f"{work}{self.name}.h") if stem != self.name else None
        with open(f"{work}{self.name}.h") as file:
            header = file.read()
        steps = self.wanted["spikes"].shape[0]
        text, outputs = self.program(header, steps, baked, bare)
        with open(f"{work}main.c", "w") as file:
            file.write(text)
        board = f"{options.source}/examples/cortex_m"
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", f"-I{work}"]
        if bare:
            flags += ["--target=thumbv7em-none-eabihf", f"-mcpu={target}", "-ffreestanding", f"-I{board}", "-c"]
            objects = []
            for source in (f"{work}main.c", f"{board}/board.c"):
                objects.append(work + os.path.basename(source) + ".o")
                run(options.cc, *flags, source, "-o", objects[-1])
            run(options.ld, "-T", f"{board}/link.ld", *objects, f"{work}{stem}.o", *options.arm_runtime, "-o", f"{work}run")
            said = run("timeout", "120", "qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none",
                       "-semihosting", "-kernel", f"{work}run")
        else:
            cross = target.startswith("armv8") and os.uname().machine != "aarch64"
            flags += ["--target=aarch64-linux-gnu", "-fuse-ld=lld"] if cross else []
            run(options.cc, *flags, f"{work}main.c", f"{work}{stem}.o", "-o", f"{work}run")
            said = run(*(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] if cross else []), f"{work}run")
        if options.first_step == 0:
            self.compare(said, outputs, steps)
        elif self.far is None:
            self.far = said  # with weights in the code; all others must say the same
        elif self.far != said:
            raise Failed(f"not the bits of {options.target[0]}")
        needed = run(options.nm, "--undefined-only", f"{work}{stem}.o").split()
        needed = [name for name in needed if name != "U" and not (options.arm_runtime and name.startswith("__aeabi_"))]
        if needed:
            raise Failed(f"the object needs {' '.join(needed)}")
        size = run(options.size, f"{work}{stem}.o").splitlines()[1].split()[0]
        arena, state = (re.search(rf"_{what}_BYTES (\d+)", header).group(1) for what in ("ARENA", "STATE"))
        return f"{size} bytes of text, arena {arena}, state {state}"

    def compare(self, said, outputs, steps):
        got = {}
        for line in said.splitlines():
            name, digits = line.split()
            got.setdefault(name, []).append(digits)
        identifier = {re.sub(r"\W", "_", name): name for name in self.wanted}
        compared = 0
        for kind, field, count in outputs:
            if field == "count" or field not in identifier:  # that of the last step alone; of a call of all
                continue
            code, numbers = CODES[kind], self.wanted[identifier[field]].numbers
            for t in range(steps):
                want = struct.pack(f"<{count}{code}", *numbers[t * count:(t + 1) * count]).hex()
                if got[field][t] != want:
                    raise Failed(f"{field}, step {t}: {got[field][t][:64]}, but the library gives {want[:64]}")
            compared += 1
        if not compared:
            raise Failed("no outputs are in both")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--source", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--target", default="native", type=lambda text: text.split(","))
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--first-step", type=int, default=0)
    parser.add_argument("--gain", type=float, default=4)
    parser.add_argument("--snnc", action="append", default=[])
    parser.add_argument("--arm-runtime", action="append", default=[], metavar="FILE",
                        help="the library of helper functions of a compiler for Cortex-M, such as libgcc.a")
    for tool, default in (("cc", "clang-22"), ("ld", "ld.lld-22"), ("nm", "llvm-nm-22"), ("size", "llvm-size-22")):
        parser.add_argument(f"--{tool}", default=default)
    options = parser.parse_args()
    failed = False
    for path in options.models:
        with tempfile.TemporaryDirectory() as folder:
            target = ""
            try:
                model = Model(path, options, folder)
                for target in options.target:
                    for baked in (True, False):
                        said = model.check(target, baked)
                        print(f"{os.path.basename(path)}, {target}: the same bits; {said}", flush=True)
            except Failed as failure:
                failed = True
                print(f"{os.path.basename(path)} {target}: {failure}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
