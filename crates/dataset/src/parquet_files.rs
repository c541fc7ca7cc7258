//! Parquet files as a source: one row group is one partition.

mod footer;

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::{BoxError, IoError};
use dataflow::{BatchIter, Source};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

pub use self::footer::ParquetFault;
use self::footer::{guarded, read_footer};
use crate::common::{CommonSchema, conform, kept, wanted};
use crate::{BATCH_ROWS, DatasetError};

/// Parquet files with one schema, in the order given.
#[derive(Clone, Debug)]
pub struct ParquetFiles {
    schema: SchemaRef,
    files: Vec<(PathBuf, ArrowReaderMetadata)>,
    /// File, row group and the number of rows before it, of every partition.
    partitions: Vec<(usize, usize, u64)>,
    num_rows: u64,
}

impl ParquetFiles {
    /// Opens the files and reads their footers.
    ///
    /// All files have the same columns, whatever their order, which is that of the first. Integers and floats go
    /// together as floats; other values of two types do not. What one file declares never to be missing may be
    /// missing in another, and then may be missing in all.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when a file cannot be read, is not Parquet, or has other columns than the first.
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
        let mut schema = CommonSchema::new(columns);
        let mut files = Vec::with_capacity(paths.len());
        let mut partitions = Vec::new();
        let mut num_rows = 0;
        for path in paths {
            let metadata = read_footer(path)?;
            schema.add(path, metadata.schema())?;
            let mut before: u64 = 0;
            for (index, group) in metadata.metadata().row_groups().iter().enumerate() {
                partitions.push((files.len(), index, before));
                before = before.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
            }
            num_rows = before.saturating_add(num_rows);
            files.push((path.clone(), metadata));
        }
        Ok(Self { schema: schema.finish()?, files, partitions, num_rows })
    }

    /// Returns the number of rows in all files.
    pub fn num_rows(&self) -> u64 {
        self.num_rows
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.partitions.iter().map(|(file, ..)| *file)
    }

    /// Returns the files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }
}

impl Source for ParquetFiles {
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
        let (file, group, before) = self.partitions[partition];
        let (path, metadata) = &self.files[file];
        let handle = File::open(path).map_err(IoError::at("read", path))?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(BATCH_ROWS);
        let schema = wanted(&self.schema, columns);
        let keep = kept(metadata.schema(), &schema);
        if keep.len() < metadata.schema().fields().len() {
            let mask = ProjectionMask::roots(metadata.parquet_schema(), keep);
            builder = builder.with_projection(mask);
        }
        let parquet = |source| DatasetError::Parquet { path: path.clone(), source };
        let reader = Some(guarded(|| builder.build()).map_err(parquet)?);
        Ok(Box::new(Batches { path, schema, reader, row: before.saturating_add(1) }))
    }
}

/// The batches of one row group.
struct Batches<'a> {
    path: &'a Path,
    schema: SchemaRef,
    /// `None` once something could not be read.
    reader: Option<ParquetRecordBatchReader>,
    /// The number of the next row, from 1.
    row: u64,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let path = self.path.to_path_buf();
        let batch = match guarded(|| reader.next().transpose()) {
            Ok(batch) => batch?,
            Err(source) => {
                self.reader = None;
                return Some(Err(DatasetError::Decode { path, row: self.row, source }.into()));
            }
        };
        self.row = self.row.saturating_add(batch.num_rows() as u64);
        let arrow = |source| DatasetError::Arrow { path, source }.into();
        Some(conform(batch, &self.schema).map_err(arrow))
    }
}

#[cfg(test)]
mod tests;
