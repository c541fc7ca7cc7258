//! Files of comma-separated text as a source: one piece is one partition.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};
use serde::{Deserialize, Serialize};

use super::columns::{Columns, data_type, fits};
use super::layout::scan;
use super::{CsvError, CsvOrder, CsvRow, CsvRows, RowError, RowReason};
use crate::difference::ColumnDifference;
use crate::pieces::{Cutting, Pieces};
use crate::{BATCH_ROWS, FeatureType, Piece};

/// How much of a value a message shows.
const SHOWN_CHARS: usize = 60;

/// What stands between cells where it is no comma.
const OTHER_DELIMITERS: [char; 3] = ['|', '\t', ';'];

/// How the cells of text are told apart, and what their columns are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// What stands between two cells: an ASCII character that is neither a quote nor an end of line.
    pub delimiter: u8,
    /// The names of the columns where files have no header.
    pub columns: Option<Vec<String>>,
    /// The names of the columns to read, in this order; each may be missing in some files. Without it, all are read,
    /// and all files have the same.
    pub features: Option<Vec<String>>,
}

impl Default for CsvFormat {
    /// A comma, and a header.
    fn default() -> Self {
        Self { delimiter: b',', columns: None, features: None }
    }
}

/// Files of comma-separated text with the same columns, in the order given.
///
/// A piece of a plain file is a partition, and so is a whole compressed one. Every column is text until
/// [`with_features`](Self::with_features) says otherwise.
#[derive(Clone, Debug)]
pub struct CsvFiles {
    paths: Vec<PathBuf>,
    columns: Vec<String>,
    /// Where each file has the columns, if not as they come.
    orders: Vec<Option<CsvOrder>>,
    format: CsvFormat,
    pieces: Pieces,
    schema: SchemaRef,
    /// The column and the type of every feature.
    features: Vec<(usize, Option<FeatureType>)>,
    skips_misfits: bool,
    /// Whether cells of wider types are misfits even where they can be read.
    is_exact: bool,
}

impl CsvFiles {
    /// Opens the files and finds where they can be cut.
    ///
    /// # Errors
    ///
    /// [`CsvError`] when a file cannot be read or decompressed, is empty, is not text, has a header that is not a
    /// list of different names or not those of the first file, or has a quote that is never closed.
    pub fn open(paths: &[PathBuf]) -> Result<Self, CsvError> {
        Self::open_cut(paths, CsvFormat::default(), Cutting::default())
    }

    /// Opens the files, but only about the first `limit_bytes` of their rows; every header is read.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), for what was looked at.
    pub fn open_part(paths: &[PathBuf], limit_bytes: u64) -> Result<Self, CsvError> {
        Self::open_with(paths, CsvFormat::default(), limit_bytes)
    }

    /// Opens files of a format, or about the first `limit_bytes` of their rows.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), for what was looked at. A file without a header may be empty.
    pub fn open_with(
        paths: &[PathBuf],
        format: CsvFormat,
        limit_bytes: u64,
    ) -> Result<Self, CsvError> {
        Self::open_cut(paths, format, Cutting { limit_bytes, ..Cutting::default() })
    }

