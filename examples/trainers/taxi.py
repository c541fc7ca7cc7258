"""What the trainers here have in common: reading transformed examples, and leaving a model that can be asked."""

import glob
import json
import os
import shutil

import numpy as np


def read(patterns, names):
    """Returns the columns with these names as a matrix of floats, a vector as several; a missing value is NaN."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(file for pattern in patterns for file in glob.glob(pattern))
    table = pa.concat_tables([pq.read_table(file, columns=names) for file in files])

    def matrix(column):
        is_vector = pa.types.is_fixed_size_list(column.type)
        values = (column.combine_chunks().flatten() if is_vector else column).to_numpy()
        return values.astype(np.float32).reshape(len(column), -1)

    return np.concatenate([matrix(table[name]) for name in names], axis=1)


def examples(fn_args):
    """Returns the features and labels to train on, and those to measure with."""
    names = [feature["name"] for feature in fn_args.features]
    for patterns in (fn_args.train_files, fn_args.eval_files):
        labels = read(patterns, [fn_args.label])
        yield read(patterns, names), labels[:, 0] if labels.shape[1] == 1 else labels


def log_loss(labels, probabilities):
    probabilities = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return float(-np.mean(labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities)))


def leave_program(fn_args, module):
    """Makes of the serving folder a program that predicts with the `load` of a module here; `predict.py` has the rest."""
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("predict.py", f"{module}.py", "taxi.py"):
        shutil.copy(os.path.join(here, name), fn_args.serving_model_dir)
    about = {"module": module, "features": fn_args.features}
    with open(os.path.join(fn_args.serving_model_dir, "about.json"), "w", encoding="utf-8") as file:
        json.dump(about, file)
    # The Python that trained has what the model needs.
    import sys

    started = {"command": [sys.executable, "predict.py"], "protocol": "json_lines"}
    with open(os.path.join(fn_args.serving_model_dir, "predict.json"), "w", encoding="utf-8") as file:
        json.dump(started, file)
