//! Example diff, from examples on disk to what differs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use artifact::FeatureKind;
use components::ExampleDiff;
use serde_json::json;

use crate::stage::Stage;

fn trips(trips: &[(i64, &str, f32)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(trips.iter().map(|trip| trip.0)));
    let paid: ArrayRef = Arc::new(StringArray::from_iter_values(trips.iter().map(|trip| trip.1)));
    let fares: ArrayRef = Arc::new(Float32Array::from_iter_values(trips.iter().map(|trip| trip.2)));
    RecordBatch::try_from_iter([("id", ids), ("paid", paid), ("fare", fares)]).unwrap()
}

#[test]
fn pairs_are_found_across_splits_and_what_differs_is_written() {
    let stage = Stage::new();
    let now = stage.examples(
        "now",
        &[
            ("train", trips(&[(1, "Cash", 1.0), (2, "Card", 2.0)])),
            ("eval", trips(&[(3, "Card", 3.5), (3, "Card", 3.5)])),
        ],
    );
    let before = stage.examples(
        "before",
        &[("train", trips(&[(1, "Cash", 1.0), (2, "Cash", 2.5), (3, "Card", 3.0)]))],
    );
    let inputs = [("examples", now), ("baseline_examples", before)];
    let config = json!({ "identifier_features": ["id"], "confusion_features": ["paid"] });
    let done = stage.run(&ExampleDiff, &inputs, &config).unwrap();
    assert_eq!(
        done.outcome.summary,
        "train_train: 1 of 2 pairs differ (fare 1, paid 1); eval_train: 0 of 0 pairs differ, 1 identifiers \
         are not unique"
    );
    assert_eq!(done.property("split_names"), r#"["train_train","eval_train"]"#);
    let diff = done.json("SplitPair-train_train/example_diff.json");
    assert_eq!(
        diff["features"][0],
        json!({
            "feature_name": "fare", "base_type": "FLOAT", "test_type": "FLOAT",
            "base_count": 2, "test_count": 2, "match_count": 1, "base_only": 0, "test_only": 0,
            "mismatch_count": 1, "diff_count": 1,
        })
    );
    assert_eq!(diff["match_stats"]["ids_missing_in_test_count"], 1);
    assert_eq!(
        diff["confusion"][0],
        json!({ "feature_name": "paid", "base": "Cash", "test": "Card", "count": 1 })
    );
    assert_eq!(
        done.read("SplitPair-train_train/sample_pairs.jsonl"),
        "{\"mismatched_features\":[\"fare\",\"paid\"],\"base_only_features\":[],\
         \"test_only_features\":[],\"matched_features\":[],\
         \"base\":{\"id\":2,\"paid\":\"Cash\",\"fare\":2.5},\
         \"test\":{\"id\":2,\"paid\":\"Card\",\"fare\":2.0}}\n"
    );

    let config = json!({
        "identifier_features": ["id"],
        "allow_duplicate_identifiers": true,
        "include_split_pairs": [["eval", "train"]],
        "float_round_ndigits": 0,
    });
    let done = stage.run(&ExampleDiff, &inputs, &config).unwrap();
    assert_eq!(
        done.outcome.summary,
        "eval_train: 2 of 2 pairs differ (fare 2), 1 identifiers are not unique"
    );
    assert_eq!(done.property("split_names"), r#"["eval_train"]"#);
}

#[test]
fn without_a_baseline_nothing_is_compared() {
    let stage = Stage::new();
    let now = stage.examples("now", &[("train", trips(&[(1, "Cash", 1.0)]))]);
    let config = json!({ "identifier_features": ["id"] });
    let done = stage.run(&ExampleDiff, &[("examples", now)], &config).unwrap();
    assert_eq!(done.outcome.summary, "nothing was compared: there are no earlier examples");
    assert_eq!(done.property("split_names"), "[]");
}

#[test]
fn mistakes_are_found_before_the_run() {
    let stage = Stage::new();
    let own: &[(&str, FeatureKind)] =
        &[("id", FeatureKind::Int), ("fare", FeatureKind::Float), ("stops", FeatureKind::Struct)];
    let base: &[(&str, FeatureKind)] = &[("id", FeatureKind::Bytes), ("paid", FeatureKind::Bytes)];
    let inputs = [("examples", own), ("baseline_examples", base)];
    let problems = |config| stage.problems(&ExampleDiff, &inputs, &config);
    assert_eq!(
        problems(json!({ "identifier_features": [], "ignore_features": ["paid", "fair"] })),
        [
            "identifier_features: [], expected at least one feature that tells examples apart",
            "ignore_features.1: no feature `fair` (did you mean `fare`?)",
        ]
    );
    assert_eq!(
        problems(json!({
            "identifier_features": ["id", "paid", "stops"],
            "float_round_ndigits": 18,
            "confusion_features": ["payed"],
        })),
        [
            "float_round_ndigits: more digits than floats have, expected at most 17",
            "identifier_features.0: `id` is INT here and BYTES in the baseline, so that no examples make a \
             pair",
            "identifier_features.1: no feature `paid`",
            "identifier_features.2: no feature `stops` among those of the baseline",
            "identifier_features.2: `stops` has nested features, expected numbers or text",
            "confusion_features.0: no feature `payed`",
        ]
    );
}
