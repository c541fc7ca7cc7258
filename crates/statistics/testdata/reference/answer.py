"""Asks TensorFlow Data Validation for the statistics of every case in this folder.

    python answer.py [NAME.json …]        # needs tensorflow-data-validation; 1.16.1 gave the answers beside this file

NAME.json holds `columns`, each with a name, a type and its values, and `options`. A type is "int", "float",
"bytes" or "hex" (bytes as hexadecimal digits), a list of one type, or an object of types. With `repeat`, the columns
are read so many times over; `vocabularies` are lists of tokens by name. The answer is NAME.pbtxt.
"""

import json
import pathlib
import sys
import tempfile

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics.generators import cross_feature_stats_generator, lift_stats_generator
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.proto import slicing_spec_pb2

SCALARS = {"int": pa.int64(), "float": pa.float32(), "bytes": pa.binary(), "hex": pa.binary()}


def arrow_type(kind, is_wrapped=True):
    if isinstance(kind, str):
        return pa.list_(SCALARS[kind]) if is_wrapped else SCALARS[kind]
    if isinstance(kind, list):
        return pa.list_(arrow_type(kind[0], False))
    return pa.struct([(name, arrow_type(field)) for name, field in kind.items()])


def value(kind, found, is_wrapped=True):
    if found is None:
        return None
    if isinstance(kind, str):
        read = {"float": float, "bytes": str.encode, "hex": bytes.fromhex}.get(kind)
        scalar = read(found) if read else found
        return [scalar] if is_wrapped else scalar
    if isinstance(kind, list):
        return [value(kind[0], item, False) for item in found]
    return {name: value(field, found.get(name)) for name, field in kind.items()}


def options(case, folder):
    chosen = dict(case["options"])
    arguments = {}
    if "schema" in chosen:
        arguments["schema"] = text_format.Parse(chosen.pop("schema"), schema_pb2.Schema())
    if "example_weight" in chosen:
        arguments["weight_feature"] = chosen.pop("example_weight")
    if "per_feature_weight_override" in chosen:
        overrides = chosen.pop("per_feature_weight_override")
        arguments["per_feature_weight_override"] = {
            tfdv.types.FeaturePath([name]): weight for name, weight in overrides.items()
        }
    if "vocabularies" in case:
        arguments["vocab_paths"] = {}
        for name, tokens in case["vocabularies"].items():
            path = pathlib.Path(folder) / name
            path.write_text("".join(token + "\n" for token in tokens))
            arguments["vocab_paths"][name] = str(path)
    if "slices" in chosen:
        config = slicing_spec_pb2.SlicingConfig()
        for spec in chosen.pop("slices"):
            added = config.slicing_specs.add(feature_keys=spec.get("features", []))
            added.feature_values.update({name: str(found) for name, found in spec.get("values", {}).items()})
        arguments["slicing_config"] = config
    generators = []
    if chosen.pop("cross_features", None):
        generators.append(cross_feature_stats_generator.CrossFeatureStatsGenerator(sample_rate=1.0))
    for index, lift in enumerate(chosen.pop("lift", [])):
        generators.append(
            lift_stats_generator.LiftStatsGenerator(
                name=f"Lift{index}",
                schema=arguments.get("schema"),
                y_path=tfdv.types.FeaturePath([lift["label"]]),
                x_paths=[tfdv.types.FeaturePath([x]) for x in lift["features"]],
                y_boundaries=lift.get("boundaries"),
                min_x_count=lift.get("min_count", 0),
                top_k_per_y=lift.get("top"),
                bottom_k_per_y=lift.get("bottom"),
                example_weight_map=tfdv.utils.example_weight_map.ExampleWeightMap(arguments.get("weight_feature")),
            )
        )
    if generators:
        arguments["generators"] = generators
    return tfdv.StatsOptions(**arguments, **chosen)


def answer(path):
    case = json.loads(path.read_text())
    arrays = [
        pa.array([value(c["type"], found) for found in c["values"]] * case.get("repeat", 1), type=arrow_type(c["type"]))
        for c in case["columns"]
    ]
    batch = pa.RecordBatch.from_arrays(arrays, [c["name"] for c in case["columns"]])
    with tempfile.TemporaryDirectory() as folder:
        out = folder + "/statistics"
        with beam.Pipeline() as pipeline:
            statistics = pipeline | beam.Create([batch]) | tfdv.GenerateStatistics(options(case, folder))
            statistics | tfdv.WriteStatisticsToBinaryFile(out)
        answered = tfdv.load_stats_binary(out)
    datasets = sorted(answered.datasets, key=lambda dataset: dataset.name)
    del answered.datasets[:]
    answered.datasets.extend(datasets)
    header = f"# TensorFlow Data Validation {tfdv.__version__}; see answer.py.\n"
    path.with_suffix(".pbtxt").write_text(header + text_format.MessageToString(answered))


folder = pathlib.Path(__file__).parent
for case in [pathlib.Path(name) for name in sys.argv[1:]] or sorted(folder.glob("*.json")):
    answer(case)
