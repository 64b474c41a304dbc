"""damage.py SNNC FILE FOLDER cut | wrong N: imports FILE cut at every hundredth of its length, or N times with up to five wrong
bytes. Each must be read, or be refused with status 1, a message and nothing written."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import random
import subprocess
import sys


def versions(content, what, count):
    if what == "cut":
        for hundredth in range(100):
            yield content[:len(content) * hundredth // 100]
        return
    random.seed(1)
    for _ in range(int(count)):
        changed = bytearray(content)
        for _ in range(random.randint(1, 5)):
            changed[random.randrange(len(changed))] = random.choice([0, 1, 128, 255, random.randrange(256)])
        yield bytes(changed)


snnc, path, folder, what, *count = sys.argv[1:]
kind = os.path.splitext(path)[1]
folder = os.path.join(folder, "damaged")
os.makedirs(folder)
statuses = {0: 0, 1: 0}
given = os.path.join(folder, "given" + kind)
for content in versions(open(path, "rb").read(), what, *count or [0]):
    with open(given, "wb") as file:
        file.write(content)
    target = "out.safetensors" if kind == ".pt" else "out.snn"
    done = subprocess.run([snnc, "import", given, "-o", os.path.join(folder, target)], stderr=subprocess.PIPE, text=True, timeout=60)
    left = sorted(os.listdir(folder))
    if done.returncode not in statuses or (done.returncode == 1 and (left != [os.path.basename(given)] or not done.stderr.startswith("snnc: error: "))):
        sys.exit(f"status {done.returncode}, {done.stderr!r}, left {left}; the file is {given}")
    statuses[done.returncode] += 1
    for name in left:
        os.remove(os.path.join(folder, name))
os.rmdir(folder)
print(f"{statuses[1]} refused, {statuses[0]} read")
