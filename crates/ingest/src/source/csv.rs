//! Comma-separated text. Types are those of all values of all files: read once for them and once for the values, or
//! guessed from the beginning and confirmed by the values.

use std::path::PathBuf;

use dataflow::Engine;
use dataset::{CsvFiles, FeatureType};

use super::{Prepared, first, no_rows};
use crate::config::CsvTable;
use crate::infer::{Inferred, infer};
use crate::rejected::check_budget;
use crate::{Config, InferredFeature, IngestError};

pub(super) fn prepare(
    config: &Config,
    table: &CsvTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Prepared, IngestError> {
    let files = open_csv(table, paths, u64::MAX)?;
    let inferred = infer_types(&files, config, engine)?;
    let features: Vec<_> =
        files.columns().iter().cloned().zip(inferred.types.iter().copied()).collect();
    let partitions = files.file_of_partition().collect();
    Ok(Prepared {
        num_rows: Some(inferred.num_rows),
        num_rejected: inferred.num_rejected,
        rejected: inferred.rejected,
        are_features_named: table.features.is_some(),
        ..Prepared::whole(Box::new(files.with_features(&features)?.skip_misfits()), partitions)
    })
}

/// Files with the types of their beginning, and these by the names of the columns.
pub(crate) type Guess = (CsvFiles, Vec<(String, Option<FeatureType>)>);

/// Opens files with the types of about their first `max_bytes`, if there is more than that and nothing is wrong with it.
///
/// If all rows can be read, the types are those of all values, as types only widen, and no row had to be left out; if
/// not, reading ends with an error at the first that does not fit. What is wrong with the beginning is better said of
/// the whole, so that there is no guess then.
pub(crate) fn guess(
    config: &Config,
    table: &CsvTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: u64,
) -> Option<Guess> {
    let beginning = open_csv(table, paths, max_bytes).ok()?;
    if beginning.is_complete() {
        return None;
    }
    let inferred = infer_types(&beginning, config, engine).ok()?;
    if inferred.num_rejected > 0 {
        return None;
    }
    let files = open_csv(table, paths, u64::MAX).ok()?;
    let types: Vec<_> = files.columns().iter().cloned().zip(inferred.types).collect();
    Some((files.with_features(&types).ok()?.reject_wider_cells(), types))
}

/// Returns what [`guess`] does as raw data; how many rows there are is not known.
pub(super) fn prepare_guess(
    config: &Config,
    table: &CsvTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: u64,
) -> Option<Prepared> {
    let (files, _) = guess(config, table, paths, engine, max_bytes)?;
    let partitions = files.file_of_partition().collect();
    let are_features_named = table.features.is_some();
    Some(Prepared { are_features_named, ..Prepared::whole(Box::new(files), partitions) })
}

pub(super) fn look(
    config: &Config,
    table: &CsvTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    let files = open_csv(table, paths, max_bytes.unwrap_or(u64::MAX))?;
    let inferred = infer_types(&files, config, engine)?;
    let complete = files.is_complete();
    let types = inferred.types.into_iter().zip(inferred.turned_text);
    let columns = files.columns().iter().cloned().zip(types);
    let feature = |(name, (feature_type, turned_text))| InferredFeature {
        name,
        feature_type,
        is_list: false,
        complete,
        turned_text,
    };
    Ok(columns.map(feature).collect())
}

/// How much of a header a message shows.
const SHOWN_CHARS: usize = 60;

/// Opens the files, or about the first `limit_bytes` of their rows. Says no to one column that looks like several, where
/// nobody said what stands between them.
pub(crate) fn open_csv(
    table: &CsvTable,
    paths: &[PathBuf],
    limit_bytes: u64,
) -> Result<CsvFiles, IngestError> {
    let files = CsvFiles::open_with(paths, table.format()?, limit_bytes)?;
    match files.likely_delimiter() {
        Some(delimiter) if table.delimiter.is_none() => {
            let header = files.columns().concat().chars().take(SHOWN_CHARS).collect();
            Err(IngestError::OtherDelimiter { path: first(paths), header, delimiter })
        }
        _ => Ok(files),
    }
}

/// Infers the types and says no where there are no rows, or too many that cannot be read.
pub(crate) fn infer_types(
    files: &CsvFiles,
    config: &Config,
    engine: &dyn Engine,
) -> Result<Inferred, IngestError> {
    // One is needed to name it.
    let inferred = infer(files, config.max_rejected_rows.max(1), engine)?;
    let Inferred { rejected, num_rejected, num_rows, .. } = &inferred;
    let (limit, is_complete) = (config.max_rejected_rows, files.is_complete());
    check_budget(rejected, *num_rejected, *num_rows, limit, is_complete)?;
    if is_complete && inferred.num_rows == inferred.num_rejected {
        return Err(no_rows(files.paths()));
    }
    Ok(inferred)
}