    pub(crate) fn open_cut(
        paths: &[PathBuf],
        format: CsvFormat,
        cutting: Cutting,
    ) -> Result<Self, CsvError> {
        let mut columns = format.features.clone().unwrap_or_default();
        let (mut orders, mut first_header) = (Vec::with_capacity(paths.len()), Vec::new());
        let mut pieces = Pieces::new(cutting);
        for (file, path) in paths.iter().enumerate() {
            let layout = scan(path, &format, pieces.cutting())?;
            if format.features.is_none() && file == 0 {
                columns.clone_from(&layout.header);
            }
            let order = CsvOrder::between(&layout.header, &columns);
            if format.features.is_none()
                && order.is_some()
                && let Some(difference) =
                    ColumnDifference::between(texts(&layout.header), texts(&columns))
            {
                let (path, first) = (path.clone(), paths[0].clone());
                let line = layout.header_line;
                return Err(CsvError::HeaderMismatch { path, line, first, difference });
            }
            orders.push(order);
            if file == 0 {
                first_header = layout.header;
            }
            pieces.add(file, layout.cut);
        }
        let is_nowhere = |column: &usize| {
            let mut orders = orders.iter();
            orders.all(|order| order.as_ref().is_some_and(|it| it.cells[*column].is_none()))
        };
        if let (Some(path), Some(column)) = (paths.first(), (0..columns.len()).find(is_nowhere)) {
            let (path, column) = (path.clone(), columns[column].clone());
            return Err(CsvError::MissingColumn { path, column, found: first_header });
        }
        let features: Vec<_> =
            (0..columns.len()).map(|column| (column, Some(FeatureType::Bytes))).collect();
        let schema = schema(&columns, &features);
        let paths = paths.to_vec();
        let (skips_misfits, is_exact) = (false, false);
        Ok(Self {
            paths,
            columns,
            orders,
            format,
            pieces,
            schema,
            features,
            skips_misfits,
            is_exact,
        })
    }

    /// Returns the source of these features alone, in the order given, each of the type given.
    ///
    /// INT becomes `Int64`, FLOAT `Float32`, BYTES `Utf8`, and a feature without a type, which must not have
    /// any values, `Null`. Other columns are not read.
    ///
    /// # Errors
    ///
    /// [`CsvError::MissingColumn`] for a feature that is no column, [`CsvError::NestedFeature`] for a STRUCT.
    pub fn with_features(
        mut self,
        features: &[(String, Option<FeatureType>)],
    ) -> Result<Self, CsvError> {
        self.features.clear();
        for (name, feature_type) in features {
            if *feature_type == Some(FeatureType::Struct) {
                return Err(CsvError::NestedFeature { feature: name.clone() });
            }
            let Some(column) = self.columns.iter().position(|column| column == name) else {
                return Err(CsvError::MissingColumn {
                    path: self.paths.first().cloned().unwrap_or_default(),
                    column: name.clone(),
                    found: self.columns.clone(),
                });
            };
            self.features.push((column, *feature_type));
        }
        self.schema = schema(&self.columns, &self.features);
        Ok(self)
    }

    /// Returns the source that leaves rows out that do not fit, instead of ending at the first of them.
    #[must_use]
    pub fn skip_misfits(mut self) -> Self {
        self.skips_misfits = true;
        self
    }

    /// Returns the source in which a cell is a misfit if it is of a wider type than its feature ([`cell_type`]), even
    /// where it can be read as the feature's: an integer beyond 64 bits as a FLOAT.
    ///
    /// So if all rows fit types that some of their cells have, these are the types of all cells.
    ///
    /// [`cell_type`]: super::cell_type
    #[must_use]
    pub fn reject_wider_cells(mut self) -> Self {
        self.is_exact = true;
        self
    }

    /// Returns the files, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the format.
    pub fn format(&self) -> &CsvFormat {
        &self.format
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns what seems to stand between the cells of a header that is one cell as it was read: the semicolon, tabulator
    /// or bar that is in it most often. Nothing where names were given.
    pub fn likely_delimiter(&self) -> Option<char> {
        let [header] = self.columns.as_slice() else { return None };
        if self.format.columns.is_some() || self.format.features.is_some() {
            return None;
        }
        let counts = OTHER_DELIMITERS.map(|other| (header.matches(other).count(), other));
        let most = counts.into_iter().max_by_key(|(count, _)| *count);
        most.filter(|(count, _)| *count > 0).map(|(_, other)| other)
    }

    /// Returns where each file has the columns, if not as they come.
    pub fn orders(&self) -> &[Option<CsvOrder>] {
        &self.orders
    }

    /// Returns the pieces of each partition, all of one file.
    pub fn pieces(&self) -> impl Iterator<Item = &[Piece]> {
        self.pieces.iter()
    }

    /// Returns whether the pieces are all there is.
    pub fn is_complete(&self) -> bool {
        self.pieces.is_complete()
    }

    /// Opens the rows of a partition, with all their cells.
    ///
    /// # Errors
    ///
    /// As [`CsvRows::open`].
    pub fn rows(&self, partition: usize) -> Result<CsvRows<'_>, CsvError> {
        let (file, pieces) = self.pieces.partition(partition);
        let order = self.orders[file].as_ref();
        CsvRows::open(&self.paths[file], &self.format, &self.columns, order, pieces)
    }

