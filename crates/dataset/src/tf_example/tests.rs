mod discovery;
mod golden;
mod history;
mod kinds;
mod round_trip;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::Source;
use engine::LocalEngine;
use formats::example::{
    put_bytes, put_example, put_floats, put_ints, put_named, put_sequence_example, put_step,
};
use formats::tfrecord::{Compression, RecordWriter};

use super::*;
use crate::TfRecordFiles;

/// A feature to be written.
#[derive(Clone, Debug)]
enum Value {
    NoKind,
    Bytes(Vec<Vec<u8>>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

fn text(value: &str) -> Value {
    Value::Bytes(vec![value.as_bytes().to_vec()])
}

fn feature(value: &Value) -> Vec<u8> {
    let mut feature = Vec::new();
    match value {
        Value::NoKind => {}
        Value::Bytes(values) => put_bytes(&mut feature, values.iter().map(Vec::as_slice)),
        Value::Floats(values) => put_floats(&mut feature, values),
        Value::Ints(values) => put_ints(&mut feature, values),
    }
    feature
}

fn features(named: &[(&str, Value)]) -> Vec<u8> {
    let mut features = Vec::new();
    named.iter().for_each(|(name, value)| put_named(&mut features, name, &feature(value)));
    features
}

fn example(named: &[(&str, Value)]) -> Vec<u8> {
    let mut record = Vec::new();
    put_example(&mut record, &features(named));
    record
}

fn sequence(context: &[(&str, Value)], lists: &[(&str, Vec<Value>)]) -> Vec<u8> {
    let (mut named, mut record) = (Vec::new(), Vec::new());
    for (name, steps) in lists {
        let mut list = Vec::new();
        steps.iter().for_each(|step| put_step(&mut list, &feature(step)));
        put_named(&mut named, name, &list);
    }
    put_sequence_example(&mut record, &features(context), &named);
    record
}

fn list(data_type: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(data_type, true)))
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn write_file(path: &Path, records: &[Vec<u8>]) -> PathBuf {
    let mut writer = RecordWriter::new(Compression::None.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).unwrap());
    std::fs::write(path, writer.into_inner().finish().unwrap()).unwrap();
    path.to_path_buf()
}

fn engine() -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(2).unwrap(), Arc::new(AtomicBool::new(false)))
}

/// Discovers the schema of some records in two files.
fn discover(payload: Payload, records: &[Vec<u8>]) -> Result<SchemaRef, BoxError> {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = records.split_at(records.len() / 2);
    let paths = [
        write_file(&dir.path().join("first"), first),
        write_file(&dir.path().join("second"), second),
    ];
    discover_schema(&engine(), &TfRecordFiles::open(&paths)?, payload)
}

fn decode(
    payload: Payload,
    schema: &SchemaRef,
    records: &[Vec<u8>],
) -> Result<RecordBatch, BoxError> {
    let mut decoder = ExampleDecoder::new(payload, SchemaRef::clone(schema))?;
    for (row, record) in records.iter().enumerate() {
        decoder.push(record).map_err(|problem| ExampleBatchError::Row { row, problem })?;
    }
    Ok(decoder.finish()?)
}

fn encode(payload: Payload, batch: &RecordBatch) -> Result<Vec<Vec<u8>>, TfExampleError> {
    let encoder = ExampleEncoder::new(payload, MissingFeature::Omitted, batch.schema_ref())?;
    let mut records = Vec::new();
    encoder.encode(batch, |record| {
        records.push(record.to_vec());
        Ok::<_, TfExampleError>(())
    })?;
    Ok(records)
}

fn read_all(source: &dyn Source) -> Result<Vec<RecordBatch>, BoxError> {
    let mut batches = Vec::new();
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None)? {
            batches.push(batch?);
        }
    }
    Ok(batches)
}
