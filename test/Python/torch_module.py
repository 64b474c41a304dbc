# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled network as a module of PyTorch, beside the same network of snnTorch and inside of other modules."""

import copy
import io
import pickle

import numpy as np
import snntorch as snn
import torch
from snntorch import functional, surrogate
from torch.utils.checkpoint import checkpoint

import snnc
import support

TEXT = """snn 1
model dense {
  input f32[INPUTS] over time
  steps STEPS
  linear HIDDEN
  h1: leaky(beta = learn 0.8, threshold = learn 0.9, surrogate = fast_sigmoid(slope = 5))
  linear OUTPUTS
  leaky(beta = 0.7, reset = zero, surrogate = atan)
}
"""


# What is computed in training differs.
APART = """snn 1
model apart {
  input f32[3, 6, 6] over time
  steps 4
  conv(5, kernel = 3, bias = false)
  batch_norm
  leaky(beta = 0.5, threshold = 0.3)
  flatten
  dropout(p = 0.3)
  linear 10
  leaky(beta = 0.5)
}
train {
  loss mse_count(correct = 1, incorrect = 0)
}
"""


def networks(seed, inputs=40, hidden=30, outputs=6, steps=12):
    """A compiled net, and snnTorch's over all steps, with the same parameters."""
    torch.manual_seed(seed)
    text = TEXT
    for name, number in (("INPUTS", inputs), ("HIDDEN", hidden), ("OUTPUTS", outputs), ("STEPS", steps)):
        text = text.replace(name, str(number))
    net = snnc.torch.Module(text, outputs=("spikes", "membrane", "hidden.h1", "hidden_membrane.h1"))

    class Reference(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("0", torch.nn.Linear(inputs, hidden))
            self.h1 = snn.Leaky(beta=0.8, threshold=0.9, learn_beta=True, learn_threshold=True,
                                spike_grad=surrogate.fast_sigmoid(slope=5))
            self.add_module("2", torch.nn.Linear(hidden, outputs))
            self.add_module("3", snn.Leaky(beta=0.7, reset_mechanism="zero", spike_grad=surrogate.atan()))

        def forward(self, x):
            first, second = self.h1.init_leaky(), self._modules["3"].init_leaky()
            found = ([], [], [], [])
            for current in x:
                hidden, first = self.h1(self._modules["0"](current), first)
                spikes, second = self._modules["3"](self._modules["2"](hidden), second)
                for stack, value in zip(found, (spikes, second, hidden, first)):
                    stack.append(value)
            return tuple(torch.stack(stack) for stack in found)

    reference = Reference()
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.mul_(1.5) if parameter.ndim else None
    # Both ways, with all that strict loading demands.
    net.load_state_dict(reference.state_dict())
    reference.load_state_dict(net.state_dict())
    return net, reference


def test_gradients_of_all_outputs():
    for seed in range(4):
        net, reference = networks(seed)
        x = torch.randn(12, 9, 40)
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        found, expected = net(ours), reference(theirs)
        assert all(torch.equal(a, b) for a, b in zip(found[::2], expected[::2])), "spikes differ"
        seeds = [torch.randn_like(tensor) for tensor in expected]
        used = [0, 1, 2, 3] if seed else [1]
        sum((found[i] * seeds[i]).sum() for i in used).backward()
        sum((expected[i] * seeds[i]).sum() for i in used).backward()
        support.close(ours.grad, theirs.grad, 2e-5, "input.grad")
        for name, parameter in reference.named_parameters():
            support.close(net.get_parameter(name).grad, parameter.grad, 3e-5, f"{name}.grad of seed {seed}")


def test_loop_of_the_tutorial():
    """20 steps of Adam with snnTorch's loss: the losses that snnTorch had."""
    given = support.tensors(support.GOLDEN / "train_population.safetensors")
    net = snnc.torch.Module(support.GOLDEN / "train_population.snn")
    net.load_state_dict({name: torch.from_numpy(given[name]) for name in net.state_dict() if name in given}, strict=False)
    steps = sum(name.endswith(".input") for name in given)
    assert steps == 20
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999))
    criterion = functional.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=10)
    for step in range(steps):
        x, y = torch.from_numpy(given[f"batch.{step}.input"]), torch.from_numpy(given[f"batch.{step}.labels"])
        spikes, _ = net(x)
        loss = criterion(spikes, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected = given["losses"][step]
        assert abs(loss.item() - expected) <= 1e-5 * abs(expected), f"step {step}: {loss.item()} and {expected}"


def test_inside_of_a_larger_network():
    net, reference = networks(7)
    head = torch.nn.Linear(6, 3)

    def larger(layer):
        front = torch.nn.Linear(25, 40)
        return front, lambda x: head(layer(front(x))[1]).pow(2).mean()

    x = torch.randn(12, 5, 25)
    torch.manual_seed(1)
    front, ours = larger(net)
    torch.manual_seed(1)
    other, theirs = larger(reference)
    ours(x).backward()
    theirs(x).backward()
    support.close(front.weight.grad, other.weight.grad, 2e-5, "gradient of the layer in front")


def test_usual_training():
    """Clipping, schedulers, frozen parameters, accumulated gradients, no_grad."""
    net, _ = networks(3)
    names = [name for name, _ in net.named_parameters()]
    assert names == ["0.weight", "0.bias", "h1.beta", "h1.threshold", "2.weight", "2.bias"], names
    frozen = dict(net.named_parameters())["0.weight"].requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    before, x = frozen.clone(), torch.randn(12, 4, 40)
    net(x)[1].mean().backward()
    once = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    net(x)[1].mean().backward()
    for a, p in zip(once, (p for p in net.parameters() if p.grad is not None)):
        support.close(p.grad, 2 * a, 1e-6, "accumulated")
    torch.nn.utils.clip_grad_norm_(net.parameters(), 0.01)
    optimizer.step()
    scheduler.step()
    assert torch.equal(before, frozen) and frozen.grad is None
    with torch.no_grad():
        assert not net(x)[0].requires_grad
    # A change in place between forward and backward is found.
    loss = net(x)[1].mean()
    with torch.no_grad():
        dict(net.named_parameters())["2.bias"].add_(1)
    with support.raises(RuntimeError, "modified by an inplace operation"):
        loss.backward()


def test_copies_and_files():
    net, _ = networks(5)
    x = torch.randn(12, 4, 40)
    expected = net(x)[1]
    twin = copy.deepcopy(net)
    with torch.no_grad():
        twin.get_parameter("2.bias").add_(1)
    assert torch.equal(net(x)[1], expected) and not torch.equal(twin(x)[1], expected)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert torch.equal(again(x)[1], expected)
    assert list(again.state_dict()) == list(net.state_dict())
    # Whoever puts other memory under a parameter has it read from there.
    net.get_parameter("2.bias").data = twin.get_parameter("2.bias").detach().clone()
    assert torch.equal(net(x)[1], twin(x)[1])
    with support.raises(TypeError, "0.weight", "torch.float32", "torch.float64"):
        twin.double()(x)
    with support.raises(ValueError, "3.beta", "0.5", "compiled into the model"):
        net.load_state_dict({**net.state_dict(), "3.beta": torch.tensor(0.5)})


def test_compile():
    net, _ = networks(6)
    torch._dynamo.reset()

    def step(x):
        return (net(x * 2)[1] + 1).square().mean()

    x = torch.randn(12, 4, 40)
    expected = step(x)
    expected.backward()
    gradient = net.get_parameter("0.weight").grad.clone()
    net.zero_grad()
    explained = torch._dynamo.explain(step)(x)
    assert explained.graph_break_count <= 1, explained.break_reasons
    compiled = torch.compile(step, backend="aot_eager")
    found = compiled(x)
    found.backward()
    support.close(found.item(), expected.item(), 1e-6, "compiled loss")
    support.close(net.get_parameter("0.weight").grad, gradient, 1e-6, "compiled gradient")


def test_training_mode():
    """Dropout and batch norm: the outputs are of the network in training, whose gradient backward gives."""
    net = snnc.torch.Module(APART, outputs=("spikes", "membrane"), seed=3)
    x = torch.randn(4, 7, 3, 6, 6)
    labels = np.arange(7) % 10
    model = net.to_model()
    torch.manual_seed(5)
    model.epoch = int(torch.randint(1 << 32, ()))  # what the call's mask depends on
    torch.manual_seed(5)
    spikes, membrane = net(x)
    call = model._prepare(x, labels)
    results = model._outputs(("spikes", "membrane"), call)
    model._call("loss_and_gradient", call, outputs=results)
    support.same_bits(membrane.detach(), results[model._places["membrane"]], "membranes in training")
    support.same_bits(net.get_buffer("1.running_var"), model.buffers["1.running_var"], "running variance")
    assert net.get_buffer("1.num_batches_tracked") == 1
    (functional.mse_count_loss(1.0, 0.0)(spikes, torch.from_numpy(labels))).backward()
    for name, parameter in net.named_parameters():
        support.close(parameter.grad, model.gradients[name], 1e-5, f"{name}.grad")
    assert not torch.equal(net(x)[1], membrane), "dropout is the same in each call"
    net.eval()
    assert torch.equal(net(x)[1], net(x)[1])


def test_gradients_of_evaluation():
    """In eval() gradients are of what is computed there: running statistics, nothing dropped. They are those of a model that is
    compiled to be tuned, and leave statistics alone."""
    net = snnc.torch.Module(APART, outputs=("spikes", "membrane"), seed=3)
    tuned = snnc.torch.Module(APART, outputs=("spikes", "membrane"), seed=4, mode="tune")
    x = torch.randn(4, 7, 3, 6, 6)
    net(x)
    net.eval()
    tuned.load_state_dict(net.state_dict())
    assert tuned.training
    gradients = []
    for module in (net, tuned, net):
        image = x.clone().requires_grad_()
        spikes, membrane = module(image)
        (spikes.sum() + membrane.square().sum()).backward()
        gradients.append([image.grad, *(parameter.grad.clone() for parameter in module.parameters())])
        module.zero_grad()
    for other in gradients[1:]:
        assert all(torch.equal(a, b) and a.any() for a, b in zip(gradients[0], other))
    assert all(torch.equal(value, tuned.state_dict()[name]) for name, value in net.state_dict().items())
    assert net.get_buffer("1.num_batches_tracked") == 1
    copied = copy.deepcopy(net)
    copied(x)[1].square().sum().backward()
    assert copied.get_parameter("0.weight").grad.any()
    model = tuned.to_model()
    model.train_step(x, np.arange(7) % 10)
    assert not np.array_equal(model.parameters["0.weight"], net.get_parameter("0.weight").detach())
    for name, buffer in model.buffers.items():
        support.same_bits(buffer, net.get_buffer(name), f"{name} behind an update")


def test_frozen_norms():
    """A module in train() whose norms evaluate is trained with running statistics as they are."""
    text = "snn 1\nmodel m {\n input f32[4]\n steps 3\n linear(6)\n batch_norm\n leaky\n linear(3)\n batch_norm\n leaky\n}"
    net = snnc.torch.Module(text, outputs="membrane", seed=1)
    x = torch.randn(5, 4)
    net(x)
    net.eval()
    expected = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    net.train()
    norms = [owner for owner in net.modules() if "running_mean" in owner._buffers]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for norm in norms:
        norm.eval()
    found = torch.autograd.grad(net(x).square().sum(), list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    norms[0].train()
    with support.raises(RuntimeError, "4: the layer is in eval(), and the module in train()"):
        net(x)
    net.eval()
    norms[0].train()
    with support.raises(RuntimeError, "1: the layer is in train(), and the module in eval()"):
        net(x)
    dropping = snnc.torch.Module(text.replace(" leaky\n linear(3)", " leaky\n dropout(p = 0.5)\n linear(3)"), seed=1)
    for owner in dropping.modules():
        if "running_mean" in owner._buffers:
            owner.eval()
    with support.raises(RuntimeError, "without dropout"):
        dropping(x)


def test_masks_are_pytorchs():
    """Its seed gives the same masks, and so does a checkpoint, which makes a call again. A network without them leaves it alone."""
    text = """snn 1
model m {
  input f32[6] over time
  steps 5
  linear 9
  leaky(beta = 0.7, threshold = 0.2)
  dropout(p = 0.5)
  linear 9
  leaky(beta = 0.7, threshold = 0.2)
}
"""
    net, head = snnc.torch.Module(text, outputs="membrane"), torch.nn.Linear(9, 3)
    x = torch.randn(5, 7, 6, requires_grad=True)

    def gradients(call):
        torch.manual_seed(1)
        for tensor in (x, *net.parameters(), *head.parameters()):
            tensor.grad = None
        call(lambda x: head(net(x))).square().sum().backward()
        return [tensor.grad for tensor in (x, *net.parameters(), *head.parameters())]

    plain = gradients(lambda network: network(x))
    for reentrant in (True, False):
        again = gradients(lambda network: checkpoint(network, x, use_reentrant=reentrant))
        assert all(map(torch.equal, plain, again)), f"use_reentrant={reentrant}"
    other = snnc.torch.Module(text.replace("  dropout(p = 0.5)\n", ""))
    state = torch.get_rng_state()
    other(x)
    assert torch.equal(torch.get_rng_state(), state)


def test_buffers_that_are_read():
    """A layer that in training reads what it keeps: gradients are of what it was before the call, however often they are asked for."""
    text = """snn 1
layer centred(x[channels, ...]) {
  buffer center[channels] = 0
  if training == true {
    m[c] = mean(x[c, ...], over = (sample, time, ...))
    center[c] = 0.5 * center[c] + 0.5 * m[c]
  }
  y[c, ...] = x[c, ...] - center[c]
  value y
}
model m {
  input f32[6]
  steps 4
  linear 5
  centred
  leaky(threshold = 0.3)
}
"""
    net = snnc.torch.Module(text, outputs="membrane")
    x, weight = torch.randn(8, 6) + 1, torch.randn(4, 8, 5)
    for turn in range(2):
        model = net.to_model()
        membrane = net(x)
        model.backward(x, {"membrane": weight})
        expected = {name: array.copy() for name, array in model.gradients.items()}
        model.run(x)
        for again in range(2):
            net.zero_grad()
            (membrane * weight).sum().backward(retain_graph=True)
            for name, parameter in net.named_parameters():
                support.same_bits(parameter.grad, expected[name], f"{name}.grad, turn {turn}, time {again}")
    assert net.get_buffer("1.center").abs().sum() > 0


def test_outputs():
    for name in ("grad.input", "metric.accuracy", "spike"):
        with support.raises(KeyError, f"no output '{name}'", "spikes, membrane"):
            snnc.torch.Module("snn 1\nmodel m { input f32[4]\n steps 3\n linear 3\n leaky }\ntrain { metric accuracy }", outputs=name)


def test_state():
    """Windows of a sequence, each from the state that the one before has left."""
    text = TEXT
    for name, number in (("INPUTS", 20), ("HIDDEN", 15), ("OUTPUTS", 4), ("steps STEPS", "steps ? <= 50")):
        text = text.replace(name, str(number))
    net = snnc.torch.Module(text, outputs="membrane")
    x = torch.randn(10, 3, 20)
    whole = net(x)
    first, state = net(x[:6], with_state=True)
    rest = net(x[6:], state=state)
    assert torch.equal(torch.cat([first, rest]), whole) and state.steps == 6
    with support.raises(ValueError, "the state is of 3 samples", "the call has 2"):
        net(x[6:, :2], state=state)
    for twin in (copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        state["h1.mem"][:] = 0
        assert torch.equal(net(x[6:], state=twin), rest) and twin.steps == 6


def test_state_that_is_not_asked_for():
    """The state behind the last step is read by the backward pass, and again by a later phase from the start, also where nobody wants it."""
    module = snnc.torch.Module("""snn 1
model m {
  input f32[2, 8, 8] over time
  steps 2
  a: batch_norm
  from input
  h: leaky(beta = learn each 0.5, threshold = learn 0.1, reset = none, surrogate = triangular)
  from a
  flatten
  linear(3)
  leaky
}
""", outputs="hidden.h", precision="f64")
    torch.manual_seed(0)
    beta = torch.empty(2, 8, 8, dtype=torch.double).uniform_(0.3, 0.95).requires_grad_()
    x, seed = torch.randn(2, 2, 3, 2, 8, 8, dtype=torch.double)
    with torch.no_grad():
        module.h.beta.copy_(beta)
    membrane, loss = 0, 0
    for now, weight in zip(x, seed):
        membrane = beta * membrane + now
        loss = loss + (surrogate.triangular()(membrane - 0.1) * weight).sum()
    loss.backward()
    for with_state in (False, True):
        module.zero_grad()
        spikes = module(x, with_state=with_state)
        ((spikes[0] if with_state else spikes) * seed).sum().backward()
        support.close(module.h.beta.grad, beta.grad, 1e-6, "beta")  # snnTorch makes spikes of float32


def test_names():
    """Labels that modules have something of their own under."""
    text = "snn 1\nmodel m { input f32[4]\n steps 3\n LABEL: linear 3\n leaky }"
    for label in ("model", "outputs"):
        names = {f"fc.{tensor}": f"{label}.{tensor}" for tensor in ("weight", "bias")}
        net = snnc.torch.Module(text.replace("LABEL", "fc"), names=names)
        assert net.get_submodule(label).weight.shape == (3, 4) and len(net(torch.ones(2, 4))) == 2
    for label in ("training", "state_dict"):
        with support.raises(ValueError, f"layer '{label}'", "another label"):
            snnc.torch.Module(text.replace("LABEL", label))


def test_around_calls():
    """Another default device; autocast, whose tensors are bfloat16."""
    net, _ = networks(4)
    x = torch.randn(12, 4, 40)
    net(x)[1].sum().backward()
    expected = net.get_parameter("0.weight").grad.clone()
    net.zero_grad()
    with torch.device("meta"):
        again = snnc.torch.Module(net.to_model(), outputs=("spikes", "membrane"))
        again(x)[1].sum().backward()
    assert torch.equal(again.get_parameter("0.weight").grad, expected)
    front = torch.nn.Linear(40, 40)
    with torch.autocast("cpu", torch.bfloat16):
        given = front(x)
        membrane = net(given)[1]
    assert given.dtype == torch.bfloat16 and membrane.dtype == torch.float32
    assert torch.equal(membrane, net(given.float())[1])
    membrane.sum().backward()
    assert front.weight.grad.abs().max() > 0


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