    /// Returns what in a row does not fit its features: a row with any such cell is a misfit.
    pub fn misfits(&self, row: &CsvRow<'_>) -> Vec<RowError> {
        let cells = self.features.iter().map(|&(column, kind)| (column, kind, row.cell(column)));
        cells
            .filter(|&(_, kind, cell)| !fits(kind, cell, self.is_exact))
            .map(|(column, _, cell)| row.error(self.bad_cell(column, cell)))
            .collect()
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.pieces.file_of_partition()
    }
}

fn texts(names: &[String]) -> impl Iterator<Item = &str> + Clone {
    names.iter().map(String::as_str)
}

fn schema(columns: &[String], features: &[(usize, Option<FeatureType>)]) -> SchemaRef {
    let fields = features
        .iter()
        .map(|&(column, feature_type)| Field::new(&columns[column], data_type(feature_type), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl Source for CsvFiles {
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
        let rows = self.rows(partition)?;
        let wanted: Vec<_> = self
            .features
            .iter()
            .copied()
            .filter(|(column, _)| {
                columns.is_none_or(|names| names.contains(&self.columns[*column]))
            })
            .collect();
        let schema = schema(&self.columns, &wanted);
        Ok(Box::new(CsvBatches {
            rows: Some(rows),
            batch: Columns::new(schema, wanted.into_iter(), self.is_exact),
            files: self,
        }))
    }
}

/// The batches of one partition.
struct CsvBatches<'a> {
    files: &'a CsvFiles,
    /// `None` once they are at their end.
    rows: Option<CsvRows<'a>>,
    batch: Columns,
}

impl CsvBatches<'_> {
    fn fill(&mut self) -> Result<(), CsvError> {
        while self.batch.num_rows() < BATCH_ROWS {
            let Some(rows) = &mut self.rows else { return Ok(()) };
            let row = match rows.next_row() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    self.rows = None;
                    return Ok(());
                }
                Err(error) => {
                    self.rows = None;
                    return Err(error);
                }
            };
            let error = match row {
                Err(error) => error,
                Ok(row) => match self.batch.push(&row) {
                    Ok(()) => continue,
                    Err(column) => row.error(self.files.bad_cell(column, row.cell(column))),
                },
            };
            if !self.files.skips_misfits {
                self.rows = None;
                return Err(CsvError::Row(Box::new(error)));
            }
        }
        Ok(())
    }
}

impl CsvFiles {
    fn bad_cell(&self, column: usize, cell: &[u8]) -> RowReason {
        let text = String::from_utf8_lossy(cell);
        let mut value: String = text.chars().take(SHOWN_CHARS).collect();
        if value.len() < text.len() {
            value.push('…');
        }
        let feature = self.features.iter().find(|(of, _)| *of == column);
        let expected = feature.and_then(|(_, feature_type)| *feature_type);
        RowReason::BadCell { column: self.columns[column].clone(), value, expected }
    }
}

impl Iterator for CsvBatches<'_> {
    type Item = Result<RecordBatch, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rows.as_ref()?;
            if let Err(error) = self.fill() {
                return Some(Err(error.into()));
            }
            // All rows of a batch may have been left out.
            let batch = self.batch.finish();
            if batch.num_rows() > 0 {
                return Some(Ok(batch));
            }
        }
    }
}

#[cfg(test)]
mod tests;
