//! Against what tf.Transform makes of the same columns: `testdata/tft/make.py` made the answers.
//!
//! Ids are compared for equality; floats to 1e-5, as tf.Transform computes in 32 bits, and what follows from its search
//! for the parameters of Tukey's distribution, which stops at 1e-6 of its error, to 1e-3.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use serde_json::Value;

use crate::{apply, config, learn};

fn column(values: &[Value]) -> ArrayRef {
    match &values[0] {
        Value::String(_) => {
            Arc::new(StringArray::from_iter(values.iter().map(|value| value.as_str())))
        }
        Value::Number(number) if number.is_i64() => {
            Arc::new(Int64Array::from_iter(values.iter().map(Value::as_i64)))
        }
        #[expect(clippy::cast_possible_truncation, reason = "they were 32-bit floats")]
        _ => Arc::new(Float32Array::from_iter(
            values.iter().map(|value| value.as_f64().map(|value| value as f32)),
        )),
    }
}

#[test]
fn analyzers_answer_as_those_of_tf_transform() {
    let text = std::fs::read_to_string("testdata/tft/answers.json").unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let columns = golden["columns"].as_object().unwrap();
    let columns =
        columns.iter().map(|(name, values)| (name.as_str(), column(values.as_array().unwrap())));
    let raw = RecordBatch::try_from_iter(columns).unwrap();
    let mut wrong = String::new();
    let answers = golden["answers"].as_object().unwrap();
    for (expression, expected) in answers {
        let expected: Vec<f64> =
            expected.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        let features = match learn(&config(&[], &[("feature", expression)]), &raw) {
            Ok(graph) => apply(&graph, &raw),
            Err(error) => panic!("{expression}: {error}"),
        };
        let found = cast(features.column(0), &DataType::Float64).unwrap();
        let found = found.as_primitive::<Float64Type>().values();
        let is_id = expression.starts_with("vocabulary") || expression.starts_with("bucketize(");
        let tolerance = match expression {
            _ if is_id => 0.0,
            _ if expression.contains("tukey") || expression.contains("gaussian") => 1e-3,
            _ => 1e-5,
        };
        let differ: Vec<_> = expected
            .iter()
            .zip(found)
            .enumerate()
            .filter(|(_, (expected, found))| {
                (*expected - *found).abs() > tolerance * expected.abs().max(1.0)
            })
            .collect();
        if let Some((row, (expected, found))) = differ.first() {
            let _ = writeln!(
                wrong,
                "{expression}: {} rows, first {row}: expected {expected}, found {found}",
                differ.len()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(answers.len() > 30);
}
