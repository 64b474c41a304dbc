# Writes batches for train_batches: normal numbers that lean to one side for each class, then labels.
#   write_batches.py OUT f|d BATCHES SAMPLES STEPS ELEMENTS [PERCENT]
# PERCENT of the numbers are other than 0.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import array
import random
import sys


def main(path, code, batches, samples, steps, elements, percent=100):
    numbers = random.Random(3)
    with open(path, "wb") as file:
        for _ in range(batches):
            labels = [numbers.randrange(10) for _ in range(samples)]
            inputs = array.array(code)
            for _ in range(steps):
                for label in labels:
                    inputs.extend(
                        numbers.gauss(1.5 * (i % 10 == label), 1) if percent == 100 or numbers.random() * 100 < percent else 0
                        for i in range(elements)
                    )
            inputs.tofile(file)
            array.array("q", labels).tofile(file)


main(*sys.argv[1:3], *map(int, sys.argv[3:]))
