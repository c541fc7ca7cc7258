"""TensorFlow's ParameterServerStrategy under Cupola: `strategy = { parameter_server = { workers = 2 } }`.

Every process runs this file. `TF_CONFIG` says what each is: servers hold the variables, workers compute, and the chief
hands out the work and decides when all is done. Each step waits for all workers, so that the numbers are those of one
worker with the whole batch.
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import tensorflow as tf

resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
if resolver.task_type in ("worker", "ps"):
    server = tf.distribute.Server(
        resolver.cluster_spec(), job_name=resolver.task_type, task_index=resolver.task_id, protocol="grpc"
    )
    server.join()

with open(os.environ["CUPOLA_FN_ARGS"], encoding="utf-8") as file:
    fn_args = json.load(file)

GLOBAL_BATCH = 16
strategy = tf.distribute.ParameterServerStrategy(resolver)
coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
workers = len(resolver.cluster_spec().as_dict()["worker"])

random = np.random.default_rng(1)
points = random.normal(size=(64, 4)).astype(np.float32)
labels = points @ np.float32([1, -2, 3, 0.5]) + 0.25

with strategy.scope():
    weights = tf.Variable(tf.zeros([4]))
    bias = tf.Variable(0.0)

checkpoint = os.path.join(fn_args["checkpoint_dir"], "checkpoint.npz")
first = 0
if os.path.exists(checkpoint):
    with np.load(checkpoint) as saved:
        first = int(saved["step"])
        weights.assign(saved["weights"])
        bias.assign(saved["bias"])


@tf.function
def gradients(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((tf.linalg.matvec(x, weights) + bias - y) ** 2) / GLOBAL_BATCH
    return [loss, *tape.gradient(loss, [weights, bias])]


for step in range(first, fn_args["train_steps"]):
    begin = step * GLOBAL_BATCH % len(points)
    parts = []
    for worker in range(workers):
        mine = slice(begin + worker, begin + GLOBAL_BATCH, workers)
        part = (tf.constant(points[mine]), tf.constant(labels[mine]))
        parts.append(coordinator.schedule(gradients, args=part))
    coordinator.join()
    loss, of_weights, of_bias = (sum(values) for values in zip(*(part.fetch() for part in parts)))
    weights.assign_sub(0.05 * of_weights)
    bias.assign_sub(0.05 * of_bias)
    np.savez(checkpoint + ".part.npz", step=step + 1, weights=weights.numpy(), bias=bias.numpy())
    os.replace(checkpoint + ".part.npz", checkpoint)
    with open(fn_args["metrics_path"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step + 1, "loss": float(loss), "workers": workers}) + "\n")
