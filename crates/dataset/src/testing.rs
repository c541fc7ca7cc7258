//! Rows of all kinds for the tests of several formats.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use base::BoxError;
use dataflow::Source;
use proptest::prelude::*;

use crate::BATCH_ROWS;

/// A row: numbers, text, bytes, a list, a struct with a list of texts in it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    boolean: Option<bool>,
    int: i32,
    long: Option<i64>,
    float: Option<f32>,
    double: f64,
    text: Option<String>,
    bytes: Vec<u8>,
    list: Option<Vec<Option<i64>>>,
    inner: Option<(Option<f64>, Vec<String>)>,
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    let text = prop_oneof!["[a-zé]{0,5}", "\\PC{0,20}"];
    let scalars = (any::<Option<bool>>(), any::<i32>(), any::<Option<i64>>());
    let floats = (any::<Option<f32>>(), any::<f64>());
    let bytes = (prop::option::of(text), prop::collection::vec(any::<u8>(), 0..20));
    let list = prop::option::of(prop::collection::vec(any::<Option<i64>>(), 0..5));
    let inner = (any::<Option<f64>>(), prop::collection::vec("[a-z]{0,3}", 0..3));
    (scalars, floats, bytes, list, prop::option::of(inner)).prop_map(
        |((boolean, int, long), (float, double), (text, bytes), list, inner)| Row {
            boolean,
            int,
            long,
            float,
            double,
            text,
            bytes,
            list,
            inner,
        },
    )
}

fn inner_fields() -> Fields {
    let texts = DataType::new_list(DataType::Utf8, false);
    Fields::from(vec![
        Field::new("number", DataType::Float64, true),
        Field::new("texts", texts, false),
    ])
}

pub(crate) fn schema() -> Schema {
    let list = DataType::new_list(DataType::Int64, true);
    Schema::new(vec![
        Field::new("boolean", DataType::Boolean, true),
        Field::new("int", DataType::Int32, false),
        Field::new("long", DataType::Int64, true),
        Field::new("float", DataType::Float32, true),
        Field::new("double", DataType::Float64, false),
        Field::new("text", DataType::Utf8, true),
        Field::new("bytes", DataType::Binary, false),
        Field::new("list", list, true),
        Field::new("inner", DataType::Struct(inner_fields()), true),
    ])
}

pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let booleans: BooleanArray = rows.iter().map(|row| row.boolean).collect();
    let ints: Int32Array = rows.iter().map(|row| Some(row.int)).collect();
    let longs: Int64Array = rows.iter().map(|row| row.long).collect();
    let floats: Float32Array = rows.iter().map(|row| row.float).collect();
    let doubles: Float64Array = rows.iter().map(|row| Some(row.double)).collect();
    let texts: StringArray = rows.iter().map(|row| row.text.as_deref()).collect();
    let bytes: BinaryArray = rows.iter().map(|row| Some(&row.bytes)).collect();
    let lists = rows.iter().map(|row| row.list.clone());
    let lists = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>(lists);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(booleans),
        Arc::new(ints),
        Arc::new(longs),
        Arc::new(floats),
        Arc::new(doubles),
        Arc::new(texts),
        Arc::new(bytes),
        Arc::new(lists),
        Arc::new(inner(rows)),
    ];
    RecordBatch::try_new(Arc::new(schema()), columns).unwrap()
}

fn inner(rows: &[Row]) -> StructArray {
    let numbers = rows.iter().map(|row| row.inner.as_ref().and_then(|inner| inner.0));
    let numbers: Float64Array = numbers.collect();
    let texts = |row: &Row| row.inner.as_ref().map_or(Vec::new(), |inner| inner.1.clone());
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| texts(row).len()));
    let values: StringArray = rows.iter().flat_map(texts).map(Some).collect();
    let item = Arc::new(Field::new_list_field(DataType::Utf8, false));
    let texts = ListArray::new(item, offsets, Arc::new(values), None);
    let nulls = NullBuffer::from_iter(rows.iter().map(|row| row.inner.is_some()));
    let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(texts)];
    StructArray::new(inner_fields(), columns, Some(nulls))
}

/// Reads all partitions, or the given columns of them.
pub(crate) fn read_all(
    source: &dyn Source,
    columns: Option<&[String]>,
) -> Result<RecordBatch, BoxError> {
    let mut batches = Vec::new();
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, columns)? {
            batches.push(batch?);
        }
    }
    assert!(batches.iter().all(|batch| batch.num_rows() <= BATCH_ROWS));
    let schema = batches.first().map_or_else(|| source.schema(), |batch| batch.schema());
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// Changes some bytes, or cuts off the end.
pub(crate) fn damage(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        if bytes.is_empty() {
            return;
        }
        let at = change.at.index(bytes.len());
        match change.kind {
            0 => bytes.truncate(at),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, change.value),
            _ => bytes[at] = change.value,
        }
    }
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    at: prop::sample::Index,
    kind: u8,
    value: u8,
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let value = prop_oneof![any::<u8>(), Just(0), Just(1), Just(0x7f), Just(0x80), Just(0xff)];
    let change = (any::<prop::sample::Index>(), 0u8..12, value);
    let change = change.prop_map(|(at, kind, value)| Change { at, kind, value });
    prop::collection::vec(change, 1..5)
}

/// Writes files into a folder of their own.
pub(crate) fn write_files(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, bytes)| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    });
    let paths = paths.collect();
    (dir, paths)
}
