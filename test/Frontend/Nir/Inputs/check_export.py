"""check_export.py BIN: lets other programs read what snnc export writes, and compares what they compute with what the model does.

Not run by the tests; needs what make_files.py needs. The package nir reads all, with its check of types; snnTorch and SpikingJelly
run the network of feedforward.snn, norse that of norse.snn (with steps of 1 ms)."""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys
import tempfile

import nir
import torch
from safetensors.torch import load_file
from snntorch import import_nir
from spikingjelly.activation_based.nir_exchange import import_from_nir as to_spikingjelly

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "tools"))
import tensor_files

binaries = sys.argv[1]
tool = lambda tool, *words: tensor_files.run(os.path.join(binaries, tool), *words)


def exported(model, folder, *words):
    """The graph of a model with random weights, the input, and the model's spikes."""
    name = os.path.join(folder, os.path.splitext(os.path.basename(model))[0])
    tool("snnc", model, "-o", name + ".so")
    tensor_files.run(sys.executable, os.path.join(HERE, "draw.py"), binaries, name + ".so", "1", name + ".safetensors")
    tool("snnc", "export", model, "--weights=" + name + ".safetensors", "-o", name + ".nir", *words)
    tool("snn-run", name + ".so", name + ".safetensors", "-o", name + ".out.safetensors")
    return nir.read(name + ".nir"), load_file(name + ".safetensors")["input"], load_file(name + ".out.safetensors")["spikes"]


def compare(program, got, want):
    print(f"{program}: {int((got != want).sum())} of {want.numel()} spikes differ, {int(want.sum())} are 1")


def run(module, given):
    """What nirtorch makes of a graph: the output of each step, and the state, which comes back in."""
    state, outputs = None, []
    for x in given:
        output, state = module(x, state)
        outputs.append(output)
    return torch.stack(outputs).detach()


def changed(folder, name, *changes):
    """feedforward.snn without what a program does not read."""
    with open(os.path.join(HERE, "feedforward.snn")) as file:
        text = file.read()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


SAME_THRESHOLD = "threshold = per channel 0.5", "threshold = 0.5"
SAME_DECAY = "beta = each 0.8", "beta = 0.8"

with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    for model, words in (("feedforward.snn", ()), ("graph.snn", ("--keep-resets",))):
        graph, *_ = exported(os.path.join(HERE, model), folder, *words)
        print("nir reads", ", ".join(f"{name} {type(node).__name__}" for name, node in graph.nodes.items()))
    graph, given, want = exported(changed(folder, "snntorch.snn", SAME_THRESHOLD), folder)
    # Its Flatten flattens the samples too, so it gets them one at a time.
    compare("snnTorch", torch.stack([run(import_nir.import_from_nir(graph), sample) for sample in given.unbind(1)], 1), want)
    graph, given, want = exported(changed(folder, "spikingjelly.snn", SAME_THRESHOLD, SAME_DECAY), folder)
    compare("SpikingJelly", run(to_spikingjelly(graph), given), want)
