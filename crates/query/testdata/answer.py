"""Asks TFX's own engine for slices, ZetaSQL, the queries of `keys.txt`, and writes its answers behind them.

    python answer.py      # needs tfx-bsl and tensorflow-data-validation 1.16

A line is a query, `=>`, and the keys of each of five examples; or `our` and what is different on purpose, and stays.
"""

import os
import pathlib
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

import pyarrow as pa
from tensorflow_data_validation.utils import slicing_util
from tfx_bsl.arrow import sql_util

EXAMPLES = pa.RecordBatch.from_arrays(
    [
        pa.array([[1], [2, 1], None, [], [3]], pa.large_list(pa.int64())),
        pa.array([["dog"], ["cat"], ["?"], ["dog", "wolf"], [""]], pa.large_list(pa.large_utf8())),
        pa.array([[1.5], [3.0], [float("nan")], [1e20], [0.1]], pa.large_list(pa.float32())),
        pa.array([["x"], ["y"], ["z"], ["x", "y"], None], pa.large_list(pa.large_utf8())),
    ],
    ["a", "b", "f", "Cap"],
)


def answer(query):
    try:
        sql = slicing_util.format_slice_sql_query(query)
        found = sql_util.RecordBatchSQLSliceQuery(sql, EXAMPLES.schema).Execute(EXAMPLES)
    except RuntimeError:
        return "refused"
    keys = ([" ".join(sorted({"_".join(map("_".join, key)) for key in row})) for row in found])
    return " | ".join(keys)


path = pathlib.Path(__file__).parent / "keys.txt"
lines = path.read_text().splitlines()
for place, line in enumerate(lines):
    if line.startswith("SELECT"):
        query = line.split(" => ")[0]
        lines[place] = f"{query} => {answer(query)}"
path.write_text("\n".join(lines) + "\n")
