//! The features of a pipeline inside another Rust program, here of a row of JSON in each line:
//!
//!     cargo run -p graph --example embed -- .cupola/transform/transform_graph/5 < trips.jsonl
//!
//! A service loads the graph once, at its start; any number of threads apply it.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::util::display::array_value_to_string;
use graph::{Graph, GraphInput, Shape, ValueType};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).ok_or("expected the folder of a graph")?;
    let graph = Graph::load(Path::new(&dir))?;
    if let Some(list) = graph.inputs().iter().find(|input| input.shape != Shape::One) {
        return Err(format!("`{}` is a list, which this example does not read", list.name).into());
    }
    // One schema for all rows: where columns are is looked up for the first.
    let field =
        |input: &GraphInput| Field::new(&input.name, input.value_type.computed_type(), true);
    let schema = Arc::new(Schema::new(graph.inputs().iter().map(field).collect::<Vec<_>>()));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let row: Value = serde_json::from_str(&line?)?;
        let columns = graph.inputs().iter().map(|input| column(input, &row));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let features = graph.apply(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
        for (output, column) in graph.outputs().iter().zip(features.columns()) {
            write!(out, "{}={} ", output.name, array_value_to_string(column, 0)?)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Returns a column of one value; what a row does not have is missing.
fn column(input: &GraphInput, row: &Value) -> Result<ArrayRef, String> {
    let value = row.get(&input.name).filter(|value| !value.is_null());
    let wrong =
        |value: &Value| format!("`{}` is {value}, expected {}", input.name, input.value_type);
    Ok(match input.value_type {
        ValueType::Int => Arc::new(Int64Array::from(vec![
            value.map(|value| value.as_i64().ok_or_else(|| wrong(value))).transpose()?,
        ])),
        ValueType::Float => Arc::new(Float64Array::from(vec![
            value.map(|value| value.as_f64().ok_or_else(|| wrong(value))).transpose()?,
        ])),
        ValueType::String => Arc::new(StringArray::from(vec![
            value.map(|value| value.as_str().ok_or_else(|| wrong(value))).transpose()?,
        ])),
        ValueType::Bool => Arc::new(BooleanArray::from(vec![
            value.map(|value| value.as_bool().ok_or_else(|| wrong(value))).transpose()?,
        ])),
    })
}
