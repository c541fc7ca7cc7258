//! The one place that knows temporary names, renames and syncs.
//!
//! Something published is either whole or not there: it is written under a temporary name on the same
//! file system, synced to the disk, and renamed. A crash leaves at most a temporary name behind, which
//! [`is_temporary`] recognises.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::IoError;

const PREFIX: &str = ".tmp-";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Returns whether a file name is one of ours for something unfinished.
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Returns a name beside `destination` that nobody else uses.
pub fn temporary_beside(destination: &Path) -> PathBuf {
    let name = destination.file_name().unwrap_or_default().to_string_lossy();
    let serial = NEXT.fetch_add(1, Ordering::Relaxed);
    destination.with_file_name(format!("{PREFIX}{name}-{}-{serial}", std::process::id()))
}

/// Writes a file so that readers see the old content or the new, never a part.
///
/// # Errors
///
/// [`IoError`] when the file cannot be written; nothing is left behind then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    write_file_with(path, |file| file.write_all(bytes).map_err(IoError::at("write", path)))
}

/// Writes a file piece by piece, so that readers see the old content or the new, never a part.
///
/// # Errors
///
/// What `write` says, or [`IoError`] when the file cannot be made or published; nothing is left behind then.
pub fn write_file_with<E: From<IoError>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let temporary = temporary_beside(path);
    let publish = || {
        let mut file = File::create(&temporary).map_err(IoError::at("write", path))?;
        write(&mut file)?;
        file.sync_all().map_err(IoError::at("write", path))?;
        Ok(fs::rename(&temporary, path).map_err(IoError::at("write", path))?)
    };
    publish().inspect_err(|_: &E| {
        // The error says more than a failure to tidy up would.
        let _ = fs::remove_file(&temporary);
    })?;
    Ok(sync_parent(path)?)
}

/// Moves a finished folder to its place in one step, everything in it on the disk first.
///
/// # Errors
///
/// [`IoError`] when `destination` exists already, or the disk refuses.
pub fn publish_dir(staged: &Path, destination: &Path) -> Result<(), IoError> {
    if let Some(parent) = destination.parent() {
        create_dirs(parent)?;
    }
    if fs::symlink_metadata(destination).is_ok() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(IoError::at("publish", destination)(exists));
    }
    sync_tree(staged)?;
    fs::rename(staged, destination).map_err(IoError::at("publish", destination))?;
    sync_parent(destination)
}

/// Makes a folder and those above it, so that they are still there when the machine goes down.
fn create_dirs(path: &Path) -> Result<(), IoError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dirs(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => sync_parent(path),
        // Somebody else made it meanwhile.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(IoError::at("create", path)(error)),
    }
}

/// Returns how many files lie below a folder, and how many bytes they have together.
///
/// # Errors
///
/// [`IoError`] when something below `root` cannot be looked at.
pub fn measure_tree(root: &Path) -> Result<(u64, u64), IoError> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(root).map_err(IoError::at("read", root))? {
        let entry = entry.map_err(IoError::at("read", root))?;
        let path = entry.path();
        let metadata = entry.metadata().map_err(IoError::at("read", &path))?;
        if metadata.is_dir() {
            let (below_files, below_bytes) = measure_tree(&path)?;
            files += below_files;
            bytes += below_bytes;
        } else {
            files += 1;
            bytes += metadata.len();
        }
    }
    Ok((files, bytes))
}

/// Syncs every file and folder below `root`, and `root` itself.
fn sync_tree(root: &Path) -> Result<(), IoError> {
    if root.is_dir() {
        for entry in fs::read_dir(root).map_err(IoError::at("read", root))? {
            sync_tree(&entry.map_err(IoError::at("read", root))?.path())?;
        }
    }
    File::open(root).and_then(|file| file.sync_all()).map_err(IoError::at("sync", root))
}

fn sync_parent(path: &Path) -> Result<(), IoError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(IoError::at("sync", parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_published_whole_and_only_once() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("versions/1");
        for expected in [true, false] {
            let staged = temporary_beside(&root.path().join("staged"));
            fs::create_dir(&staged).unwrap();
            fs::write(staged.join("model"), "weights").unwrap();
            assert_eq!(measure_tree(&staged).unwrap(), (1, 7));
            assert_eq!(publish_dir(&staged, &destination).is_ok(), expected);
        }
        assert_eq!(measure_tree(root.path()).unwrap(), (2, 14));
        assert_eq!(fs::read_to_string(destination.join("model")).unwrap(), "weights");
    }

    #[test]
    fn a_file_is_replaced_and_leaves_no_temporary_name() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_file(&path, b"old").unwrap();
        write_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let names: Vec<_> =
            fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["file"]);
        assert!(!is_temporary(&names[0]));
    }
}
