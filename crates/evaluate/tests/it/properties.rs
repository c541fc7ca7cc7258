//! How examples were divided and in which order they came never shows.

use dataflow::{Accumulator, Pass};
use evaluate::{
    ConfidenceIntervals, ConfidenceMethod, Config, EvaluatePass, EvaluateState, Task, Threshold,
};
use proptest::prelude::*;

use crate::scene::{Row, batch, columns, crosses, every_metric, fold, metrics};

fn pass() -> EvaluatePass {
    let all = every_metric();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let config = Config {
        slices: crosses(&[&["company"], &["company", "hour"]]),
        metrics: metrics(&all),
        thresholds: vec![Threshold { lower_bound: Some(0.1), ..Threshold::new("auc") }],
        example_weight: Some("weight".to_owned()),
        ..Config::default()
    };
    EvaluatePass::new(&config, Task::BinaryClassification, columns(true)).unwrap()
}

fn probability() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (0.0..=1.0f64).prop_map(Some),
        2 => (0..=20u8).prop_map(|n| Some(f64::from(n) / 20.0)),
        1 => Just(Some(1e-300)),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let label = prop_oneof![4 => Just(Some(0.0)), 4 => Just(Some(1.0)), 1 => Just(None)];
    let weight = prop_oneof![Just(1.0), 0.0..10.0f64, Just(1e9), Just(1e-15)];
    let company = prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", ""]));
    let hour = prop::option::weighted(0.9, 0..3i64);
    (label, probability(), probability(), weight, company, hour).prop_map(
        |(label, candidate, baseline, weight, company, hour)| Row {
            label,
            candidate,
            baseline,
            weight: Some(weight),
            company,
            hour,
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..60)
}

/// Every bit of a result.
fn bits(state: EvaluateState) -> String {
    let evaluation = state.finish().unwrap();
    let mut text = format!("{} {:?}", evaluation.num_missing_labels, evaluation.crowded);
    for slice in &evaluation.slices {
        text.push_str(&format!("\n{} {}", slice.name(), slice.num_examples));
        for (name, value) in slice.metrics.iter().chain(slice.baseline.iter().flatten()) {
            text.push_str(&format!(" {name} {:x}", value.to_bits()));
        }
    }
    text
}

