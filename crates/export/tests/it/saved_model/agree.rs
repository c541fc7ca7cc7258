//! What it means that another runtime gives the same.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use graph::Graph;
use serde_json::Value;

use crate::saved_model::tensorflow::cell;

/// Floats may differ by so much of their size, and everything else not at all.
const TOLERANCE: f64 = 1e-5;

/// The least normal 32-bit float: TensorFlow takes what is smaller for 0.
const LEAST: f64 = 1.2e-38;

/// Returns how features that another runtime made differ from ours, if they do.
pub(crate) fn difference(
    graph: &Graph,
    ours: &RecordBatch,
    theirs: &BTreeMap<String, Vec<Value>>,
) -> Option<String> {
    let mut differences = Vec::new();
    for (output, node) in graph.outputs().iter().zip(graph.output_nodes()) {
        let column = ours.column_by_name(&output.name).unwrap();
        let values = &theirs[&output.name];
        let present = theirs.get(&format!("{}.present", output.name));
        assert_eq!(values.len(), ours.num_rows(), "{}", output.name);
        for row in 0..ours.num_rows() {
            let is_present = present.is_none_or(|present| present[row] == Value::Bool(true));
            let expected = cell(column, row);
            let found = if is_present { values[row].clone() } else { Value::Null };
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
            if !is_present {
                let is_empty = match &values[row] {
                    Value::String(text) => text.is_empty(),
                    Value::Number(number) => number.as_f64() == Some(0.0),
                    other => *other == Value::Bool(false),
                };
                assert!(is_empty, "what is missing is empty: {}", values[row]);
            }
        }
    }
    let num_differences = differences.len();
    differences.truncate(12);
    let shown = differences.join("\n");
    (num_differences > 0).then(|| format!("{num_differences} values differ:\n{shown}"))
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
