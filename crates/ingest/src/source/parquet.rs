//! Parquet: the footers say all about types.

use std::path::PathBuf;

use arrow::datatypes::{DataType, SchemaRef};
use dataflow::Source;
use dataset::{FeatureType, ParquetFiles};

use super::{Prepared, first, no_rows};
use crate::config::ParquetTable;
use crate::{Config, InferredFeature, IngestError};

pub(super) fn prepare(table: &ParquetTable, paths: &[PathBuf]) -> Result<Prepared, IngestError> {
    let files = open(table, paths)?;
    let partitions = files.file_of_partition().collect();
    let are_features_named = table.features.is_some();
    Ok(Prepared { are_features_named, ..Prepared::whole(files, partitions) })
}

pub(super) fn look(
    config: &Config,
    table: &ParquetTable,
    paths: &[PathBuf],
) -> Result<Vec<InferredFeature>, IngestError> {
    let schema = open(table, paths)?.schema();
    config.check_features(&schema)?;
    Ok(features_of(&schema, true))
}

/// Opens the files and says no where there are no rows, or columns that are no features.
fn open(table: &ParquetTable, paths: &[PathBuf]) -> Result<ParquetFiles, IngestError> {
    let files = ParquetFiles::open_columns(paths, table.features.as_deref())?;
    check_schema(&files.schema(), paths)?;
    if files.num_rows() == 0 {
        return Err(no_rows(paths));
    }
    Ok(files)
}

/// Returns the columns of a schema as features.
pub(crate) fn features_of(schema: &SchemaRef, complete: bool) -> Vec<InferredFeature> {
    let fields = schema.fields().iter().map(|field| InferredFeature {
        name: field.name().clone(),
        feature_type: FeatureType::of(field.data_type()),
        complete,
        turned_text: None,
    });
    fields.collect()
}

/// Says no to columns that are no features.
pub(super) fn check_schema(schema: &SchemaRef, paths: &[PathBuf]) -> Result<(), IngestError> {
    let mut names = std::collections::HashSet::new();
    for field in schema.fields() {
        let column = field.name().clone();
        if !names.insert(field.name()) {
            return Err(IngestError::DuplicateColumn { path: first(paths), column });
        }
        if !is_supported(field.data_type()) {
            let data_type = field.data_type().clone();
            return Err(IngestError::UnsupportedType { path: first(paths), column, data_type });
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
