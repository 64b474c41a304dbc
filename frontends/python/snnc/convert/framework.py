# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What reading a network has to know of the framework that it came from."""

from . import layers


class Framework:
    """Each framework derives one; all functions take a module of neurons.

    Attributes:
        layers: classes whose modules are a layer of torch.nn, and which one.
        no_layer: why another one is refused.
        layers_take_all_steps: a call goes through all steps, [time, sample, ...].
        steps_keep_state: neurons of a module of one step carry their states on though they do not hide them.
        remembers_states: neurons that are called without a state go on with that of their last call, though they do not hide it.
        containers: classes of modules that call their layers one behind the other for all steps as one batch.
        own_hooks: names of hooks of parameters that the framework's neurons hang there themselves, and their lines say.

    A subclass has `name`, `is_neuron(module)`, and `neuron(graph, path, module, source, shape)`, which gives the `Layer`;
    `outputs` and `states`, the names of what a call returns and of what it takes behind its input; `hides_state`, whether
    neurons keep their states themselves.
    """

    layers = layers.KINDS
    no_layer = "there is no such layer in the language"
    layers_take_all_steps = False
    steps_keep_state = False
    remembers_states = False
    own_hooks = ()
    containers = ()

    @staticmethod
    def input_shape(module):
        """The shape of a sample that neurons with weights take, or None if they take any."""
        return None

    @staticmethod
    def keeps_shape(module):
        """Whether all that neurons give has the shape of what they take."""
        return False

    @staticmethod
    def remembers(module):
        """Whether a layer that is none of neurons keeps something from one call to the next."""
        return False

    @staticmethod
    def hidden(module):
        """The dictionary where neurons keep their states themselves, and the names of these."""
        return {}, ()

    @staticmethod
    def step_result(returned):
        """What a module of one step returns, without states."""
        return returned


__all__ = ["Framework"]
