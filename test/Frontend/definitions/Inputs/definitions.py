"""Definitions that call each other: `large` doubles the text with each one, `deep` goes one level deeper."""

import sys

if sys.argv[1] == "large":
    lines = ["def d0(x) = x + 1"] + [f"def d{i}(x) = d{i - 1}(d{i - 1}(x))" for i in range(1, 18)]
else:
    lines = [f"def e{i}(x) = e{i + 1}(x)" for i in range(1300)] + ["def e1300(x) = x"]
print("snn 1", *lines, sep="\n")
