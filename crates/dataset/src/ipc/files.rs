//! Arrow IPC files as a source: batches in a row are a partition, and so is a whole stream.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow_ipc::MessageHeader;
use base::BoxError;
use dataflow::{BatchIter, Source};

use super::columns::{Dictionaries, read_columns};
use super::messages::{Container, Layout, Messages, RawMessage, kind_of};
use super::{ArrowFileError, ArrowFileProblem};
use crate::common::{CommonSchema, conform, kept, wanted};
use crate::{BATCH_ROWS, DatasetError};

/// Batches are read together up to this many bytes, since each part reads the dictionaries anew.
const PART_BYTES: u64 = 16 << 20;

/// Arrow IPC files (Feather of version 2) or streams with one schema, in the order given.
///
/// Which of the two a file is, and how its columns are packed (LZ4, zstd or not at all), its content tells. A file
/// is cut at the first batch of rows 16 MiB or more after the last cut; a stream is one partition.
#[derive(Clone, Debug)]
pub struct ArrowFiles {
    schema: SchemaRef,
    files: Vec<Container>,
    partitions: Vec<Partition>,
}

#[derive(Clone, Debug)]
struct Partition {
    file: usize,
    /// Where its batches are, in a file; in a stream they are found by reading.
    batches: Vec<u64>,
}

impl ArrowFiles {
    /// Opens the files and reads their schemas.
    ///
    /// All files have the same columns, whatever their order, which is that of the first. Integers and floats go
    /// together as floats; other values of two types do not. What one file declares never to be missing may be
    /// missing in another, and then may be missing in all.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when a file cannot be read, is not Arrow IPC, has columns that are not read here, or has
    /// other columns than the first. Damage of batches is found by reading.
    pub fn open(paths: &[PathBuf]) -> Result<Self, DatasetError> {
        Self::open_columns(paths, None)
    }

    /// Opens the files for some of their columns, in the order given; each may be missing in some files.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`DatasetError::NoSuchColumn`] for a column that all files lack.
    pub fn open_columns(
        paths: &[PathBuf],
        columns: Option<&[String]>,
    ) -> Result<Self, DatasetError> {
        Self::open_cut(paths, columns, PART_BYTES)
    }

    /// As [`open_columns`](Self::open_columns), with parts of another size.
    pub(super) fn open_cut(
        paths: &[PathBuf],
        columns: Option<&[String]>,
        part_bytes: u64,
    ) -> Result<Self, DatasetError> {
        let mut common = CommonSchema::new(columns);
        let mut files = Vec::with_capacity(paths.len());
        let mut partitions = Vec::new();
        for (file, path) in paths.iter().enumerate() {
            let container = Container::open(path)?;
            common.add(path, &container.columns.schema)?;
            match &container.layout {
                Layout::Stream => partitions.push(Partition { file, batches: Vec::new() }),
                Layout::File { batches, .. } => {
                    let mut left = 0;
                    for batch in batches {
                        if left == 0 {
                            partitions.push(Partition { file, batches: Vec::new() });
                            left = part_bytes;
                        }
                        left = left.saturating_sub(batch.num_bytes);
                        if let Some(partition) = partitions.last_mut() {
                            partition.batches.push(batch.offset);
                        }
                    }
                }
            }
            files.push(container);
        }
        Ok(Self { schema: common.finish()?, files, partitions })
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.partitions.iter().map(|partition| partition.file)
    }
}

impl Source for ArrowFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let Partition { file, batches } = &self.partitions[partition];
        let container = &self.files[*file];
        let schema = wanted(&self.schema, columns);
        let kept = kept(&container.columns.schema, &schema);
        let found = container.columns.schema.project(&kept);
        let messages = Messages::open(&container.path, 0, container.num_bytes)?;
        let found = found.map_err(|source| messages.error(0, ArrowFileProblem::Values(source)))?;
        let mut reader = Some(Reader {
            container,
            messages,
            batches: batches.iter(),
            dictionaries: None,
            kept,
            schema: Arc::new(found),
            rest: None,
        });
        Ok(Box::new(std::iter::from_fn(move || {
            let next = reader.as_mut()?.next().transpose();
            if !matches!(next, Some(Ok(_))) {
                reader = None;
            }
            let failed = |source| DatasetError::Arrow { path: container.path.clone(), source };
            next.map(|batch| Ok(conform(batch?, &schema).map_err(failed)?))
        })))
    }
}

