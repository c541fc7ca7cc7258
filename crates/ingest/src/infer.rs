//! The pass that infers the types of comma-separated text and finds the rows that cannot be read.
//!
//! Its source are the pieces of the files, not their rows: a batch says where rows of one file are, and the state
//! reads them. So cells are looked at where they lie and never become columns of text first.

mod column;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use base::BoxError;
use dataflow::{Accumulator, Batches, Engine, EngineError, Pass, fold};
use dataset::{CsvFiles, CsvFormat, CsvOrder, CsvRows, FeatureType, Piece, RowError, RowReason};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::column::{Column, TextCell};
use crate::{IngestError, TurnedText, state};

/// What a pass over comma-separated text found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inferred {
    /// The type of every column, by the header's order; `None` where there are no values.
    pub(crate) types: Vec<Option<FeatureType>>,
    /// The cell of every column that made text of numbers; `None` where there is none.
    pub(crate) turned_text: Vec<Option<TurnedText>>,
    /// How many rows there are, those that cannot be read included.
    pub(crate) num_rows: u64,
    /// How many rows cannot be read.
    pub(crate) num_rejected: u64,
    /// The first of them, no more than were asked for.
    pub(crate) rejected: Vec<RowError>,
}

/// Reads every row once; keeps the places of the first `max_kept` that cannot be read.
pub(crate) fn infer(
    files: &CsvFiles,
    max_kept: u64,
    engine: &dyn Engine,
) -> Result<Inferred, IngestError> {
    let pass = InferTypes(Arc::new(Description {
        paths: files.paths().to_vec(),
        format: files.format().clone(),
        columns: files.columns().to_vec(),
        orders: files.orders().to_vec(),
        max_kept: usize::try_from(max_kept).unwrap_or(usize::MAX),
    }));
    let state = fold(engine, &places(files.pieces()), &pass)?;
    state.finish().map_err(|error| EngineError::Work(error).into())
}

const PLACE: [&str; 4] = ["file", "offset", "length", "line"];

/// Returns a source with a row for each piece; what is a partition of the files is one of the places too.
pub(crate) fn places<'p>(partitions: impl Iterator<Item = &'p [Piece]>) -> Batches {
    let fields: Vec<_> =
        PLACE.iter().map(|name| Field::new(*name, DataType::UInt64, false)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batches = partitions.map(|pieces| {
        let column = |value: fn(&Piece) -> u64| -> ArrayRef {
            Arc::new(UInt64Array::from_iter_values(pieces.iter().map(value)))
        };
        let columns = vec![
            column(|piece| piece.file as u64),
            column(|piece| piece.offset),
            column(|piece| piece.length),
            column(|piece| piece.line),
        ];
        RecordBatch::try_new(Arc::clone(&schema), columns)
            .expect("the columns are those of the schema")
    });
    let batches = batches.collect();
    Batches::new(schema, batches)
}

/// The pass; every state shares its description.
#[derive(Clone, Debug)]
struct InferTypes(Arc<Description>);

#[derive(Debug, Serialize, Deserialize)]
struct Description {
    paths: Vec<PathBuf>,
    format: CsvFormat,
    columns: Vec<String>,
    /// Where each file has the columns, if not as they come.
    orders: Vec<Option<CsvOrder>>,
    /// How many places of rows that cannot be read a state keeps.
    max_kept: usize,
}

impl Serialize for InferTypes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InferTypes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Description::deserialize(deserializer).map(|description| Self(Arc::new(description)))
    }
}

impl Pass for InferTypes {
    type State = TypesState;

    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn start(&self) -> Result<TypesState, BoxError> {
        Ok(TypesState {
            pass: self.clone(),
            columns: vec![Column::default(); self.0.columns.len()],
            num_rows: 0,
            num_rejected: 0,
            rejected: Vec::new(),
        })
    }
}

/// The types seen so far.
#[derive(Serialize, Deserialize)]
struct TypesState {
    pass: InferTypes,
    columns: Vec<Column>,
    num_rows: u64,
    num_rejected: u64,
    rejected: Vec<Rejected>,
}

