//! TFRecord files of examples: read once to find the features, unless they are named, and once for the values.

mod discover;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{Accumulator, Engine, EngineError, Pass, Source, fold};
use dataset::{ExampleFiles, TfRecordFiles};
use indexmap::IndexMap;

use self::discover::{ByFile, DiscoverByFile};
use super::typed::features_of;
use super::{Prepared, first, no_rows};
use crate::config::{FeatureKind, Payload, TfrecordTable};
use crate::{InferredFeature, IngestError};

pub(super) fn prepare(
    table: &TfrecordTable,
    has_digests: bool,
    paths: &[PathBuf],
    engine: &dyn Engine,
) -> Result<Prepared, IngestError> {
    let files = TfRecordFiles::open(paths)?;
    let payload = table.payload.into();
    let partitions = files.file_of_partition().collect();
    let open = |files, schema| {
        let source = ExampleFiles::new(files, payload, schema)?;
        Ok::<_, IngestError>(if has_digests { source.with_digests() } else { source })
    };
    if let Some(features) = &table.features {
        let source = open(files, schema_of(features))?;
        return Ok(Prepared {
            are_features_named: true,
            ..Prepared::whole(Box::new(source), partitions)
        });
    }
    let found = fold(engine, &files, &DiscoverByFile::new(payload))?;
    let (schema, num_rows) = schema_of_all(found, paths)?;
    let source = open(files, schema)?;
    Ok(Prepared { num_rows: Some(num_rows), ..Prepared::whole(Box::new(source), partitions) })
}

/// Returns no features where a part of the data does not tell them all.
pub(super) fn look(
    table: &TfrecordTable,
    paths: &[PathBuf],
    engine: &dyn Engine,
    max_bytes: Option<u64>,
) -> Result<Vec<InferredFeature>, IngestError> {
    let open = |paths| match max_bytes {
        None => TfRecordFiles::open(paths),
        Some(_) => TfRecordFiles::open_uncut(paths),
    };
    let (files, payload) = (open(paths)?, table.payload.into());
    if let Some(named) = &table.features {
        let schema = schema_of(named);
        let source = ExampleFiles::new(files, payload, SchemaRef::clone(&schema))?;
        read_part(&source, max_bytes.unwrap_or(u64::MAX), |_| Ok(()))?;
        return Ok(features_of(&schema, true));
    }
    let pass = DiscoverByFile::new(payload);
    let found = match max_bytes {
        None => fold(engine, &files, &pass)?,
        Some(max_bytes) => {
            let mut found = pass.start().map_err(EngineError::Work)?;
            if !read_part(&files, max_bytes, |batch| found.update(batch))? {
                return Ok(Vec::new());
            }
            found
        }
    };
    Ok(features_of(&schema_of_all(found, paths)?.0, true))
}

/// Hands on the batches of the first `max_bytes` or so; returns whether these are all.
fn read_part(
    source: &dyn Source,
    max_bytes: u64,
    mut take: impl FnMut(&RecordBatch) -> Result<(), BoxError>,
) -> Result<bool, IngestError> {
    let mut num_bytes = 0;
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None).map_err(EngineError::Work)? {
            if num_bytes >= max_bytes {
                return Ok(false);
            }
            let batch = batch.map_err(EngineError::Work)?;
            num_bytes += batch.get_array_memory_size() as u64;
            take(&batch).map_err(EngineError::Work)?;
        }
    }
    Ok(true)
}

/// Returns the schema of all records, and how many there are.
fn schema_of_all(found: ByFile, paths: &[PathBuf]) -> Result<(SchemaRef, u64), IngestError> {
    let found = found.finish().map_err(EngineError::Work)?;
    if found.num_records == 0 {
        return Err(no_rows(paths));
    }
    found.check_files()?;
    let schema = found.all.schema()?;
    if schema.fields().is_empty() {
        return Err(IngestError::NoFeatures { path: first(paths) });
    }
    Ok((schema, found.num_records))
}

/// Returns the columns of named features, each of which may be missing.
fn schema_of(features: &IndexMap<String, FeatureKind>) -> SchemaRef {
    let list = |data_type| DataType::List(Arc::new(Field::new_list_field(data_type, true)));
    let fields = features.iter().map(|(name, kind)| {
        let data_type = match kind {
            FeatureKind::Int => DataType::Int64,
            FeatureKind::Float => DataType::Float32,
            FeatureKind::String => DataType::Utf8,
            FeatureKind::Bytes => DataType::Binary,
            FeatureKind::IntList => list(DataType::Int64),
            FeatureKind::FloatList => list(DataType::Float32),
            FeatureKind::StringList => list(DataType::Utf8),
            FeatureKind::BytesList => list(DataType::Binary),
        };
        Field::new(name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl From<Payload> for dataset::Payload {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::TfExample => Self::TfExample,
            Payload::TfSequenceExample => Self::TfSequenceExample,
        }
    }
}
