# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parameters and buffers of a module are tensors as PyTorch has them everywhere, and stay the user's."""

import copy
import threading

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, prune, vector_to_parameters
from torch.nn.utils.parametrizations import weight_norm

import snnc
import support
from snnc.torch._module import _Behind, _Network

TEXT = """snn 1
model small {
  input f32[20] over time
  steps 11
  linear 30
  leaky(beta = 0.9)
  linear 10
  leaky(beta = each 0.8)
}
"""
X = torch.randn(11, 3, 20, generator=torch.Generator().manual_seed(0)) * 2


def module(seed=1, **options):
    return snnc.torch.Module(TEXT, outputs="membrane", seed=seed, **options)


def gradients(net, parameters=None):
    parameters = list(net.parameters()) if parameters is None else parameters
    return torch.autograd.grad(net(X).square().sum(), parameters)


def scaled(net, factor):
    return {name: (parameter.detach() * factor).requires_grad_() for name, parameter in net.named_parameters()}


def test_layouts():
    """All ways through memory of layers whose weights the model keeps transposed, padded, permuted, in both precisions, and in several parts."""
    text = """snn 1
model kinds {
  input f32[3, 11, 9] over time
  steps 4
  conv(70, kernel = (3, 2))
  leaky(beta = learn 0.8)
  conv(140, kernel = 3, groups = 2)
  leaky(beta = each 0.5)
  flatten
  linear 23
  rleaky(beta = each 0.9)
  linear 1
  leaky(beta = 0.9)
}
"""
    x = np.random.default_rng(0).standard_normal((4, 2, 3, 11, 9))
    for precision in ("f32", "f64"):
        model = snnc.compile(text, precision=precision)
        net = snnc.torch.Module(model, outputs=("spikes", "membrane"))
        assert all(parameter.is_contiguous() for parameter in net.parameters())
        for array in model.parameters.values():
            array[...] = np.arange(array.size).reshape(array.shape) % 251 / 500 - 0.2
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                parameter.copy_(torch.from_numpy(np.array(model.parameters[name])))
        for name, array in net.to_model().parameters.items():
            support.same_bits(array, model.parameters[name], name)
        spikes, membrane = net(torch.from_numpy(x.astype(model.parameters["0.bias"].dtype)))
        support.same_bits(membrane.detach(), model.run(x, ("membrane",))["membrane"], "membrane")
        seeds = torch.ones_like(membrane)
        membrane.backward(seeds)
        model.backward(x, {"membrane": seeds})
        for name, parameter in net.named_parameters():
            support.same_bits(parameter.grad, np.array(model.gradients[name], order="C"), f"{name}.grad")
            assert parameter.grad.is_contiguous()


def test_optimizers_of_all_kinds():
    y = torch.tensor([1, 5, 9])
    for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad):
        found = []
        for options in ({"fused": True}, {"foreach": True}, {"foreach": False, "fused": False}):
            net = module()
            optimizer = kind(net.parameters(), lr=1e-2, **options)
            for _ in range(5):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(X).sum(0), y).backward()
                optimizer.step()
            found.append(parameters_to_vector(net.parameters()).detach())
        for other in found[1:]:
            support.close(found[0], other, 1e-5, kind.__name__)


def test_functional_call():
    """Tensors of the caller and of the module stay what they are; backward is of those that were given."""
    net = module()
    own, before = copy.deepcopy(net.state_dict()), net(X)
    first, second = scaled(net, 1.5), scaled(net, 3)
    values = {name: tensor.detach().clone() for name, tensor in first.items()}
    expected = gradients_of(first)
    output = torch.func.functional_call(net, first, (X,))
    other = torch.func.functional_call(net, second, (X,))
    assert not torch.equal(output, other)
    found = torch.autograd.grad(output.square().sum(), list(first.values()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected)), "backward of the first call"
    assert all(torch.equal(first[name], tensor) for name, tensor in values.items()), "what was given has changed"
    assert all(torch.equal(own[name], tensor) for name, tensor in net.state_dict().items()), "the module's have changed"
    assert torch.equal(net(X), before)


def gradients_of(tensors):
    net = module()
    net.load_state_dict({**net.state_dict(), **tensors})
    return gradients(net)


def test_memory_of_somebody_else():
    """Parameters in shared memory, as views of one buffer, and transposed are read where they are."""
    net = module().share_memory()
    net(X)
    assert net.get_parameter("0.weight").is_shared()
    net, flat, first = module(), torch.zeros(2000), 0
    expected = net(X)
    for parameter in net.parameters():
        flat[first:first + parameter.numel()] = parameter.detach().view(-1)
        parameter.data = flat[first:first + parameter.numel()].view_as(parameter)
        first += parameter.numel()
    assert torch.equal(net(X), expected)
    flat.zero_()
    assert net(X).abs().max() == 0
    net = module()
    weight = net.get_parameter("0.weight")
    weight.data = weight.detach().t().contiguous().t()
    assert torch.equal(net(X), expected) and all(torch.equal(a, b) for a, b in zip(gradients(net), gradients(module())))
    net.get_parameter("0.weight").data.mul_(2)
    assert not torch.equal(net(X), expected)


