//! From raw data to examples.

use std::path::Path;

use dataflow::Engine;
use dataset::CsvFiles;

use crate::features::{infer_types, open_parquet};
use crate::rejected::write_rejected;
use crate::split::write_splits;
use crate::{Config, IngestError, SourceConfig, source_files};

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
/// Comma-separated text is read twice: once for the types, which are those of all values of all files, and once
/// for the values. A split without rows is an empty dataset with all features.
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
    match &config.source {
        SourceConfig::Csv(_) => {
            let files = CsvFiles::open(&paths)?;
            let inferred = infer_types(&files, config, engine)?;
            let features: Vec<_> =
                files.columns().iter().cloned().zip(inferred.types.iter().copied()).collect();
            let source = files.with_features(&features)?.skip_misfits();
            let splits = write_splits(&source, &config.splits, out_dir, engine)?;

            let num_rejected = inferred.num_rejected;
            let found = splits.iter().map(|(_, rows)| rows).sum::<u64>() + num_rejected;
            if found != inferred.num_rows {
                let (path, expected) = (paths[0].clone(), inferred.num_rows);
                return Err(IngestError::Changed { path, found, expected });
            }
            write_rejected(&inferred.rejected, base_dir, out_dir)?;
            Ok(Outcome { splits, num_rejected })
        }
        SourceConfig::Parquet(_) => {
            let source = open_parquet(&paths)?;
            let splits = write_splits(&source, &config.splits, out_dir, engine)?;
            Ok(Outcome { splits, num_rejected: 0 })
        }
    }
}
