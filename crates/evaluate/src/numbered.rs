//! Examples with their places in the data, from which the replicates of confidence intervals are drawn.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};

use crate::EvaluateError;

/// So many partitions are read as one: states with replicates are large, and every one has to be merged.
const GROUP: usize = 8;

/// Binary digits of the row within a partition.
const ROW_BITS: u32 = 40;

/// A source with a column that says where each example is: its partition, and its row there.
pub struct Numbered<'a> {
    source: &'a dyn Source,
    column: String,
    schema: SchemaRef,
    offset: u64,
}

impl<'a> Numbered<'a> {
    /// Returns the examples of `source`, with their places in `column`, which it does not have itself.
    ///
    /// `offset` is how many partitions were read before, of other sources of the same evaluation.
    pub fn new(source: &'a dyn Source, column: &str, offset: usize) -> Self {
        let schema = source.schema();
        let mut fields: Vec<_> = schema.fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(Field::new(column, DataType::UInt64, false)));
        let schema = Arc::new(Schema::new(fields));
        Self { source, column: column.to_owned(), schema, offset: offset as u64 }
    }
}

impl Source for Numbered<'_> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.source.num_partitions().div_ceil(GROUP)
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let is_wanted = columns.is_none_or(|columns| columns.contains(&self.column));
        let others: Option<Vec<String>> = columns
            .map(|columns| columns.iter().filter(|name| **name != self.column).cloned().collect());
        let first = partition * GROUP;
        let end = (first + GROUP).min(self.source.num_partitions());
        let batches = (first..end).flat_map(move |partition| {
            let mut next = (self.offset + partition as u64) << ROW_BITS;
            let number = move |batch: Result<RecordBatch, BoxError>| {
                let batch = batch?;
                let start = next;
                next += batch.num_rows() as u64;
                if is_wanted { self.number(&batch, start..next) } else { Ok(batch) }
            };
            match self.source.read(partition, others.as_deref()) {
                Ok(batches) => Box::new(batches.map(number)) as BatchIter<'_>,
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        });
        Ok(Box::new(batches))
    }
}

impl Numbered<'_> {
    fn number(
        &self,
        batch: &RecordBatch,
        positions: std::ops::Range<u64>,
    ) -> Result<RecordBatch, BoxError> {
        let mut fields: Vec<_> = batch.schema().fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(Field::new(&self.column, DataType::UInt64, false)));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from_iter_values(positions)) as ArrayRef);
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::new(Schema::new(fields));
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|source| EvaluateError::Numbered { source }.into())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::UInt64Type;
    use dataflow::Batches;

    use super::*;

    #[test]
    fn a_place_is_the_partition_and_the_row() {
        let batch = |rows: u64| {
            let values: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows));
            RecordBatch::try_from_iter([("x", values)]).unwrap()
        };
        let batches: Vec<_> = (0..10).map(|_| batch(2)).collect();
        let source = Batches::new(batch(0).schema(), batches);
        let numbered = Numbered::new(&source, "place", 3);
        assert_eq!(numbered.num_partitions(), 2);
        let places = |partition: usize, columns: Option<&[String]>| -> Vec<u64> {
            let batches = numbered.read(partition, columns).unwrap();
            batches
                .flat_map(|batch| {
                    let batch = batch.unwrap();
                    let column = batch.column_by_name("place").unwrap();
                    column.as_primitive::<UInt64Type>().values().to_vec()
                })
                .collect()
        };
        let expected: Vec<u64> =
            (3..11u64).flat_map(|partition| [partition << 40, (partition << 40) + 1]).collect();
        assert_eq!(places(0, None), expected);
        assert_eq!(
            places(1, Some(&["place".to_owned()])),
            [11 << 40, (11 << 40) + 1, 12 << 40, (12 << 40) + 1]
        );
    }
}