def test_utilities():
    net = module()
    vector_to_parameters(parameters_to_vector(net.parameters()) * 2, net.parameters())
    assert torch.equal(net(X), torch.func.functional_call(module(), scaled(module(), 2), (X,)))
    net = module()
    layer = net.get_submodule("0")
    prune.random_unstructured(layer, "weight", 0.5)
    with torch.no_grad():
        layer.weight_orig.mul_(2)
    expected = module()
    with torch.no_grad():
        expected.get_parameter("0.weight").copy_(layer.weight_orig * layer.weight_mask)
    for _ in range(2):
        found = gradients(net, [layer.weight_orig])[0]
        assert torch.equal(found, gradients(expected)[0] * layer.weight_mask)
    net = module()
    output = net(X)
    weight_norm(net.get_submodule("0"), "weight")
    support.close(net(X).detach(), output.detach(), 1e-5, "the weight in parts")
    assert all(gradient.abs().max() > 0 for gradient in gradients(net))


def test_model_has_the_present_values():
    def clamped(net):
        for parameter in net.parameters():
            parameter.data = parameter.data.clamp(-0.1, 0.1)
        return net

    def assigned(net):
        net.load_state_dict(module(seed=2).state_dict(), assign=True)
        return net

    def tripled(net):
        with torch.no_grad():
            net.get_parameter("0.weight").mul_(3)
        return net

    for change in (clamped, assigned, lambda net: tripled(copy.deepcopy(net)), lambda net: tripled(net.double().float())):
        net = change(module())
        with support.folder() as scratch:
            net.to_model().save(scratch / "weights.safetensors")
            found = support.tensors(scratch / "weights.safetensors")
        for name, tensor in net.state_dict().items():
            support.same_bits(found[name], tensor.numpy(), name)
    net = module()
    net.to_model().parameters["0.weight"][:] = 0
    assert net.get_parameter("0.weight").abs().max() > 0


def test_buffers():
    """`each` numbers are read where they are; numbers of the text stay what the text says."""
    net = module()
    before = net(X)
    net.get_buffer("3.beta").fill_(0.5)
    assert not torch.equal(net(X), before)
    net.get_buffer("1.beta").fill_(0.1)
    for call in (net, copy.deepcopy(net)):
        with support.raises(ValueError, "1.beta", "compiled into the model"):
            call(X)
    net.get_buffer("1.beta").fill_(0.9)
    net(X)
    for moved, kind in ((net.half(), "float16"), (module().to("meta"), "meta")):
        with support.raises(TypeError, "0.weight", "float32", kind):
            moved(X)


def test_threads_with_parameters_of_their_own():
    """Each call and its backward are of what it was given, whatever others bring in between."""
    net = module()
    wrong, done = [], []

    def work(factor):
        own = copy.deepcopy(net)
        own.load_state_dict({**own.state_dict(), **scaled(own, factor)})
        expected = gradients(own)
        given = scaled(net, factor)
        for _ in range(50):
            output, *_ = _Network.apply(net, X, None, None, _Behind(False), *given.values(), net.get_buffer("3.beta"))
            found = torch.autograd.grad(output.square().sum(), list(given.values()))
            if not all(torch.equal(a, b) for a, b in zip(found, expected)):
                wrong.append(factor)
        done.append(factor)

    threads = [threading.Thread(target=work, args=(factor,)) for factor in (1.0, 1.5, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(done) == len(threads), (wrong, done)


def test_replaced_layers():
    """A call is of the tensors that the module has then, in whatever modules."""
    net, other = module(), module()
    fresh = nn.Linear(other.get_parameter("0.weight").shape[1], other.get_parameter("0.weight").shape[0])
    other.get_parameter("0.weight").data.copy_(fresh.weight.data)
    other.get_parameter("0.bias").data.copy_(fresh.bias.data)
    net.set_submodule("0", fresh)
    assert torch.equal(net(X), other(X))
    net(X).square().sum().backward()
    other(X).square().sum().backward()
    assert torch.equal(fresh.weight.grad, other.get_parameter("0.weight").grad)
    fresh.bias = None
    with support.raises(TypeError, "0.bias: expected a tensor, found None"):
        net(X)
    del net._modules["0"]
    with support.raises(AttributeError, "0.weight: the module has no 0 any more"):
        net(X)


def test_numbers_of_the_text():
    net = snnc.torch.Module("snn 1\nmodel m {\n input f32[4]\n steps 2\n linear(6)\n batch_norm\n leaky\n linear(3)\n leaky\n}", seed=1)
    norm = next(owner for owner in net.modules() if "running_mean" in owner._buffers)
    with support.raises(AttributeError, "momentum", "the model's text"):
        norm.momentum = 0.5


def test_states_of_nothing():
    with support.raises(TypeError, "state: expected what a call with_state=True has given, found str"):
        module()(X, state="rest")


def test_same_output_twice():
    net = snnc.torch.Module(TEXT, outputs=("spikes", "membrane", "spikes"), seed=1)
    first, membrane, again = net(X)
    assert torch.equal(first, again) and first.sum() > 0
    once = torch.autograd.grad(first.sum(), net.get_parameter("0.weight"), retain_graph=True)[0]
    twice = torch.autograd.grad(first.sum() + again.sum(), net.get_parameter("0.weight"))[0]
    support.close(twice, 2 * once, 1e-5, "gradient of both")


def test_edited_state():
    """Gradients are of the state that the call started from."""
    def gradient(edits):
        net = module()
        _, state = net(X, with_state=True)
        output = net(X, state=state)
        if edits:
            state["1.mem"][:] = 0
        return torch.autograd.grad(output.square().sum(), net.get_parameter("0.weight"))[0]

    assert torch.equal(gradient(True), gradient(False))


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
