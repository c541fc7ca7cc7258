//! Folders that outlive a run that fails, so that the next one goes on with what is in them.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use artifact::RunContext;
use base::{BoxError, DigestBuilder, IoError};

use crate::ComponentError;

/// The file that who works in a folder has locked.
const LOCK: &str = "lock";

/// The folder in which an executor works. It is there again in the next run when this one fails, if nothing changed
/// that the outputs depend on.
pub(crate) struct RunDir {
    pub(crate) path: PathBuf,
    lock: Option<File>,
    _temporary: Option<Temporary>,
}

/// A folder that is removed when dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl RunDir {
    /// Opens the folder of a configuration, its inputs and files of code; where another run works in it, or nothing is to
    /// be kept, one that goes when the run ends.
    pub(crate) fn open(context: &RunContext<'_>, code: &[PathBuf]) -> Result<Self, BoxError> {
        let Some(kept) = context.keep_dir else { return Ok(Self::temporary(context)?) };
        let mut digest =
            DigestBuilder::default().part("config", context.config.to_string().as_bytes());
        for (key, artifacts) in context.inputs {
            for artifact in artifacts {
                let content = match artifact.digest() {
                    Some(digest) => digest.to_owned(),
                    None => base::digest_tree(&artifact.uri)?.to_string(),
                };
                digest = digest.part(key, content.as_bytes());
            }
        }
        for file in code {
            digest = digest.part("code", base::digest_file(file)?.to_string().as_bytes());
        }
        let name = digest.finish().short();
        let path = absolute(kept)?.join(&name);
        fs::create_dir_all(&path).map_err(IoError::at("create", &path))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(IoError::at("write", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            // Somebody else trains there just now.
            Err(TryLockError::WouldBlock) => return Ok(Self::temporary(context)?),
            Err(TryLockError::Error(error)) => {
                return Err(IoError::at("lock", &lock_path)(error).into());
            }
        }
        remove_others(path.parent().unwrap_or(&path), &name);
        Ok(Self { path, lock: Some(lock), _temporary: None })
    }

    /// Returns a folder that goes when the run ends.
    fn temporary(context: &RunContext<'_>) -> Result<Self, ComponentError> {
        // Beside the outputs: on a disk that has room for the model.
        let output = context.outputs.values().next_back();
        let output = absolute(output.map_or(context.base_dir, PathBuf::as_path))?;
        let path = base::publish::temporary_beside(&output);
        fs::create_dir_all(&path).map_err(IoError::at("create", &path))?;
        Ok(Self { _temporary: Some(Temporary(path.clone())), lock: None, path })
    }

    /// Returns a name of the folder's own, of plain letters and digits.
    pub(crate) fn id(&self) -> String {
        base::Digest::of(self.path.as_os_str().as_encoded_bytes()).short()
    }

    /// Removes the folder: what is in it has become an artifact.
    pub(crate) fn remove(self) -> Result<(), ComponentError> {
        drop(self.lock);
        Ok(fs::remove_dir_all(&self.path).map_err(IoError::at("remove", &self.path))?)
    }
}

/// Removes what is left of runs that nobody will take up again: the code, the data or the configuration is another
/// one now. Those in which somebody works are locked.
fn remove_others(kept: &Path, name: &str) {
    for entry in fs::read_dir(kept).into_iter().flatten().flatten() {
        let lock = File::open(entry.path().join(LOCK));
        let is_free = lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok());
        if is_free && entry.file_name().to_str() != Some(name) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns a path that does not depend on the current folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, IoError> {
    std::path::absolute(path).map_err(IoError::at("read", path))
}
