# What the programs share that compare compiled models with golden values.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys


def differences(name, got, want, close):
    """What is wrong with the tensor of this name, of which no element may be further off than `close` times the largest."""
    if name not in got or len(got[name].numbers) != len(want.numbers):
        return [f"{name} is missing, or has another shape"]
    largest = max(map(abs, want.numbers))
    errors = [abs(a - b) for a, b in zip(got[name].numbers, want.numbers)]
    # The comparison is one that NaN fails.
    return [] if all(error <= close * largest for error in errors) else [f"{name}: {max(errors)} beside {largest}"]


def run_cases(compare):
    """For BIN SCRATCH CASE.snn... on the command line: prints what compare(bin, scratch, case) finds, and fails if it finds anything."""
    bin, scratch, *texts = sys.argv[1:]
    os.makedirs(scratch, exist_ok=True)
    failed = 0
    for text in texts:
        try:
            found = compare(bin, scratch, text)
        except Exception as failure:
            found = [str(failure)]
        failed += bool(found)
        for line in found:
            print(f"{os.path.basename(text)}: {line}")
    print(f"{len(texts)} cases, {failed} failed")
    sys.exit(1 if failed or not texts else 0)
