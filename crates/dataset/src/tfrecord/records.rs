//! Raw records as batches, for passes that look into them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, LargeBinaryArray, LargeBinaryBuilder,
    RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};

use super::{PartitionReader, TfRecordFiles};

/// Rows per batch handed to accumulators and stages: large enough to vectorize, small enough for the cache.
pub(crate) const BATCH_ROWS: usize = 8192;

/// A batch ends early at this many bytes of records.
pub(crate) const BATCH_BYTES: usize = 32 << 20;

const PATH: &str = "path";
const NUMBER: &str = "number";
const OFFSET: &str = "offset";
const RECORD: &str = "record";

/// The columns of a batch of raw records.
#[derive(Clone, Copy)]
pub(crate) struct RecordColumns<'a> {
    paths: &'a StringArray,
    pub(crate) numbers: &'a UInt64Array,
    pub(crate) offsets: &'a UInt64Array,
    pub(crate) records: &'a LargeBinaryArray,
}

impl<'a> RecordColumns<'a> {
    /// Returns the columns, or `None` where the batch is not one of raw records.
    pub(crate) fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = |name| batch.column_by_name(name).map(|column| column.as_any());
        let paths: &DictionaryArray<Int32Type> = column(PATH)?.downcast_ref()?;
        Some(Self {
            paths: paths.values().as_any().downcast_ref()?,
            numbers: column(NUMBER)?.downcast_ref()?,
            offsets: column(OFFSET)?.downcast_ref()?,
            records: column(RECORD)?.downcast_ref()?,
        })
    }

    /// Returns the file that the batch is from.
    pub(crate) fn path(&self) -> &'a str {
        if self.paths.is_empty() { "" } else { self.paths.value(0) }
    }
}

/// Raw records: `path` (of the file), `number` (of the record, from 1), `offset` (in the file, decompressed),
/// `record` (its bytes).
impl Source for TfRecordFiles {
    fn schema(&self) -> SchemaRef {
        let path = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Arc::new(Schema::new(vec![
            Field::new(PATH, path, false),
            Field::new(NUMBER, DataType::UInt64, false),
            Field::new(OFFSET, DataType::UInt64, false),
            Field::new(RECORD, DataType::LargeBinary, false),
        ]))
    }

    fn num_partitions(&self) -> usize {
        Self::num_partitions(self)
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let schema = Source::schema(self);
        let keep: Vec<usize> = (0..schema.fields().len())
            .filter(|&i| columns.is_none_or(|names| names.contains(schema.field(i).name())))
            .collect();
        let mut reader = self.records(partition)?;
        let mut next = move || -> Result<Option<RecordBatch>, BoxError> {
            let batch = read_batch(&mut reader, &schema)?;
            Ok(batch.map(|batch| batch.project(&keep).expect("the indices are the schema's")))
        };
        Ok(Box::new(std::iter::from_fn(move || next().transpose())))
    }
}

fn read_batch(
    reader: &mut PartitionReader<'_>,
    schema: &SchemaRef,
) -> Result<Option<RecordBatch>, BoxError> {
    let (mut numbers, mut offsets) = (Vec::new(), Vec::new());
    let mut records = LargeBinaryBuilder::new();
    let mut num_bytes = 0;
    while numbers.len() < BATCH_ROWS && num_bytes < BATCH_BYTES {
        let Some(record) = reader.next_record()? else { break };
        numbers.push(record.number);
        offsets.push(record.offset);
        records.append_value(record.data);
        num_bytes += record.data.len();
    }
    if numbers.is_empty() {
        return Ok(None);
    }
    let path = reader.path().to_string_lossy();
    let keys = Int32Array::from(vec![0; numbers.len()]);
    let paths = DictionaryArray::new(keys, Arc::new(StringArray::from(vec![path.as_ref()])));
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(paths),
        Arc::new(UInt64Array::from(numbers)),
        Arc::new(UInt64Array::from(offsets)),
        Arc::new(records.finish()),
    ];
    let batch = RecordBatch::try_new(SchemaRef::clone(schema), arrays);
    Ok(Some(batch.expect("the arrays are of the schema and equally long")))
}
