//! Parquet, Avro and Arrow IPC, whose files say all about their types, and text, which has the same ones always.

use std::path::PathBuf;

use arrow::datatypes::{DataType, SchemaRef};
use dataflow::Source;
use dataset::{ArrowFiles, AvroFiles, FeatureType, ParquetFiles, TextFiles};

use super::{Prepared, first, no_rows};
use crate::config::TypedTable;
use crate::{Config, InferredFeature, IngestError};

/// A format that has types.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Parquet,
    Avro,
    Arrow,
    Text,
}

pub(super) fn prepare(
    format: Format,
    table: &TypedTable,
    paths: &[PathBuf],
) -> Result<Prepared, IngestError> {
    let (source, partitions) = open(format, table, paths)?;
    let are_features_named = table.features.is_some();
    Ok(Prepared { are_features_named, ..Prepared::whole(source, partitions) })
}

pub(super) fn look(
    format: Format,
    config: &Config,
    table: &TypedTable,
    paths: &[PathBuf],
) -> Result<Vec<InferredFeature>, IngestError> {
    let schema = open(format, table, paths)?.0.schema();
    config.check_features(&schema)?;
    Ok(features_of(&schema, true))
}

/// Opens the files, and returns the number of each partition's file with them. Says no to columns that are no features,
/// and where there are no rows, if the files say so before they are read.
fn open(
    format: Format,
    table: &TypedTable,
    paths: &[PathBuf],
) -> Result<(Box<dyn Source>, Vec<usize>), IngestError> {
    let columns = table.features.as_deref();
    let mut is_empty = false;
    let (source, partitions): (Box<dyn Source>, Vec<usize>) = match format {
        Format::Parquet => {
            let files = ParquetFiles::open_columns(paths, columns)?;
            is_empty = files.num_rows() == 0;
            let partitions = files.file_of_partition().collect();
            (Box::new(files), partitions)
        }
        Format::Avro => {
            let files = AvroFiles::open_columns(paths, columns)?;
            let partitions = files.file_of_partition().collect();
            (Box::new(files), partitions)
        }
        Format::Arrow => {
            let files = ArrowFiles::open_columns(paths, columns)?;
            let partitions = files.file_of_partition().collect();
            (Box::new(files), partitions)
        }
        Format::Text => {
            let files = TextFiles::open_columns(paths, columns)?;
            let partitions = files.file_of_partition().collect();
            (Box::new(files), partitions)
        }
    };
    check_schema(&source.schema(), paths)?;
    if is_empty { Err(no_rows(paths)) } else { Ok((source, partitions)) }
}

/// Returns the columns of a schema as features.
pub(crate) fn features_of(schema: &SchemaRef, complete: bool) -> Vec<InferredFeature> {
    let fields = schema.fields().iter().map(|field| InferredFeature {
        name: field.name().clone(),
        feature_type: FeatureType::of(field.data_type()),
        is_list: field.data_type().is_list(),
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
