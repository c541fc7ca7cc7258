//! The distribution validator, from statistics on disk to anomalies and distances.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use artifact::{Answer, Component, FeatureKind, PropertyValue};
use components::{DistributionValidator, read_distances, read_findings};
use formats::metadata::{Anomalies, DatasetFeatureStatisticsList};
use formats::{Message, text};
use serde_json::json;

use crate::stage::Stage;

/// Trips of which a share is paid by card, and whose fares go from 0 up to a limit.
fn trips(num: u16, cards: u16, limit: f32) -> RecordBatch {
    let paid = (0..num).map(|trip| if trip < cards { "Card" } else { "Cash" });
    let paid: ArrayRef = Arc::new(StringArray::from_iter_values(paid));
    let fares = (0..num).map(|trip| f32::from(trip) * limit / f32::from(num));
    let fares: ArrayRef = Arc::new(Float32Array::from_iter_values(fares));
    RecordBatch::try_from_iter([("paid", paid), ("fare", fares)]).unwrap()
}

#[test]
fn without_a_baseline_nothing_is_compared_and_that_is_said() {
    let stage = Stage::new();
    let now = stage.statistics("now", &[("train", trips(10, 5, 9.0)), ("eval", trips(5, 2, 9.0))]);
    let config = json!({ "features": { "paid": { "infinity_norm": 0.1 } }, "fail_on": "error" });
    let done = stage.run(&DistributionValidator, &[("statistics", now)], &config).unwrap();
    assert_eq!(done.property("blessed"), r#"{"eval":2,"train":2}"#);
    assert_eq!(done.outcome.summary, "nothing was compared: there are no earlier statistics");
    assert_eq!(done.outcome.answer, Answer::Yes);
    assert_eq!(read_findings(&done.artifact).unwrap(), []);
}

#[test]
fn distances_are_written_and_shown_even_if_they_are_small() {
    let stage = Stage::new();
    let now = stage.statistics("now", &[("train", trips(100, 52, 9.0))]);
    let before = stage.statistics("before", &[("train", trips(100, 50, 9.0))]);
    let config = json!({
        "features": {
            "paid": { "infinity_norm": 0.1, "normalized_abs_difference": 0.2 },
            "fare": { "jensen_shannon_divergence": 0.1, "histogram": "quantiles" },
        },
        "num_examples_comparator": { "min_fraction_threshold": 0.5, "max_fraction_threshold": 1.5 },
    });
    let inputs = [("statistics", now), ("baseline_statistics", before)];
    let done = stage.run(&DistributionValidator, &inputs, &config).unwrap();
    assert_eq!(done.property("blessed"), r#"{"train_train":1}"#);
    assert_eq!(done.artifact.split_names(), ["train_train"]);
    assert_eq!(done.artifact.properties["span"], PropertyValue::Int(3));
    assert_eq!(
        done.outcome.summary,
        "no anomalies; 3 distances measured, the largest for its threshold: `paid` L_INFTY 0.0200 of 0.1"
    );
    let file = done.json("SplitPair-train_train/distances.json");
    assert_eq!(file["num_examples_ratio"], 1.0);
    assert_eq!(
        file["distances"][1],
        json!({
            "feature": "paid",
            "comparison": "drift",
            "measure": "L_INFTY",
            "formula": "max over values v of |count_a(v)/sum_a - count_b(v)/sum_b|",
            "value": 0.020_000_000_000_000_018,
            "threshold": 0.1,
            "is_too_large": false,
        })
    );
    let read = read_distances(&done.artifact).unwrap();
    assert_eq!(read.len(), 1);
    let measures: Vec<_> = read[0].1.iter().map(|distance| distance.measure).collect();
    assert_eq!(
        measures,
        ["JENSEN_SHANNON_DIVERGENCE", "L_INFTY", "NORMALIZED_ABSOLUTE_DIFFERENCE"]
    );
    let written =
        std::fs::read(done.artifact.uri.join("SplitPair-train_train/SchemaDiff.pb")).unwrap();
    let written = Anomalies::decode(written.as_slice()).unwrap();
    let text: Anomalies = text::parse(&done.read("SplitPair-train_train/anomalies.pbtxt")).unwrap();
    assert_eq!(written, text);
}

#[test]
fn distributions_too_far_apart_are_not_blessed_and_may_stop_the_pipeline() {
    let stage = Stage::new();
    let now =
        stage.statistics("now", &[("train", trips(30, 30, 9.0)), ("eval", trips(30, 3, 9.0))]);
    let before = stage.statistics("before", &[("train", trips(30, 3, 9.0))]);
    let inputs = [("statistics", now), ("baseline_statistics", before)];
    let mut config = json!({
        "features": { "paid": { "infinity_norm": 0.1 }, "gone": { "infinity_norm": 0.1 } },
        "include_split_pairs": [["eval", "train"], ["train", "train"]],
    });
    let done = stage.run(&DistributionValidator, &inputs, &config).unwrap();
    assert_eq!(done.property("blessed"), r#"{"eval_train":0,"train_train":0}"#);
    assert_eq!(done.outcome.answer, Answer::Yes);
    let findings = read_findings(&done.artifact).unwrap();
    let found: Vec<_> = findings
        .iter()
        .flat_map(|(pair, found)| {
            found.iter().map(move |it| (pair.as_str(), it.path.as_str(), it.code))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("train_train", "gone", "STATS_NOT_AVAILABLE"),
            ("train_train", "paid", "COMPARATOR_L_INFTY_HIGH"),
            ("eval_train", "gone", "STATS_NOT_AVAILABLE"),
        ]
    );
    config["fail_on"] = json!("error");
    assert!(DistributionValidator.is_gate(&config));
    let done = stage.run(&DistributionValidator, &inputs, &config).unwrap();
    let Answer::No { reason, details, stop } = &done.outcome.answer else { panic!() };
    assert_eq!((reason.as_str(), *stop), ("3 errors", true));
    let first = details.lines().next();
    assert_eq!(first, Some("anomalies: 2 errors in split `train` against `train` of the baseline"));

    config["include_split_pairs"] = json!([["eval", "test"]]);
    let error = stage.run(&DistributionValidator, &inputs, &config).err().unwrap();
    assert_eq!(
        error.to_string(),
        "`include_split_pairs`: no pair `eval` and `test`, the splits are `train`, `eval`, those of the \
         baseline `train`"
    );
    assert_eq!(error.kind(), base::ErrorKind::Usage);
}

#[test]
fn a_feature_below_a_struct_is_named_by_its_path_and_a_dot_in_a_name_is_one() {
    let stage = Stage::new();
    let list = |cards: u32| -> DatasetFeatureStatisticsList {
        let strings = format!(
            "type: STRING string_stats {{ common_stats {{ num_non_missing: 10 min_num_values: 1 \
             max_num_values: 1 tot_num_values: 10 }} rank_histogram {{ \
             buckets {{ label: 'Card' sample_count: {cards} }} \
             buckets {{ label: 'Cash' sample_count: {} }} }} }}",
            10 - cards
        );
        text::parse(&format!(
            "datasets {{ num_examples: 10 \
             features {{ path {{ step: 'trip' }} type: STRUCT struct_stats {{ common_stats {{ \
             num_non_missing: 10 min_num_values: 1 max_num_values: 1 tot_num_values: 10 }} }} }} \
             features {{ path {{ step: 'trip' step: 'paid' }} {strings} }} \
             features {{ path {{ step: 'how.paid' }} {strings} }} }}"
        ))
        .unwrap()
    };
    let now = stage.statistics_of("now", vec![("train", list(9))]);
    let before = stage.statistics_of("before", vec![("train", list(4))]);
    let config = json!({ "features": {
        "trip.paid": { "infinity_norm": 0.6 },
        "how.paid": { "infinity_norm": 0.4 },
    } });
    let inputs = [("statistics", now), ("baseline_statistics", before)];
    let done = stage.run(&DistributionValidator, &inputs, &config).unwrap();
    let distances = read_distances(&done.artifact).unwrap().remove(0).1;
    let shown: Vec<_> =
        distances.iter().map(|it| (it.path.as_str(), it.value, it.is_too_large())).collect();
    assert_eq!(shown, [("how.paid", 0.5, true), ("trip.paid", 0.5, false)]);
}

#[test]
fn what_cannot_be_compared_is_found_before_the_run() {
    let stage = Stage::new();
    let known: &[(&str, FeatureKind)] = &[
        ("fare", FeatureKind::Float),
        ("paid", FeatureKind::Bytes),
        ("trip", FeatureKind::Struct),
    ];
    let problems =
        |config| stage.problems(&DistributionValidator, &[("statistics", known)], &config);
    assert_eq!(
        problems(json!({ "features": { "fare": { "jensen_shannon_divergence": 0.1 } } })),
        [""; 0]
    );
    assert_eq!(
        problems(json!({
            "features": {
                "fare": { "infinity_norm": 0.1 },
                "fair": { "jensen_shannon_divergence": 0.1 },
                "paid": { "jensen_shannon_divergence": -1.0, "histogram": "standard" },
                "trip": { "jensen_shannon_divergence": 0.1 },
                "trip.paid": {},
            },
            "num_examples_comparator": { "min_fraction_threshold": 2.0, "max_fraction_threshold": 1.0 },
        })),
        [
            "features.fair: no feature `fair` (did you mean `fare`?)",
            "features.fare.infinity_norm: compares how often each value was seen, but `fare` is a number: \
             expected `jensen_shannon_divergence`",
            "features.paid.jensen_shannon_divergence: -1, expected a number of 0 or more",
            "features.paid.histogram: `paid` is text, which has no histograms of numbers",
            "features.trip.jensen_shannon_divergence: `trip` has nested features, expected numbers or text: \
             compare those below it",
            "features.trip.paid: `trip.paid` has no threshold, expected one of `infinity_norm`, \
             `jensen_shannon_divergence` or `normalized_abs_difference`",
            "num_examples_comparator: no number of examples is at least 2 and at most 1 times as many",
        ]
    );
    assert_eq!(
        problems(json!({})),
        [
            ": nothing is compared, expected `features`, `num_examples_comparator` or `custom_validation_config` (such as \
             `features.fare.jensen_shannon_divergence = 0.1`)"
        ]
    );
}

/// The distances that TensorFlow Data Validation measured between the same statistics.
#[test]
fn distances_are_those_of_the_reference() {
    let golden =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/tfdv");
    let case = golden.join("09_drift_linf_js_tight");
    if !case.is_dir() {
        println!("skipped: no golden files at {}", golden.display());
        return;
    }
    let list = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        DatasetFeatureStatisticsList::decode(bytes.as_slice()).unwrap()
    };
    let expected: Anomalies =
        text::parse(&std::fs::read_to_string(case.join("anomalies.pbtxt")).unwrap()).unwrap();
    let stage = Stage::new();
    let now = stage.statistics_of("now", vec![("train", list(case.join("stats.binpb")))]);
    let before = golden.join("00_baseline/stats.binpb");
    let before = stage.statistics_of("before", vec![("train", list(before))]);
    let mut features = serde_json::Map::new();
    let mut values = Vec::new();
    for distance in schema::distances(&expected) {
        let measure = match distance.measure {
            "L_INFTY" => "infinity_norm",
            _ => "jensen_shannon_divergence",
        };
        features.insert(distance.path.clone(), json!({ measure: distance.threshold }));
        values.push((distance.path, distance.measure, distance.value));
    }
    assert!(!values.is_empty());
    let config = json!({ "features": features });
    let inputs = [("statistics", now), ("baseline_statistics", before)];
    let done = stage.run(&DistributionValidator, &inputs, &config).unwrap();
    let found = read_distances(&done.artifact).unwrap().remove(0).1;
    assert_eq!(found.len(), values.len());
    for (found, (path, measure, value)) in found.iter().zip(values) {
        assert_eq!((&found.path, found.measure), (&path, measure));
        assert!((found.value - value).abs() < 1e-9, "{path}: {} and {value}", found.value);
    }
    assert_eq!(done.property("blessed"), r#"{"train_train":0}"#);
}
