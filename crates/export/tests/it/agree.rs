//! What it means that another runtime gives the same.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use graph::{Graph, Shape};
use serde_json::Value;

use crate::tensorflow::cell;

/// Floats may differ by so much of their size, and everything else not at all.
const TOLERANCE: f64 = 1e-5;

/// The least normal 32-bit float: TensorFlow takes what is smaller for 0.
const LEAST: f64 = 1.2e-38;

/// Returns how features that another runtime made differ from ours, if they do.
pub(crate) fn difference(
    graph: &Graph,
    ours: &RecordBatch,
    theirs: &BTreeMap<String, Vec<Vec<Value>>>,
) -> Option<String> {
    let mut differences = Vec::new();
    for (output, node) in graph.outputs().iter().zip(graph.output_nodes()) {
        let column = ours.column_by_name(&output.name).unwrap();
        assert_eq!(theirs[&output.name].len(), ours.num_rows(), "{}", output.name);
        for row in 0..ours.num_rows() {
            let expected = cell(column, row);
            let found = feature(&output.name, output.shape, theirs, row);
            if !is_same(&expected, &found) {
                let node = &graph.nodes()[node.index()];
                let operand = |id: &graph::NodeId| {
                    let place = graph.output_nodes().iter().position(|other| other == id);
                    let place = place.map(|place| cell(ours.column(place), row));
                    format!(
                        "{:?} = {}",
                        graph.nodes()[id.index()].op,
                        short(&place.unwrap_or_default())
                    )
                };
                let operands: Vec<_> = node.operands.iter().map(operand).collect();
                differences.push(format!(
                    "row {row}, `{}`, {:?} of {operands:?}: expected {}, found {}",
                    output.name,
                    node.op,
                    short(&expected),
                    short(&found)
                ));
            }
        }
    }
    let num_differences = differences.len();
    differences.truncate(12);
    let shown = differences.join("\n");
    (num_differences > 0).then(|| format!("{num_differences} values differ:\n{shown}"))
}

/// Returns a row of a feature out of the tensors that tell of it: missing is `null`.
fn feature(
    name: &str,
    shape: Shape,
    tensors: &BTreeMap<String, Vec<Vec<Value>>>,
    row: usize,
) -> Value {
    let beside = |what: &str| tensors.get(&format!("{name}.{what}")).map(|tensor| &tensor[row]);
    let is_true = |value: Option<&Value>| value.is_none_or(|value| *value == Value::Bool(true));
    let values = &tensors[name][row];
    let is_there = is_true(beside("present").map(|mask| &mask[0]));
    let length = match shape {
        _ if !is_there => 0,
        Shape::List => usize::try_from(beside("length").unwrap()[0].as_u64().unwrap()).unwrap(),
        _ => values.len(),
    };
    assert!(values[length..].iter().all(is_nothing), "what is not there is empty: {values:?}");
    let mask = beside("value.present");
    let value = |place: usize| {
        let value = &values[place];
        if is_true(mask.map(|mask| &mask[place])) {
            return value.clone();
        }
        assert!(is_nothing(value), "what is missing is empty: {value}");
        Value::Null
    };
    match shape {
        _ if !is_there => Value::Null,
        Shape::One => value(0),
        _ => (0..length).map(value).collect(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        other => *other == Value::Bool(false),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(100).collect()
}

/// Returns whether two values are the same, floats nearly.
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= (TOLERANCE * a.abs().max(b.abs())).max(LEAST)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

/// Applies a graph to all rows at once and to each alone, and returns the result, which has to be one.
pub(crate) fn apply(graph: &Graph, rows: &RecordBatch) -> RecordBatch {
    let at_once = graph.apply(rows).unwrap();
    for row in 0..rows.num_rows() {
        let alone = graph.apply(&rows.slice(row, 1)).unwrap();
        for (all, one) in at_once.columns().iter().zip(alone.columns()) {
            assert_eq!(cell(all, row), cell(one as &dyn Array, 0));
        }
    }
    at_once
}
