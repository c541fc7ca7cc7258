"""Answers questions of Cupola with the SavedModel in this folder.

The signature `serving_default` takes the transformed features by their names, each `[rows]` or `[rows, 1]`, or one matrix
of all of them in their order; its output `prediction`, or its only one, is the prediction.
"""

import json
import os
import sys

# Answers go to standard output alone, whatever libraries print.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

model = tf.saved_model.load(os.path.dirname(os.path.abspath(__file__)))
if "serving_default" not in model.signatures:
    sys.exit(f"no signature `serving_default`, only {sorted(model.signatures)}")
serve = model.signatures["serving_default"]
takes = serve.structured_input_signature[1]
gives = sorted(serve.structured_outputs)
prediction = "prediction" if "prediction" in gives else gives[0]
if len(gives) > 1 and prediction != "prediction":
    sys.exit(f"the outputs are {gives}, and none is called `prediction`")


def column(values, dtype):
    """A column as an array; of floats, a missing value is NaN, of ids -1, of text the empty one."""
    if dtype.is_floating:
        fill = float("nan")
    else:
        fill = "" if dtype == tf.string else -1
    filled = [fill if value is None else value for value in values]
    return np.array(filled, dtype=object if dtype == tf.string else dtype.as_numpy_dtype)


def inputs(columns):
    if set(takes) <= set(columns):
        for name, spec in takes.items():
            values = column(columns[name], spec.dtype)
            if spec.shape.rank == values.ndim + 1:
                values = values[:, np.newaxis]
            yield name, tf.constant(values, dtype=spec.dtype)
    elif len(takes) == 1:
        (name, spec), = takes.items()
        parts = [column(values, spec.dtype) for values in columns.values()]
        parts = [part.reshape(len(part), -1) for part in parts]
        yield name, tf.constant(np.concatenate(parts, axis=1), dtype=spec.dtype)
    else:
        raise ValueError(f"the model takes {sorted(takes)}, the features are {sorted(columns)}")


print(json.dumps({"ready": True}), file=answers, flush=True)
for line in sys.stdin:
    question = json.loads(line)
    try:
        given = serve(**dict(inputs(question["columns"])))[prediction].numpy()
        rows = given.reshape(question["num_rows"], -1).astype(float).tolist()
        answer = {"id": question["id"], "columns": {"prediction": rows}}
    except Exception as error:  # noqa: BLE001
        answer = {"id": question["id"], "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
