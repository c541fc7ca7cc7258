"""Asks TensorFlow Data Validation whether the expressions of `expressions.txt` hold, and writes its answers into it.

    python expressions.py      # needs tensorflow-data-validation 1.16
"""

import os
import pathlib
import re
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

from google.protobuf import text_format
from tensorflow_data_validation.anomalies.proto import custom_validation_config_pb2
from tensorflow_data_validation.api import validation_api
from tensorflow_metadata.proto.v0 import statistics_pb2

path = pathlib.Path(__file__).parent / "expressions.txt"
head, body = path.read_text().split("\n\n", 1)
statistics = text_format.Parse(
    "\n".join(line for line in head.split("\n") if not line.startswith("#")),
    statistics_pb2.DatasetFeatureStatisticsList(),
)


def answer(feature, expression):
    config = custom_validation_config_pb2.CustomValidationConfig()
    check = config.feature_validations.add()
    check.feature_path.step.append(feature)
    check.validations.add(sql_expression=expression)
    try:
        found = validation_api.custom_validate_statistics(statistics, config)
    except RuntimeError:
        return "error"
    return "false" if found.anomaly_info else "true"


lines = body.rstrip("\n").split("\n")
for place, line in enumerate(lines):
    question, *ours = re.split(" => \\w+", line, maxsplit=1)
    feature, expression = question.split(": ", 1)
    lines[place] = f"{question} => {answer(feature, expression)}{''.join(ours)}"
path.write_text(head + "\n\n" + "\n".join(lines) + "\n")
