//! `docs/expressions.md`: what the table of functions says, what each example comes to, and where it can be exported.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use dataflow::Batches;
use engine::LocalEngine;
use export::{ExportError, Support};
use graph::{Graph, Op, Shape, ValueType};
use transform::{Config, InputFeature, InputKind, Shown};

#[test]
fn the_page_about_expressions_is_fresh() {
    let rows = rows();
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/expressions.md"));
    let expected = transform::reference(&table(&rows), &|example| show(example, &rows));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "docs/expressions.md is stale: run `UPDATE=1 cargo test -p export`");
}

/// Some trips, with what is missing in them.
fn rows() -> RecordBatch {
    let floats =
        |values: [Option<f64>; 4]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let texts =
        |values: [Option<&str>; 4]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    RecordBatch::try_from_iter([
        ("fare", floats([Some(12.25), Some(5.5), None, Some(31.0)])),
        ("tips", floats([Some(3.0), Some(0.0), Some(1.0), Some(6.5)])),
        ("trip_miles", floats([Some(2.5), Some(0.0), Some(1.25), Some(17.0)])),
        ("pickup_latitude", floats([Some(41.88), Some(41.92), None, Some(41.98)])),
        ("pickup_longitude", floats([Some(-87.63), Some(-87.65), None, Some(-87.91)])),
        ("dropoff_latitude", floats([Some(41.9), Some(41.88), Some(41.94), None])),
        ("trip_start_hour", Arc::new(Int64Array::from(vec![8, 17, 0, 23]))),
        ("company", texts([Some("Blue Cab"), Some("Taxi Älpha Cab"), None, Some("")])),
        ("payment_type", texts([Some("Cash"), Some("Credit Card"), Some("Cash"), None])),
    ])
    .unwrap()
}

/// Shows the rows as a table.
fn table(rows: &RecordBatch) -> String {
    let schema = rows.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect();
    let mut lines =
        vec![format!("| {} |", names.join(" | ")), format!("|{}", " --- |".repeat(names.len()))];
    for row in 0..rows.num_rows() {
        let cells: Vec<_> = rows.columns().iter().map(|column| cell(column, row)).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    lines.push(String::new());
    lines.push("`-` is missing. Analyzers learn from these four rows.".to_owned());
    lines.join("\n")
}

/// Shows a value, text in quotes and what is missing as `-`.
fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    let all = |list: &ArrayRef| {
        let cells: Vec<_> = (0..list.len()).map(|place| cell(list, place)).collect();
        format!("[{}]", cells.join(", "))
    };
    match column.data_type() {
        DataType::List(_) => return all(&column.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => return all(&column.as_fixed_size_list().value(row)),
        _ => {}
    }
    let text = ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap();
    let text = text.value(row).to_string();
    if column.data_type() == &DataType::Utf8 { format!("'{text}'") } else { text }
}

fn show(example: &str, rows: &RecordBatch) -> Shown {
    let graph = learn(example, rows);
    let features = graph.apply(rows).unwrap();
    let values: Vec<_> = (0..rows.num_rows()).map(|row| cell(features.column(0), row)).collect();
    let conditions = |support: &dyn Fn(&Op, &[ValueType]) -> Support| conditions(&graph, support);
    let onnx = conditions(&export::onnx_support);
    let onnx = target("ONNX", export::onnx(&graph, None).map(|_| onnx));
    let saved_model = conditions(&export::saved_model_support);
    let saved_model = target("SavedModel", export::check_saved_model(&graph).map(|()| saved_model));
    Shown { output: values.join("  "), exports: format!("{onnx} {saved_model}") }
}

/// Returns on what conditions a runtime can express the operations of a graph.
fn conditions(graph: &Graph, support: &dyn Fn(&Op, &[ValueType]) -> Support) -> Vec<&'static str> {
    let type_of = |id: &graph::NodeId| graph.nodes()[id.index()].value_type;
    let mut conditions: Vec<_> = graph
        .nodes()
        .iter()
        .filter_map(|node| {
            let types: Vec<_> = node.operands.iter().map(type_of).collect();
            match support(&node.op, &types) {
                Support::Partial(condition) => Some(condition),
                _ => None,
            }
        })
        .collect();
    conditions.dedup();
    conditions
}

fn target(name: &str, exported: Result<Vec<&str>, ExportError>) -> String {
    match exported {
        Ok(conditions) if conditions.is_empty() => format!("{name}: yes."),
        Ok(conditions) => format!("{name}: yes ({}).", conditions.join("; ")),
        Err(ExportError::Unsupported { reason, .. }) => format!("{name}: no ({reason})."),
        Err(error) => panic!("{error}"),
    }
}

/// Learns one feature from the rows.
fn learn(example: &str, rows: &RecordBatch) -> Graph {
    let config = Config {
        features: [("example".to_owned(), example.to_owned())].into(),
        base_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../tokenizer/testdata").into(),
        ..Config::default()
    };
    let inputs: Vec<_> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| InputFeature {
            name: field.name().clone(),
            feature_type: Some(match field.data_type() {
                DataType::Int64 => InputKind::Int,
                DataType::Float64 => InputKind::Float,
                _ => InputKind::String,
            }),
            shape: Shape::One,
            note: None,
        })
        .collect();
    let source = Batches::new(rows.schema(), vec![rows.clone()]);
    let engine = LocalEngine::with_all_cores(Arc::default());
    transform::analyze(&config, &inputs, &source, &engine)
        .unwrap_or_else(|error| panic!("{example}: {error}"))
}
