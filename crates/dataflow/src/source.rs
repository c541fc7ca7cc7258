//! Partitioned streams of record batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::BoxError;

/// The batches of one partition, in order.
pub type BatchIter<'a> = Box<dyn Iterator<Item = Result<RecordBatch, BoxError>> + Send + 'a>;

/// Something that can be read partition by partition, in any order and from any thread.
///
/// Partitions depend on the data alone: the same data has the same partitions on every machine.
pub trait Source: Sync {
    /// Returns the schema of every batch, all columns.
    fn schema(&self) -> SchemaRef;

    /// Returns how many partitions there are.
    fn num_partitions(&self) -> usize;

    /// Opens one partition. With `columns`, batches hold just those columns, in the schema's order.
    ///
    /// # Errors
    ///
    /// The reader's own error when the partition cannot be opened.
    fn read(&self, partition: usize, columns: Option<&[String]>)
    -> Result<BatchIter<'_>, BoxError>;
}

/// Batches in memory, one partition each.
#[derive(Clone, Debug)]
pub struct Batches {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Batches {
    /// Returns a source over batches that all have `schema`.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

impl Source for Batches {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.batches.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let batch = &self.batches[partition];
        let batch = match columns {
            None => batch.clone(),
            Some(names) => {
                let keep: Vec<usize> = (0..self.schema.fields().len())
                    .filter(|&i| names.contains(self.schema.field(i).name()))
                    .collect();
                batch.project(&keep).expect("the indices come from the batch's own schema")
            }
        };
        Ok(Box::new(std::iter::once(Ok(batch))))
    }
}
