//! Arrow IPC: the schemas say all about types.

use std::path::PathBuf;

use dataflow::Source;
use dataset::ArrowFiles;

use super::Prepared;
use super::parquet::{check_schema, features_of};
use crate::{InferredFeature, IngestError};

pub(super) fn prepare(paths: &[PathBuf]) -> Result<Prepared, IngestError> {
    let files = open(paths)?;
    let partitions = files.file_of_partition().collect();
    Ok(Prepared::whole(files, partitions))
}

pub(super) fn look(paths: &[PathBuf]) -> Result<Vec<InferredFeature>, IngestError> {
    Ok(features_of(&open(paths)?.schema(), true))
}

/// Opens the files and says no where columns are no features.
fn open(paths: &[PathBuf]) -> Result<ArrowFiles, IngestError> {
    let files = ArrowFiles::open(paths)?;
    check_schema(&files.schema(), paths)?;
    Ok(files)
}
