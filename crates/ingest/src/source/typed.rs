//! Parquet, Avro and Arrow IPC: the files say all about their types.

use std::path::PathBuf;

use arrow::datatypes::{DataType, SchemaRef};
use dataflow::Source;
use dataset::{ArrowFiles, AvroFiles, DatasetError, FeatureType, ParquetFiles};

use super::{Prepared, first, no_rows};
use crate::config::TypedTable;
use crate::{Config, InferredFeature, IngestError};

/// Files of a format that has types.
pub(super) trait TypedFiles: Source + Sized + 'static {
    /// Opens files for some of their columns, or for all.
    fn open(paths: &[PathBuf], columns: Option<&[String]>) -> Result<Self, DatasetError>;

    /// Returns the number of each partition's file.
    fn files_of_partitions(&self) -> Vec<usize>;

    /// Returns whether there are no rows, where the files say so before they are read.
    fn is_empty(&self) -> bool {
        false
    }
}

impl TypedFiles for ParquetFiles {
    fn open(paths: &[PathBuf], columns: Option<&[String]>) -> Result<Self, DatasetError> {
        Self::open_columns(paths, columns)
    }

    fn files_of_partitions(&self) -> Vec<usize> {
        self.file_of_partition().collect()
    }

    fn is_empty(&self) -> bool {
        self.num_rows() == 0
    }
}

impl TypedFiles for AvroFiles {
    fn open(paths: &[PathBuf], columns: Option<&[String]>) -> Result<Self, DatasetError> {
        Self::open_columns(paths, columns)
    }

    fn files_of_partitions(&self) -> Vec<usize> {
        self.file_of_partition().collect()
    }
}

impl TypedFiles for ArrowFiles {
    fn open(paths: &[PathBuf], columns: Option<&[String]>) -> Result<Self, DatasetError> {
        Self::open_columns(paths, columns)
    }

    fn files_of_partitions(&self) -> Vec<usize> {
        self.file_of_partition().collect()
    }
}

pub(super) fn prepare<F: TypedFiles>(
    table: &TypedTable,
    paths: &[PathBuf],
) -> Result<Prepared, IngestError> {
    let files = open::<F>(table, paths)?;
    let partitions = files.files_of_partitions();
    let are_features_named = table.features.is_some();
    Ok(Prepared { are_features_named, ..Prepared::whole(files, partitions) })
}

pub(super) fn look<F: TypedFiles>(
    config: &Config,
    table: &TypedTable,
    paths: &[PathBuf],
) -> Result<Vec<InferredFeature>, IngestError> {
    let schema = open::<F>(table, paths)?.schema();
    config.check_features(&schema)?;
    Ok(features_of(&schema, true))
}

/// Opens the files and says no where there are no rows, or columns that are no features.
fn open<F: TypedFiles>(table: &TypedTable, paths: &[PathBuf]) -> Result<F, IngestError> {
    let files = F::open(paths, table.features.as_deref())?;
    check_schema(&files.schema(), paths)?;
    if files.is_empty() {
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
fn check_schema(schema: &SchemaRef, paths: &[PathBuf]) -> Result<(), IngestError> {
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