proptest! {
    #[test]
    fn order_and_partitions_never_show(
        rows in rows(),
        order in any::<prop::sample::Index>(),
        size in 1..20usize,
    ) {
        let pass = pass();
        let whole = fold(&pass, vec![batch(&rows)], 1).unwrap();
        let mut turned = rows.clone();
        if !turned.is_empty() {
            let middle = order.index(turned.len());
            turned.rotate_left(middle);
            turned[..].reverse();
        }
        let batches = turned.chunks(size).map(batch).collect();
        let parts = fold(&pass, batches, 3).unwrap();
        prop_assert_eq!(whole.to_bytes(), parts.to_bytes());
        prop_assert_eq!(bits(whole), bits(parts));
    }

    #[test]
    fn a_state_is_read_back(rows in rows(), more in rows()) {
        let pass = pass();
        let mut state = fold(&pass, vec![batch(&rows)], 1).unwrap();
        let mut read = EvaluateState::from_bytes(&state.to_bytes()).unwrap();
        prop_assert_eq!(state.to_bytes(), read.to_bytes());
        state.update(&batch(&more)).unwrap();
        read.update(&batch(&more)).unwrap();
        prop_assert_eq!(bits(state), bits(read));
    }

    #[test]
    fn spoiled_bytes_are_refused_or_make_a_state(
        rows in rows(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = fold(&pass(), vec![batch(&rows)], 1).unwrap().to_bytes();
        prop_assert!(EvaluateState::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(state) = EvaluateState::from_bytes(&bytes) {
            let mut other = state.clone();
            other.merge(state).unwrap();
            other.finish().unwrap();
        }
    }

    #[test]
    fn metrics_are_those_of_a_plain_loop(rows in rows()) {
        let evaluation = fold(&pass(), vec![batch(&rows)], 1).unwrap().finish().unwrap();
        for slice in &evaluation.slices {
            let is_in = |row: &&Row| slice.key.iter().all(|(feature, value)| {
                let found = match feature.as_str() {
                    "company" => row.company.map(|text| if text.is_empty() { "\"\"".to_owned() } else { text.to_owned() }),
                    _ => row.hour.map(|hour| hour.to_string()),
                };
                found == Some(value.to_string())
            });
            let inside: Vec<&Row> = rows.iter().filter(|row| row.label.is_some()).filter(is_in).collect();
            prop_assert_eq!(slice.num_examples, inside.len() as u64);
            let sum = |value: &dyn Fn(&Row, f64) -> f64| -> f64 {
                inside.iter().map(|row| row.weight.unwrap() * value(row, row.label.unwrap())).sum()
            };
            let weight = sum(&|_, _| 1.0);
            let label = sum(&|_, label| label);
            let prediction = sum(&|row, _| row.candidate.unwrap());
            let squared = sum(&|row, label| (row.candidate.unwrap() - label).powi(2));
            let right = sum(&|row, label| f64::from((row.candidate.unwrap() > 0.5) == (label > 0.5)));
            // Weights are kept in steps of 2^-56, those of 1e-15 to one part in 70.
            let near = |found: f64, top: f64, bottom: f64| {
                bottom < 1e-9 || (found - top / bottom).abs() <= 1e-9 * (1.0 + found.abs())
            };
            let found = &slice.metrics;
            prop_assert!(near(found["mean_label"], label, weight));
            prop_assert!(near(found["mean_prediction"], prediction, weight));
            prop_assert!(near(found["mean_squared_error"], squared, weight));
            prop_assert!(near(found["accuracy"], right, weight));
            if label > 1e-3 {
                prop_assert!(near(found["calibration"], prediction, label));
            }
        }
    }
}

/// A pass with replicates, of fewer metrics.
fn drawn(method: ConfidenceMethod) -> EvaluatePass {
    let config = Config {
        slices: crosses(&[&["company"]]),
        metrics: metrics(&["auc", "accuracy", "mean_prediction", "precision@0.3"]),
        confidence_intervals: Some(ConfidenceIntervals {
            method,
            num_replicates: 7,
            ..ConfidenceIntervals::default()
        }),
        ..Config::default()
    };
    EvaluatePass::new(&config, Task::BinaryClassification, columns(true)).unwrap()
}

proptest! {
    #[test]
    fn threads_and_bytes_do_not_show_in_intervals(rows in rows(), size in 1..20usize) {
        for method in [ConfidenceMethod::Jackknife, ConfidenceMethod::PoissonBootstrap] {
            let pass = drawn(method);
            let batches = || rows.chunks(size).map(batch).collect::<Vec<_>>();
            let one = fold(&pass, batches(), 1).unwrap();
            let many = fold(&pass, batches(), 3).unwrap();
            prop_assert_eq!(one.to_bytes(), many.to_bytes());
            let read = EvaluateState::from_bytes(&one.to_bytes()).unwrap();
            let text = |state: EvaluateState| format!("{:?}", state.finish().unwrap());
            prop_assert_eq!(text(read), text(many));
        }
    }
}

#[test]
fn intervals_are_those_of_evaluations_without_each_part() {
    // With one partition, the place of a row is its number.
    let rows: Vec<Row> = (0..400u32)
        .map(|i| Row::new(f64::from(i % 3 == 0), f64::from((i * 7919) % 101) / 101.0))
        .collect();
    let found = fold(&drawn(ConfidenceMethod::Jackknife), vec![batch(&rows)], 1).unwrap();
    let found = found.finish().unwrap();
    let slice = &found.slices[0];
    for (name, value) in &slice.metrics {
        let interval = slice.intervals[name];
        assert!(interval.lower < *value && *value < interval.upper, "{name}");
        // Of a share, the standard error is known.
        if name == "accuracy" {
            let expected = (value * (1.0 - value) / 400.0).sqrt();
            let quotient = interval.standard_error / expected;
            assert!((0.5..2.0).contains(&quotient), "{quotient}");
        }
    }
    let bootstrap = fold(&drawn(ConfidenceMethod::PoissonBootstrap), vec![batch(&rows)], 1);
    let bootstrap = bootstrap.unwrap().finish().unwrap();
    for (name, interval) in &bootstrap.slices[0].intervals {
        let quotient = interval.standard_error / slice.intervals[name].standard_error;
        assert!((0.3..3.0).contains(&quotient), "{name}: {quotient}");
    }
}

#[test]
fn bytes_of_another_version_are_refused() {
    let state = pass().start().unwrap();
    let mut bytes = state.to_bytes();
    bytes[0] += 1;
    let error = EvaluateState::from_bytes(&bytes).unwrap_err().to_string();
    assert_eq!(error, "not an evaluation that this version can continue: its version is unknown");
}