/// Reads the batches of one partition.
struct Reader<'a> {
    container: &'a Container,
    messages: Messages<'a>,
    /// Where the batches yet to read are, in a file.
    batches: std::slice::Iter<'a, u64>,
    /// The dictionaries, once the first were read.
    dictionaries: Option<Dictionaries>,
    /// The columns to read.
    kept: Vec<usize>,
    schema: SchemaRef,
    /// Rows that were read and not handed out: foreign batches are as long as they like.
    rest: Option<RecordBatch>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, ArrowFileError> {
        loop {
            if let Some(rest) = self.rest.take() {
                let rows = rest.num_rows().min(BATCH_ROWS);
                if rows < rest.num_rows() {
                    self.rest = Some(rest.slice(rows, rest.num_rows() - rows));
                }
                if rows > 0 {
                    return Ok(Some(rest.slice(0, rows)));
                }
            }
            let Some(message) = self.next_message()? else { return Ok(None) };
            self.rest = self.take_in(&message)?;
        }
    }

    /// Returns the next message: in a file, that of a batch, once the dictionaries are read.
    fn next_message(&mut self) -> Result<Option<RawMessage>, ArrowFileError> {
        let is_first = self.dictionaries.is_none();
        self.dictionaries.get_or_insert_default();
        match &self.container.layout {
            Layout::Stream => {
                if is_first {
                    // The schema.
                    self.messages.next()?;
                }
                self.messages.next()
            }
            Layout::File { dictionaries, .. } => {
                if is_first {
                    for &offset in dictionaries {
                        let message = self.message_at(offset)?;
                        self.take_in_only(&message, MessageHeader::DictionaryBatch)?;
                    }
                }
                let Some(&offset) = self.batches.next() else { return Ok(None) };
                let message = self.message_at(offset)?;
                self.check_kind(&message, MessageHeader::RecordBatch)?;
                Ok(Some(message))
            }
        }
    }

    fn message_at(&mut self, offset: u64) -> Result<RawMessage, ArrowFileError> {
        self.messages.go_to(offset)?;
        let message = self.messages.next()?;
        message.ok_or_else(|| self.messages.error(offset, ArrowFileProblem::FileEnds))
    }

    fn take_in_only(
        &mut self,
        raw: &RawMessage,
        kind: MessageHeader,
    ) -> Result<(), ArrowFileError> {
        self.check_kind(raw, kind)?;
        self.take_in(raw).map(drop)
    }

    fn check_kind(&self, raw: &RawMessage, kind: MessageHeader) -> Result<(), ArrowFileError> {
        let found = self.messages.parse(raw)?.header_type();
        if found == kind {
            return Ok(());
        }
        let (found, expected) = (kind_of(found), kind_of(kind));
        Err(self.messages.error(raw.offset, ArrowFileProblem::Kind { found, expected }))
    }

    /// Takes in a dictionary, or returns the rows of a batch.
    fn take_in(&mut self, raw: &RawMessage) -> Result<Option<RecordBatch>, ArrowFileError> {
        let message = self.messages.parse(raw)?;
        let columns = &self.container.columns;
        let dictionaries = self.dictionaries.get_or_insert_default();
        if let Some(batch) = message.header_as_dictionary_batch() {
            let read = dictionaries.read(batch, &raw.body, columns);
            return match read {
                Ok(()) => Ok(None),
                Err(problem) => Err(self.messages.error(raw.offset, problem)),
            };
        }
        let Some(batch) = message.header_as_record_batch() else {
            let found = kind_of(message.header_type());
            let expected = "a batch of rows or a dictionary";
            let problem = ArrowFileProblem::Kind { found, expected };
            return Err(self.messages.error(raw.offset, problem));
        };
        let read = read_columns(batch, &raw.body, columns, &self.kept, dictionaries);
        let (num_rows, arrays) = read
            .map_err(|(column, problem)| self.messages.column_error(raw.offset, column, problem))?;
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), arrays, &options)
            .map(Some)
            .map_err(|source| self.messages.error(raw.offset, ArrowFileProblem::Values(source)))
    }
}
