//! What features raw data has, for checks before anything runs.

use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dataflow::Engine;
use dataset::FeatureType;
use query::{bigquery, postgres, sql};

use crate::queries::{SqlSource, in_table};
use crate::source::{features_of, look, prepare};
use crate::split::check_partition_feature;
use crate::{Config, IngestError, SourceConfig, source_files};

/// A column of raw data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredFeature {
    /// Its name.
    pub name: String,
    /// The type of its values, lists looked through; `None` where no value was seen.
    pub feature_type: Option<FeatureType>,
    /// Whether an example may have many values of it.
    pub is_list: bool,
    /// Whether all of the data was looked at. A type seen in a part of it may still widen: from none to INT to
    /// FLOAT to BYTES.
    pub complete: bool,
    /// The first cell that is text, in comma-separated text where numbers came before it.
    pub turned_text: Option<TurnedText>,
}

/// The cell that made a column text: all of the values before it are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedText {
    /// The file.
    pub path: PathBuf,
    /// The line where its row begins.
    pub line: u64,
    /// What it holds; of a long text the beginning, with `…` behind it.
    pub value: String,
}

/// Returns the features of a source, in the order of its columns.
///
/// Reads about the first `max_bytes` of comma-separated text and of records (`None`: all of them), every file's
/// header, and of Parquet, Avro and Arrow IPC what is said of columns alone. Files elsewhere are found, but not read; a
/// database is asked for the columns of the query's result, not for rows. Where that does not tell all features, none are
/// returned.
///
/// # Errors
///
/// All that [`run`](crate::run) would say about what was looked at.
pub fn infer_features(
    config: &Config,
    base_dir: &Path,
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    let features = match &config.source {
        SourceConfig::Sql(source) => of_sql(config, source, base_dir, engine, max_bytes)?,
        SourceConfig::Postgres(source) => {
            let environment = postgres::Environment::of_process();
            let schema = postgres::result_schema(&source.query, &source.url, &environment);
            of_result(config, &schema.map_err(|error| IngestError::query("postgres", error))?)?
        }
        SourceConfig::Bigquery(source) => {
            let service = bigquery::Service::of_environment();
            let schema = bigquery::result_schema(&source.query(), &service);
            of_result(config, &schema.map_err(|error| IngestError::query("bigquery", error))?)?
        }
        _ => {
            let files = source_files(config, base_dir)?;
            match files.remote.is_empty() {
                true => look(config, &files.paths, engine, max_bytes)?,
                false => Vec::new(),
            }
        }
    };
    if !features.is_empty() {
        check_partition_feature(config, &features)?;
    }
    Ok(features)
}

/// Returns the features of a query's result, if they can be written.
fn of_result(config: &Config, schema: &SchemaRef) -> Result<Vec<InferredFeature>, IngestError> {
    config.check_features(schema)?;
    Ok(features_of(schema, true))
}

/// Returns the features of a query's result over tables; none where the tables' types are not known well enough.
fn of_sql(
    config: &Config,
    source: &SqlSource,
    base_dir: &Path,
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    let mut tables = Vec::with_capacity(source.tables.len());
    let mut are_exact = true;
    for (name, table) in &source.tables {
        let table = schema_of(&table.config(), base_dir, engine, max_bytes);
        let Some((schema, is_exact)) = table.map_err(|error| in_table(name, error))? else {
            return Ok(Vec::new());
        };
        are_exact &= is_exact;
        tables.push((name.as_str(), schema));
    }
    match sql::result_schema(&source.query, &tables) {
        Ok(schema) if are_exact => of_result(config, &schema),
        Ok(_) => Ok(Vec::new()),
        // With other types it may be right.
        Err(error) if !are_exact && error.may_be_of_types() => Ok(Vec::new()),
        Err(error) => Err(IngestError::query("sql", error)),
    }
}

/// Returns the columns of a table as far as a look at the data tells, and whether their types are known; `None` where
/// the columns are not.
fn schema_of(
    config: &Config,
    base_dir: &Path,
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Option<(SchemaRef, bool)>, IngestError> {
    let files = source_files(config, base_dir)?;
    if !files.remote.is_empty() {
        return Ok(None);
    }
    if matches!(config.source, SourceConfig::Parquet(_)) {
        return Ok(Some((prepare(config, &files.paths, engine)?.source.schema(), true)));
    }
    let features = look(config, &files.paths, engine, max_bytes)?;
    // Of other formats it is not known which columns are lists.
    let is_csv = matches!(config.source, SourceConfig::Csv(_));
    let is_exact = is_csv && features.iter().all(|feature| feature.complete);
    let fields = features.iter().map(|feature| {
        let data_type = match feature.feature_type {
            Some(FeatureType::Int) => DataType::Int64,
            Some(FeatureType::Float) => DataType::Float32,
            Some(FeatureType::Bytes) => DataType::Utf8,
            Some(FeatureType::Struct) | None => DataType::Null,
        };
        Field::new(&feature.name, data_type, true)
    });
    let schema = SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok((!features.is_empty()).then_some((schema, is_exact)))
}
