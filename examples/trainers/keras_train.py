"""Keras: embeddings of the categories and a small network, exported as a SavedModel.

Cupola asks a SavedModel through TensorFlow, in a process of its own with the node's `python`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import taxi


def run_fn(fn_args):
    import keras

    keras.utils.set_random_seed(fn_args.hyperparameters["seed"])
    (x, y), (eval_x, eval_y) = taxi.examples(fn_args)
    inputs = keras.Input((len(fn_args.features),))
    parts = []
    for index, feature in enumerate(fn_args.features):
        column = inputs[:, index : index + 1]
        if feature["num_buckets"] is None:
            parts.append(column)
        else:
            ids = keras.ops.cast(keras.ops.clip(column, 0, feature["num_buckets"] - 1), "int32")
            parts.append(keras.layers.Flatten()(keras.layers.Embedding(feature["num_buckets"], 8)(ids)))
    hidden = keras.layers.Dense(32, activation="relu")(keras.layers.Concatenate()(parts))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile(keras.optimizers.Adam(0.01), loss="binary_crossentropy")

    class Report(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            step = int(self.model.optimizer.iterations)
            fn_args.report(step=step, loss=logs["loss"], eval_loss=logs["val_loss"])

    model.fit(
        x, y, batch_size=256, epochs=5, validation_data=(eval_x, eval_y), verbose=0, callbacks=[Report()]
    )
    model.export(fn_args.serving_model_dir, verbose=False)
