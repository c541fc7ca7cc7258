//! Expressions from text to transformed examples, over real sources and engines.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod analyzers;
mod example;
mod golden;
mod keyed;
mod lists;
mod mappers;
mod properties;
mod shards;
mod tft;
mod tokens;
mod vectors;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use dataflow::Batches;
use engine::LocalEngine;
use graph::Graph;
use transform::{ApplyGraph, Config, InputFeature, InputKind, TransformError};

/// Returns an engine with some threads.
fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(threads.try_into().unwrap(), Arc::default())
}

/// Returns a configuration of helpers and features.
fn config(helpers: &[(&str, &str)], features: &[(&str, &str)]) -> Config {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    Config { features: owned(features), helpers: owned(helpers), ..Config::default() }
}

/// Returns the columns of a batch as inputs, of the types that they have there.
fn inputs(batch: &RecordBatch) -> Vec<InputFeature> {
    let schema = batch.schema();
    let input = |field: &Arc<Field>| InputFeature {
        name: field.name().clone(),
        feature_type: match value_type(field.data_type()) {
            found if found.is_integer() => Some(InputKind::Int),
            found if found.is_floating() => Some(InputKind::Float),
            DataType::Utf8 => Some(InputKind::String),
            _ => None,
        },
        shape: match field.data_type() {
            DataType::List(_) => graph::Shape::List,
            _ => graph::Shape::One,
        },
        note: None,
    };
    schema.fields().iter().map(input).collect()
}

/// Returns the type of a column's values, of lists that of their values.
fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(item) => item.data_type(),
        other => other,
    }
}

/// Cuts a batch into partitions of these many rows each, the rest being the last one.
fn partitions(batch: &RecordBatch, lengths: &[usize]) -> Batches {
    let mut rest = batch.clone();
    let mut parts = Vec::new();
    for &length in lengths {
        let length = length.min(rest.num_rows());
        parts.push(rest.slice(0, length));
        rest = rest.slice(length, rest.num_rows() - length);
    }
    parts.push(rest);
    Batches::new(batch.schema(), parts)
}

/// Learns features from a batch.
fn learn(config: &Config, batch: &RecordBatch) -> Result<Graph, TransformError> {
    transform::analyze(config, &inputs(batch), &partitions(batch, &[]), &engine(1))
}

/// Makes features of a batch, through an engine.
fn apply(graph: &Graph, batch: &RecordBatch) -> RecordBatch {
    let stage = ApplyGraph::new(graph.clone());
    let mut mapped = Vec::new();
    dataflow::map(&engine(2), &partitions(batch, &[7, 11]), &stage, &mut |batch| {
        mapped.push(batch);
        Ok(())
    })
    .unwrap();
    concat_batches(&stage.schema(), &mapped).unwrap()
}

/// Learns one expression from columns and shows its values for them, or why there are none.
fn values(expression: &str, columns: Vec<(&str, ArrayRef)>) -> String {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    match learn(&config(&[], &[("feature", expression)]), &batch) {
        Ok(graph) => show(apply(&graph, &batch).column(0)),
        Err(error) => format!("error: {error}"),
    }
}

/// Shows the values of a column, missing ones as `-`.
fn show(column: &ArrayRef) -> String {
    let options = arrow::util::display::FormatOptions::default().with_null("-");
    let formatter = arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
    let shown: Vec<_> = (0..column.len()).map(|row| formatter.value(row).to_string()).collect();
    shown.join(" ")
}
