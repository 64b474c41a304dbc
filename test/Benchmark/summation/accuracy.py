"""Errors of sums in f32 against f64, by order of summation, beside torch's on the same data.

    clang++-22 -O3 -march=native -ffp-contract=off -shared -fPIC orders.cpp -o orders.so
    python accuracy.py ./orders.so [products|gradients|biases|folds|convolutions|sweep]...

Columns: rms error over the rms of the exact result, and the largest error over the largest result; then both over
torch's. torch runs on one thread and on two; its larger rms error is the measure. Needs numpy and torch (CPU).
"""
import ctypes
import sys

import numpy as np
import torch

library = ctypes.CDLL(sys.argv[1])
ASCENDING, PAIRWISE, LEVELS = 0, 1, 2


def pointer(array):
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def contract(a, b, group=0, block=0, run=0, parts=1, above=ASCENDING):
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    out = np.empty((a.shape[0], b.shape[1]), np.float32)
    longs = [ctypes.c_long(n) for n in (a.shape[0], a.shape[1], b.shape[1], group, block, run, parts)]
    library.contract(pointer(a), pointer(b), pointer(out), *longs, ctypes.c_int(above))
    return out


def fold(b, chains, block):
    out = np.empty(b.shape[1], np.float32)
    longs = [ctypes.c_long(n) for n in (b.shape[0], b.shape[1], chains, block)]
    library.fold(pointer(np.ascontiguousarray(b)), pointer(out), *longs)
    return out


def errors(result, exact):
    distance = result.astype(np.float64) - exact
    return np.sqrt(np.mean(distance**2) / np.mean(exact**2)), np.abs(distance).max() / np.abs(exact).max()


def on_threads(function):
    """The larger error of one thread and two: which of them torch is measured by must not be luck."""
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(function().numpy())
    return results


def table(title, exact, torch_results, ours):
    measures = [errors(result, exact) for result in torch_results]
    rms, largest = max(m[0] for m in measures), max(m[1] for m in measures)
    print(f"\n{title}")
    print(f"  {'torch, threads 1 / 2':44}  rms {measures[0][0]:.2e} / {measures[1][0]:.2e}"
          f"   max {measures[0][1]:.2e} / {measures[1][1]:.2e}")
    for name, result in ours:
        r, m = errors(result, exact)
        print(f"  {name:44}  rms {r:.2e}  max {m:.2e}   over torch {r / rms:5.2f} {m / largest:5.2f}")
    sys.stdout.flush()


def orders(a, b, group=0, run=0, parts=1, blocks=(32, 64, 128, 256)):
    yield "one chain", contract(a, b)
    for block in blocks:
        terms = f"blocks of {block}" + (f" in groups of {group}" if group else "")
        for name, above in (("ascending", ASCENDING), ("in a tree", PAIRWISE), ("in levels of 64", LEVELS)):
            if above != LEVELS or a.shape[1] > 64 * block * parts:
                yield f"{terms}, {name}", contract(a, b, group, block, run, parts, above)


def numbers(seed):
    return np.random.default_rng(seed)


def pixels(random, shape):
    """Most are 0, the others bytes over 255, as in pictures of digits and clothes."""
    values = random.integers(0, 256, shape).astype(np.float32) / np.float32(255)
    return values * (random.random(shape) < 0.5).astype(np.float32)


def products():
    for fan_in in (784, 8192):
        random = numbers(fan_in)
        bound = 1 / np.sqrt(fan_in)
        b = random.uniform(-bound, bound, (fan_in, 128)).astype(np.float32)
        for name, a in (
            ("uniform inputs", random.random((128, fan_in), np.float32)),
            ("pixels", pixels(random, (128, fan_in))),
            ("inputs of both signs", random.standard_normal((128, fan_in)).astype(np.float32)),
        ):
            exact = a.astype(np.float64) @ b.astype(np.float64)
            theirs = on_threads(lambda: torch.from_numpy(a) @ torch.from_numpy(b))
            table(f"forward, fan-in {fan_in}, {name}, weights of both signs", exact, theirs, orders(a, b))
        a, positive = random.random((128, fan_in), np.float32), np.abs(b)
        exact = a.astype(np.float64) @ positive.astype(np.float64)
        theirs = on_threads(lambda: torch.from_numpy(a) @ torch.from_numpy(positive))
        table(f"forward, fan-in {fan_in}, inputs and weights of one sign", exact, theirs, orders(a, positive))
        for density in (0.05, 0.2, 0.5):
            a = (random.random((128, fan_in)) < density).astype(np.float32)
            exact = a.astype(np.float64) @ b.astype(np.float64)
            theirs = on_threads(lambda: torch.from_numpy(a) @ torch.from_numpy(b))
            table(f"forward, fan-in {fan_in}, spikes {density:.0%}", exact, theirs,
                  orders(a, b, group=4, blocks=(64, 128, 256, 512)))


