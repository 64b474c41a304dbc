#!/usr/bin/env python3
"""The arithmetic and the tables of bench.py, from its JSON alone: results.py FILE.json. Standard library only.

Engines take turns within a round, and a turn gives the median of its steps. A ratio is taken within each round, since a
machine's speed changes over minutes; what is told is the median of these ratios, with the smallest and the largest.
Ours runs in two processes, `snnc` and `snnc-again`; its time in a round is their mean, and the larger over the smaller
one (A/A) says how far the machine's noise goes.
"""
import json
import statistics
import sys

OURS, AGAIN = "snnc", "snnc-again"
SAME = ("snntorch", "snntorch-compile", "torch-fused", "jax")  # engines with the same neurons as ours
LOSS_BOUND = 1e-4  # relative, of the first step
SPIKE_BOUND = 2e-2  # of it with spikes that rounding has flipped
TRAINED_BOUND = 1e-1  # of the steps after it, in which flipped spikes have changed the weights
AA_BOUND, LOAD_BOUND = 1.1, 0.3

# With two threads and batches of 128: times the best peer's step takes, times snnTorch's, and ours of the best peer's
# memory, at least and at most.
ASKED = {
    "seed": (3.5, 6, 1 / 4),
    "fc25": (4, 18, 1 / 8),
    "fc100": (4.5, 16, 1 / 25),
    "conv": (6, 9, 1 / 10),
    "recurrent": (4, 15, 1 / 10),
    "vgg": (1.5, 2.5, 1 / 2),
    "epoch": (None, 25, None),
}


def spread(values):
    """(median, smallest, largest); nothing without values."""
    return (statistics.median(values), min(values), max(values)) if values else None


def ours(work):
    """Of each round."""
    runs = [work["engines"][name]["rounds"] for name in (OURS, AGAIN) if work["engines"].get(name, {}).get("rounds")]
    return [statistics.mean(times) for times in zip(*runs)]


def aa_ratio(work):
    pair = [work["engines"].get(name, {}).get("rounds") or [] for name in (OURS, AGAIN)]
    ratios = [max(times) / min(times) for times in zip(*pair)]
    return statistics.median(ratios) if ratios else None


def peers(work):
    return [name for name, engine in work["engines"].items() if name not in (OURS, AGAIN) and engine.get("rounds")]


def best_peer(work):
    return min(peers(work), key=lambda name: statistics.median(work["engines"][name]["rounds"]), default=None)


def ratio(work, peer):
    """(median, smallest, largest) over the rounds of the peer's time over ours."""
    times = work["engines"].get(peer, {}).get("rounds") or []
    return spread([theirs / mine for theirs, mine in zip(times, ours(work))])


def memory(work, engine):
    return work["engines"].get(engine, {}).get("memory_mb")


def memory_ratio(work, peer):
    mine, theirs = memory(work, OURS), memory(work, peer)
    return mine / theirs if mine is not None and theirs else None


def apart(a, b):
    return abs(a - b) / max(abs(a), abs(b), 1e-30)


def agreement(work):
    """engine -> (word, difference of the first loss, largest of the others). Words: "agrees", "spikes flipped", "differs";
    "not compared" for another neuron."""
    result, reference = {}, work["engines"].get(OURS, {}).get("losses")
    for name, engine in work["engines"].items():
        if name == OURS or not reference or not engine.get("losses"):
            continue
        first, *others = [apart(a, b) for a, b in zip(reference, engine["losses"])]
        later = max(others, default=0)
        if name == AGAIN:  # the same bits are promised
            word = "agrees" if first == later == 0 else "differs"
        elif name not in SAME:
            word = "not compared"
        elif first > SPIKE_BOUND or later > TRAINED_BOUND:
            word = "differs"
        else:
            word = "agrees" if first <= LOSS_BOUND else "spikes flipped"
        result[name] = (word, first, later)
    return result


def warnings(work):
    found = []
    if (aa := aa_ratio(work)) is not None and aa > AA_BOUND:
        found.append(f"A/A ratio {aa:.2f} is above {AA_BOUND}: not to be quoted")
    if work.get("load", 0) > LOAD_BOUND:
        found.append(f"load {work['load']:.2f} besides this is above {LOAD_BOUND}: not to be quoted")
    for name, (word, first, later) in agreement(work).items():
        if word == "spikes flipped":
            found.append(f"{name}: the first loss is {first:.1e} apart, more than {LOSS_BOUND:.0e}, as if rounding had flipped spikes")
        if word == "differs":
            found.append(f"{name}: losses differ, by {first:.1e} in the first step and {later:.1e} after it: not the same computation")
    return found


def verdicts(name, work):
    """(text, whether it is reached) of what is asked."""
    best, result = best_peer(work), []
    against_best, against_snntorch, of_memory = ASKED.get(name, (None, None, None))
    for asked, peer, what in ((against_best, best, "the best peer"), (against_snntorch, "snntorch", "snnTorch")):
        found = ratio(work, peer) if asked and peer else None
        if found:
            result.append((f"{found[0]:.2f}x {what}, asked {asked}x", found[0] >= asked))
    if of_memory and best and memory_ratio(work, best):
        share = memory_ratio(work, best)
        result.append((f"1/{1 / share:.1f} of the best peer's memory, asked 1/{1 / of_memory:.0f}", share <= of_memory))
    return result


def around(value):
    return "-" if value is None else f"{value[0]:.2f} ({value[1]:.2f} - {value[2]:.2f})"


def table(name, work):
    """Lines of text."""
    best = best_peer(work)
    words = agreement(work)
    lines = [f"{name}: A/A {aa_ratio(work) or 0:.3f}, load {work.get('load', 0):.2f}"]
    lines.append(f"  {'engine':<18}{work.get('unit', 'ms'):>11}{'times ours (range)':>25}{'memory, MB':>12}{'of ours':>9}  losses")
    for engine, entry in work["engines"].items():
        if entry.get("error"):
            lines.append(f"  {engine:<18} {entry['error']}")
            continue
        if not entry.get("rounds"):
            continue
        times = "" if engine in (OURS, AGAIN) else around(ratio(work, engine))
        held = entry.get("memory_mb")
        share = "" if not held or not memory(work, OURS) else f"{held / memory(work, OURS):.1f}"
        word = words.get(engine, ("", 0, 0))[0] if engine != OURS else ""
        lines.append(f"  {engine:<18}{statistics.median(entry['rounds']):>11.3f}{times:>25}{held if held is not None else '-':>12}"
                     f"{share:>9}  {word}{'  <- best peer' if engine == best else ''}")
    lines += [f"  {'reached' if good else 'MISSED '}  {text}" for text, good in verdicts(name, work)]
    lines += [f"  WARNING  {text}" for text in warnings(work)]
    return lines


def alone_lines(rows):
    return [f"{row['what']:<52}{row['value']:>10.2f} {row['unit']:<8}{row.get('asked', '')}" for row in rows]


def main():
    with open(sys.argv[1]) as file:
        results = json.load(file)
    for name, work in results["works"].items():
        print("\n".join(table(name, work)) + "\n")
    print("\n".join(alone_lines(results.get("alone", []))))


if __name__ == "__main__":
    main()
