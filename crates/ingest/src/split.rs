//! Assigns rows to splits and writes each split's shards.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use arrow::error::ArrowError;
use base::{BoxError, Classify, ErrorKind};
use dataflow::{Engine, Source, Stage, map};
use dataset::{Dataset, ShardWriter};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::IngestError;
use crate::key::row_keys;

/// The stem of the shards' names.
const STEM: &str = "data";

/// Sorts the rows of each batch by split, keeping their order within one, and adds the split's number as the last
/// column.
///
/// # Source
///
/// TFX's splits: a hash of the row modulo the sum of all shares is a bucket, and each split owns as many buckets
/// as its share, in the order of the splits. TFX's hash is another one, of another serialization.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AssignSplits {
    /// The first bucket that is not the split's any more, for each split.
    ends: Vec<u64>,
}

/// A batch that could not be split; features of such a type were refused before.
#[derive(Debug, thiserror::Error)]
#[error("cannot split a batch")]
struct SplitError(#[from] ArrowError);

impl Classify for SplitError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Bug
    }
}

impl AssignSplits {
    fn new(shares: impl Iterator<Item = NonZeroU32>) -> Self {
        let mut sum = 0;
        let ends = shares.map(|share| {
            sum += u64::from(share.get());
            sum
        });
        Self { ends: ends.collect() }
    }

    fn split_of(&self, key: u64) -> usize {
        let Some(sum) = self.ends.last() else { return 0 };
        let bucket = key % sum;
        self.ends.partition_point(|end| *end <= bucket)
    }

    fn assign(&self, batch: &RecordBatch) -> Result<RecordBatch, SplitError> {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.ends.len()];
        for (row, key) in (0..).zip(row_keys(batch)?) {
            rows[self.split_of(key)].push(row);
        }
        let splits =
            (0..).zip(&rows).flat_map(|(split, rows)| std::iter::repeat_n(split, rows.len()));
        let splits: ArrayRef = Arc::new(UInt32Array::from_iter_values(splits));
        let sorted = take_record_batch(batch, &UInt32Array::from(rows.concat()))?;
        let mut columns = sorted.columns().to_vec();
        columns.push(splits);
        Ok(RecordBatch::try_new(with_split(batch.schema_ref()), columns)?)
    }
}

fn with_split(schema: &SchemaRef) -> SchemaRef {
    let split = Arc::new(Field::new("split", DataType::UInt32, false));
    let fields = schema.fields().iter().cloned().chain([split]);
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

impl Stage for AssignSplits {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(self.assign(batch)?)
    }
}

/// Writes the rows of a source into the shards of their splits, and returns the splits with their number of rows.
///
/// Every split is written, with one shard where it has no rows.
pub(crate) fn write_splits(
    source: &dyn Source,
    splits: &IndexMap<String, NonZeroU32>,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Vec<(String, u64)>, IngestError> {
    let schema = source.schema();
    let mut writers = Vec::with_capacity(splits.len());
    for name in splits.keys() {
        let dir = Dataset::split_dir(out_dir, name);
        let writer = ShardWriter::create(&dir, STEM, SchemaRef::clone(&schema))?;
        writers.push((name.clone(), writer, 0u64));
    }
    let stage = AssignSplits::new(splits.values().copied());
    map(engine, source, &stage, &mut |batch| {
        let (split_column, columns) =
            batch.columns().split_last().expect("the stage adds a column");
        let of_row = split_column.as_primitive::<UInt32Type>().values();
        let rows = RecordBatch::try_new(SchemaRef::clone(&schema), columns.to_vec())
            .map_err(SplitError)?;
        let mut start = 0;
        for (split, (_, writer, num_rows)) in (0..).zip(&mut writers) {
            let end = start + of_row[start..].partition_point(|of| *of == split);
            if start < end {
                writer.write(&rows.slice(start, end - start))?;
                *num_rows += (end - start) as u64;
            }
            start = end;
        }
        Ok(())
    })?;
    writers
        .into_iter()
        .map(|(name, writer, num_rows)| {
            writer.close()?;
            Ok((name, num_rows))
        })
        .collect()
}

#[cfg(test)]
mod tests;
