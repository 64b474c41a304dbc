"""The peers that stand on PyTorch.

snntorch            as its tutorials: a network with hidden states in a loop over the steps
snntorch-compile    the same loop within torch.compile; with compile_step of the workload, a step of it
torch-fused         by hand: what does not change over the steps is computed once, products and convolutions take all
                    steps at once, the loop over the steps of neurons alone is compiled
spikingjelly, norse layer by layer, as they recommend, with their own neurons

Batch norm takes all steps at once, layer by layer, in every engine: so do ours and SpikingJelly. What comes before the
first neurons of a network whose input stands still is computed once wherever layers take all steps at once.
"""
import importlib
import importlib.metadata

import torch
from torch import nn

CHUNK = 25  # steps that are unrolled in one compiled function: more of them compile for minutes and run no faster
RECURRENT_CHUNK = 10
SLOPE = 25


def load(engine, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if engine.startswith("snntorch"):
        importlib.import_module("snntorch")
        importlib.import_module("snntorch.functional")
    elif engine == "spikingjelly":
        importlib.import_module("spikingjelly.activation_based")
    elif engine == "norse":
        importlib.import_module("norse.torch")


def versions(engine):
    names = {"snntorch": "snntorch", "snntorch-compile": "snntorch", "spikingjelly": "spikingjelly", "norse": "norse"}
    return {name: importlib.metadata.version(name) for name in ("torch", names.get(engine)) if name}


def modules(layers, neuron, recurrent):
    make = {
        "flatten": nn.Flatten,
        "linear": nn.Linear,
        "conv": lambda inputs, outputs, kernel, padding, bias: nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=bias),
        "norm": nn.BatchNorm2d,
        "pool": nn.MaxPool2d,
        "lif": neuron,
        "rsynaptic": recurrent,
    }
    return nn.Sequential(*(make[kind](*numbers) for kind, *numbers in layers))


def set_weights(net, weights):
    """Neurons have tensors of their own in a state_dict; all others must be there."""
    with torch.no_grad():
        entries = net.state_dict()
        for name, value in weights.items():
            entries[name].copy_(torch.from_numpy(value))


def make_loss(workload):
    """Of counts [sample, neuron] or spikes [step, sample, neuron], as snnTorch's functions have them."""
    levels = workload.steps * workload.per_class

    def mse_count(spikes, y):
        counts = spikes.sum(0).unflatten(1, (workload.classes, workload.per_class)).sum(2)
        return ((counts - levels * nn.functional.one_hot(y, workload.classes)) ** 2).mean() / workload.steps

    def ce_rate(spikes, y):
        return nn.functional.cross_entropy(spikes.flatten(0, 1), y.repeat(len(spikes)))

    return {"mse_count": mse_count, "ce_rate": ce_rate}[workload.loss]


def layer_by_layer(workload, net):
    """Neurons of `net` take and give [step, sample, ...]."""

    def forward(x):
        over_time = workload.over_time
        for (kind, *_), layer in zip(workload.layers, net):
            if kind in ("lif", "rsynaptic"):
                if not over_time:
                    x = x.unsqueeze(0).expand(workload.steps, *x.shape)
                x = layer(x)
                over_time = True
            elif over_time and kind != "linear":
                x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
            else:
                x = layer(x)
        return x

    return forward


class Steps(nn.Module):
    """A neuron that takes one step, over all of them."""

    def __init__(self, neuron, reset=None):
        super().__init__()
        self.neuron, self.reset = neuron, reset

    def forward(self, x):
        if self.reset:
            self.reset(self.neuron)
        return torch.stack([self.neuron(i) for i in x.unbind(0)])


def snntorch_forward(workload, weights, compiled):
    import snntorch as snn
    from snntorch import surrogate

    spike = surrogate.fast_sigmoid(slope=SLOPE)
    leaky = lambda: snn.Leaky(beta=workload.beta, spike_grad=spike, init_hidden=True)
    net = modules(
        workload.layers,
        leaky,
        lambda count: snn.RSynaptic(alpha=workload.alpha, beta=workload.beta, linear_features=count, spike_grad=spike, init_hidden=True),
    )
    set_weights(net, weights)
    neurons = [layer for layer in net if hasattr(layer, "reset_mem")]
    if any(kind == "norm" for kind, *_ in workload.layers):
        for i, (kind, *_) in enumerate(workload.layers):
            if kind == "lif":
                net[i] = Steps(net[i], lambda neuron: neuron.reset_mem())
        forward = layer_by_layer(workload, net)
    else:
        def forward(x):
            for neuron in neurons:  # snnTorch's utils.reset forgets the spikes of RSynaptic
                neuron.reset_mem()
            return torch.stack([step(x[t] if workload.over_time else x) for t in range(workload.steps)])

    step = torch.compile(net) if compiled and workload.compile_step else net
    return net, torch.compile(forward) if compiled and not workload.compile_step else forward


def snntorch_loss(workload):
    from snntorch import functional as SF

    if workload.loss == "ce_rate":
        return SF.ce_rate_loss()
    if workload.per_class > 1:
        return SF.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=workload.classes)
    return SF.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(context, v):
        context.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(context, gradient):
        (v,) = context.saved_tensors
        return gradient / (SLOPE * v.abs() + 1) ** 2


