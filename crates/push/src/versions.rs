//! The versions of a serving directory.

use std::fs;
use std::path::{Path, PathBuf};

use base::IoError;

use crate::PushError;
use crate::manifest::READY;

/// The largest version: model servers keep versions as signed 64-bit integers.
pub(crate) const MAX_VERSION: u64 = i64::MAX as u64;

/// Returns the newest version of a serving directory, or the directory itself where it is a version.
///
/// A version is a folder named by a number with a file `READY`; others, such as one that somebody is copying
/// from another machine, are passed over. Nothing where there is none, or no such directory. Files are not
/// read: [`verify`](crate::verify) does that.
///
/// # Errors
///
/// [`PushError::Io`] when the directory cannot be read.
pub fn newest(dir: &Path) -> Result<Option<PathBuf>, PushError> {
    if dir.join(READY).is_file() {
        return Ok(Some(dir.to_path_buf()));
    }
    Ok(versions(dir)?.pop().map(|(_, path)| path))
}

/// Returns all versions of a serving directory with their numbers, which ascend; those without a file `READY` are passed
/// over, as by [`newest`]. Files are not read.
///
/// # Errors
///
/// [`PushError::Io`] when the directory cannot be read.
pub fn versions(dir: &Path) -> Result<Vec<(u64, PathBuf)>, PushError> {
    let mut versions = numbered(dir)?;
    versions.retain(|(_, path)| path.join(READY).is_file());
    Ok(versions)
}

/// Returns everything that is named by a number, in the order of the numbers.
pub(crate) fn numbered(dir: &Path) -> Result<Vec<(u64, PathBuf)>, IoError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(IoError::at("read", dir)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(IoError::at("read", dir))?;
        if let Some(number) = entry.file_name().to_str().and_then(number_of) {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the number that a name is; leading zeros are allowed, as model servers allow them.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let number = name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok())??;
    (number <= MAX_VERSION).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folders: &[&str]) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        for folder in folders {
            let folder = dir.path().join(folder);
            let (name, is_ready): (PathBuf, bool) =
                match folder.to_str().and_then(|name| name.strip_suffix(" ready")) {
                    Some(name) => (name.into(), true),
                    None => (folder, false),
                };
            fs::create_dir_all(&name).unwrap();
            if is_ready {
                fs::write(name.join(READY), "").unwrap();
            }
        }
        let newest = newest(dir.path()).unwrap()?;
        Some(newest.strip_prefix(dir.path()).unwrap().display().to_string())
    }

    #[test]
    fn the_newest_is_the_largest_number_that_is_ready() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["9 ready", "10 ready"]), Some("10".to_owned()));
        assert_eq!(found(&["9 ready", "10"]), Some("9".to_owned()));
        assert_eq!(found(&["007 ready", "6 ready"]), Some("007".to_owned()));
        let others = [
            "latest ready",
            ".tmp-11-1-0 ready",
            "+5 ready",
            "-1 ready",
            "99999999999999999999 ready",
        ];
        assert_eq!(found(&others), None);
    }

    #[test]
    fn a_version_is_its_own_newest_and_no_directory_has_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest(&dir.path().join("absent")).unwrap(), None);
        fs::write(dir.path().join(READY), "").unwrap();
        assert_eq!(newest(dir.path()).unwrap().as_deref(), Some(dir.path()));
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(newest(&dir.path().join("file")).is_err());
    }
}
