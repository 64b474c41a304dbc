"""JAX with optax: one jitted training step, products over all steps at once, jax.lax.scan over the steps of neurons."""
import importlib.metadata
import os

SLOPE = 25


def load(engine, threads):
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    global jax, jnp, optax
    import jax
    import jax.numpy as jnp
    import optax

    jnp.zeros(1).block_until_ready()


def versions(engine):
    return {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "optax")}


def make(engine, workload, weights):
    @jax.custom_jvp
    def spike(v):
        return (v > 0).astype(v.dtype)

    spike.defjvp(lambda values, tangents: (spike(values[0]), tangents[0] / (SLOPE * jnp.abs(values[0]) + 1) ** 2))

    def reset(mem):
        return jax.lax.stop_gradient((mem > 1).astype(mem.dtype))

    def leaky(current):
        def step(mem, i):
            mem = workload.beta * mem + i - reset(mem)
            return mem, spike(mem - 1)

        return jax.lax.scan(step, jnp.zeros_like(current[0]), current)[1]

    def synaptic(current, weight, bias):
        def step(state, i):
            syn, mem, s = state
            syn = workload.alpha * syn + i + s @ weight.T + bias
            mem = workload.beta * mem + syn - reset(mem)
            s = spike(mem - 1)
            return (syn, mem, s), s

        return jax.lax.scan(step, (jnp.zeros_like(current[0]),) * 3, current)[1]

    def convolve(x, weight, padding):
        return jax.lax.conv_general_dilated(x, weight, (1, 1), [(padding, padding)] * 2)

    def pool(x, kernel):
        window = (1, 1, kernel, kernel)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")

    def normalize(x, weight, bias):
        mean = x.mean((0, 2, 3), keepdims=True)
        variance = ((x - mean) ** 2).mean((0, 2, 3), keepdims=True)
        scale = weight[:, None, None] * jax.lax.rsqrt(variance + 1e-5)
        moved = jax.lax.stop_gradient((mean.ravel(), variance.ravel() * (x.size / len(weight)) / (x.size / len(weight) - 1)))
        return (x - mean) * scale + bias[:, None, None], moved

    def forward(parameters, x):
        over_time, moved = workload.over_time, {}
        for place, (kind, *numbers) in enumerate(workload.layers):
            get = lambda name: parameters[f"{place}.{name}"]
            if kind in ("lif", "rsynaptic"):
                if not over_time:
                    x = jnp.broadcast_to(x, (workload.steps, *x.shape))
                x = leaky(x) if kind == "lif" else synaptic(x, get("recurrent.weight"), get("recurrent.bias"))
                over_time = True
                continue
            if kind == "linear":
                x = x @ get("weight").T + get("bias")
                continue
            outer = x.shape[:2] if over_time else x.shape[:1]
            x = x.reshape(-1, *x.shape[len(outer) :])
            if kind == "flatten":
                x = x.reshape(len(x), -1)
            elif kind == "conv":
                x = convolve(x, get("weight"), numbers[3])
                if numbers[4]:
                    x = x + get("bias")[:, None, None]
            elif kind == "pool":
                x = pool(x, numbers[0])
            elif kind == "norm":
                x, moved[place] = normalize(x, get("weight"), get("bias"))
            x = x.reshape(*outer, *x.shape[1:])
        return x, moved

    def loss_of(parameters, x, y):
        spikes, moved = forward(parameters, x)
        if workload.loss == "ce_rate":
            return -jnp.take_along_axis(jax.nn.log_softmax(spikes), y[None, :, None], 2).mean(), moved
        counts = spikes.sum(0).reshape(len(y), workload.classes, workload.per_class).sum(2)
        wanted = jax.nn.one_hot(y, workload.classes) * workload.steps * workload.per_class
        return jnp.mean((counts - wanted) ** 2) / workload.steps, moved

    optimizer = optax.adam(workload.lr, b1=0.9, b2=0.999)

    def train(parameters, buffers, state, x, y):
        (loss, moved), gradient = jax.value_and_grad(loss_of, has_aux=True)(parameters, x, y)
        updates, state = optimizer.update(gradient, state, parameters)
        for place, (mean, variance) in moved.items():
            for name, value in (("running_mean", mean), ("running_var", variance)):
                buffers[f"{place}.{name}"] = 0.9 * buffers[f"{place}.{name}"] + 0.1 * value
        return optax.apply_updates(parameters, updates), buffers, state, loss

    train = jax.jit(train, donate_argnums=(0, 1, 2))
    buffers = {name: jnp.array(value) for name, value in weights.items() if ".running_" in name}
    parameters = {name: jnp.array(value) for name, value in weights.items() if name not in buffers}
    held = [parameters, buffers, optimizer.init(parameters)]

    def step(x, y):
        *held[:], loss = train(*held, x, y)
        return loss.block_until_ready()

    return step
