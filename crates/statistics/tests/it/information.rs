//! What features tell about a label, beside scikit-learn's answers, and whatever the partitions.
//!
//! `testdata/information/answer.py` made the data and asks scikit-learn again.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::Float64Type;
use base::ErrorKind;
use dataflow::{Accumulator, Pass};
use formats::metadata::custom_statistic::Val;
use formats::metadata::{DatasetFeatureStatistics, Schema};
use serde_json::{Value, json};
use statistics::{Config, StatisticsPass, StatisticsState};
use xxhash_rust::xxh3::xxh3_64;

use crate::compare::name;
use crate::{all_statistics_of, statistics_of};

fn data() -> RecordBatch {
    let data: Value =
        serde_json::from_str(include_str!("../../testdata/information/data.json")).unwrap();
    let columns = data.as_object().unwrap().iter().map(|(name, values)| {
        let values = values.as_array().unwrap();
        let column: ArrayRef = if values[0].is_string() {
            Arc::new(StringArray::from_iter_values(values.iter().map(|v| v.as_str().unwrap())))
        } else {
            Arc::new(Float64Array::from_iter_values(values.iter().map(|v| v.as_f64().unwrap())))
        };
        (name.clone(), column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn config(value: Value) -> Config {
    serde_json::from_value(json!({ "mutual_information": value })).unwrap()
}

/// What every feature tells, by name.
fn bits(statistics: &DatasetFeatureStatistics) -> Vec<(String, f64)> {
    let features = statistics.features.iter().flat_map(|feature| {
        feature.custom_stats.iter().map(move |stat| (name(feature), stat.clone()))
    });
    features
        .map(|(name, stat)| {
            assert_eq!(stat.name, "adjusted_mutual_information");
            let Some(Val::Num(bits)) = stat.val else { panic!("{stat:?}") };
            (name, bits)
        })
        .collect()
}

#[test]
fn estimates_are_those_of_scikit_learn() {
    let answers: Value =
        serde_json::from_str(include_str!("../../testdata/information/answer.json")).unwrap();
    let batch = data();
    for (label, answers) in answers["bits"].as_object().unwrap() {
        let ours = statistics_of(&batch, 500, 1, &config(json!({ "label": label })));
        let ours = bits(&ours);
        assert_eq!(ours.len(), answers.as_object().unwrap().len());
        for (feature, bits) in ours {
            let expected = answers[&feature].as_f64().unwrap();
            assert!((bits - expected).abs() < 1e-6, "{label} and {feature}: {bits}, {expected}");
        }
    }
}

#[test]
fn all_examples_are_in_the_sample_while_it_is_large_enough() {
    let batch = data();
    let config = config(json!({ "label": "name", "max_examples": 500 }));
    let whole = bits(&statistics_of(&batch, 500, 1, &config));
    for (partition_size, threads) in [(100, 1), (100, 3), (7, 2)] {
        let parts = bits(&statistics_of(&batch, partition_size, threads, &config));
        for ((feature, whole), (_, parts)) in whole.iter().zip(&parts) {
            // The order of the examples, and with it the noise that keeps numbers apart, is another.
            assert!((whole - parts).abs() < 1e-6, "{feature}: {whole} and {parts}");
        }
    }
}

#[test]
fn a_sample_is_the_same_for_any_number_of_threads_and_near_the_truth() {
    let num_rows = 20_000;
    let label: Vec<bool> = (0..num_rows).map(|row| row % 2 == 0).collect();
    let told: Vec<f64> =
        (0..num_rows).map(|row| f64::from(row % 2) + f64::from(row * 7919 % 1000) / 1e3).collect();
    let batch = RecordBatch::try_from_iter([
        ("label", Arc::new(BooleanArray::from(label)) as ArrayRef),
        ("told", Arc::new(Float64Array::from(told)) as ArrayRef),
    ])
    .unwrap();
    let config = config(json!({ "label": "label", "max_examples": 1000 }));
    let one = bits(&statistics_of(&batch, 3000, 1, &config));
    assert_eq!(one, bits(&statistics_of(&batch, 3000, 4, &config)));
    assert!((one[0].1 - 1.0).abs() < 0.05, "{one:?}");
}

#[test]
fn lists_and_categorical_numbers_have_their_say() {
    let any = |row: u32| f64::from(u16::try_from(xxh3_64(&row.to_le_bytes()) >> 48).unwrap());
    let row = |row: u32| if row.is_multiple_of(3) { None } else { Some(vec![Some(any(row))]) };
    let several = |row: u32| Some(vec![Some(any(row)); 2]);
    let lists = |of: &dyn Fn(u32) -> Option<Vec<Option<f64>>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>((0..1500).map(of)))
    };
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "label",
            Arc::new(Int64Array::from_iter_values((0..1500).map(|i| i % 3))) as ArrayRef,
            true,
        ),
        ("single", lists(&row), true),
        ("several", lists(&several), true),
    ])
    .unwrap();
    let schema: Schema = formats::text::parse(
        r#"feature { name: "label" type: INT int_domain { is_categorical: true } }"#,
    )
    .unwrap();
    let config = config(json!({ "label": "label" }));
    let list = all_statistics_of(&batch, 1500, 1, &config, Some(&schema));
    let found = bits(&list.datasets[0]);
    assert_eq!(found.len(), 1, "several numbers in an example are no number: {found:?}");
    // Whether it is missing is known of one label in three.
    let expected = 3.0_f64.log2() - 2.0 / 3.0;
    assert!((found[0].1 - expected).abs() < 0.1, "{found:?} and not {expected}");
}

#[test]
fn a_state_without_a_label_is_refused() {
    let batch = data();
    let pass = StatisticsPass::new(&batch.schema(), &config(json!({ "label": "name" }))).unwrap();
    let bytes = pass.start().unwrap().to_bytes();
    assert!(StatisticsState::from_bytes(&bytes).is_ok());
    let option = b"\"num_neighbors\":3";
    // First what the pass was made of, then what was asked for.
    let place = bytes.windows(option.len()).position(|window| window == option).unwrap();
    let mut broken = bytes.clone();
    broken[place + option.len() - 1] = b'0';
    let error = StatisticsState::from_bytes(&broken).unwrap_err();
    assert!(error.to_string().contains("contradict each other"), "{error}");
}

#[test]
fn mistakes_are_named_by_their_option() {
    let batch = data();
    let check = |value: Value, expected: &str| {
        let error = StatisticsPass::new(&batch.schema(), &config(value)).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(base::Classify::kind(&error), ErrorKind::Usage);
    };
    check(
        json!({ "label": "nam" }),
        "option `mutual_information.label`: there is no feature `nam`",
    );
    check(
        json!({ "label": "name", "features": ["x", "z"] }),
        "option `mutual_information.features.1`: there is no feature `z`",
    );
    check(
        json!({ "label": "name", "max_examples": 1_000_000 }),
        "option `mutual_information.max_examples`: found 1000000, expected at most 100000",
    );
}
