//! Assigns rows to splits and writes each split's shards.

mod keys;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use base::BoxError;
use dataflow::{BatchIter, Engine, Source, Stage, map};
use dataset::{DatasetError, DatasetWriter, Storage};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub(crate) use self::keys::{Keys, SplitError, check_partition_feature};
use crate::IngestError;

/// Sorts the rows of each batch by split, keeping their order within one, and adds the split's number as the last
/// column.
///
/// # Source
///
/// TFX's splits: a hash of the row modulo the sum of all shares is a bucket, and each split owns as many buckets
/// as its share, in the order of the splits.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AssignSplits {
    /// The first bucket that is not the split's any more, for each split.
    ends: Vec<u64>,
    keys: Keys,
}

impl AssignSplits {
    fn new(shares: impl Iterator<Item = NonZeroU32>, keys: Keys) -> Self {
        let mut sum = 0;
        let ends = shares.map(|share| {
            sum += u64::from(share.get());
            sum
        });
        Self { ends: ends.collect(), keys }
    }

    fn split_of(&self, bucket: u64) -> usize {
        self.ends.partition_point(|end| *end <= bucket)
    }

    fn assign(&self, batch: &RecordBatch) -> Result<RecordBatch, SplitError> {
        let num_buckets = self.ends.last().copied().unwrap_or(1);
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); self.ends.len()];
        for (row, bucket) in (0..).zip(self.keys.buckets(batch, num_buckets)?) {
            rows[self.split_of(bucket)].push(row);
        }
        let splits =
            (0..).zip(&rows).flat_map(|(split, rows)| std::iter::repeat_n(split, rows.len()));
        let splits: ArrayRef = Arc::new(UInt32Array::from_iter_values(splits));
        let batch = self.keys.features(batch)?;
        let sorted = take_record_batch(&batch, &UInt32Array::from(rows.concat()))?;
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

/// What was written.
pub(crate) struct Written {
    /// The splits, in order, with their numbers of rows.
    pub(crate) splits: Vec<(String, u64)>,
    /// How many rows have a value of each column.
    pub(crate) num_values: Vec<u64>,
}

/// Where the splits are written, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out<'o> {
    pub(crate) dir: &'o Path,
    pub(crate) storage: Storage,
}

/// Writes the rows of a source into the shards of the splits that their keys give them to.
///
/// Every split is written, with one shard where it has no rows.
pub(crate) fn write_by_hash(
    source: &dyn Source,
    splits: &IndexMap<String, NonZeroU32>,
    keys: Keys,
    out: &Out<'_>,
    engine: &dyn Engine,
) -> Result<Written, IngestError> {
    let schema = keys.features_of(&source.schema());
    let mut writer = Writer::create(splits.keys(), &schema, out)?;
    let stage = AssignSplits::new(splits.values().copied(), keys);
    map(engine, source, &stage, &mut |batch| {
        let (split_column, columns) =
            batch.columns().split_last().expect("the stage adds a column");
        let of_row = split_column.as_primitive::<UInt32Type>().values();
        let rows = RecordBatch::try_new(SchemaRef::clone(&schema), columns.to_vec())
            .map_err(SplitError::from)?;
        let mut start = 0;
        for (split, of) in (0..splits.len()).zip(0..) {
            let end = start + of_row[start..].partition_point(|row| *row == of);
            writer.write(split, &rows.slice(start, end - start))?;
            start = end;
        }
        Ok(())
    })?;
    writer.close()
}

/// Writes the rows of a source into the shards of the splits that their partitions belong to.
///
/// Every split is written, with one shard where it has no rows.
pub(crate) fn write_by_file(
    source: &dyn Source,
    names: &[String],
    split_of_partition: &[usize],
    out: &Out<'_>,
    engine: &dyn Engine,
) -> Result<Written, IngestError> {
    let mut writer = Writer::create(names.iter(), &source.schema(), out)?;
    for split in 0..names.len() {
        let partitions = split_of_partition.iter().enumerate();
        let partitions = partitions.filter(|(_, of)| **of == split).map(|(index, _)| index);
        let part = Part { source, partitions: partitions.collect() };
        map(engine, &part, &AsItIs, &mut |batch| Ok(writer.write(split, &batch)?))?;
    }
    writer.close()
}

/// Some partitions of a source.
struct Part<'s> {
    source: &'s dyn Source,
    partitions: Vec<usize>,
}

impl Source for Part<'_> {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.source.read(self.partitions[partition], columns)
    }
}

/// Leaves batches as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AsItIs;

impl Stage for AsItIs {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(batch.clone())
    }
}

/// The writer of all splits, which counts values.
struct Writer {
    splits: DatasetWriter,
    num_values: Vec<u64>,
}

impl Writer {
    fn create<'n>(
        names: impl Iterator<Item = &'n String>,
        schema: &SchemaRef,
        out: &Out<'_>,
    ) -> Result<Self, IngestError> {
        let splits = DatasetWriter::create(out.dir, names, schema, out.storage)?;
        Ok(Self { splits, num_values: vec![0; schema.fields().len()] })
    }

    fn write(&mut self, split: usize, rows: &RecordBatch) -> Result<(), DatasetError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        for (count, column) in self.num_values.iter_mut().zip(rows.columns()) {
            *count += (column.len() - column.logical_null_count()) as u64;
        }
        self.splits.write(split, rows)
    }

    fn close(self) -> Result<Written, IngestError> {
        Ok(Written { splits: self.splits.close()?, num_values: self.num_values })
    }
}

#[cfg(test)]
mod tests;
