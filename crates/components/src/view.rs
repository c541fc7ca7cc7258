//! Reads artifacts back for people: the files that components write, split by split.

use std::path::{Path, PathBuf};

use artifact::Artifact;
use base::IoError;
use formats::Message;
use formats::metadata::{Anomalies, DatasetFeatureStatisticsList, Schema};
use schema::{Distance, Finding, SchemaError};

use crate::ComponentError;

/// The statistics of one split, as TFX names the file.
pub(crate) const STATISTICS_FILE: &str = "FeatureStats.pb";
/// The anomalies of one split, as TFX names the file.
pub(crate) const ANOMALIES_FILE: &str = "SchemaDiff.pb";
/// The schema.
pub(crate) const SCHEMA_FILE: &str = "schema.pbtxt";

/// Returns the statistics of every split of an `ExampleStatistics` artifact, in the order of its splits.
///
/// # Errors
///
/// [`ComponentError`] when a file cannot be read or is not what it should be.
pub fn read_statistics(
    artifact: &Artifact,
) -> Result<Vec<(String, DatasetFeatureStatisticsList)>, ComponentError> {
    read_splits(artifact, STATISTICS_FILE)
}

/// Returns what was found in every split, or pair of splits, of an `ExampleAnomalies` artifact, in their order;
/// the most serious first.
///
/// # Errors
///
/// [`ComponentError`] when a file cannot be read or is not what it should be.
pub fn read_findings(artifact: &Artifact) -> Result<Vec<(String, Vec<Finding>)>, ComponentError> {
    let splits = read_splits::<Anomalies>(artifact, ANOMALIES_FILE)?;
    Ok(splits.into_iter().map(|(split, anomalies)| (split, schema::findings(&anomalies))).collect())
}

/// Returns every distance that was measured for an `ExampleAnomalies` artifact, large or small, by split or
/// pair of splits in their order.
///
/// # Errors
///
/// [`ComponentError`] when a file cannot be read or is not what it should be.
pub fn read_distances(artifact: &Artifact) -> Result<Vec<(String, Vec<Distance>)>, ComponentError> {
    let splits = read_splits::<Anomalies>(artifact, ANOMALIES_FILE)?;
    Ok(splits
        .into_iter()
        .map(|(split, anomalies)| (split, schema::distances(&anomalies)))
        .collect())
}

/// Returns the schema of a `Schema` artifact.
///
/// # Errors
///
/// [`SchemaError`] when the file cannot be read or is not a schema.
pub fn read_schema(artifact: &Artifact) -> Result<Schema, SchemaError> {
    schema::read_schema(&artifact.uri.join(SCHEMA_FILE))
}

/// Returns the folder of a split, made if need be.
pub(crate) fn make_split_dir(root: &Path, split: &str) -> Result<PathBuf, ComponentError> {
    let dir = dataset::Dataset::split_dir(root, split);
    std::fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
    Ok(dir)
}

/// Returns the folder of a pair of splits, made if need be.
pub(crate) fn make_pair_dir(root: &Path, pair: &str) -> Result<PathBuf, ComponentError> {
    let dir = pair_dir(root, pair);
    std::fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
    Ok(dir)
}

fn pair_dir(root: &Path, pair: &str) -> PathBuf {
    root.join(format!("SplitPair-{pair}"))
}

/// Writes a file of an artifact.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), ComponentError> {
    Ok(std::fs::write(path, bytes).map_err(IoError::at("write", path))?)
}

fn read_splits<M: Message + Default>(
    artifact: &Artifact,
    file_name: &str,
) -> Result<Vec<(String, M)>, ComponentError> {
    artifact
        .split_names()
        .into_iter()
        .map(|split| {
            let of_pair = pair_dir(&artifact.uri, &split);
            let of_split = dataset::Dataset::split_dir(&artifact.uri, &split);
            let path = if of_pair.is_dir() { of_pair } else { of_split }.join(file_name);
            let bytes = std::fs::read(&path).map_err(IoError::at("read", &path))?;
            let message = M::decode(bytes.as_slice())
                .map_err(|_| ComponentError::Corrupt { path, expected: file_name.to_owned() })?;
            Ok((split, message))
        })
        .collect()
}
