# RUN: %package-python %s
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What somebody has made of layers and neurons after they were made is converted, or refused by the layer's name."""

import snntorch as snn
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import snnc
from networks import STEPS, X, hidden, refused, same, steps_of


def test_changed_modules():
    """What hangs on a module is seen."""
    hooked = nn.Linear(6, 6)
    hooked.register_forward_hook(lambda module, given, found: found * 2)
    before = nn.Linear(6, 6)
    before.register_forward_pre_hook(lambda module, given: given)
    replaced = nn.Linear(6, 6)
    replaced.forward = lambda x: x
    for layer, part in ((hooked, "forward hooks"), (before, "forward pre hooks"), (replaced, "its method forward"),
                        (prune.l1_unstructured(nn.Linear(6, 6), "weight", 0.5), "prune.remove"),
                        (parametrizations.weight_norm(nn.Linear(6, 6)), "remove_parametrizations")):
        refused(nn.Sequential(nn.Linear(6, 6), layer, hidden()), "layer \"1\"", part)
    pruned = prune.remove(prune.l1_unstructured(nn.Linear(6, 6), "weight", 0.5), "weight")
    net = nn.Sequential(pruned, hidden(output=True))
    same(snnc.from_snntorch(net, steps=STEPS), steps_of(net, X), X)
    changed = hidden()
    changed.reset_mechanism = "zero"  # which snnTorch does not follow
    refused(nn.Sequential(nn.Linear(6, 6), changed), "layer \"1\" (Leaky)", "another reset_mechanism")


def test_recurrent_modules():
    """What a recurrent layer is among neurons of, and whether it is that class itself."""

    class NoAutapses(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x, self.weight * (1 - torch.eye(6)), self.bias)

    def recurrent(module):
        neurons = snn.RLeaky(beta=0.75, linear_features=6, init_hidden=True)
        neurons.recurrent = module
        return nn.Sequential(nn.Linear(6, 6), neurons)

    for module in (NoAutapses(6, 6), nn.Identity(), nn.Sequential(nn.Linear(6, 6))):
        refused(recurrent(module), "layer \"1\" (RLeaky)", "expected nn.Linear or nn.Conv2d", steps=STEPS)
    refused(recurrent(nn.Linear(6, 1)), "layer \"1\" (RLeaky)", "from 6 to 1", steps=STEPS)
    channels = nn.Sequential(nn.Conv1d(3, 3, 1), snn.RLeaky(beta=0.75, linear_features=6, init_hidden=True))
    refused(channels, "layer \"1\" (RLeaky)", "its neurons are [3, 6]", sample=torch.rand(2, 3, 6), steps=STEPS)


def test_spikes_that_are_kept():
    """Neurons that hide their state go on from the spikes that they have given: nobody may change these in place."""

    def net(inplace, *between):
        return nn.Sequential(nn.Linear(6, 6), snn.RLeaky(beta=0.75, linear_features=6, init_hidden=True), *between, nn.ReLU(inplace=inplace),
                             nn.Linear(6, 6), hidden(output=True))

    torch.manual_seed(0)
    kept = net(False)
    same(snnc.from_snntorch(kept, steps=STEPS), steps_of(kept, X), X)
    refused(net(True), "layer \"2\" (ReLU)", "inplace=True", steps=STEPS)
    refused(net(True, nn.Flatten()), "layer \"3\" (ReLU)", "inplace=True", steps=STEPS)


def test_tensors_of_their_own():
    """A weight that is not trained, and tensors that a layer's class does not know."""
    fixed, masked = nn.Linear(6, 6), nn.Linear(6, 6)
    weight = fixed.weight.detach().clone()
    del fixed.weight
    fixed.register_buffer("weight", weight)
    masked.register_buffer("mask", torch.ones(6))
    refused(nn.Sequential(fixed, hidden()), "layer \"0\" (Linear)", "its weight is no parameter", steps=STEPS)
    refused(nn.Sequential(masked, hidden()), "layer \"0\" (Linear)", "\"mask\"", steps=STEPS)
    refused(nn.Sequential(nn.Linear(6, 6), hidden(inhibition=True, learn_graded_spikes_factor=True)), "layer \"1\" (Leaky)",
            "learn_graded_spikes_factor together with inhibition", steps=STEPS)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
