//! JSON Lines: read once for the types, which are those of all values of all files, and once for the values.

mod discover;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use dataflow::{Accumulator, Engine, EngineError, fold};
use dataset::JsonFiles;

use self::discover::{Found, InferJson};
use super::{Prepared, features_of, first, no_rows};
use crate::config::JsonTable;
use crate::infer::places;
use crate::rejected::check_budget;
use crate::{Config, InferredFeature, IngestError};

pub(super) fn prepare(
    config: &Config,
    table: &JsonTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Prepared, IngestError> {
    let (files, found) = open_json(config, table, paths, engine)?;
    let partitions = files.file_of_partition().collect();
    Ok(Prepared {
        num_rows: Some(found.num_rows),
        num_rejected: found.num_rejected,
        rejected: found.rejected,
        are_features_named: table.features.is_some(),
        ..Prepared::whole(Box::new(files), partitions)
    })
}

/// Finds the types, and returns the files with all rows that can be read.
pub(crate) fn open_json(
    config: &Config,
    table: &JsonTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
) -> Result<(JsonFiles, Found), IngestError> {
    let files = JsonFiles::open(paths, u64::MAX)?;
    let found = infer(&files, config, engine)?;
    let schema = schema_of(table, &found, paths)?;
    Ok((files.with_schema(schema)?.skip_misfits(), found))
}

/// Returns no features where a part of the data does not tell them all.
pub(super) fn look(
    config: &Config,
    table: &JsonTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    let files = JsonFiles::open(paths, max_bytes.unwrap_or(u64::MAX))?;
    let found = infer(&files, config, engine)?;
    if !files.is_complete() {
        return Ok(Vec::new());
    }
    let schema = schema_of(table, &found, paths)?;
    config.check_features(&schema)?;
    Ok(features_of(&schema, true))
}

/// Finds the types and says no where there are no rows, or too many that cannot be read.
fn infer(files: &JsonFiles, config: &Config, engine: &dyn Engine) -> Result<Found, IngestError> {
    // One is needed to name it.
    let pass = InferJson::new(files.paths(), config.max_rejected_rows.max(1));
    let state = fold(engine, &places(files.pieces()), &pass)?;
    let found = state.finish().map_err(EngineError::Work)?;
    let (limit, is_complete) = (config.max_rejected_rows, files.is_complete());
    check_budget(&found.rejected, found.num_rejected, found.num_rows, limit, is_complete)?;
    if is_complete && found.num_rows == found.num_rejected {
        return Err(no_rows(files.paths()));
    }
    Ok(found)
}

/// Returns the columns: the features that are named, in that order, or else all that there are.
fn schema_of(
    table: &JsonTable,
    found: &Found,
    paths: &[PathBuf],
) -> Result<SchemaRef, IngestError> {
    if table.features.is_none() {
        found.check_files(paths)?;
    }
    let field = |name: &str| {
        let seen = found.all.fields().find(|(field, _)| *field == name).map(|(_, seen)| seen);
        let not_found =
            || IngestError::FeatureNotFound { path: first(paths), feature: name.to_owned() };
        let data_type = seen.ok_or_else(not_found)?.data_type(name, paths)?;
        Ok::<_, IngestError>(Field::new(name, data_type, true))
    };
    let fields: Vec<Field> = match &table.features {
        Some(named) => named.iter().map(|name| field(name)).collect::<Result<_, _>>()?,
        None => found.all.fields().map(|(name, _)| field(name)).collect::<Result<_, _>>()?,
    };
    if fields.is_empty() {
        return Err(IngestError::NoFeatures { path: first(paths) });
    }
    Ok(Arc::new(Schema::new(fields)))
}
