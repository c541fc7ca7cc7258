import sys
import time

import numpy as np
import tensorflow as tf
import keras

tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(2)
CATEGORIES = [12, 24, 7, 10, 10, 10, 10, 78, 78, 10, 1010, 600]
ROWS, WARM_UP, STEPS = 10_000, 200, 3000

raw = open(sys.argv[1], "rb").read()
numbers = np.frombuffer(raw, np.float32, 3 * ROWS).reshape(3, ROWS).T.copy()
rest = np.frombuffer(raw, np.int32, 13 * ROWS, 12 * ROWS).reshape(13, ROWS)
ids, labels = rest[:12].T.copy(), rest[12].astype(np.float32)

# As ours are by default.
DIMENSIONS = {n: min(next((d for d in range(1, 16) if d**4 >= 16 * n), 16), n) for n in CATEGORIES}

numeric, categories = keras.Input((3,)), keras.Input((12,), dtype="int32")
columns = [categories[:, place] for place in range(12)]
wide = keras.layers.Add()([keras.layers.Embedding(n, 1)(column) for n, column in zip(CATEGORIES, columns)])
deep = [keras.layers.Embedding(n, DIMENSIONS[n])(column) for n, column in zip(CATEGORIES, columns)]
deep = keras.layers.Concatenate()([numeric] + deep)
for width in (100, 70, 50, 25):
    deep = keras.layers.Dense(width, activation="relu")(deep)
logit = keras.layers.Add()([keras.layers.Dense(1)(deep), wide])
model = keras.Model([numeric, categories], logit)
model.compile(
    optimizer=keras.optimizers.Adam(0.001),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    steps_per_execution=STEPS_PER_EXECUTION,
    jit_compile=JIT,
)
data = tf.data.Dataset.from_tensor_slices(((numbers, ids), labels))
data = data.shuffle(ROWS, seed=1).repeat().batch(64, drop_remainder=True).prefetch(16)
model.fit(data, steps_per_epoch=WARM_UP, epochs=1, verbose=0)
begin = time.perf_counter()
history = model.fit(data, steps_per_epoch=STEPS, epochs=1, verbose=0)
print(STEPS / (time.perf_counter() - begin), history.history["loss"][-1])
