//! Samples of examples, and the means of features: beside TensorFlow Model Analysis's, and whatever the partitions.

use std::collections::BTreeMap;

use dataflow::Accumulator;
use evaluate::{
    Columns, Config, DrawnSample, EvaluatePass, EvaluateState, SampleConfig, SampleOf, SliceResult,
    SliceValue, Task,
};
use serde_json::Value;

use crate::scene::{Row, batch, columns, crosses, fold, metrics};
use crate::tfma::{file, pairs, table, weighted};

fn sample(feature: &str, of: SampleOf, size: u32) -> SampleConfig {
    SampleConfig { feature: feature.to_owned(), of, size, threshold: None, class: None, seed: 0 }
}

fn sorted(drawn: &DrawnSample) -> Vec<f64> {
    let number = |value: &SliceValue| match value {
        SliceValue::Float(value) => *value,
        other => panic!("{other}"),
    };
    let mut values: Vec<f64> = drawn.values.iter().map(number).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn means_of_features_and_samples_of_mistakes_are_those_of_the_reference() {
    let at = |of| SampleConfig { threshold: Some(0.6), ..sample("baseline", of, 1000) };
    let config = Config {
        samples: vec![at(SampleOf::FalsePositives), at(SampleOf::FalseNegatives)],
        ..weighted(&pairs(&[("mean(baseline)", "mean_features.baseline")]))
    };
    let table = table("binary.csv");
    let found = crate::tfma::evaluate(&table, Task::BinaryClassification, &config, None);
    let expected: BTreeMap<String, Value> = serde_json::from_str(&file("features.json")).unwrap();
    assert_eq!(found.slices.len(), expected.len());
    for slice in &found.slices {
        let key = slice.key.first().map(|(name, value)| format!("{name}={value}"));
        let expected = &expected[&key.unwrap_or_default()];
        let mean = expected["mean_features.baseline"].as_f64().unwrap();
        assert!((slice.metrics["mean(baseline)"] - mean).abs() < 1e-12);
        let names = ["false_positive_feature_sampler", "false_negative_feature_sampler"];
        for (drawn, name) in slice.samples.iter().zip(names) {
            let all: Vec<f64> = serde_json::from_value(expected[name].clone()).unwrap();
            assert!(all.len() > 10);
            assert_eq!(sorted(drawn), all, "{name}, {}", slice.name());
        }
    }
}

/// Each with an hour of its own.
fn rows(num: i64) -> Vec<Row> {
    let row = |hour: i64| Row {
        hour: Some(hour),
        weight: Some(if hour % 4 == 0 { 3.0 } else { 1.0 }),
        company: Some(if hour % 3 == 0 { "a" } else { "b" }),
        ..Row::new(f64::from(hour % 2 == 0), if hour % 5 < 2 { 0.9 } else { 0.1 })
    };
    (0..num).map(row).collect()
}

fn drawn(slice: &SliceResult, place: usize) -> Vec<String> {
    slice.samples[place].values.iter().map(ToString::to_string).collect()
}

fn pass(samples: Vec<SampleConfig>) -> EvaluatePass {
    let config = Config {
        metrics: metrics(&["accuracy"]),
        slices: crosses(&[&["company"]]),
        example_weight: Some("weight".to_owned()),
        samples,
        ..Config::default()
    };
    EvaluatePass::new(&config, Task::BinaryClassification, columns(false)).unwrap()
}

#[test]
fn threads_and_stored_states_do_not_show_in_a_sample() {
    let pass = pass(vec![
        sample("hour", SampleOf::All, 7),
        sample("hour", SampleOf::FalsePositives, 7),
        SampleConfig { seed: 1, ..sample("hour", SampleOf::All, 7) },
    ]);
    let rows = rows(2000);
    let batches: Vec<_> = rows.chunks(40).map(batch).collect();
    let once = fold(&pass, batches.clone(), 1).unwrap();
    let again = EvaluateState::from_bytes(&once.to_bytes()).unwrap();
    let once = once.finish().unwrap();
    assert_eq!(once, fold(&pass, batches, 4).unwrap().finish().unwrap());
    assert_eq!(once, again.finish().unwrap());
    for slice in &once.slices {
        let (all, mistakes, other) = (drawn(slice, 0), drawn(slice, 1), drawn(slice, 2));
        assert_eq!((all.len(), mistakes.len(), other.len()), (7, 7, 7));
        assert_ne!(all, other);
        for hour in mistakes {
            let row = &rows[hour.parse::<usize>().unwrap()];
            assert!(row.label == Some(0.0) && row.candidate == Some(0.9));
        }
    }
    assert_ne!(drawn(&once.slices[0], 0), drawn(&once.slices[1], 0));
}

#[test]
fn an_example_that_counts_three_times_is_drawn_three_times_as_often() {
    let mut heavy = 0;
    let num = 2000;
    for seed in 0..num {
        let pass = pass(vec![SampleConfig { seed, ..sample("hour", SampleOf::All, 1) }]);
        let found = fold(&pass, vec![batch(&rows(2))], 1).unwrap().finish().unwrap();
        heavy += i32::from(drawn(&found.slices[0], 0) == ["0"]);
    }
    // Three of four, within five standard errors.
    let share = f64::from(heavy) / num as f64;
    assert!((share - 0.75).abs() < 0.05, "{share}");
}

#[test]
fn examples_without_a_value_or_weight_are_not_drawn_and_do_not_count_in_a_mean() {
    let mut rows = rows(4);
    rows[1].hour = None;
    rows[2].weight = Some(0.0);
    let config = Config {
        metrics: metrics(&["mean(hour)", "mean(weight)"]),
        example_weight: Some("weight".to_owned()),
        samples: vec![sample("hour", SampleOf::All, 10)],
        ..Config::default()
    };
    let pass = EvaluatePass::new(&config, Task::BinaryClassification, columns(false)).unwrap();
    let found = fold(&pass, vec![batch(&rows)], 1).unwrap().finish().unwrap();
    let mut hours = drawn(&found.slices[0], 0);
    hours.sort_unstable();
    assert_eq!(hours, ["0", "3"]);
    assert_eq!(found.slices[0].metrics["mean(hour)"], (3.0 * 0.0 + 1.0 * 3.0) / 4.0);
    assert_eq!(found.slices[0].metrics["mean(weight)"], (9.0 + 1.0 + 1.0) / 5.0);
}

#[test]
fn what_cannot_be_drawn_or_counted_is_told() {
    let message = |config: Config, task: Task| {
        let pass = match EvaluatePass::new(&config, task, columns(false)) {
            Ok(pass) => pass,
            Err(error) => return error.to_string(),
        };
        fold(&pass, vec![batch(&rows(2))], 1).unwrap_err().to_string()
    };
    let samples = |sample: SampleConfig| Config { samples: vec![sample], ..Config::default() };
    let thresholds = |at: f64| Config { confusion_thresholds: vec![at], ..Config::default() };
    let classes = |num_classes| Task::MultiClassClassification { num_classes };
    let one = |class| SampleConfig { class, ..sample("hour", SampleOf::FalsePositives, 3) };
    let named = |name: &str| Config { metrics: metrics(&[name]), ..Config::default() };
    let messages = [
        message(samples(sample("hour", SampleOf::All, 0)), Task::Regression),
        message(samples(sample("hour", SampleOf::FalsePositives, 3)), Task::Regression),
        message(samples(one(Some(1))), Task::BinaryClassification),
        message(samples(one(Some(3))), classes(3)),
        message(samples(sample("hours", SampleOf::All, 3)), Task::Regression),
        message(thresholds(2.0), classes(3)),
        message(thresholds(0.5), Task::BinaryClassification),
        message(thresholds(0.5), classes(101)),
        message(named("mean(company)"), Task::Regression),
        message(named("example_count[2]"), classes(3)),
        message(named("recall[k=4]"), classes(3)),
        message(named("exact_match@0.5"), Task::Regression),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    `samples.0.size`: 0, expected 1 to 1000
    `samples.0`: regression has no positives and negatives, expected `of = "all"`
    `samples.0.class`: binary_classification has no classes to choose
    `samples.0.class`: 3, the ids are 0 to 2
    column `hours`, the feature to draw samples of, is missing from the examples
    `confusion_thresholds.0`: 2, expected a number between 0 and 1
    `confusion_thresholds` is for several classes or labels, not for binary_classification; of two, ask for `true_positives@0.3`
    `confusion_thresholds` is for up to 100 classes or labels, there are 101
    column `company`, the feature to take the mean of, has type Utf8, expected numbers
    metric `example_count[2]`: `example_count` is of whole examples, not of classes
    metric `recall[k=4]`: there are only 3 classes
    metric `exact_match@0.5`: a regression has no thresholds
    "#);
    let without = Columns { position: None, ..columns(false) };
    let config = samples(sample("hour", SampleOf::All, 3));
    let error = EvaluatePass::new(&config, Task::Regression, without).unwrap_err();
    let expected = "`samples` needs the position, and no column was named for it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn numbers_match_exactly_or_not_at_all() {
    let rows = [Row::new(2.0, 2.0), Row::new(3.0, 3.0 + 1e-12), Row::new(-1.0, -1.0)];
    let config = Config { metrics: metrics(&["exact_match"]), ..Config::default() };
    let pass = EvaluatePass::new(&config, Task::Regression, columns(false)).unwrap();
    let found = fold(&pass, vec![batch(&rows)], 1).unwrap().finish().unwrap();
    assert_eq!(found.slices[0].metrics["exact_match"], 2.0 / 3.0);
}