def run_of(steps, positions=1):
    """Terms of a run: a step, several steps or several samples, a power of two of them, that there are 64."""
    if steps * positions < 64:
        samples = 1
        while samples * steps * positions < 64:
            samples *= 2
        return samples * steps * positions
    window = 1
    while window * positions < 64:
        window *= 2
    return window * positions


def parts_of(rows):
    """A power of two, at most 16, so that each has 256 rows."""
    parts = 1
    while parts < 16 and rows >= 2 * parts * 256:
        parts *= 2
    return parts


def by_the_rule(at, dy, group, steps):
    """A gradient's sum. Where a run is a window of one sample's time, a sample is the unit that parts are made of."""
    run = run_of(steps)
    return contract(at, dy, group, 64, run if run >= steps else steps, parts_of(at.shape[1]), LEVELS)


def gradients():
    """Rows of the factors: sample, then time descending. torch adds a product per time step, or takes all at once."""
    for samples, steps in ((128, 1), (1000, 1), (128, 25), (128, 100), (128, 1000), (1000, 100)):
        random = numbers(samples * steps)
        inputs, outputs, rows = 8, 64, samples * steps
        for name, group, x in (
            ("pixels", 0, np.repeat(pixels(random, (samples, inputs)), steps, axis=0)),
            ("spikes 20%", 4, (random.random((rows, inputs)) < 0.2).astype(np.float32)),
        ):
            for signs, dy in (
                ("both signs", random.standard_normal((rows, outputs)).astype(np.float32)),
                ("one sign", random.random((rows, outputs), np.float32)),
            ):
                exact = x.astype(np.float64).T @ dy.astype(np.float64)
                tx, ty = torch.from_numpy(x), torch.from_numpy(dy)

                def stepwise():
                    total = None
                    for step in range(steps):
                        one = tx[step::steps].t() @ ty[step::steps]
                        total = one if total is None else total + one
                    return total

                title = f"weight gradient, {samples} samples x {steps} steps, {name}, errors of {signs}"
                at = x.T.copy()
                ours = [("the rule", by_the_rule(at, dy, group, steps))]
                ours += list(orders(at, dy, group, blocks=(64, 256)))
                table(title + "; torch at once", exact, on_threads(lambda: tx.t() @ ty), ours)
                if steps > 1:
                    table(title + "; torch step by step", exact, on_threads(stepwise), ours)


def biases():
    for samples, steps in ((128, 100), (370, 100), (1000, 100)):
        rows = samples * steps
        random = numbers(rows)
        ones = np.ones((1, rows), np.float32)
        for name, dy in (
            ("both signs", random.standard_normal((rows, 128)).astype(np.float32)),
            ("one sign", random.random((rows, 128), np.float32)),
        ):
            exact = dy.astype(np.float64).sum(0, keepdims=True)
            t = torch.from_numpy(dy)

            def stepwise():
                total = None
                for step in range(steps):
                    one = t[step::steps].sum(0, keepdim=True)
                    total = one if total is None else total + one
                return total

            ours = [("the rule", by_the_rule(ones, dy, 0, steps))]
            ours += list(orders(ones, dy, blocks=(64, 256)))
            title = f"bias gradient, {rows} rows, errors of {name}"
            table(title + "; torch at once", exact, on_threads(lambda: t.sum(0, keepdim=True)), ours)
            table(title + "; torch step by step", exact, on_threads(stepwise), ours)


def folds():
    for terms in (10, 500, 1000, 8192, 100000):
        random = numbers(terms)
        for name, b in (
            ("both signs", random.standard_normal((terms, 256)).astype(np.float32)),
            ("one sign", random.random((terms, 256), np.float32)),
        ):
            exact = b.astype(np.float64).sum(0)
            t = torch.from_numpy(np.ascontiguousarray(b.T))
            ours = [(f"{chains} chains, " + (f"blocks of {block}" if block else "one block"), fold(b, chains, block))
                    for chains, block in ((1, 64), (8, 64), (16, 0), (16, 64), (32, 0), (32, 64))]
            table(f"fold over {terms} lanes, {name}", exact, on_threads(lambda: t.sum(1)), ours)


