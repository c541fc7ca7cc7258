//! The evaluator, from examples and models on disk to the blessing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use artifact::{Answer, CheckContext, Component, FeatureInfo, FeatureKind, PropertyValue};
use components::Evaluator;
use engine::LocalEngine;
use evaluate::Evaluation;
use serde_json::{Value, json};

use crate::scene::{Scene, Trip};

/// Trips of which the dear ones have big tips, and two have no label.
fn trips() -> Vec<Trip> {
    let paid = |fare: f32| {
        let (share, payment) = if fare > 10.0 { (0.5, "Credit Card") } else { (0.0, "Cash") };
        (Some(fare), Some(fare * share), Some(payment))
    };
    let mut trips: Vec<Trip> = [4.0, 6.0, 8.0, 12.0, 16.0, 20.0].map(paid).into();
    trips.push((Some(5.0), None, Some("Cash")));
    trips.push((None, Some(1.0), None));
    trips
}

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write_split("train", &[(Some(1.0), Some(0.0), Some("Train"))]);
    scene.write_split("eval", &trips());
    scene.write_model("candidate", "fare", 0.5);
    scene
}

fn config() -> Value {
    json!({
        "slices": [[], ["payment_type"]],
        "thresholds": [{ "metric": "auc", "lower_bound": 0.7, "min_change": -0.01 }],
    })
}

fn slices(evaluation: &Evaluation) -> Vec<(String, u64)> {
    evaluation.slices.iter().map(|slice| (slice.name(), slice.num_examples)).collect()
}

#[test]
fn a_good_first_model_is_blessed() {
    let scene = scene();
    let done = scene.evaluate(&config(), None, 1).unwrap();
    assert_eq!(done.blessing, ["BLESSED"]);
    assert_eq!(done.outcome.answer, Answer::Yes);
    assert_eq!(
        done.outcome.summary,
        "blessed: auc 1.0000 on 6 examples; 2 without a label left out"
    );
    let text = |name| done.property(name).map(PropertyValue::to_string);
    assert_eq!(text("blessed").as_deref(), Some("1"));
    assert_eq!(text("component_id").as_deref(), Some("evaluator"));
    assert_eq!(text("current_model_id").as_deref(), Some("2"));
    assert_eq!(text("current_model"), Some(scene.path("candidate").display().to_string()));
    assert_eq!(text("baseline_model_id"), None);
    assert_eq!(
        slices(&done.evaluation),
        [
            ("overall".to_owned(), 6),
            ("payment_type: Cash".to_owned(), 3),
            ("payment_type: Credit Card".to_owned(), 3),
        ]
    );
    assert!(!done.evaluation.has_baseline);
    assert_eq!(done.evaluation.slices[0].metrics["auc"], 1.0);
    assert_eq!(done.evaluation.slices[0].metrics["mean_label"], 0.5);
}

#[test]
fn a_model_that_is_worse_than_the_baseline_is_not_blessed() {
    let scene = scene();
    scene.write_model("baseline", "fare", 0.5);
    // It thinks that dear trips have small tips.
    scene.write_model("candidate", "fare", -0.5);
    let done = scene.evaluate(&config(), Some("baseline"), 1).unwrap();
    assert_eq!(done.blessing, ["NOT_BLESSED"]);
    let Answer::No { reason, details, stop } = &done.outcome.answer else { panic!() };
    assert!(!stop);
    assert_eq!(
        reason,
        "not blessed: auc, overall: 0.0000 is less than 0.7 (`lower_bound`), and 1 more"
    );
    let lines: Vec<&str> = details.lines().collect();
    assert_eq!(
        lines,
        [
            "  auc  overall  6 examples  0.0000 is less than 0.7 (`lower_bound`)",
            "  auc  overall  6 examples  the change from 1.0000 to 0.0000, -1.0000, is less than \
             -0.01 (`min_change`)",
        ]
    );
    assert!(done.outcome.summary.starts_with("not blessed: auc 0.0000 (baseline 1.0000) on 6"));
    let number = |name| done.property(name).and_then(PropertyValue::as_int);
    assert_eq!((number("blessed"), number("baseline_model_id")), (Some(0), Some(3)));
    assert_eq!(done.evaluation.slices[0].baseline.as_ref().unwrap()["auc"], 1.0);
}

