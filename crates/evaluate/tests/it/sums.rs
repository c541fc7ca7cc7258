//! Labels, weights, predictions and slices, and what they add up to.

use dataflow::{Accumulator, Pass};
use evaluate::{Columns, Config, EvaluatePass, Task};
use insta::assert_snapshot;

use crate::scene::{Row, batch, columns, crosses, evaluate, every_metric, fold, metrics, sizes};

fn message(rows: &[Row], config: &Config) -> String {
    evaluate(config, rows).unwrap_err().to_string()
}

#[test]
fn examples_without_a_label_are_counted_and_left_out() {
    let rows = [
        Row::new(1.0, 0.9),
        Row { label: None, candidate: Some(7.0), ..Row::new(1.0, 0.9) },
        Row::new(f64::NAN, 0.1),
        Row::new(0.0, 0.1),
    ];
    let found = evaluate(&Config::default(), &rows).unwrap();
    assert_eq!(found.num_missing_labels, 2);
    assert_eq!(sizes(&found.slices), "overall = 2");
    assert_eq!(found.slices[0].metrics["accuracy"], 1.0);
    assert_eq!(found.slices[0].baseline.as_ref().unwrap()["accuracy"], 0.5);
}

#[test]
fn no_examples_have_no_metrics() {
    let found = evaluate(&Config::default(), &[]).unwrap();
    assert_eq!(sizes(&found.slices), "overall = 0");
    let metrics = &found.slices[0].metrics;
    assert_eq!(metrics["example_count"], 0.0);
    for name in ["auc", "accuracy", "log_loss", "calibration", "mean_label"] {
        assert!(metrics[name].is_nan(), "{name}");
    }
}

#[test]
fn weights_count_examples() {
    let rows = [
        Row { weight: Some(3.0), ..Row::new(1.0, 0.75) },
        Row { weight: Some(1.0), ..Row::new(0.0, 0.75) },
        Row { weight: Some(0.0), ..Row::new(0.0, 0.25) },
    ];
    let names = ["accuracy", "mean_label", "mean_prediction", "calibration", "mean_squared_error"];
    let weighted = Config {
        example_weight: Some("weight".to_owned()),
        metrics: metrics(&[&names[..], &["example_count", "weighted_example_count"]].concat()),
        ..Config::default()
    };
    let found = evaluate(&weighted, &rows).unwrap();
    let found = &found.slices[0].metrics;
    assert_eq!(found["example_count"], 3.0);
    assert_eq!(found["weighted_example_count"], 4.0);
    assert_eq!(found["accuracy"], 0.75);
    assert_eq!(found["mean_label"], 0.75);
    assert_eq!(found["mean_prediction"], 0.75);
    assert_eq!(found["calibration"], 1.0);
    assert_eq!(found["mean_squared_error"], (3.0 * 0.0625 + 0.5625) / 4.0);
    let unweighted = Config { example_weight: None, ..weighted };
    assert_eq!(evaluate(&unweighted, &rows).unwrap().slices[0].metrics["accuracy"], 2.0 / 3.0);
}