def chunks(x, most):
    """Of equal length where that divides the steps: each length is compiled for itself."""
    return x.split(min(most, len(x)))


class FusedLeaky(nn.Module):
    def __init__(self, beta):
        super().__init__()

        @torch.compile
        def run(current, mem):
            spikes = []
            for i in current.unbind(0):
                mem = beta * mem + i - (mem > 1).float().detach()
                spikes.append(Spike.apply(mem - 1))
            return torch.stack(spikes), mem

        self.run = run

    def forward(self, x):
        mem, spikes = torch.zeros_like(x[0]), []
        for part in chunks(x, CHUNK):
            s, mem = self.run(part, mem)
            spikes.append(s)
        return spikes[0] if len(spikes) == 1 else torch.cat(spikes)


class FusedSynaptic(nn.Module):
    def __init__(self, alpha, beta, count):
        super().__init__()
        self.recurrent = nn.Linear(count, count)

        @torch.compile
        def run(current, weight, bias, syn, mem, spike):
            spikes = []
            for i in current.unbind(0):
                syn = alpha * syn + i + nn.functional.linear(spike, weight, bias)
                mem = beta * mem + syn - (mem > 1).float().detach()
                spike = Spike.apply(mem - 1)
                spikes.append(spike)
            return torch.stack(spikes), syn, mem, spike

        self.run = run

    def forward(self, x):
        spikes, state = [], [torch.zeros_like(x[0]) for _ in range(3)]
        for part in chunks(x, RECURRENT_CHUNK):
            s, *state = self.run(part, self.recurrent.weight, self.recurrent.bias, *state)
            spikes.append(s)
        return torch.cat(spikes)


def fused_forward(workload, weights):
    net = modules(
        workload.layers,
        lambda: FusedLeaky(workload.beta),
        lambda count: FusedSynaptic(workload.alpha, workload.beta, count),
    )
    set_weights(net, weights)
    return net, layer_by_layer(workload, net)


def spikingjelly_forward(workload, weights):
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def leaky():
        node = neuron.LIFNode(tau=1 / (1 - workload.beta), decay_input=False, surrogate_function=surrogate.ATan(),
                              detach_reset=True, v_reset=None)
        node.step_mode = "m"
        return node

    def recurrent(count):
        node = neuron.CUBALIFNode(c_decay=workload.alpha, v_decay=workload.beta, v_threshold=1.0, v_reset=None,
                                  surrogate_function=surrogate.ATan())
        return layer.LinearRecurrentContainer(node, in_features=count, out_features=count, step_mode="m")

    net = modules(workload.layers, leaky, recurrent)
    set_weights(net, {name: value for name, value in weights.items() if ".recurrent." not in name})
    forward = layer_by_layer(workload, net)

    def simulate(x):
        functional.reset_net(net)
        return forward(x)

    return net, simulate


def norse_forward(workload, weights):
    """Norse's membrane takes its current times 1 - beta, so the layers in front of neurons begin with larger weights."""
    import norse.torch as norse
    from norse.torch.functional.lif_box import LIFBoxParameters

    class Sequence(nn.Module):
        def __init__(self, beta):
            super().__init__()
            self.cell = norse.LIFBoxCell(LIFBoxParameters(tau_mem_inv=torch.tensor(1000 * (1 - beta)), alpha=torch.tensor(25.0)))

        def forward(self, x):
            spikes, state = [], None
            for i in x.unbind(0):
                s, state = self.cell(i, state)
                spikes.append(s)
            return torch.stack(spikes)

    class Recurrent(nn.Module):
        def __init__(self, count):
            super().__init__()
            parameters = norse.LIFParameters(tau_syn_inv=torch.tensor(1000 * (1 - workload.alpha)),
                                             tau_mem_inv=torch.tensor(1000 * (1 - workload.beta)), alpha=torch.tensor(25.0))
            self.neurons = norse.LIFRecurrent(count, count, p=parameters)

        def forward(self, x):
            return self.neurons(x)[0]

    net = modules(workload.layers, lambda: Sequence(workload.beta), Recurrent)
    last = {str(place) for place, (kind, *_) in enumerate(workload.layers) if kind in ("linear", "conv")}
    normal = any(kind == "norm" for kind, *_ in workload.layers)
    scaled = lambda name: name.split(".")[0] in last and not normal
    set_weights(net, {name: value / (1 - workload.beta) if scaled(name) else value
                      for name, value in weights.items() if ".recurrent." not in name})
    return net, layer_by_layer(workload, net)


def make(engine, workload, weights):
    loss_of = make_loss(workload)
    if engine.startswith("snntorch"):
        net, forward = snntorch_forward(workload, weights, compiled=engine == "snntorch-compile")
        loss_of = snntorch_loss(workload)
    else:
        maker = {"torch-fused": fused_forward, "spikingjelly": spikingjelly_forward, "norse": norse_forward}[engine]
        net, forward = maker(workload, weights)
    optimizer = torch.optim.Adam(net.parameters(), lr=workload.lr, betas=(0.9, 0.999))

    def step(x, y):
        loss = loss_of(forward(torch.from_numpy(x)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
