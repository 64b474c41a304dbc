"""Makes the .nir files of this folder with the programs that write such files, and what those programs compute.

    python3 make_files.py OUT

needs torch 2.13, nir 1.0.8, nirtorch 2.6, snntorch 1.0.0, norse 1.1.0, spikingjelly 2.0.0 and safetensors. CASE.nir is the
graph; CASE.safetensors holds `input` [T, B, ...], and what comes out: `spikes`, or `membrane` where the last node gives values.
"""

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import os
import sys

import nir
import norse.torch as norse
import numpy as np
import snntorch as snn
import snntorch.utils
import torch
from safetensors.numpy import save_file
from snntorch import import_nir
from snntorch.export_nir import export_to_nir
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.nir_exchange import export_to_nir as spikingjelly_to_nir

STEPS, BATCH = 20, 3


def draw(*shape, scale=1.0):
    return torch.rand(STEPS, BATCH, *shape) * scale


def save(folder, case, graph, given, compression="gzip", **results):
    nir.write(os.path.join(folder, case + ".nir"), graph, compression=compression)
    tensors = {"input": given} | results
    arrays = {name: np.ascontiguousarray(torch.as_tensor(value).detach().numpy().astype(np.float32)) for name, value in tensors.items()}
    save_file(arrays, os.path.join(folder, case + ".safetensors"))
    shown = {name: f"mean {value.mean():.3f}" for name, value in arrays.items() if name != "input"}
    print(case, ", ".join(f"{name} {node.__class__.__name__}" for name, node in graph.nodes.items()), shown)


def stacked(step, given):
    return torch.stack([step(x) for x in given])


# snnTorch. What it makes of a LIF when it reads NIR is a Leaky that is reset to zero at once; so this is how it runs.
AT_ONCE = {"reset_mechanism": "zero", "reset_delay": False, "init_hidden": True}


def snntorch_conv(folder):
    torch.manual_seed(1)
    beta = torch.linspace(0.5, 0.95, 2 * 4 * 4).reshape(2, 4, 4)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3),
        snn.Leaky(beta=beta, threshold=torch.full((2, 4, 4), 0.3), **AT_ONCE),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 5),
        snn.Leaky(beta=torch.full((5,), 0.8), threshold=torch.full((5,), 0.5), **AT_ONCE),
    )
    graph = export_to_nir(net, torch.rand(1, 1, 6, 6), ignore_dims=[0])
    given = draw(1, 6, 6, scale=2)
    snntorch.utils.reset(net)
    save(folder, "snntorch_conv", graph, given, spikes=stacked(net, given))


def snntorch_recurrent(folder):
    """snnTorch 1.0.0 cannot reset its recurrent neurons in the step of the spike (it raises a TypeError, or changes a variable that
    nobody reads), so that is done here, between its steps."""
    torch.manual_seed(2)
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 5),
        snn.RLeaky(beta=0.9, V=torch.linspace(-0.5, 0.5, 5), all_to_all=False, init_hidden=True, reset_mechanism="zero"),
        torch.nn.Linear(5, 4),
        snn.RSynaptic(alpha=0.6, beta=0.8, linear_features=4, init_hidden=True, reset_mechanism="zero"),
    )
    graph = export_to_nir(net, torch.rand(1, 6), ignore_dims=[0])
    given = draw(6, scale=3)
    snntorch.utils.reset(net)

    def step(x):
        for module in net:
            x = module(x)
            if hasattr(module, "mem"):
                module.mem = torch.where(x > 0, 0, module.mem)
        return x

    save(folder, "snntorch_recurrent", graph, given, spikes=stacked(step, given))


def snntorch_read(folder):
    """A graph of the package nir, which snnTorch reads: factors of the input that it moves into the threshold."""
    torch.manual_seed(3)
    weight = (torch.rand(4, 6) - 0.3).numpy()
    full = lambda number: np.full(4, number, dtype=np.float32)
    graph = nir.NIRGraph.from_list(
        nir.Input(np.array([6])),
        nir.Affine(weight, full(0.05)),
        nir.LIF(tau=full(1e-3), r=full(4), v_leak=full(0), v_threshold=full(1), v_reset=full(0)),
        nir.Output(np.array([4])),
    )
    given = draw(6, scale=2)
    linear = import_nir._nir_to_snntorch_module(graph.nodes["affine"])
    lif = import_nir._nir_to_snntorch_module(graph.nodes["lif"], init_hidden=True)
    save(folder, "snntorch_read", graph, given, spikes=stacked(lambda x: lif(linear(x)), given))


