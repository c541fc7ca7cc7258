//! The root: where artifacts and metadata are, and how it is found.

use std::path::{Path, PathBuf};

use base::BoxError;
use metadata::SqliteLedger;

use crate::error::CliError;

/// The folder's name where none is given.
pub(crate) const ROOT: &str = ".cupola";

/// The metadata below a root.
pub(crate) const METADATA: &str = "metadata.sqlite";

/// Returns the root for a pipeline file: the one given, or the one beside the file.
pub(crate) fn beside(pipeline: &Path, given: Option<&Path>) -> PathBuf {
    let parent = pipeline.parent().unwrap_or(Path::new(""));
    given.map_or_else(|| parent.join(ROOT), Path::to_path_buf)
}

/// Opens the ledger of the root given, or of the nearest one here or above.
///
/// # Errors
///
/// [`CliError::NoRoot`] when there is none, or the ledger's own error.
pub(crate) fn open_ledger(given: Option<&Path>) -> Result<(PathBuf, SqliteLedger), BoxError> {
    let root = match given {
        Some(root) => root.to_path_buf(),
        None => nearest()?,
    };
    let ledger = SqliteLedger::open_existing(&root.join(METADATA))?;
    Ok((root, ledger))
}

fn nearest() -> Result<PathBuf, CliError> {
    let start = std::env::current_dir().unwrap_or_default();
    let found =
        start.ancestors().map(|dir| dir.join(ROOT)).find(|root| root.join(METADATA).is_file());
    found.ok_or(CliError::NoRoot { name: ROOT, start })
}