#[test]
fn a_baseline_of_something_else_is_not_compared_with() {
    let scene = scene();
    scene.write_regression("baseline");
    let done = scene.evaluate(&config(), Some("baseline"), 1).unwrap();
    assert_eq!(done.blessing, ["BLESSED"]);
    let summary = &done.outcome.summary;
    assert!(
        summary.ends_with(
            "; not compared with the latest blessed model: it predicts `tips` (regression), \
             not `big_tipper` (binary_classification)"
        ),
        "{summary}"
    );
    assert_eq!(done.property("baseline_model_id"), None);
}

#[test]
fn a_baseline_that_cannot_read_the_examples_is_not_compared_with() {
    let scene = scene();
    scene.write_model("baseline", "miles", 0.5);
    let done = scene.evaluate(&config(), Some("baseline"), 1).unwrap();
    assert!(!done.evaluation.has_baseline);
    let summary = &done.outcome.summary;
    assert!(summary.contains("it cannot read these examples: "), "{summary}");
    assert!(summary.contains("miles"), "{summary}");
}

#[test]
fn splits_are_evaluated_together_and_threads_do_not_show() {
    let scene = scene();
    scene.write_split("more", &trips());
    scene.write_model("baseline", "fare", 0.25);
    let mut config = config();
    config["example_splits"] = json!(["eval", "more"]);
    let one = scene.evaluate(&config, Some("baseline"), 1).unwrap().evaluation;
    assert_eq!(one.slices[0].num_examples, 12);
    assert_eq!(one.num_missing_labels, 4);
    let many = scene.evaluate(&config, Some("baseline"), 3).unwrap().evaluation;
    // NaN, of slices without one of the classes, is not equal to itself; its text is.
    assert_eq!(format!("{one:?}"), format!("{many:?}"));
    config["example_splits"] = json!(["evla"]);
    let error = scene.evaluate(&config, None, 1).err().unwrap().to_string();
    assert!(error.contains("`evla`") && error.contains("`eval`"), "{error}");
}

#[test]
fn many_failures_are_capped_and_counted() {
    let scene = scene();
    let mut config = config();
    let threshold = |i: u32| json!({ "metric": "auc", "lower_bound": 2 + i });
    config["thresholds"] = (0..25).map(threshold).collect();
    let done = scene.evaluate(&config, None, 1).unwrap();
    let Answer::No { details, .. } = &done.outcome.answer else { panic!() };
    assert_eq!(details.lines().count(), 21);
    assert_eq!(details.lines().last(), Some("  and 5 more"));
}

/// Returns the problems of a configuration over features that are known before the run.
fn problems(config: &Value) -> Vec<String> {
    let feature = |name: &str, kind| FeatureInfo {
        name: name.to_owned(),
        kind: Some(kind),
        is_list: Some(false),
        num_buckets: None,
        note: None,
    };
    let features = vec![
        feature("trip_start_hour", FeatureKind::Int),
        feature("payment_type", FeatureKind::Bytes),
        feature("stops", FeatureKind::Struct),
    ];
    let engine = LocalEngine::with_all_cores(Arc::default());
    let context = CheckContext {
        base_dir: Path::new("/nowhere"),
        inputs: BTreeMap::from([("examples", Some(features))]),
        engine: &engine,
    };
    let checked = Evaluator.check(config, &context);
    let problems = checked.problems.into_iter();
    problems
        .map(|problem| {
            let hint = problem.hint.map_or(String::new(), |hint| format!(" ({hint})"));
            let message = problem.message.split(", expected one of").next().unwrap().to_owned();
            format!("{}: {message}{hint}", problem.key)
        })
        .collect()
}

#[test]
fn mistakes_are_found_before_the_run_and_named_by_their_places() {
    assert!(problems(&config()).is_empty());
    let found = problems(&json!({
        "slices": [[], ["trip_start_huor"], ["payment_type", "stops"]],
        "thresholds": [{ "metric": "acu", "lower_bound": 0.7 }],
        "example_splits": [],
    }));
    assert_eq!(
        found,
        [
            "slices.1.0: no feature `trip_start_huor` (did you mean `trip_start_hour`?)",
            "thresholds.0.metric: no metric `acu` (did you mean `auc`?)",
            "slices.2.1: `stops` has nested features, expected numbers or text",
            "example_splits: [], expected at least one split",
        ]
    );
}
