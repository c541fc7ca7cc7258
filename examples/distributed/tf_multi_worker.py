"""TensorFlow's MultiWorkerMirroredStrategy under Cupola: `strategy = { multi_worker = { workers = 2 } }`.

Every worker runs this file. `TF_CONFIG`, which the strategy reads, comes from Cupola; so do the place of checkpoints,
which is there again when the job is started anew, and the number of steps. Alone, without a strategy, it takes the same
steps on the same global batches. What is trained is a line through made-up points, so that all can be seen.
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import tensorflow as tf

with open(os.environ["CUPOLA_FN_ARGS"], encoding="utf-8") as file:
    fn_args = json.load(file)

GLOBAL_BATCH = 16
cluster = json.loads(os.environ.get("TF_CONFIG", "{}"))
strategy = tf.distribute.MultiWorkerMirroredStrategy() if cluster else tf.distribute.get_strategy()
rank = cluster["task"]["index"] if cluster else 0
workers = strategy.num_replicas_in_sync

random = np.random.default_rng(1)
points = random.normal(size=(64, 4)).astype(np.float32)
labels = points @ np.float32([1, -2, 3, 0.5]) + 0.25

with strategy.scope():
    weights = tf.Variable(tf.zeros([4]), aggregation=tf.VariableAggregation.MEAN)
    bias = tf.Variable(0.0, aggregation=tf.VariableAggregation.MEAN)

# The chief writes checkpoints, whole or not at all; all read them.
checkpoint = os.path.join(fn_args["checkpoint_dir"], "checkpoint.npz")
first = 0
if os.path.exists(checkpoint):
    with np.load(checkpoint) as saved:
        first = int(saved["step"])
        weights.assign(saved["weights"])
        bias.assign(saved["bias"])


@tf.function
def train(x, y):
    """One step on the global batch, of which this worker has a part; returns the loss of all of it."""

    def on_replica(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.linalg.matvec(x, weights) + bias - y) ** 2) / GLOBAL_BATCH
        gradients = tape.gradient(loss, [weights, bias])
        summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        weights.assign_sub(0.05 * summed[0])
        bias.assign_sub(0.05 * summed[1])
        return loss

    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(on_replica, args=(x, y)), axis=None)


for step in range(first, fn_args["train_steps"]):
    begin = step * GLOBAL_BATCH % len(points)
    mine = slice(begin + rank, begin + GLOBAL_BATCH, workers)
    loss = float(train(tf.constant(points[mine]), tf.constant(labels[mine])))
    if rank == 0:
        np.savez(checkpoint + ".part.npz", step=step + 1, weights=weights.numpy(), bias=bias.numpy())
        os.replace(checkpoint + ".part.npz", checkpoint)
        with open(fn_args["metrics_path"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step + 1, "loss": loss, "workers": workers}) + "\n")