#[test]
fn slices_are_by_the_values_of_features() {
    let row = |company, hour| Row { company, hour, ..Row::new(1.0, 0.9) };
    let rows = [
        row(Some("Flash"), Some(7)),
        row(Some("Flash"), Some(10)),
        row(Some("Blue"), Some(7)),
        row(None, Some(10)),
        row(Some("Blue"), None),
    ];
    let config = Config {
        slices: crosses(&[&["hour"], &["company"], &["hour", "company"]]),
        ..Config::default()
    };
    let found = evaluate(&config, &rows).unwrap();
    assert_snapshot!(sizes(&found.slices).replace("; ", "\n"), @r"
    overall = 5
    company: Blue = 2
    company: Flash = 2
    company: Blue, hour: 7 = 1
    company: Flash, hour: 7 = 1
    company: Flash, hour: 10 = 1
    hour: 7 = 2
    hour: 10 = 2
    ");
    let config = Config { min_slice_size: 2.try_into().unwrap(), ..config };
    let found = evaluate(&config, &rows).unwrap();
    assert_eq!(
        sizes(&found.slices),
        "overall = 5; company: Blue = 2; company: Flash = 2; hour: 7 = 2; hour: 10 = 2"
    );
    assert_eq!(found.num_small_slices, 3);
}

#[test]
fn the_slice_of_all_examples_is_always_first() {
    let config = Config { slices: crosses(&[&["hour"]]), ..Config::default() };
    let row = Row { hour: Some(-3), ..Row::new(1.0, 0.9) };
    assert_eq!(sizes(&evaluate(&config, &[row]).unwrap().slices), "overall = 1; hour: -3 = 1");
}

#[test]
fn a_prediction_that_is_no_number_spoils_its_model_alone() {
    for spoiled in [Some(f64::NAN), None] {
        let rows = [Row::new(1.0, 0.9), Row { candidate: spoiled, ..Row::new(0.0, 0.1) }];
        let all = every_metric();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let config = Config { metrics: metrics(&all), ..Config::default() };
        let found = evaluate(&config, &rows).unwrap();
        for (name, value) in &found.slices[0].metrics {
            let of_examples =
                ["example_count", "weighted_example_count", "mean_label"].contains(&name.as_str());
            assert_eq!(value.is_nan(), !of_examples, "{name}: {value}");
        }
        assert_eq!(found.slices[0].baseline.as_ref().unwrap()["accuracy"], 0.5);
    }
}

#[test]
fn certain_and_wrong_costs_much_but_not_without_end() {
    let config = Config { metrics: metrics(&["log_loss"]), ..Config::default() };
    for (label, prediction) in [(1.0, 0.0), (0.0, 1.0)] {
        let found = evaluate(&config, &[Row::new(label, prediction)]).unwrap();
        let loss = found.slices[0].metrics["log_loss"];
        assert!((loss - 1e7f64.ln()).abs() < 1e-6, "{loss}");
    }
}

#[test]
fn regressions_have_errors_and_no_curves() {
    let rows = [Row::new(10.0, 13.0), Row::new(-2.0, -6.0)];
    let pass = EvaluatePass::new(&Config::default(), Task::Regression, columns(false)).unwrap();
    let found = fold(&pass, vec![batch(&rows)], 1).unwrap().finish().unwrap();
    let text: Vec<_> =
        found.slices[0].metrics.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_snapshot!(text.join("\n"), @r"
    calibration 0.875
    example_count 2
    mean_absolute_error 3.5
    mean_label 4
    mean_prediction 3.5
    mean_squared_error 12.5
    root_mean_squared_error 3.5355339059327378
    weighted_example_count 2
    ");
    assert!(found.slices[0].baseline.is_none() && !found.has_baseline);
    let config = Config { metrics: metrics(&["auc"]), ..Config::default() };
    let error = EvaluatePass::new(&config, Task::Regression, columns(false)).unwrap_err();
    assert_snapshot!(error.to_string(), @"metric `auc` is not defined for regression");
}

#[test]
fn bad_values_are_named_with_their_columns() {
    let config = Config { example_weight: Some("weight".to_owned()), ..Config::default() };
    let good = Row::new(1.0, 0.5);
    let weight = |weight| Row { weight, ..good.clone() };
    let messages = [
        message(&[Row { label: Some(2.0), ..good.clone() }], &config),
        message(&[Row { candidate: Some(1.5), ..good.clone() }], &config),
        message(&[Row { baseline: Some(f64::NEG_INFINITY), ..good.clone() }], &config),
        message(&[weight(None)], &config),
        message(&[weight(Some(-1.0))], &config),
        message(&[weight(Some(f64::NAN))], &config),
        message(&[weight(Some(1e10))], &config),
        message(
            std::slice::from_ref(&good),
            &Config { slices: crosses(&[&["color"]]), ..config.clone() },
        ),
        message(&[good], &Config { example_weight: Some("company".to_owned()), ..config }),
    ];
    assert_snapshot!(messages.join("\n"), @r"
    label `label` is 2, expected 0 or 1
    prediction `candidate` is 1.5, expected a probability between 0 and 1
    prediction `baseline` is -inf, expected a probability between 0 and 1
    example weight `weight` is missing in an example, expected a number in each
    example weight `weight` is -1, expected a number from 0 to 4294967296
    example weight `weight` is NaN, expected a number from 0 to 4294967296
    example weight `weight` is 10000000000, expected a number from 0 to 4294967296
    column `color`, the feature to slice by, is missing from the examples
    column `company`, the example weight, has type Utf8, expected numbers
    ");
    let pass = EvaluatePass::new(&Config::default(), Task::Regression, columns(false)).unwrap();
    let infinite = batch(&[Row { label: Some(f64::INFINITY), ..Row::new(1.0, 0.5) }]);
    let error = fold(&pass, vec![infinite], 1).unwrap_err();
    assert_snapshot!(error.to_string(), @"label `label` is inf, expected a finite number");
}

#[test]
fn the_pass_reads_no_more_columns_than_it_needs() {
    let config = Config {
        slices: crosses(&[&["hour"]]),
        example_weight: Some("weight".to_owned()),
        ..Config::default()
    };
    let pass = EvaluatePass::new(&config, Task::BinaryClassification, columns(true)).unwrap();
    assert_eq!(pass.columns().unwrap(), ["baseline", "candidate", "hour", "label", "weight"]);
    let text = serde_json::to_string(&pass).unwrap();
    assert_eq!(serde_json::from_str::<EvaluatePass>(&text).unwrap(), pass);
}

#[test]
fn states_of_different_passes_are_not_merged() {
    let state = |columns: Columns| {
        let pass =
            EvaluatePass::new(&Config::default(), Task::BinaryClassification, columns).unwrap();
        pass.start().unwrap()
    };
    let error = state(columns(true)).merge(state(columns(false))).unwrap_err();
    assert_snapshot!(error.to_string(), @"cannot merge evaluations of different metrics, slices or columns");
}
