"""Golden values of losses, optimizers and recurrent neurons in double precision, by snnTorch and PyTorch.

usage: make_core.py FOLDER

Writes core_CASE.snn and core_CASE.safetensors. A case has 3 updates on one batch: `loss`, `spikes` and `grad.*` are those of the
first, `after.*` the parameters behind the last, `losses` all losses."""

import math
import sys

import snntorch
import torch
from safetensors.torch import save_file

from double_spike import spike

torch.set_default_dtype(torch.float64)
STEPS, BATCH, INPUTS, HIDDEN, OUTPUTS, UPDATES, EPOCHS = 8, 4, 12, 9, 10, 3, 2


fast_sigmoid = spike(lambda grad, v: grad * (1 / (5 * v.abs() + 1) ** 2))
atan = spike(lambda grad, v: grad * (1 / (1 + (math.pi * v) ** 2)))


def ce_rate(spikes, labels, classes):
    grouped = spikes.reshape(*spikes.shape[:2], classes, -1).sum(-1)
    return torch.stack([torch.nn.functional.cross_entropy(step, labels) for step in grouped]).mean()


def ce_count(spikes, labels, classes):
    grouped = spikes.reshape(*spikes.shape[:2], classes, -1).sum(-1).sum(0)
    return torch.nn.functional.cross_entropy(grouped, labels)


def cosine(update, warmup, floor):
    rising = warmup * UPDATES / EPOCHS
    if update < rising:
        return update / rising
    passed = min(max((update - rising) / max(UPDATES - rising, 1), 0), 1)
    return floor + (1 - floor) * (1 + math.cos(math.pi * passed)) / 2


CASES = {
    "linear": {
        "neuron": lambda: snntorch.RLeaky(beta=0.85, linear_features=HIDDEN, spike_grad=fast_sigmoid,
                                          learn_beta=True),
        "text": "rleaky(beta = learn 0.85, surrogate = fast_sigmoid(slope = 5))",
        "loss": ("ce_rate + 0.05 * l1_rate(h1)", lambda s, h, y: ce_rate(s, y, OUTPUTS) + 0.05 * h.mean()),
        "optimizer": ("adamw(lr = 2e-2, weight_decay = 0.1)",
                      lambda p: torch.optim.AdamW(p, lr=2e-2, weight_decay=0.1), 2e-2),
        "schedule": ("cosine(warmup = 1, floor = 0.1)", lambda update: cosine(update, 1, 0.1)),
        "last": "",
    },
    "each": {
        "neuron": lambda: snntorch.RLeaky(beta=0.85, all_to_all=False, V=torch.ones(HIDDEN), learn_recurrent=True,
                                          spike_grad=atan, reset_mechanism="zero"),
        "text": "rleaky(beta = 0.85, recurrent = each, reset = zero)",
        "loss": ("ce_count", lambda s, h, y: ce_count(s, y, 5)),
        "optimizer": ("sgd(lr = 0.1, momentum = 0.9, weight_decay = 0.01)",
                      lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), 0.1),
        "schedule": ("constant", lambda update: 1.0),
        "last": "\n  population(5)",
    },
}

TEXT = """# {loss} through recurrent neurons, with {optimizer}.
snn 1

model core_{name} {{
  input f32[{inputs}] over time
  steps {steps}

  linear({hidden})
  h1: {neuron}
  linear({outputs})
  leaky(beta = 0.9, surrogate = fast_sigmoid(slope = 5)){last}
}}

train {{
  loss      {loss}
  metric    accuracy
  optimizer {optimizer}
  schedule  {schedule}
  batch     {batch}
  epochs    {epochs}
}}
"""


def run(case, seed):
    torch.manual_seed(seed)
    first, second = torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, OUTPUTS)
    hidden, last = case["neuron"](), snntorch.Leaky(beta=0.9, spike_grad=fast_sigmoid)
    with torch.no_grad():
        first.weight *= 3
        second.weight *= 2
        for parameter in hidden.recurrent.parameters():
            parameter.uniform_(-0.5, 0.5)
    names = {"0.weight": first.weight, "0.bias": first.bias, "2.weight": second.weight, "2.bias": second.bias}
    for name, value in dict(hidden.named_parameters()).items():
        if name != "V":
            names["h1." + name] = value
    if "h1.V" not in names and case["text"].find("each") >= 0:
        names["h1.recurrent.V"] = hidden.recurrent.V
    inputs = torch.rand(STEPS, BATCH, INPUTS)
    labels = torch.randint(0, 5, (BATCH,))
    tensors = {name: value.detach().clone() for name, value in names.items()}
    tensors |= {"input": inputs.clone(), "labels": labels}
    optimizer = case["optimizer"][1](list(names.values()))
    margin, losses = 1.0, []
    for update in range(1, UPDATES + 1):
        spk = torch.zeros(BATCH, HIDDEN)
        mem, mem2 = torch.zeros(BATCH, HIDDEN), torch.zeros(BATCH, OUTPUTS)
        spikes, hiddens, membranes = [], [], []
        x = inputs.clone().requires_grad_()
        for step in range(STEPS):
            spk, mem = hidden(first(x[step]), spk, mem)
            out, mem2 = last(second(spk), mem2)
            margin = min(margin, float((mem.detach() - 1).abs().min()), float((mem2.detach() - 1).abs().min()))
            spikes.append(out), hiddens.append(spk), membranes.append(mem2)
        spikes, hiddens = torch.stack(spikes), torch.stack(hiddens)
        loss = case["loss"][1](spikes, hiddens, labels)
        for group in optimizer.param_groups:
            group["lr"] = case["optimizer"][2] * case["schedule"][1](update)
        optimizer.zero_grad()
        loss.backward()
        if update == 1:
            tensors |= {"grad." + name: value.grad.clone() for name, value in names.items()}
            tensors |= {"loss": loss.detach().clone(), "spikes": spikes.detach(), "hidden.h1": hiddens.detach(),
                        "membrane": torch.stack(membranes).detach(), "grad.input": x.grad.clone()}
        losses.append(loss.detach())
        optimizer.step()
    tensors |= {"after." + name: value.detach().clone() for name, value in names.items()}
    tensors["losses"] = torch.stack(losses)
    # A net in which everything or nothing fires says little.
    lively = all(0.1 < float(tensors[name].mean()) < 0.7 for name in ("spikes", "hidden.h1"))
    return tensors, margin if lively else 0


for name, case in CASES.items():
    for seed in range(200):
        tensors, margin = run(case, seed)
        if margin > 1e-4:
            break
    print(name, "seed", seed, "margin", margin, "rates", float(tensors["spikes"].mean()), float(tensors["hidden.h1"].mean()))
    save_file({key: value.contiguous() for key, value in tensors.items()}, f"{sys.argv[1]}/core_{name}.safetensors")
    with open(f"{sys.argv[1]}/core_{name}.snn", "w") as file:
        file.write(TEXT.format(name=name, inputs=INPUTS, steps=STEPS, hidden=HIDDEN, neuron=case["text"], outputs=OUTPUTS,
                               last=case["last"], loss=case["loss"][0], optimizer=case["optimizer"][0],
                               schedule=case["schedule"][0], batch=BATCH, epochs=EPOCHS))
