//! The root: where artifacts and metadata are, and how it is found.

use std::path::{Path, PathBuf};

use base::{BoxError, IoError};
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

/// Returns the folder of a pipeline file, absolute.
pub(crate) fn base_dir(pipeline: &Path) -> Result<PathBuf, IoError> {
    let parent = pipeline.parent().unwrap_or(Path::new(""));
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    parent.canonicalize().map_err(IoError::at("read", parent))
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
    found.ok_or_else(|| CliError::NoRoot { name: ROOT, below: below(&start), start })
}

/// How deep, and through how many folders of a level, a root is looked for that the user may mean.
const LEVELS: usize = 3;
const FOLDERS: usize = 1000;

/// Returns a root below a folder, for a hint: the nearest, and of those the first in the order of names.
fn below(start: &Path) -> Option<PathBuf> {
    let mut level = vec![start.to_path_buf()];
    for _ in 0..LEVELS {
        let mut next: Vec<_> = level.iter().flat_map(|dir| folders(dir)).take(FOLDERS).collect();
        next.sort_unstable();
        let mut roots = next.iter().map(|dir| dir.join(ROOT));
        if let Some(root) = roots.find(|root| root.join(METADATA).is_file()) {
            return Some(root.strip_prefix(start).map(Path::to_path_buf).unwrap_or(root));
        }
        level = next;
    }
    None
}

/// Returns the folders in a folder, without the hidden ones.
fn folders(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let visible = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    visible
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}
