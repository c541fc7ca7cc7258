//! Files of JSON Lines as a source.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};
use serde_json::Value;

use super::builder::Column;
use super::layout::scan;
use super::{JsonError, JsonRow, JsonRows};
use crate::common::wanted;
use crate::pieces::{Cutting, Pieces};
use crate::{BATCH_ROWS, Piece, RowError, RowReason};

/// A batch ends early at this many bytes of text.
const BATCH_BYTES: u64 = 32 << 20;

/// Files of JSON Lines, in the order given, with a schema that says which features are read and as what.
#[derive(Clone, Debug)]
pub struct JsonFiles {
    paths: Vec<PathBuf>,
    pieces: Pieces,
    schema: SchemaRef,
    skips_misfits: bool,
}

impl JsonFiles {
    /// Opens the files, or about their first `limit_bytes`, and finds where they can be cut. No feature is read
    /// until [`with_schema`](Self::with_schema) names it.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when a file cannot be read or decompressed, is not text, or has a line that never ends.
    pub fn open(paths: &[PathBuf], limit_bytes: u64) -> Result<Self, JsonError> {
        Self::open_cut(paths, Cutting { limit_bytes, ..Cutting::default() })
    }

    pub(super) fn open_cut(paths: &[PathBuf], cutting: Cutting) -> Result<Self, JsonError> {
        let mut pieces = Pieces::new(cutting);
        for (file, path) in paths.iter().enumerate() {
            let cut = scan(path, pieces.cutting())?;
            pieces.add(file, cut);
        }
        Ok(Self {
            paths: paths.to_vec(),
            pieces,
            schema: Arc::new(Schema::empty()),
            skips_misfits: false,
        })
    }

    /// Returns the source of these features: `Boolean`, `Int64`, `Float32`, `Utf8`, `Null` (never a value), and lists
    /// and structs of these. Other fields are not read.
    ///
    /// # Errors
    ///
    /// [`JsonError::UnsupportedType`] for any other type.
    pub fn with_schema(mut self, schema: SchemaRef) -> Result<Self, JsonError> {
        for field in schema.fields() {
            if Column::new(field.data_type()).is_none() {
                let (feature, data_type) = (field.name().clone(), field.data_type().clone());
                return Err(JsonError::UnsupportedType { feature, data_type });
            }
        }
        self.schema = schema;
        Ok(self)
    }

    /// Returns the source that leaves rows out that do not fit, instead of ending at the first of them.
    #[must_use]
    pub fn skip_misfits(mut self) -> Self {
        self.skips_misfits = true;
        self
    }

    /// Returns the files, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the pieces of each partition, all of one file.
    pub fn pieces(&self) -> impl Iterator<Item = &[Piece]> {
        self.pieces.iter()
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.pieces.file_of_partition()
    }

    /// Returns whether the pieces are all there is.
    pub fn is_complete(&self) -> bool {
        self.pieces.is_complete()
    }

    /// Opens the rows of a partition, with all their fields.
    ///
    /// # Errors
    ///
    /// As [`JsonRows::open`].
    pub fn rows(&self, partition: usize) -> Result<JsonRows<'_>, JsonError> {
        let (file, pieces) = self.pieces.partition(partition);
        JsonRows::open(&self.paths[file], pieces)
    }
}

impl Source for JsonFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.pieces.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let schema = wanted(&self.schema, columns);
        let columns = schema.fields().iter().filter_map(|field| Column::new(field.data_type()));
        let columns = columns.collect();
        let (file, _) = self.pieces.partition(partition);
        let mut batches = Batches {
            rows: Some(self.rows(partition)?),
            path: &self.paths[file],
            schema,
            columns,
            skips_misfits: self.skips_misfits,
        };
        Ok(Box::new(std::iter::from_fn(move || {
            let next = batches.next().transpose();
            if !matches!(next, Some(Ok(_))) {
                batches.rows = None;
            }
            next.map(|batch| batch.map_err(BoxError::from))
        })))
    }
}

/// The batches of one partition.
struct Batches<'a> {
    /// `None` once they are at their end.
    rows: Option<JsonRows<'a>>,
    path: &'a PathBuf,
    schema: SchemaRef,
    columns: Vec<Column>,
    skips_misfits: bool,
}

impl Batches<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>, JsonError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let (mut num_rows, mut num_bytes) = (0, 0);
        while num_rows < BATCH_ROWS && num_bytes < BATCH_BYTES {
            let Some(row) = rows.next_row()? else { break };
            let error = match row {
                Err(error) => error,
                Ok(row) => match misfit(&row, &self.schema, &self.columns) {
                    None => {
                        for (field, column) in self.schema.fields().iter().zip(&mut self.columns) {
                            column.push(row.object.get(field.name()).unwrap_or(&Value::Null));
                        }
                        num_rows += 1;
                        num_bytes += row.length;
                        continue;
                    }
                    Some(reason) => {
                        let JsonRow { line, offset, length, .. } = row;
                        RowError { path: self.path.clone(), line, offset, length, reason }
                    }
                },
            };
            if !self.skips_misfits {
                return Err(JsonError::Row(Box::new(error)));
            }
        }
        if num_rows == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
        let batch =
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), arrays, &options);
        Ok(Some(batch.expect("the columns were made after the schema")))
    }
}

/// Returns why a row does not fit the columns, if it does not.
fn misfit(row: &JsonRow, schema: &Schema, columns: &[Column]) -> Option<RowReason> {
    schema.fields().iter().zip(columns).find_map(|(field, column)| {
        let misfit = column.check(row.object.get(field.name())?).err()?;
        Some(RowReason::BadValue {
            column: format!("{}{}", field.name(), misfit.path),
            found: misfit.found.to_owned(),
            expected: misfit.expected.to_owned(),
        })
    })
}
