//! What features raw data has, for checks before anything runs.

use std::path::{Path, PathBuf};

use dataflow::Engine;
use dataset::FeatureType;

use crate::source::look;
use crate::split::check_partition_feature;
use crate::{Config, IngestError, source_files};

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
/// Reads about the first `max_bytes` of comma-separated text and of records (`None`: all of them), every file's
/// header, and of Parquet, Avro and Arrow IPC what is said of columns alone. Where a part of the records does not tell all their features, none
/// are returned.
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
    let paths = source_files(config, base_dir)?.paths;
    let features = look(config, &paths, engine, max_bytes)?;
    if !features.is_empty() {
        check_partition_feature(config, &features)?;
    }
    Ok(features)
}