def spikingjelly(folder):
    torch.manual_seed(4)
    net = torch.nn.Sequential(
        layer.Conv1d(2, 3, 3, padding=1),
        neuron.LIFNode(tau=3.0, v_threshold=0.6, v_reset=-0.1),
        layer.Flatten(),
        layer.Linear(15, 8),
        neuron.IFNode(v_threshold=0.8),
        layer.Linear(8, 6, bias=False),
        neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, v_threshold=0.4, v_reset=0.0),
        layer.Linear(6, 5),
        neuron.ParametricLIFNode(init_tau=2.0, v_threshold=0.3, decay_input=False),
    )
    graph = spikingjelly_to_nir(net, torch.rand(1, 2, 5))
    given = draw(2, 5, scale=4)
    functional.reset_net(net)
    save(folder, "spikingjelly", graph, given, spikes=stacked(net, given))


def norse_box(folder):
    """Norse 1.1 writes dt / tau_mem_inv for a time constant, so its own numbers come with a time step of dt^2."""
    torch.manual_seed(5)
    net = norse.SequentialState(
        torch.nn.Linear(4, 6),
        norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=torch.full((6,), 200.0), v_th=torch.full((6,), 0.3), v_leak=torch.full((6,), 0.1))),
        torch.nn.Linear(6, 3),
        norse.LIBoxCell(norse.LIBoxParameters(tau_mem_inv=torch.full((3,), 100.0), v_leak=torch.full((3,), 0.0))),
    )
    graph = norse.to_nir(net, torch.rand(4))
    given, state, outputs = draw(4, scale=3), None, []
    for x in given:
        output, state = net(x, state)
        outputs.append(output)
    save(folder, "norse_box", graph, given, membrane=torch.stack(outputs))


def norse_read(folder):
    """A graph of the package nir, which norse reads with its CubaLIF; its membranes at rest at 0, as its synapses leak there too."""
    torch.manual_seed(6)
    full = lambda number: np.full(4, number, dtype=np.float32)
    graph = nir.NIRGraph.from_list(
        nir.Input(np.array([5])),
        nir.Affine((torch.rand(4, 5) - 0.4).numpy(), full(0)),
        nir.CubaLIF(tau_syn=full(3e-3), tau_mem=np.linspace(5e-3, 2e-2, 4, dtype=np.float32), r=full(3), v_leak=full(0), v_threshold=full(0.5), w_in=full(2)),
        nir.Output(np.array([4])),
    )
    given = draw(5, scale=2)
    from norse.torch.utils.import_nir import _import_norse_module

    linear, cuba = (_import_norse_module(graph.nodes[name], dt=1e-3) for name in ("affine", "cubalif"))
    state, outputs = None, []
    for x in given:
        output, state = cuba(linear(x), state)
        outputs.append(output)
    save(folder, "norse_read", graph, given, compression=None, spikes=torch.stack(outputs))


