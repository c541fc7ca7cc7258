//! What features raw data has, for checks before anything runs.

use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use dataflow::{Engine, Source};
use dataset::{CsvFiles, FeatureType, ParquetFiles};

use crate::infer::{Inferred, infer};
use crate::rejected::check_budget;
use crate::{Config, IngestError, SourceConfig, source_files};

/// A column of raw data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredFeature {
    /// Its name.
    pub name: String,
    /// The type of its values, lists looked through; `None` where no value was seen.
    pub feature_type: Option<FeatureType>,
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
/// Reads about the first `max_bytes` of comma-separated text (`None`: all of it), every file's header, and of
/// Parquet the footers alone.
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
    let paths = source_files(&config.source, base_dir)?;
    match &config.source {
        SourceConfig::Csv(_) => {
            let files = match max_bytes {
                None => CsvFiles::open(&paths)?,
                Some(max_bytes) => CsvFiles::open_part(&paths, max_bytes)?,
            };
            let inferred = infer_types(&files, config, engine)?;
            let complete = files.is_complete();
            let types = inferred.types.into_iter().zip(inferred.turned_text);
            let columns = files.columns().iter().cloned().zip(types);
            let feature = |(name, (feature_type, turned_text))| InferredFeature {
                name,
                feature_type,
                complete,
                turned_text,
            };
            Ok(columns.map(feature).collect())
        }
        SourceConfig::Parquet(_) => {
            let schema = open_parquet(&paths)?.schema();
            let fields = schema.fields().iter().map(|field| InferredFeature {
                name: field.name().clone(),
                feature_type: FeatureType::of(field.data_type()),
                complete: true,
                turned_text: None,
            });
            Ok(fields.collect())
        }
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
    check_budget(&inferred, config.max_rejected_rows, files.is_complete())?;
    if files.is_complete() && inferred.num_rows == inferred.num_rejected {
        return Err(no_rows(files.paths()));
    }
    Ok(inferred)
}

/// Opens Parquet files and says no where there are no rows, or columns that are no features.
pub(crate) fn open_parquet(paths: &[PathBuf]) -> Result<ParquetFiles, IngestError> {
    let files = ParquetFiles::open(paths)?;
    check_schema(&files.schema(), paths)?;
    if files.num_rows() == 0 {
        return Err(no_rows(paths));
    }
    Ok(files)
}

fn no_rows(paths: &[PathBuf]) -> IngestError {
    IngestError::NoRows { path: paths.first().cloned().unwrap_or_default() }
}

fn check_schema(schema: &SchemaRef, paths: &[PathBuf]) -> Result<(), IngestError> {
    let path = || paths.first().cloned().unwrap_or_default();
    let mut names = std::collections::HashSet::new();
    for field in schema.fields() {
        let column = field.name().clone();
        if !names.insert(field.name()) {
            return Err(IngestError::DuplicateColumn { path: path(), column });
        }
        if !is_supported(field.data_type()) {
            let data_type = field.data_type().clone();
            return Err(IngestError::UnsupportedType { path: path(), column, data_type });
        }
    }
    Ok(())
}

/// Returns whether a column of a type can be a feature, or has no values.
fn is_supported(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => true,
        DataType::List(item) | DataType::LargeList(item) => is_supported(item.data_type()),
        DataType::Dictionary(_, values) => is_supported(values),
        DataType::Struct(fields) => fields.iter().all(|field| is_supported(field.data_type())),
        _ => FeatureType::of(data_type).is_some(),
    }
}
