# Writes data files as NumPy does, without it: series of spikes of two kinds, regular ones that are shifted in time.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import struct
import sys
import zipfile


def npy(code, shape, numbers):
    """The content of a .npy file; `code` is one of struct."""
    kind = {"f": "<f4", "d": "<f8", "q": "<i8", "h": "<i2", "B": "|u1"}[code]
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({''.join(f'{extent}, ' for extent in shape)}), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + struct.pack(f"<{len(numbers)}{code}", *numbers)


def spike(sample, step, channel):
    """Kind 0 has channels that follow each other, kind 1 the other way round."""
    kind = sample % 2
    return int((step - (channel if kind == 0 else -channel) + sample // 2) % 5 == 0)


def series(samples, steps, time_first):
    channels = 5
    places = [(s, t) for t in range(steps) for s in range(samples)] if time_first else \
        [(s, t) for s in range(samples) for t in range(steps)]
    shape = (steps, samples, channels) if time_first else (samples, steps, channels)
    return shape, [spike(s, t, c) for s, t in places for c in range(channels)]


def main(folder):
    os.makedirs(os.path.join(folder, "arrays"), exist_ok=True)
    arrays = {}
    for part, samples, steps in (("train", 80, 12), ("test", 40, 9)):
        arrays["x_" + part] = npy("f", *series(samples, steps, False))
        arrays["y_" + part] = npy("h", (samples,), [s % 2 for s in range(samples)])
    with zipfile.ZipFile(os.path.join(folder, "series.npz"), "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in arrays.items():
            file.writestr(name + ".npy", content)
    with zipfile.ZipFile(os.path.join(folder, "half.npz"), "w") as file:
        file.writestr("x.npy", arrays["x_train"])
    with zipfile.ZipFile(os.path.join(folder, "bad.npz"), "w") as file:
        file.writestr("x.npy", npy("f", (2, 3, 5), [0.0] * 29 + [float("nan")]))
        file.writestr("y.npy", npy("q", (2,), [0, 1]))
    with open(os.path.join(folder, "arrays", "data.npy"), "wb") as file:
        file.write(npy("B", *series(80, 12, True)))
    with open(os.path.join(folder, "arrays", "labels.npy"), "wb") as file:
        file.write(npy("q", (80,), [s % 2 for s in range(80)]))


main(sys.argv[1])