def primitives(folder):
    """What no other program takes all of, written by the package nir; computed here, in double precision, by NIR's equations."""
    random, dt = np.random.default_rng(7), 1e-4
    single = lambda *shape: (random.random(shape) - 0.3).astype(np.float32)
    each = lambda low, high, n: np.linspace(low, high, n)
    nodes = {
        "in": nir.Input(np.array([2, 4, 4])),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([1, 1])),
        "flat": nir.Flatten(np.array([2, 3, 3]), 0, -1),
        "gain": nir.Scale(each(0.2, 0.5, 18)),
        "fc": nir.Affine(single(6, 18), single(6)),
        "lif": nir.LIF(tau=each(2e-4, 1e-3, 6), r=each(1, 3, 6), v_leak=each(-0.2, 0.2, 6), v_threshold=each(0.2, 0.6, 6), v_reset=each(-0.1, 0.1, 6)),
        "cuba": nir.CubaLI(tau_syn=each(2e-4, 5e-4, 6), tau_mem=each(3e-4, 1e-3, 6), r=each(1, 2, 6), v_leak=each(0, 0.1, 6), w_in=each(1, 3, 6)),
        "step": nir.Threshold(each(0.1, 0.8, 6)),
        "if": nir.IF(r=each(2e3, 4e3, 6), v_threshold=each(0.5, 1, 6), v_reset=each(-0.1, 0, 6)),
        "last": nir.Linear(single(3, 6)),
        "li": nir.LI(tau=each(2e-4, 1e-3, 3), r=each(1, 2, 3), v_leak=each(0, 0.3, 3)),
        "out": nir.Output(np.array([3])),
    }
    chain = ["in", "pool", "flat", "gain", "fc", "lif", "last", "li", "out"]
    edges = list(zip(chain, chain[1:])) + [("fc", "cuba"), ("cuba", "step"), ("step", "last"), ("cuba", "if"), ("if", "last")]
    graph = nir.NIRGraph(nodes, edges)
    given = draw(2, 4, 4).numpy().astype(np.float64)
    fc, lif, cuba, fires, last, li = (nodes[name] for name in ("fc", "lif", "cuba", "if", "last", "li"))
    v, syn, w, u, y = lif.v_leak, 0, cuba.v_leak, fires.v_reset, li.v_leak
    outputs = []
    for x in given:
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        pooled = padded.reshape(BATCH, 2, 3, 2, 3, 2).sum((3, 5)).reshape(BATCH, 18)
        current = (nodes["gain"].scale * pooled) @ fc.weight.T.astype(float) + fc.bias
        v = v + dt / lif.tau * (lif.v_leak - v + lif.r * current)
        spikes = (v > lif.v_threshold).astype(float)
        v = np.where(spikes > 0, lif.v_reset, v)
        syn = syn + dt / cuba.tau_syn * (cuba.w_in * current - syn)
        w = w + dt / cuba.tau_mem * (cuba.v_leak - w + cuba.r * syn)
        u = u + dt * fires.r * w
        fired = (u > fires.v_threshold).astype(float)
        u = np.where(fired > 0, fires.v_reset, u)
        total = spikes + (w > nodes["step"].threshold) + fired
        y = y + dt / li.tau * (li.v_leak - y + li.r * (total @ last.weight.T.astype(float)))
        outputs.append(y)
    save(folder, "primitives", graph, given, compression=None, membrane=np.array(outputs))


def branches(folder):
    """A Flatten of one extent, beside a branch of neurons: it has no line of its own in the text; computed here, by NIR's equations."""
    torch.manual_seed(8)
    random, dt = np.random.default_rng(8), 1e-4
    single = lambda *shape: (random.random(shape) - 0.3).astype(np.float32)
    nodes = {
        "in": nir.Input(np.array([4])),
        "lif": nir.LIF(tau=np.full(4, 5e-4), r=np.full(4, 2.0), v_leak=np.zeros(4), v_threshold=np.full(4, 0.5)),
        "same": nir.Flatten(np.array([4]), 0, -1),
        "fc": nir.Affine(single(3, 4), single(3)),
        "out": nir.Output(np.array([3])),
    }
    graph = nir.NIRGraph(nodes, [("in", "lif"), ("in", "same"), ("lif", "fc"), ("same", "fc"), ("fc", "out")])
    given = draw(4).numpy().astype(np.float64)
    v, outputs = 0, []
    for x in given:
        v = v + dt / 5e-4 * (2 * x - v)
        spikes = (v > 0.5).astype(float)
        v = np.where(spikes > 0, 0, v)
        outputs.append((spikes + x) @ nodes["fc"].weight.T.astype(float) + nodes["fc"].bias)
    save(folder, "branches", graph, given, compression=None, membrane=np.array(outputs))


if __name__ == "__main__":
    for make in (snntorch_conv, snntorch_recurrent, snntorch_read, spikingjelly, norse_box, norse_read, primitives, branches):
        make(sys.argv[1])
