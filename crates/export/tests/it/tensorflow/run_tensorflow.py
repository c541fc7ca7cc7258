"""Runs SavedModels over rows: the cases of one file, and their outputs into another.

python run_tensorflow.py cases.json outputs.json
"""

import functools
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import numpy as np
import tensorflow as tf

TYPES = {"INT": np.int64, "FLOAT": np.float32, "STRING": object, "BOOL": np.bool_}
ZEROS = {"INT": 0, "FLOAT": 0.0, "STRING": b"", "BOOL": False}


def plain(value_type, value):
    if value is None:
        return ZEROS[value_type]
    if value_type == "STRING":
        return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()
    return float(value) if value_type == "FLOAT" else value


def example(case, row):
    features = {}
    for name, column in case["inputs"].items():
        value, value_type = column["values"][row], column["type"]
        if value is None:
            # What is missing is not there, there without a kind, or there without values.
            way = row % 3
            if way == 1:
                features[name] = tf.train.Feature()
            elif way == 2 and value_type == "FLOAT" and column["shape"] == "one":
                features[name] = tf.train.Feature(float_list=tf.train.FloatList())
            continue
        values = value if isinstance(value, list) else [value]
        values = [plain(value_type, value) for value in values]
        if value_type == "STRING":
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif value_type == "FLOAT":
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            values = [int(value) for value in values]
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def feeds(case):
    rows = range(case["num_rows"])
    if case["signature"] in ("serving_default", "transform_features"):
        return {"examples": np.array([example(case, row) for row in rows], dtype=np.object_)}
    fed = {}
    for name, column in case["inputs"].items():
        rows = [value if isinstance(value, list) else [value] for value in column["values"]]
        lengths = [len(row) for row in rows]
        width = 1 if column["shape"] == "one" else max(lengths) + case["num_rows"] % 2
        if column["shape"] == "vector":
            width = max(lengths)
        rows = [row + [None] * (width - len(row)) for row in rows]
        values = [[plain(column["type"], value) for value in row] for row in rows]
        fed[name] = np.array(values, dtype=TYPES[column["type"]]).reshape(-1, width)
        if column["shape"] == "list":
            fed[name + ".length"] = np.array(lengths, dtype=np.int64).reshape(-1, 1)
        if case["signature"] == "raw_features_with_missing":
            present = [value is not None for value in column["values"]]
            fed[name + ".present"] = np.array(present, dtype=np.bool_).reshape(-1, 1)
    return fed


def shown(array):
    def cell(value):
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, (np.floating, float)):
            value = float(value)
            return value if np.isfinite(value) else str(value)
        return value.item() if hasattr(value, "item") else value

    if array.ndim != 2:
        raise ValueError(f"an output of shape {array.shape}")
    return [[cell(value) for value in row] for row in array]


@functools.lru_cache(maxsize=1)
def load(folder):
    return tf.saved_model.load(folder)


def run(case):
    fed = feeds(case)
    if case["loader"] == "v2":
        signature = load(case["dir"]).signatures[case["signature"]]
        outputs = signature(**{name: tf.constant(value) for name, value in fed.items()})
        outputs = {name: tensor.numpy() for name, tensor in outputs.items()}
    else:
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], case["dir"])
            signature = loaded.signature_def[case["signature"]]
            assert signature.method_name == "tensorflow/serving/predict"
            assert set(signature.inputs) == set(fed), (set(signature.inputs), set(fed))
            fetches = {name: info.name for name, info in signature.outputs.items()}
            fed = {signature.inputs[name].name: value for name, value in fed.items()}
            outputs = session.run(fetches, fed)
    return {name: shown(np.asarray(array)) for name, array in outputs.items()}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    results = []
    for case in cases:
        try:
            results.append({"outputs": run(case)})
        except (tf.errors.OpError, ValueError) as error:
            results.append({"error": f"{type(error).__name__}: {error}"[:2000]})
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(results, file, allow_nan=False)


main()
