"""Holds the files of Cupola against the real TensorFlow Data Validation.

    python interop/tfdv.py target/debug/cupola

TFDV loads our statistics, schema and anomalies; it infers the same schema from our statistics, validates them with
our schema to the same anomalies, and computes the same statistics from the same CSV and from our TFRecords. Ends
with 1 and a list of what differs if anything does. `.ci/interop` makes the environment.
"""

import csv
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow_data_validation as tfdv  # noqa: E402
from google.protobuf import text_format  # noqa: E402
from tensorflow_metadata.proto.v0 import anomalies_pb2  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRIPS = ROOT / "examples/taxi/data/trips.csv"
problems = []


def expect(what, ours, theirs):
    if ours != theirs:
        problems.append(f"{what}\n--- ours\n{ours}\n--- TFDV\n{theirs}")


def cupola(binary, *args, ends=(0,)):
    done = subprocess.run([binary, *map(str, args)], capture_output=True, text=True)
    if done.returncode not in ends:
        sys.exit(f"cupola {' '.join(map(str, args))}: ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def anomalies_of(path):
    return text_format.Parse(path.read_text(), anomalies_pb2.Anomalies())


def findings(anomalies):
    """What was found, without the copy of the schema beside it."""
    found = {path: info.SerializeToString(deterministic=True) for path, info in anomalies.anomaly_info.items()}
    drift = sorted(
        (tuple(d.path.step), [(m.type, round(m.value, 6), m.threshold) for m in d.drift_measurements])
        for d in anomalies.drift_skew_info
    )
    dataset = sorted(info.SerializeToString(deterministic=True) for info in [anomalies.dataset_anomaly_info])
    return found, drift, dataset


def shown(anomalies):
    return text_format.MessageToString(anomalies)


def compare_anomalies(what, ours, theirs):
    if findings(ours) != findings(theirs):
        ours, theirs = anomalies_pb2.Anomalies.FromString(ours.SerializeToString()), theirs
        for message in (ours, theirs):
            message.ClearField("baseline")
        expect(what, shown(ours), shown(theirs))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows(rows)


def broken(rows):
    """Trips with new values, a new column, text among numbers, and fewer of what was always there."""
    generator = random.Random(1)
    header, body = rows[0] + ["surge"], [row + ["1.5"] for row in rows[1:3001]]
    fare, payment, month = (header.index(name) for name in ["fare", "payment_type", "trip_start_month"])
    for row in body:
        if generator.random() < 0.2:
            row[payment] = "Barter"
        if generator.random() < 0.3:
            row[fare] = ""
        if generator.random() < 0.01:
            row[month] = "May"
    return [header, *body]


def close(ours, theirs):
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) == math.isnan(theirs)
    return math.isclose(ours, theirs, rel_tol=1e-5, abs_tol=1e-9)


def compare_statistics(ours, theirs):
    """Counts are equal; sums and quantiles are close. A feature without any value may be left away by them."""
    ours, theirs = ours.datasets[0], theirs.datasets[0]
    expect("number of examples", ours.num_examples, theirs.num_examples)
    by_name = {feature.path.step[0]: feature for feature in ours.features}
    known = {feature.path.step[0] for feature in theirs.features}
    named = {name for name, f in by_name.items() if getattr(f, f.WhichOneof("stats")).common_stats.num_non_missing}
    expect("names of features", sorted(named | (by_name.keys() & known)), sorted(known))
    for their in theirs.features:
        name = their.path.step[0]
        our = by_name[name]
        expect(f"type of {name}", our.type, their.type)
        kind = their.WhichOneof("stats")
        expect(f"kind of statistics of {name}", our.WhichOneof("stats"), kind)
        if our.WhichOneof("stats") != kind:
            continue
        a, b = getattr(our, kind), getattr(their, kind)
        for field in ["num_non_missing", "num_missing", "min_num_values", "max_num_values", "tot_num_values"]:
            expect(f"{field} of {name}", getattr(a.common_stats, field), getattr(b.common_stats, field))
        if kind == "num_stats":
            expect(f"num_zeros of {name}", a.num_zeros, b.num_zeros)
            for field in ["mean", "std_dev", "min", "max"]:
                if not close(getattr(a, field), getattr(b, field)):
                    expect(f"{field} of {name}", getattr(a, field), getattr(b, field))
        if kind == "string_stats":
            expect(f"unique of {name}", a.unique, b.unique)
            top = [[(value.value, value.frequency) for value in side.top_values[:2]] for side in (a, b)]
            expect(f"top values of {name}", *top)


