//! The pass that finds the features of JSON Lines, and the lines that cannot be read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use dataset::{JsonRows, JsonType, RowError};
use serde::{Deserialize, Serialize};

use crate::infer::{Rejected, pieces_of};
use crate::{IngestError, state};

/// The pass; its source are the pieces of the files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct InferJson {
    paths: Vec<PathBuf>,
    /// How many places of rows that cannot be read a state keeps.
    max_kept: usize,
}

impl InferJson {
    pub(super) fn new(paths: &[PathBuf], max_kept: u64) -> Self {
        let max_kept = usize::try_from(max_kept).unwrap_or(usize::MAX);
        Self { paths: paths.to_vec(), max_kept }
    }
}

impl Pass for InferJson {
    type State = JsonState;

    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn start(&self) -> Result<JsonState, BoxError> {
        Ok(JsonState {
            pass: self.clone(),
            all: JsonType::default(),
            names: Vec::new(),
            num_rows: 0,
            num_rejected: 0,
            rejected: Vec::new(),
        })
    }
}

/// What was found so far.
#[derive(Serialize, Deserialize)]
pub(super) struct JsonState {
    pass: InferJson,
    all: JsonType,
    /// The features that the lines of each file name, file by file in their order.
    names: Vec<(usize, BTreeSet<String>)>,
    num_rows: u64,
    num_rejected: u64,
    rejected: Vec<Rejected>,
}

/// All that was found.
pub(crate) struct Found {
    pub(crate) all: JsonType,
    names: Vec<(usize, BTreeSet<String>)>,
    pub(crate) num_rows: u64,
    pub(crate) num_rejected: u64,
    pub(crate) rejected: Vec<RowError>,
}

impl Found {
    /// Says no to a file in which no line names a feature that those of another file name: its rows would miss the
    /// values without anybody having said so.
    pub(super) fn check_files(&self, paths: &[PathBuf]) -> Result<(), IngestError> {
        for (name, _) in self.all.fields() {
            let with = self.names.iter().find(|(_, names)| names.contains(name));
            let without = self.names.iter().find(|(_, names)| !names.contains(name));
            if let (Some((with, _)), Some((without, _))) = (with, without) {
                return Err(IngestError::FieldNotInFile {
                    path: paths[*without].clone(),
                    feature: name.to_owned(),
                    other: paths[*with].clone(),
                });
            }
        }
        Ok(())
    }
}

/// The version of the state's bytes, their first.
const VERSION: u8 = 1;

impl JsonState {
    /// Takes in the names of a file's features.
    fn add_names(&mut self, file: usize, names: BTreeSet<String>) {
        match self.names.last_mut() {
            Some((last, ours)) if *last == file => ours.extend(names),
            _ => self.names.push((file, names)),
        }
    }
}

impl Accumulator for JsonState {
    type Output = Found;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let pieces = pieces_of(batch);
        let Some(file) = pieces.first().map(|piece| piece.file) else { return Ok(()) };
        let Some(path) = self.pass.paths.get(file).cloned() else {
            return Err(IngestError::BadState { reason: "a piece of another source" }.into());
        };
        let mut seen = JsonType::default();
        let mut rows = JsonRows::open(Path::new(&path), pieces)?;
        let mut num_read: u64 = 0;
        while let Some(row) = rows.next_row()? {
            self.num_rows += 1;
            match row {
                Ok(row) => {
                    num_read += 1;
                    seen.widen_fields(&row.object, (file, row.line));
                }
                Err(error) => {
                    self.num_rejected += 1;
                    if self.rejected.len() < self.pass.max_kept {
                        self.rejected.push(Rejected::of(file, error));
                    }
                }
            }
        }
        // A file without rows has no say.
        if num_read > 0 {
            let names = seen.fields().map(|(name, _)| name.to_owned()).collect();
            self.add_names(file, names);
            self.all.merge(seen);
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        self.all.merge(other.all);
        other.names.into_iter().for_each(|(file, names)| self.add_names(file, names));
        self.num_rows += other.num_rows;
        self.num_rejected += other.num_rejected;
        let room = self.pass.max_kept.saturating_sub(self.rejected.len());
        self.rejected.extend(other.rejected.into_iter().take(room));
        Ok(())
    }

    fn finish(self) -> Result<Found, BoxError> {
        let paths = &self.pass.paths;
        let rejected = self.rejected.into_iter().map(|rejected| rejected.into_error(paths));
        Ok(Found {
            rejected: rejected.collect(),
            all: self.all,
            names: self.names,
            num_rows: self.num_rows,
            num_rejected: self.num_rejected,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        state::to_bytes(VERSION, self)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        state::from_bytes(VERSION, bytes)
    }
}
