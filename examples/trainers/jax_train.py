"""JAX: a weight for each category and a small network over the numbers, with checkpoints."""

import os

import numpy as np

import taxi

WIDTH = 32


def split(x, features):
    """Returns the numbers, and the ids of all categories as places in one table."""
    is_id = np.array([feature["num_buckets"] is not None for feature in features])
    sizes = [feature["num_buckets"] for feature in features if feature["num_buckets"] is not None]
    starts = np.cumsum([0, *sizes])
    ids = np.clip(x[:, is_id].astype(np.int32), 0, np.array(sizes) - 1) + starts[:-1]
    return x[:, ~is_id], ids, int(starts[-1])


def run_fn(fn_args):
    import jax
    import jax.numpy as jnp

    (x, y), (eval_x, eval_y) = taxi.examples(fn_args)
    numbers, ids, table = split(x, fn_args.features)
    eval_numbers, eval_ids, _ = split(eval_x, fn_args.features)
    random = np.random.default_rng(fn_args.hyperparameters["seed"])
    weights = {
        "table": np.zeros(table, np.float32),
        "hidden": random.normal(size=(numbers.shape[1], WIDTH)).astype(np.float32) * 0.3,
        "hidden_bias": np.zeros(WIDTH, np.float32),
        "output": random.normal(size=WIDTH).astype(np.float32) * 0.1,
        "bias": np.float32(0),
    }

    def logits(weights, numbers, ids):
        hidden = jnp.tanh(numbers @ weights["hidden"] + weights["hidden_bias"])
        return weights["table"][ids].sum(axis=1) + hidden @ weights["output"] + weights["bias"]

    def loss(weights, numbers, ids, labels):
        logit = logits(weights, numbers, ids)
        return jnp.mean(jnp.maximum(logit, 0) - logit * labels + jnp.log1p(jnp.exp(-jnp.abs(logit))))

    @jax.jit
    def train(weights, numbers, ids, labels):
        value, gradients = jax.value_and_grad(loss)(weights, numbers, ids, labels)
        return jax.tree.map(lambda w, g: w - 0.5 * g, weights, gradients), value

    checkpoint = os.path.join(fn_args.checkpoint_dir, "weights.npz")
    first = 0
    if os.path.exists(checkpoint):
        with np.load(checkpoint) as saved:
            first = int(saved["step"])
            weights = {key: saved[key] for key in weights}
    batch = 512
    for step in range(first, fn_args.train_steps):
        # The batch of a step depends on nothing but its number, so that a restart goes on as if nothing had been.
        chosen = np.random.default_rng([fn_args.hyperparameters["seed"], step]).integers(len(y), size=batch)
        weights, value = train(weights, numbers[chosen], ids[chosen], y[chosen])
        if (step + 1) % 50 == 0:
            eval_loss = loss(weights, eval_numbers, eval_ids, eval_y)
            fn_args.report(step=step + 1, loss=value, eval_loss=eval_loss)
            np.savez(checkpoint + ".part.npz", step=step + 1, **weights)
            os.replace(checkpoint + ".part.npz", checkpoint)
    np.savez(os.path.join(fn_args.serving_model_dir, "weights.npz"), **weights)
    taxi.leave_program(fn_args, "jax_train")


def load(folder, features):
    """The forward pass in NumPy: where the model is asked, JAX need not be."""
    with np.load(os.path.join(folder, "weights.npz")) as saved:
        weights = {key: saved[key] for key in saved}

    def predict(x):
        numbers, ids, _ = split(x, features)
        hidden = np.tanh(numbers @ weights["hidden"] + weights["hidden_bias"])
        logit = weights["table"][ids].sum(axis=1) + hidden @ weights["output"] + weights["bias"]
        return 1 / (1 + np.exp(-logit))

    return predict
