#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computes the polynomials of compiler/Codegen/Cpu/MathCoefficients.h by Remez's exchange, and prints that file.

Needs mpmath. The error of each polynomial, relative to what it stands for, goes to stderr as a power of two.
"""

import sys

from mpmath import mp, mpf, atan, atanh, cos, exp, lu_solve, matrix, pi, sin, sqrt, log, taylor

mp.prec = 300


def remez(function, low, high, degree, rounds=12):
    """Coefficients, from the constant on, with the least relative error; and that error."""
    low, high = mpf(low), mpf(high)
    count = degree + 2
    place = lambda angle: (low + high) / 2 - (high - low) / 2 * cos(angle)
    points = [place(pi * i / (count - 1)) for i in range(count)]
    grid = [place(pi * i / (40 * count)) for i in range(40 * count + 1)]
    values = [function(x) for x in grid]
    for _ in range(rounds):
        rows, right = matrix(count, count), matrix(count, 1)
        for i, x in enumerate(points):
            right[i] = function(x)
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1) ** i * right[i]
        coefficients = list(lu_solve(rows, right))[:-1]
        errors = [mp.polyval(coefficients[::-1], x) / y - 1 for x, y in zip(grid, values)]
        # The largest error of each run of one sign.
        points, run = [], [0]
        for i in range(1, len(grid)):
            if errors[i] * errors[run[0]] < 0:
                points.append(grid[max(run, key=lambda k: abs(errors[k]))])
                run = []
            run.append(i)
        points.append(grid[max(run, key=lambda k: abs(errors[k]))])
        if len(points) != count:
            break
    return coefficients, max(map(abs, errors))


def series(numerator, power, near):
    """numerator(x) / x^power, by its Taylor series near 0, where the quotient cancels."""
    terms = taylor(numerator, 0, power + 24)[power:]
    return lambda x: mp.polyval(terms[::-1], x) if abs(x) < near else numerator(x) / x**power


def of_square(function):
    return lambda z: function(sqrt(z))


near = mpf(2) ** -8
half = log(2) / 2 * mpf("1.0001")
small_s = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2
quarter = (pi / 4 * mpf("1.0001")) ** 2
eighth = (sqrt(2) - 1) ** 2 * mpf("1.0001")


# name, what it is, function, from, to, degree for f32, degree for f64
tables = [
    ("Exp", "(e^r - 1 - r) / r^2", series(lambda r: exp(r) - 1 - r, 2, near), -half, half, 5, 10),
    ("Log", "(2 atanh s - 2 s - 2/3 s^3) / s^5, z = s^2",
     of_square(series(lambda s: 2 * atanh(s) - 2 * s - 2 * s**3 / 3, 5, near)), 0, small_s, 4, 7),
    ("Sin", "(sin r - r) / r^3, z = r^2", of_square(series(lambda r: sin(r) - r, 3, near)), 0, quarter, 3, 6),
    ("Cos", "(cos r - 1 + r^2 / 2) / r^4, z = r^2",
     of_square(series(lambda r: cos(r) - 1 + r * r / 2, 4, near)), 0, quarter, 3, 6),
    ("Atan", "(atan y - y) / y^3, z = y^2", of_square(series(lambda y: atan(y) - y, 3, near)), 0, eighth, 5, 11),
]

print("""// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Polynomials of the functions in MathFunctions.cpp, from the constant on. Written by test/tools/minimax.py.

#ifndef SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H
#define SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H

namespace snn::coefficients {
""")
for name, what, function, low, high, *degrees in tables:
    print("// " + what)
    for bits, degree in zip((32, 64), degrees):
        coefficients, error = remez(function, low, high, degree)
        print(f"k{name}{bits}: 2^{float(mp.log(error, 2)):.1f}", file=sys.stderr)
        print(f"inline constexpr double k{name}{bits}[] = {{" + ", ".join(float(c).hex() for c in coefficients) + "};")
print("""
} // namespace snn::coefficients

#endif // SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H""")
