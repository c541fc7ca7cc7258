//! From raw data to examples.

use std::path::Path;

use dataflow::Engine;

use crate::rejected::write_rejected;
use crate::source::{features_of, prepare};
use crate::split::{Keys, check_partition_feature, write_splits};
use crate::{Config, IngestError, source_files};

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The splits, in the order of the configuration, with their numbers of examples.
    pub splits: Vec<(String, u64)>,
    /// How many rows were set aside.
    pub num_rejected: u64,
}

/// Reads the source and writes `Split-<name>/` folders of Parquet shards into `out_dir`, and
/// [`REJECTED_FILE`](crate::REJECTED_FILE) where rows were set aside.
///
/// Text and records are read twice: once for the types, which are those of all values of all files, and once for
/// the values. A split without rows is an empty dataset with all features.
///
/// # Errors
///
/// [`IngestError`]: the configuration makes no sense, a pattern matches nothing, a file or row cannot be read,
/// there are no rows, or the disk refuses.
pub fn run(
    config: &Config,
    base_dir: &Path,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Outcome, IngestError> {
    config.check()?;
    let paths = source_files(&config.source, base_dir)?;
    let prepared = prepare(config, &paths, engine)?;
    let keys = Keys::of(config);
    let schema = keys.features_of(&prepared.source.schema());
    check_partition_feature(config, &features_of(&schema, true))?;
    let written = write_splits(prepared.source.as_ref(), &config.splits, keys, out_dir, engine)?;
    prepared.check(&written, &paths)?;
    write_rejected(&prepared.rejected, base_dir, out_dir)?;
    Ok(Outcome { splits: written.splits, num_rejected: prepared.num_rejected })
}