def main(binary):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        rows = list(csv.reader(open(TRIPS)))
        good, bad = scratch / "good.csv", scratch / "bad.csv"
        write(good, rows)
        write(bad, broken(rows))

        # Bare files.
        cupola(binary, "stats", good, "-o", scratch / "good.pb")
        cupola(binary, "stats", bad, "-o", scratch / "bad.pb")
        cupola(binary, "schema", "infer", good, "-o", scratch / "schema.pbtxt")
        ours = {name: tfdv.load_stats_binary(str(scratch / f"{name}.pb")) for name in ["good", "bad"]}
        schema = tfdv.load_schema_text(str(scratch / "schema.pbtxt"))
        # TFDV gives its inferred schema domains for names only up to the same size.
        expect("inferred schema", str(schema), str(tfdv.infer_schema(ours["good"])))
        compare_statistics(ours["good"], tfdv.generate_statistics_from_csv(str(good)))

        # A schema with everything that compares, and what is found with it.
        for name, metric in [("payment_type", "infinity_norm"), ("fare", "jensen_shannon_divergence")]:
            feature = tfdv.get_feature(schema, name)
            getattr(feature.drift_comparator, metric).threshold = 0.01
            getattr(feature.skew_comparator, metric).threshold = 0.01
        tfdv.write_schema_text(schema, str(scratch / "edited.pbtxt"))
        for name in ["good", "bad"]:
            out = scratch / f"{name}.anomalies.pbtxt"
            files = [scratch / "bad.pb" if name == "bad" else scratch / "good.pb"]
            cupola(
                binary, "validate", *files, "--schema", scratch / "edited.pbtxt", "--previous", scratch / "good.pb",
                "--serving", scratch / "good.pb", "-o", out, ends=(0, 1),
            )
            theirs = tfdv.validate_statistics(
                ours[name], schema, previous_statistics=ours["good"], serving_statistics=ours["good"]
            )
            compare_anomalies(f"anomalies of {name}.csv", anomalies_of(out), theirs)
            if name == "bad" and not theirs.anomaly_info:
                problems.append("the broken data has no anomalies: nothing was compared")

        # What a pipeline keeps.
        pipeline = scratch / "pipeline.toml"
        pipeline.write_text(
            f'[pipeline]\nname = "interop"\n[nodes.example_gen]\nsource = {{ csv = {json.dumps(str(good))} }}\n'
            'output = { format = "tfrecord" }\n'
            "[nodes.statistics_gen]\n[nodes.schema_gen]\n[nodes.example_validator]\n"
        )
        root = scratch / "root"
        cupola(binary, "run", pipeline, "--root", root, "--quiet")

        def artifact(kind):
            listed = json.loads(cupola(binary, "artifacts", "list", "--type", kind, "--json", "--root", root))
            return pathlib.Path(listed["artifacts"][0]["uri"])

        schema = tfdv.load_schema_text(str(artifact("Schema") / "schema.pbtxt"))
        for split in ["train", "eval"]:
            statistics = artifact("ExampleStatistics") / f"Split-{split}" / "FeatureStats.pb"
            kept = artifact("ExampleAnomalies") / f"Split-{split}" / "SchemaDiff.pb"
            records = artifact("Examples") / f"Split-{split}" / "data_tfrecord-*.gz"
            compare_statistics(
                tfdv.load_stats_binary(str(statistics)), tfdv.generate_statistics_from_tfrecord(str(records))
            )
            theirs = tfdv.validate_statistics(tfdv.load_stats_binary(str(statistics)), schema)
            compare_anomalies(f"anomalies of split {split}", anomalies_pb2.Anomalies.FromString(kept.read_bytes()), theirs)

    if problems:
        sys.exit("\n\n".join(problems) + f"\n\n{len(problems)} differences from TFDV {tfdv.__version__}")
    print(f"TFDV {tfdv.__version__} agrees")


main(sys.argv[1])
