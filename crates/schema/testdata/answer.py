"""Asks TensorFlow Data Validation the questions of a file of cases, and writes its answers into the file.

    python answer.py validate.txt      # needs tensorflow-data-validation

A case is a name and sections. The questions are `statistics`, `schema`, `previous`, `serving`,
`previous_version`, `environment` and `options` (`new_features_are_warnings`, or TYPE SEVERITY); or `slices`,
`schema`, `previous slices` and `serving slices`; or `statistics`, `baseline` and `comparators` (a schema with
nothing else); or `slices`, `schema`, `previous slices`, `environment` and `custom` (a CustomValidationConfig). The answers `anomalies` and `updated` are replaced. Where our answer differs on purpose,
`our anomalies` and `our updated` say so, and stay as they are.
"""

import sys

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.anomalies.proto import custom_validation_config_pb2, validation_config_pb2
from tensorflow_data_validation.api import validation_api, validation_options
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

QUESTIONS = ["statistics", "slices", "baseline", "comparators", "schema", "previous", "previous slices"]
QUESTIONS += ["serving", "serving slices", "previous_version", "environment", "options", "custom"]
OURS = ["our anomalies", "our updated"]


def read(path):
    head, *cases = open(path).read().split("\n=== ")
    for case in cases:
        name, text = case.split("\n", 1)
        sections = text.removeprefix("--- ").split("\n--- ")
        pairs = [section.split("\n", 1) if "\n" in section else [section, ""] for section in sections]
        yield name, {name: text.strip("\n") for name, text in pairs}


def dataset(text):
    if text is None:
        return None
    parsed = text_format.Parse(text, statistics_pb2.DatasetFeatureStatistics())
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[parsed])


def options(text):
    lines = text.split("\n")
    overrides = []
    for kind, severity in (line.split() for line in lines if " " in line):
        overrides.append(
            validation_config_pb2.SeverityOverride(
                type=anomalies_pb2.AnomalyInfo.Type.Value(kind),
                severity=anomalies_pb2.AnomalyInfo.Severity.Value(severity),
            )
        )
    return validation_options.ValidationOptions(
        new_features_are_warnings="new_features_are_warnings" in lines, severity_overrides=overrides
    )


def slices(text):
    if text is None:
        return None
    return text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())


def answer_slices(case):
    schema = text_format.Parse(case.get("schema", ""), schema_pb2.Schema())
    anomalies = validation_api.validate_corresponding_slices(
        slices(case["slices"]),
        schema,
        previous_statistics=slices(case.get("previous slices")),
        serving_statistics=slices(case.get("serving slices")),
    )
    anomalies.ClearField("baseline")
    return {"anomalies": text_format.MessageToString(anomalies).strip("\n")}


def answer_custom(case):
    try:
        anomalies = validation_api.validate_statistics(
            slices(case["slices"]),
            text_format.Parse(case.get("schema", ""), schema_pb2.Schema()),
            environment=case.get("environment"),
            previous_statistics=slices(case.get("previous slices")),
            custom_validation_config=text_format.Parse(
                case["custom"], custom_validation_config_pb2.CustomValidationConfig()
            ),
        )
    except RuntimeError as error:
        return {"error": str(error)}
    anomalies.ClearField("baseline")
    return {"anomalies": text_format.MessageToString(anomalies).strip("\n")}


COMPARISONS = [
    anomalies_pb2.AnomalyInfo.COMPARATOR_CONTROL_DATA_MISSING,
    anomalies_pb2.AnomalyInfo.COMPARATOR_TREATMENT_DATA_MISSING,
    anomalies_pb2.AnomalyInfo.COMPARATOR_L_INFTY_HIGH,
    anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
    anomalies_pb2.AnomalyInfo.COMPARATOR_LOW_NUM_EXAMPLES,
    anomalies_pb2.AnomalyInfo.COMPARATOR_HIGH_NUM_EXAMPLES,
]


def answer_distributions(case):
    """What TFX's DistributionValidator makes of it."""
    comparators = text_format.Parse(case["comparators"], schema_pb2.Schema())
    baseline = dataset(case["baseline"])
    schema = tfdv.infer_schema(baseline)
    for feature in schema.feature:
        for wanted in comparators.feature:
            if wanted.name == feature.name:
                feature.drift_comparator.CopyFrom(wanted.drift_comparator)
    if comparators.HasField("dataset_constraints"):
        schema.dataset_constraints.CopyFrom(comparators.dataset_constraints)
    found = tfdv.validate_statistics(dataset(case["statistics"]), schema, previous_statistics=baseline)
    for infos in [found.anomaly_info, {"": found.dataset_anomaly_info}]:
        for key in list(infos):
            info = infos[key]
            kept = [reason for reason in info.reason if reason.type in COMPARISONS]
            for field in ["description", "short_description", "reason"]:
                info.ClearField(field)
            info.reason.extend(kept)
            if not kept and key:
                del infos[key]
    if not found.dataset_anomaly_info.reason:
        found.ClearField("dataset_anomaly_info")
    found.ClearField("data_missing")
    found.ClearField("baseline")
    found.anomaly_name_format = anomalies_pb2.Anomalies.SERIALIZED_PATH
    compared = [info.path.step[0] for info in found.drift_skew_info]
    for feature in comparators.feature:
        if feature.name not in compared:
            info = found.anomaly_info[feature.name]
            info.path.step.append(feature.name)
            info.severity = anomalies_pb2.AnomalyInfo.ERROR
            info.reason.add(
                type=anomalies_pb2.AnomalyInfo.STATS_NOT_AVAILABLE,
                short_description="Comparison could not be done.",
                description="Validation could not be done, which could be due to missing data, use of a "
                "comparator that is not suitable for the feature type, or some other reason.",
            )
    return {"anomalies": text_format.MessageToString(found).strip("\n")}


def answer(case):
    if "custom" in case:
        return answer_custom(case)
    if "slices" in case:
        return answer_slices(case)
    if "baseline" in case:
        return answer_distributions(case)
    schema = text_format.Parse(case.get("schema", ""), schema_pb2.Schema())
    statistics = dataset(case["statistics"])
    anomalies = validation_api.validate_statistics_internal(
        statistics,
        schema,
        environment=case.get("environment"),
        previous_span_statistics=dataset(case.get("previous")),
        serving_statistics=dataset(case.get("serving")),
        previous_version_statistics=dataset(case.get("previous_version")),
        validation_options=options(case.get("options", "")),
    )
    anomalies.ClearField("baseline")
    updated = tfdv.update_schema(schema, statistics)
    return {
        "anomalies": text_format.MessageToString(anomalies).strip("\n"),
        "updated": text_format.MessageToString(updated).strip("\n"),
    }


def main(path):
    out = ["# Statistics, a schema, the anomalies that are found and the schema after an update."]
    out.append(f"# Written by tensorflow-data-validation {tfdv.__version__}, with answer.py.")
    out.append("")
    for name, case in read(path):
        answers = {**case, **answer(case)}
        out.append(f"=== {name}")
        for section in [*QUESTIONS, "error", "anomalies", *OURS[:1], "updated", *OURS[1:]]:
            if section in answers:
                out.append(f"--- {section}")
                if answers[section]:
                    out.append(answers[section])
        out.append("")
    open(path, "w").write("\n".join(out))


main(sys.argv[1])
