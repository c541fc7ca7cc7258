//! The formats of raw data, one file each: how its features are found, and how its rows are read.

mod csv;
mod json;
mod tfrecord;
mod typed;

use std::path::{Path, PathBuf};

use dataflow::{Engine, Source};
use dataset::RowError;

pub(crate) use self::csv::{guess, infer_types, open_csv};
pub(crate) use self::json::open_json;
use self::typed::Format;
pub(crate) use self::typed::features_of;
use crate::config::TypedTable;
use crate::split::{Keys, Written};
use crate::{Config, InferredFeature, IngestError, Patterns, SourceConfig};

/// Raw data, ready to be read.
pub(crate) struct Prepared {
    /// All rows that can be read, with the types of their columns.
    pub(crate) source: Box<dyn Source>,
    /// How many rows there are, those that cannot be read included, where that is known before they are read.
    pub(crate) num_rows: Option<u64>,
    /// How many rows cannot be read.
    pub(crate) num_rejected: u64,
    /// Those rows.
    pub(crate) rejected: Vec<RowError>,
    /// The number of each partition's file.
    pub(crate) file_of_partition: Vec<usize>,
    /// Whether the user named the features, so that one without any value is a mistake.
    pub(crate) are_features_named: bool,
}

impl Prepared {
    /// Returns raw data whose rows can all be read.
    fn whole(source: Box<dyn Source>, file_of_partition: Vec<usize>) -> Self {
        Self {
            file_of_partition,
            source,
            num_rows: None,
            num_rejected: 0,
            rejected: Vec::new(),
            are_features_named: false,
        }
    }

    /// Returns the split of each partition, from that of each file.
    pub(crate) fn split_of_partition(&self, split_of: &[usize]) -> Vec<usize> {
        self.file_of_partition.iter().map(|&file| split_of[file]).collect()
    }

    /// Says no to rows that are not what was expected of them.
    pub(crate) fn check(&self, written: &Written, paths: &[PathBuf]) -> Result<(), IngestError> {
        let num_written: u64 = written.splits.iter().map(|(_, rows)| rows).sum();
        let found = num_written + self.num_rejected;
        match self.num_rows {
            Some(expected) if found != expected => {
                return Err(IngestError::Changed { path: first(paths), found, expected });
            }
            _ if num_written == 0 => return Err(no_rows(paths)),
            _ => {}
        }
        if self.are_features_named {
            let schema = self.source.schema();
            let without = written.num_values.iter().position(|&count| count == 0);
            if let Some(column) = without {
                let feature = schema.field(column).name().clone();
                return Err(IngestError::FeatureNotFound { path: first(paths), feature });
            }
        }
        Ok(())
    }
}

/// Finds the features and returns the rows.
pub(crate) fn prepare(
    config: &Config,
    paths: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Prepared, IngestError> {
    match &config.source {
        SourceConfig::Csv(source) => csv::prepare(config, &source.table(), paths, engine),
        SourceConfig::Json(source) => json::prepare(config, &source.table(), paths, engine),
        SourceConfig::Parquet(source) => typed::prepare(Format::Parquet, &source.table(), paths),
        SourceConfig::Avro(source) => typed::prepare(Format::Avro, &source.table(), paths),
        SourceConfig::Arrow(source) => typed::prepare(Format::Arrow, &source.table(), paths),
        SourceConfig::Text(source) => typed::prepare(Format::Text, &source.table(), paths),
        SourceConfig::Tfrecord(source) => {
            let has_digests = Keys::of(config) == Keys::TfxRecord;
            tfrecord::prepare(&source.table(), has_digests, paths, engine)
        }
        // A query is run before, and its rows are read as Parquet.
        SourceConfig::Sql(_) | SourceConfig::Postgres(_) | SourceConfig::Bigquery(_) => {
            typed::prepare(Format::Parquet, &rows_of_query(), paths)
        }
    }
}

/// How much of comma-separated text is read for a guess of the types.
pub(crate) const GUESS_BYTES: u64 = 8 << 20;

/// As [`prepare`], but with features found in about the first `max_bytes`, where that saves a pass over the data.
///
/// If all rows can be read, they are the features that [`prepare`] finds. If not, or if something is wrong with the
/// features, the data is to be prepared as a whole.
pub(crate) fn prepare_guess(
    config: &Config,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: u64,
) -> Option<Prepared> {
    match &config.source {
        SourceConfig::Csv(source) => {
            csv::prepare_guess(config, &source.table(), paths, engine, max_bytes)
        }
        _ => None,
    }
}

/// Returns the features, looking at about as much of the data as `max_bytes` says.
pub(crate) fn look(
    config: &Config,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    match &config.source {
        SourceConfig::Csv(source) => csv::look(config, &source.table(), paths, engine, max_bytes),
        SourceConfig::Json(source) => json::look(config, &source.table(), paths, engine, max_bytes),
        SourceConfig::Parquet(source) => {
            typed::look(Format::Parquet, config, &source.table(), paths)
        }
        SourceConfig::Avro(source) => typed::look(Format::Avro, config, &source.table(), paths),
        SourceConfig::Arrow(source) => typed::look(Format::Arrow, config, &source.table(), paths),
        SourceConfig::Text(source) => typed::look(Format::Text, config, &source.table(), paths),
        SourceConfig::Tfrecord(source) => tfrecord::look(&source.table(), paths, engine, max_bytes),
        SourceConfig::Sql(_) | SourceConfig::Postgres(_) | SourceConfig::Bigquery(_) => {
            typed::look(Format::Parquet, config, &rows_of_query(), paths)
        }
    }
}

/// Returns what is read of the rows that a query gave: all.
fn rows_of_query() -> TypedTable {
    TypedTable { files: Patterns::Many(Vec::new()).into(), features: None }
}

/// Returns the file to name where all of them are meant.
fn first(paths: &[PathBuf]) -> PathBuf {
    paths.first().map(PathBuf::as_path).unwrap_or(Path::new("")).to_path_buf()
}

fn no_rows(paths: &[PathBuf]) -> IngestError {
    IngestError::NoRows { path: first(paths) }
}