def convolutions():
    """Weight gradients over samples and positions; torch's own gradient of conv2d."""
    for samples, channels, outputs, side, steps in ((128, 4, 16, 24, 1), (16, 4, 16, 12, 50)):
        random = numbers(side)
        batch, positions = samples * steps, side * side
        for signs, errors_of in (("both signs", random.standard_normal), ("one sign", random.random)):
            x = random.random((batch, channels, side + 2, side + 2)).astype(np.float32)
            dy = errors_of((batch, outputs, side, side)).astype(np.float32)
            at = np.stack([x[:, c, kh:kh + side, kw:kw + side].reshape(-1)
                           for c in range(channels) for kh in range(3) for kw in range(3)])
            rows = dy.transpose(0, 2, 3, 1).reshape(-1, outputs)
            exact = at.astype(np.float64) @ rows.astype(np.float64)
            tx, ty = torch.from_numpy(x), torch.from_numpy(dy)
            shape = (outputs, channels, 3, 3)

            def at_once():
                return torch.nn.grad.conv2d_weight(tx, shape, ty).reshape(outputs, -1).t().contiguous()

            run = run_of(steps, positions)
            whole = contract(at, rows, 0, 64, run, 1, ASCENDING)
            ours = [("the rule", contract(at, rows, 0, 64, run, parts_of(at.shape[1]), LEVELS)),
                    ("blocks of 64 ascending, parts", contract(at, rows, 0, 64, run, parts_of(at.shape[1]), ASCENDING)),
                    ("blocks of 64 ascending, one part", whole), ("one chain", contract(at, rows))]
            table(f"convolution's weight gradient, {batch} samples and steps x {positions} positions, {signs}", exact,
                  on_threads(at_once), ours)


def sweep():
    """Random sums of the kinds of a network: how often the rule's error is above torch's, and by how much."""
    random = numbers(7)
    ratios = []
    for _ in range(300):
        forward, spikes, one_sign = random.random(3) < (0.5, 0.5, 0.25)
        steps = 1
        if forward:
            terms = int(np.exp(random.uniform(np.log(10), np.log(8192))))
        else:
            samples, steps = (int(np.exp(random.uniform(np.log(low), np.log(1000)))) for low in (8, 1))
            terms = min(samples, max(8, 200_000 // steps)) * steps
        a = random.random((16, terms)).astype(np.float32)
        if spikes:
            a = (a < random.uniform(0.05, 0.5)).astype(np.float32)
        b = (random.random if one_sign else random.standard_normal)((terms, 64)).astype(np.float32)
        exact = a.astype(np.float64) @ b.astype(np.float64)
        group = 4 if spikes else 0
        ours = contract(a, b, group, 64, above=LEVELS) if forward else by_the_rule(a, b, group, steps)
        ta, tb = torch.from_numpy(a), torch.from_numpy(b)
        # torch sums a gradient step by step, as it runs a network; a forward product at once.
        theirs = on_threads(lambda: ta @ tb if forward else sum(ta[:, t::steps] @ tb[t::steps] for t in range(steps)))
        rms, largest = errors(ours, exact)
        torch_rms, torch_largest = (min(values) for values in zip(*(errors(one, exact) for one in theirs)))
        ratios.append((rms / torch_rms, largest / torch_largest, forward, spikes, one_sign, terms, steps))
    for name, chosen in (("forward", [r for r in ratios if r[2]]), ("gradients", [r for r in ratios if not r[2]])):
        for column, of in ((0, "rms"), (1, "largest")):
            values = np.array([r[column] for r in chosen])
            print(f"{name:10} {of:8} error over torch's: median {np.median(values):.2f}, 95 % below "
                  f"{np.quantile(values, 0.95):.2f}, highest {values.max():.2f}, above 2 in {np.mean(values > 2):.1%}"
                  f" of {len(values)}")
        print("  highest:", [tuple(float(f"{v:.3g}") for v in r) for r in sorted(chosen)[-3:]])


if __name__ == "__main__":
    print(f"torch {torch.__version__}, numpy {np.__version__}")
    wanted = sys.argv[2:] or ["products", "gradients", "biases", "folds", "convolutions", "sweep"]
    for name in wanted:
        globals()[name]()
