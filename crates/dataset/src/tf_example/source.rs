//! Files of examples as a source.

use std::sync::Arc;

use arrow::array::{FixedSizeBinaryBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};
use formats::example::{canonical_example, canonical_sequence_example};
use sha2::{Digest, Sha256};

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
    /// The features.
    schema: SchemaRef,
    /// The features, and the digests where batches have them.
    full_schema: SchemaRef,
    has_digests: bool,
}

/// A SHA-256.
const DIGEST_BYTES: i32 = 32;

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
        let full_schema = SchemaRef::clone(&schema);
        Ok(Self { files, payload, schema, full_schema, has_digests: false })
    }

    /// Returns the source whose batches have one more column, their last: the SHA-256 of each record's
    /// deterministic serialization, by which TFX tells splits apart.
    #[must_use]
    pub fn with_digests(mut self) -> Self {
        let digest =
            Field::new("SHA-256 of the record", DataType::FixedSizeBinary(DIGEST_BYTES), false);
        let fields = self.schema.fields().iter().cloned().chain([Arc::new(digest)]);
        let fields: Vec<_> = fields.collect();
        self.full_schema =
            Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        self.has_digests = true;
        self
    }

    /// Returns the files.
    pub fn files(&self) -> &TfRecordFiles {
        &self.files
    }
}

impl Source for ExampleFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.full_schema)
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
        // Some of the features, without the digests, are read as if there were none.
        let digests = (self.has_digests && columns.is_none())
            .then(|| Digests { payload: self.payload, builder: new_digests() });
        let full_schema = match &digests {
            Some(_) => SchemaRef::clone(&self.full_schema),
            None => SchemaRef::clone(&schema),
        };
        let decoder = ExampleDecoder::new(self.payload, schema)?;
        let reader = self.files.records(partition)?;
        let mut batches =
            Some(Batches { reader, decoder, places: Vec::new(), digests, full_schema });
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
    digests: Option<Digests>,
    full_schema: SchemaRef,
}

/// The digests of a batch in the making.
struct Digests {
    payload: Payload,
    builder: FixedSizeBinaryBuilder,
}

fn new_digests() -> FixedSizeBinaryBuilder {
    FixedSizeBinaryBuilder::new(DIGEST_BYTES)
}

impl Digests {
    /// Appends the digest of a record.
    fn push(&mut self, record: &[u8]) -> Result<(), ExampleProblem> {
        let canonical = match self.payload {
            Payload::TfExample => canonical_example(record)?,
            Payload::TfSequenceExample => canonical_sequence_example(record)?,
        };
        let digest = Sha256::digest(&canonical);
        self.builder.append_value(digest).expect("a digest has as many bytes as the column");
        Ok(())
    }
}

impl Batches<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, TfExampleError> {
        self.places.clear();
        while self.decoder.num_rows() < BATCH_ROWS && self.decoder.num_bytes() < BATCH_BYTES {
            let Some(record) = self.reader.next_record()? else { break };
            let place = (record.number, record.offset);
            let digested = self.digests.as_mut().map_or(Ok(()), |all| all.push(record.data));
            if let Err(problem) = self.decoder.push(record.data).and(digested) {
                return Err(self.error(place, problem));
            }
            self.places.push(place);
        }
        if self.places.is_empty() {
            return Ok(None);
        }
        let batch = self.decoder.finish().map_err(|error| match error {
            ExampleBatchError::Row { row, problem } => self.error(self.places[row], problem),
            ExampleBatchError::Arrow(source) => TfExampleError::Batch { source },
        })?;
        let Some(digests) = &mut self.digests else { return Ok(Some(batch)) };
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(digests.builder.finish()));
        RecordBatch::try_new(SchemaRef::clone(&self.full_schema), columns)
            .map(Some)
            .map_err(|source| TfExampleError::Batch { source })
    }

    fn error(&self, (number, offset): (u64, u64), problem: ExampleProblem) -> TfExampleError {
        TfExampleError::Record { path: self.reader.path().to_path_buf(), number, offset, problem }
    }
}
