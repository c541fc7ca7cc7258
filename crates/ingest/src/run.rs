//! From raw data to examples.

use std::path::Path;

use base::{Classify, ErrorKind};
use dataflow::Engine;

use crate::bring::{Brought, bring};
use crate::rejected::write_rejected;
use crate::source::{GUESS_BYTES, Prepared, features_of, prepare, prepare_guess};
use crate::split::{Keys, Out, Written, check_partition_feature, write_by_file, write_by_hash};
use crate::unchanged::Snapshot;
use crate::{Config, IngestError};

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The splits, in the order of the configuration, with their numbers of examples.
    pub splits: Vec<(String, u64)>,
    /// How many rows were set aside.
    pub num_rejected: u64,
    /// The span that the rows are of, the latest of several; 0 where the source does not tell.
    pub span: i64,
    /// All spans that the rows are of, ascending, where the source tells.
    pub spans: Vec<i64>,
    /// The version of the span, where the source tells.
    pub version: Option<i64>,
}

/// Reads the source and writes `Split-<name>/` folders of shards into `out_dir`, and
/// [`REJECTED_FILE`](crate::REJECTED_FILE) where rows were set aside.
///
/// Files of stores elsewhere are brought here for as long as it takes, and so are the rows of a query: as Parquet, in
/// the folder for temporary files. Text and records are read twice: once for the types, which are those of all values
/// of all files, and once for the values. Comma-separated text is read for the values alone as long as the types are
/// those of its beginning, with the same result. A split without rows is an empty dataset with all features.
///
/// # Errors
///
/// [`IngestError`]: the configuration makes no sense, a pattern matches nothing, a file or row cannot be read,
/// somebody writes to a file meanwhile, there are no rows, or the disk refuses. No shards are left then.
pub fn run(
    config: &Config,
    base_dir: &Path,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Outcome, IngestError> {
    run_guessing(GUESS_BYTES, config, base_dir, out_dir, engine)
}

/// As [`run`], with the types guessed from about the first `guess_bytes` of text.
fn run_guessing(
    guess_bytes: u64,
    config: &Config,
    base_dir: &Path,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Outcome, IngestError> {
    config.check()?;
    let brought = bring(config, base_dir, engine)?;
    let before = Snapshot::take(&brought.files.paths);
    let outcome = write(guess_bytes, &brought, base_dir, out_dir, engine);
    // What looks like damage may be a file that somebody still writes to.
    before.check()?;
    outcome.map_err(|error| brought.told(error))
}

/// Writes what lies here.
fn write(
    guess_bytes: u64,
    brought: &Brought,
    base_dir: &Path,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Outcome, IngestError> {
    let Brought { config, files, .. } = brought;
    let guess = prepare_guess(config, &files.paths, engine, guess_bytes);
    let guessed =
        guess.map(|prepared| (write_splits(&prepared, brought, out_dir, engine), prepared));
    let (written, prepared) = match guessed {
        Some((Ok(written), prepared)) => (written, prepared),
        Some((Err(error), _)) if !may_be_of_the_guess(&error) => return Err(error),
        Some((Err(_), _)) | None => {
            let prepared = prepare(config, &files.paths, engine)?;
            (write_splits(&prepared, brought, out_dir, engine)?, prepared)
        }
    };
    let name = |path: &Path| {
        let shown = brought.shown(path);
        shown.strip_prefix(base_dir).unwrap_or(&shown).display().to_string()
    };
    write_rejected(&prepared.rejected, &name, out_dir)?;
    let (num_rejected, span, version) = (prepared.num_rejected, files.span, files.version);
    Ok(Outcome { splits: written.splits, num_rejected, span, version, spans: files.spans.clone() })
}

/// Returns whether data may be fine that was prepared by a guess: a value of another type, or a row to be left out,
/// came behind what was looked at.
fn may_be_of_the_guess(error: &IngestError) -> bool {
    matches!(error.kind(), ErrorKind::Data | ErrorKind::Usage)
}

/// Writes the rows of raw data into the shards of their splits.
fn write_splits(
    prepared: &Prepared,
    brought: &Brought,
    out_dir: &Path,
    engine: &dyn Engine,
) -> Result<Written, IngestError> {
    let Brought { config, files, .. } = brought;
    let source = prepared.source.as_ref();
    let out = Out { dir: out_dir, storage: config.storage() };
    let written = match &files.splits {
        Some((names, split_of)) => {
            config.check_features(&source.schema())?;
            write_by_file(source, names, &prepared.split_of_partition(split_of), &out, engine)?
        }
        None => {
            let keys = Keys::of(config);
            let schema = keys.features_of(&source.schema());
            check_partition_feature(config, &features_of(&schema, true))?;
            config.check_features(&schema)?;
            write_by_hash(source, &config.shares(), keys, &out, engine)?
        }
    };
    prepared.check(&written, &files.paths)?;
    Ok(written)
}

#[cfg(test)]
mod tests;
