//! Options that cannot be, and data that does not fit them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use base::{BoxError, Classify, ErrorKind};
use dataflow::{Accumulator, Pass};
use serde_json::{Value, json};
use statistics::{Config, StatisticsPass};

use crate::all_statistics_of;

fn config(options: Value) -> Config {
    serde_json::from_value(options).unwrap()
}

#[test]
fn every_mistake_is_found_before_any_data_is_read() {
    let schema = Schema::new(vec![
        Field::new("fare", DataType::Float64, true),
        Field::new("hour", DataType::Int64, true),
        Field::new("company", DataType::Utf8, true),
    ]);
    let config = config(json!({
        "features": ["fares", "fare"],
        "example_weight": "company",
        "slices": [
            { "features": ["fare", "compny"] },
            { "values": { "hour": "noon" } },
            { "features": ["hour"], "values": { "hour": 3 } },
        ],
        "cross_features": [["fare", "hour"], ["fare", "company"]],
        "lift": [
            { "label": "fare" },
            { "label": "company", "boundaries": [1.0, 1.0], "features": ["fare", "hour"] },
        ],
        "sample_rate": 0.0,
        "num_histogram_buckets": 20_000,
    }));
    let mistakes = config.check(Some(&schema));
    let shown: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let expected = [
        "option `num_histogram_buckets`: found 20000, expected at most 10000",
        "option `sample_rate`: found 0, expected more than 0 and at most 1",
        "option `slices.2.features.0`: feature `hour` appears twice",
        "option `cross_features.0.1`: feature `hour` is not among `features`",
        "option `cross_features.1.1`: feature `company` is not among `features`",
        "option `lift.1.boundaries`: found 1, expected numbers in ascending order",
        "option `features.0`: there is no feature `fares`",
        "option `example_weight`: feature `company` is STRING, expected one INT or FLOAT in each example",
        "option `slices.0.features.0`: feature `fare` is FLOAT, expected INT, STRING, or a list of one of them",
        "option `slices.0.features.1`: there is no feature `compny`",
        "option `slices.1.values.hour`: feature `hour` is INT, expected STRING, or a whole number as the value of an INT",
        "option `lift.0.label`: feature `fare` is FLOAT, expected INT or STRING, or FLOAT with `boundaries`",
        "option `lift.1.label`: feature `company` is STRING, expected INT or FLOAT, to go with `boundaries`",
        "option `lift.1.features.0`: feature `fare` is FLOAT, expected INT, STRING, or a list of one of them",
        "option `cross_features.1.1`: feature `company` is STRING, expected INT or FLOAT, one in each example",
    ];
    assert_eq!(shown, expected);
    assert!(mistakes.iter().all(|mistake| mistake.kind() == ErrorKind::Usage));
    let hints: Vec<String> = mistakes.iter().filter_map(Classify::hint).collect();
    assert_eq!(hints, ["did you mean `fare`?", "did you mean `company`?"]);
    assert_eq!(mistakes[9].option(), Some("slices.0.features.1"));
    // A pass that was made elsewhere is checked, too.
    assert_eq!(StatisticsPass::new(&schema, &config).unwrap_err().to_string(), expected[0]);
}

fn error_of(columns: Vec<(&str, ArrayRef)>, options: Value) -> BoxError {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let pass = StatisticsPass::new(&batch.schema(), &config(options)).unwrap();
    pass.start().unwrap().update(&batch).unwrap_err()
}

#[test]
fn weights_that_are_none_are_refused() {
    let floats =
        |value: Option<f64>| Arc::new(Float64Array::from(vec![Some(1.0), value])) as ArrayRef;
    let lists = |items: Vec<Option<i64>>| {
        let rows = vec![Some(vec![Some(1)]), Some(items)];
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows)) as ArrayRef
    };
    for (weights, found) in [
        (floats(None), "no value in an example"),
        (floats(Some(-1.0)), "-1"),
        (floats(Some(f64::NAN)), "NaN"),
        (floats(Some(f64::INFINITY)), "inf"),
        (lists(vec![]), "0 values in an example"),
        (lists(vec![Some(1), Some(2)]), "2 values in an example"),
        (lists(vec![None]), "0 values in an example"),
    ] {
        let error = error_of(vec![("w", weights)], json!({ "example_weight": "w" }));
        let expected = format!(
            "feature `w`: found {found} as the weight of an example, expected one number from 0 to 2^32"
        );
        assert_eq!((error.to_string(), error.kind()), (expected, ErrorKind::Data));
    }
}

#[test]
fn too_many_slices_are_an_error_and_no_more_than_may_be_are_kept() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20));
    let options = json!({ "slices": [{ "features": ["id"] }], "max_slices": 10 });
    let error = error_of(vec![("id", ArrayRef::clone(&ids))], options.clone());
    let expected = "option `slices`: found more than 10 slices, expected at most `max_slices`";
    assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::Usage));
    // Also where no part has too many.
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let pass = StatisticsPass::new(&batch.schema(), &config(options)).unwrap();
    let part = |start| {
        let mut state = pass.start().unwrap();
        state.update(&batch.slice(start, 8)).unwrap();
        state
    };
    let (mut left, right) = (part(0), part(8));
    assert_eq!(left.merge(right).unwrap_err().to_string(), expected);
}

#[test]
fn keys_that_are_no_text_make_one_slice() {
    let keys: ArrayRef = Arc::new(BinaryArray::from(vec![b"\xff".as_slice(), b"a", b"\xfe", b"a"]));
    let batch = RecordBatch::try_from_iter([("key", keys)]).unwrap();
    let config = config(json!({ "slices": [{ "features": ["key"] }] }));
    let list = all_statistics_of(&batch, 3, 1, &config, None);
    let found: Vec<_> = list.datasets.iter().map(|d| (d.name.as_str(), d.num_examples)).collect();
    assert_eq!(found, [("", 4), ("Invalid Slice", 2), ("key_a", 2)]);
}

#[test]
fn only_the_features_asked_for_are_looked_at() {
    let batch = RecordBatch::try_from_iter([
        ("a", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef),
        ("w", Arc::new(Int64Array::from(vec![3, 4])) as ArrayRef),
    ])
    .unwrap();
    let config = config(json!({
        "features": ["a"], "example_weight": "w", "slices": [{ "values": { "b": "y" } }],
    }));
    let list = all_statistics_of(&batch, 2, 1, &config, None);
    let found: Vec<_> = list
        .datasets
        .iter()
        .map(|d| (d.name.as_str(), d.weighted_num_examples, d.features.len()))
        .collect();
    assert_eq!(found, [("", 7.0, 1), ("b_y", 4.0, 1)]);
}

#[test]
fn options_are_described_for_people() {
    let schema = schemars::schema_for!(Config);
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    assert!(properties.values().all(|property| property.get("description").is_some()));
    assert_eq!(
        properties.len(),
        serde_json::to_value(Config::default()).unwrap().as_object().unwrap().len()
    );
}