/// A row that cannot be read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Rejected {
    file: usize,
    line: u64,
    offset: u64,
    length: u64,
    reason: RowReason,
}

impl Rejected {
    /// Returns a row of a file, by its number, as it is kept.
    pub(crate) fn of(file: usize, error: RowError) -> Self {
        let RowError { line, offset, length, reason, .. } = error;
        Self { file, line, offset, length, reason }
    }

    /// Returns the error, with the name of the file.
    pub(crate) fn into_error(self, paths: &[PathBuf]) -> RowError {
        let Self { file, line, offset, length, reason } = self;
        RowError { path: paths[file].clone(), line, offset, length, reason }
    }
}

/// Returns the pieces that a batch of [`places`] tells of, all of one file.
pub(crate) fn pieces_of(batch: &RecordBatch) -> Vec<Piece> {
    let value = |row: usize, column: usize| -> u64 {
        batch.column(column).as_primitive::<UInt64Type>().value(row)
    };
    let pieces = (0..batch.num_rows()).map(|row| {
        let file = usize::try_from(value(row, 0)).unwrap_or(usize::MAX);
        let (offset, length, line) = (value(row, 1), value(row, 2), value(row, 3));
        Piece { file, offset, length, line }
    });
    pieces.collect()
}

/// The version of the state's bytes, their first.
const VERSION: u8 = 3;

impl TypesState {
    /// Reads pieces of one file.
    fn read(&mut self, pieces: Vec<Piece>) -> Result<(), BoxError> {
        let Description { paths, format, columns, orders, max_kept } = &*self.pass.0;
        let Some(file) = pieces.first().map(|piece| piece.file) else { return Ok(()) };
        let (Some(path), Some(order)) = (paths.get(file), orders.get(file)) else {
            return Err(IngestError::BadState { reason: "a piece of another source" }.into());
        };
        let mut rows = CsvRows::open(path, format, columns, order.as_ref(), pieces)?;
        while let Some(row) = rows.next_row()? {
            self.num_rows += 1;
            match row {
                Ok(row) => {
                    self.columns
                        .iter_mut()
                        .zip(row.cells())
                        .for_each(|(column, cell)| column.widen(cell, &row, file));
                }
                Err(error) => {
                    self.num_rejected += 1;
                    if self.rejected.len() < *max_kept {
                        self.rejected.push(Rejected::of(file, error));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Accumulator for TypesState {
    type Output = Inferred;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        self.read(pieces_of(batch))
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.columns.len() != other.columns.len() {
            return Err(IngestError::BadState { reason: "other columns" }.into());
        }
        self.columns.iter_mut().zip(other.columns).for_each(|(column, later)| column.merge(later));
        self.num_rows += other.num_rows;
        self.num_rejected += other.num_rejected;
        let room = self.pass.0.max_kept.saturating_sub(self.rejected.len());
        self.rejected.extend(other.rejected.into_iter().take(room));
        Ok(())
    }

    fn finish(self) -> Result<Inferred, BoxError> {
        let paths = &self.pass.0.paths;
        let rejected = self.rejected.into_iter().map(|rejected| rejected.into_error(paths));
        let rejected = rejected.collect();
        let types = self.columns.iter().map(|column| column.feature_type).collect();
        let place = |TextCell { file, line, value }| {
            let path = paths[file].clone();
            TurnedText { path, line, value }
        };
        let columns = self.columns.into_iter();
        let turned_text = columns.map(|column| column.turned_text().map(place)).collect();
        let (num_rows, num_rejected) = (self.num_rows, self.num_rejected);
        Ok(Inferred { types, turned_text, num_rows, num_rejected, rejected })
    }

    fn to_bytes(&self) -> Vec<u8> {
        state::to_bytes(VERSION, self)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        state::from_bytes(VERSION, bytes)
    }
}

#[cfg(test)]
mod tests;
