//! Copies of whole folders.

use std::fs;
use std::path::Path;

use crate::IoError;

/// Copies what is in a folder into another, which is made if need be; of links, what they lead to.
///
/// Not atomic: meant for folders that nobody else sees yet.
///
/// # Errors
///
/// [`IoError`] when something cannot be read, or the disk refuses.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), IoError> {
    fs::create_dir_all(to).map_err(IoError::at("create", to))?;
    for entry in fs::read_dir(from).map_err(IoError::at("read", from))? {
        let entry = entry.map_err(IoError::at("read", from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if fs::metadata(&path).map_err(IoError::at("read", &path))?.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(IoError::at("read", &path))?;
        }
    }
    Ok(())
}
