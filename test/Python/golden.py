# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Golden cases through Python and through PyTorch give the bits of snn-run."""

import json

import numpy as np
import torch
from snntorch import functional

import snnc
import support


def criterion(case):
    """The loss of all cases, snnTorch's own."""
    return functional.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2, population_code=bool(case["classes"]),
                                     num_classes=case["classes"] or False)


def outputs_of(model):
    return [name for name in model._places if name != "grad.input"]


def check_case(path, scratch):
    model = snnc.compile(path.with_suffix(".snn"))
    given = support.tensors(path.with_suffix(".safetensors"))
    library = scratch / "model.so"
    support.tool("snnc", path.with_suffix(".snn"), "-o", library)
    support.tool("snn-run", library, path.with_suffix(".safetensors"), "-o", scratch / "out.safetensors", "--gradients")
    expected = support.tensors(scratch / "out.safetensors")

    model.load_state_dict({name: given[name] for name in model.state_dict()})
    found = model.run(given["input"], outputs_of(model))
    found["loss"] = np.float64(model.loss_and_gradient(given["input"], given["labels"]))
    for name, array in model.gradients.items():
        found[f"grad.{name}"] = np.array(array, order="C")
    compared = 0
    for name, array in found.items():
        if name in expected:
            support.same_bits(np.asarray(array, expected[name].dtype), expected[name], f"{path.name} {name}")
            compared += 1
    assert compared >= 6, f"{path.name}: only {compared} tensors of {list(expected)}"
    check_torch(path, model, given, expected)


def check_torch(path, model, given, expected):
    """Outputs have the same bits. Gradients are those of the loss in PyTorch: the same seeds give the same bits."""
    net = snnc.torch.Module(model, outputs=tuple(outputs_of(model)))
    x = torch.from_numpy(given["input"]).requires_grad_()
    outputs = dict(zip(outputs_of(model), net(x)))
    for name, tensor in outputs.items():
        if name in expected:
            support.same_bits(tensor.detach().numpy(), expected[name], f"{path.name} {name} of a module")
    case = json.loads(path.with_suffix(".json").read_text())
    loss = criterion(case)(outputs["spikes"], torch.from_numpy(given["labels"]))
    support.close(loss.item(), expected["loss"], 1e-6, f"{path.name} loss in PyTorch")
    outputs["spikes"].retain_grad()
    loss.backward()
    # What PyTorch makes of its own loss, and the entry of the model for the same derivatives of the output.
    model.backward(given["input"], {"spikes": outputs["spikes"].grad})
    for name, parameter in net.named_parameters():
        support.same_bits(parameter.grad.numpy(), np.array(model.gradients[name], order="C"), f"{path.name} {name}.grad")
        support.close(parameter.grad.numpy(), expected[f"grad.{name}"], 2e-6, f"{path.name} {name}.grad and snn-run")
    if "grad.input" in expected:
        support.close(x.grad.numpy(), expected["grad.input"], 2e-6, f"{path.name} input.grad")


cases = sorted(path.with_suffix("") for path in support.GOLDEN.glob("*.json"))
assert len(cases) >= 20, cases
with support.folder() as scratch:
    for case in cases:
        check_case(case, scratch)
print(f"{len(cases)} cases")
