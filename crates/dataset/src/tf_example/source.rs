//! Files of examples as a source.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};

use super::{ExampleBatchError, ExampleDecoder, ExampleProblem, Payload, TfExampleError};
use crate::tfrecord::{BATCH_BYTES, BATCH_ROWS};
use crate::{PartitionReader, TfRecordFiles};

/// TFRecord files of examples with one schema, in the order given.
///
/// Partitions are those of the files. Only the features that are asked for are read.
#[derive(Clone, Debug)]
pub struct ExampleFiles {
    files: TfRecordFiles,
    payload: Payload,
    schema: SchemaRef,
}

impl ExampleFiles {
    /// Returns a source over files whose examples have columns of `schema`, found by
    /// [`discover_schema`](super::discover_schema) or given.
    ///
    /// # Errors
    ///
    /// As [`ExampleDecoder::new`].
    pub fn new(
        files: TfRecordFiles,
        payload: Payload,
        schema: SchemaRef,
    ) -> Result<Self, TfExampleError> {
        ExampleDecoder::new(payload, SchemaRef::clone(&schema))?;
        Ok(Self { files, payload, schema })
    }

    /// Returns the files.
    pub fn files(&self) -> &TfRecordFiles {
        &self.files
    }
}

impl Source for ExampleFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.files.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let schema = match columns {
            None => SchemaRef::clone(&self.schema),
            Some(names) => {
                let fields = self.schema.fields().iter();
                let fields: Vec<_> =
                    fields.filter(|field| names.contains(field.name())).cloned().collect();
                Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()))
            }
        };
        let decoder = ExampleDecoder::new(self.payload, schema)?;
        let reader = self.files.records(partition)?;
        let mut batches = Some(Batches { reader, decoder, places: Vec::new() });
        Ok(Box::new(std::iter::from_fn(move || {
            let next = batches.as_mut()?.next().transpose();
            if !matches!(next, Some(Ok(_))) {
                batches = None;
            }
            next.map(|batch| batch.map_err(BoxError::from))
        })))
    }
}

/// The batches of one partition.
struct Batches<'a> {
    reader: PartitionReader<'a>,
    decoder: ExampleDecoder,
    /// Number and offset of the record in each row.
    places: Vec<(u64, u64)>,
}

impl Batches<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, TfExampleError> {
        self.places.clear();
        while self.decoder.num_rows() < BATCH_ROWS && self.decoder.num_bytes() < BATCH_BYTES {
            let Some(record) = self.reader.next_record()? else { break };
            let place = (record.number, record.offset);
            if let Err(problem) = self.decoder.push(record.data) {
                return Err(self.error(place, problem));
            }
            self.places.push(place);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        self.decoder.finish().map(Some).map_err(|error| match error {
            ExampleBatchError::Row { row, problem } => self.error(self.places[row], problem),
            ExampleBatchError::Arrow(source) => TfExampleError::Batch { source },
        })
    }

    fn error(&self, (number, offset): (u64, u64), problem: ExampleProblem) -> TfExampleError {
        TfExampleError::Record { path: self.reader.path().to_path_buf(), number, offset, problem }
    }
}
