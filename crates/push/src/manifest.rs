//! What is in a version: every file with its size and digest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::{IoError, digest_file};

use crate::{PushError, serialize};

/// The name of the ready marker.
pub const READY: &str = "READY";

/// A file as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRecord {
    pub(crate) bytes: u64,
    pub(crate) digest: String,
}

/// The files of a version by their relative paths, with `/` between the parts; the ready marker is not among
/// them, and neither are folders without files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest(BTreeMap<String, FileRecord>);

impl Manifest {
    /// Reads all files of a model's folder.
    pub(crate) fn of_model(model_dir: &Path) -> Result<Self, PushError> {
        let mut files = BTreeMap::new();
        collect(model_dir, "", &mut files)?;
        if files.is_empty() {
            return Err(PushError::Empty { model_dir: model_dir.to_path_buf() });
        }
        Ok(Self(files))
    }

    /// Reads the ready marker of a version.
    pub(crate) fn of_version(dir: &Path) -> Result<Self, PushError> {
        let path = dir.join(READY);
        match fs::read(&path) {
            Ok(text) => serialize::read(&path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => {
                Err(PushError::NotReady { dir: dir.to_path_buf() })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(PushError::Gone { dir: dir.to_path_buf() })
            }
            Err(error) => Err(IoError::at("read", &path)(error).into()),
        }
    }

    /// Takes what a marker says; a name that leads out of the version is refused.
    pub(crate) fn from_stored(
        path: &Path,
        files: BTreeMap<String, FileRecord>,
    ) -> Result<Self, PushError> {
        let is_within = |name: &str| {
            name != READY && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        };
        match files.keys().find(|name| !is_within(name)) {
            None => Ok(Self(files)),
            Some(name) => {
                Err(PushError::ManifestPath { path: path.to_path_buf(), name: name.clone() })
            }
        }
    }

    pub(crate) fn files(&self) -> &BTreeMap<String, FileRecord> {
        &self.0
    }

    /// Compares the files of a folder with what they should be. Files beside them are not looked at: servers
    /// have their own.
    pub(crate) fn check(&self, dir: &Path) -> Result<(), PushError> {
        for (name, expected) in &self.0 {
            let path = dir.join(name);
            let found = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(PushError::MissingFile { path });
                }
                Err(error) => return Err(IoError::at("read", &path)(error).into()),
            };
            let damaged = |expected: String, found: String| PushError::Damaged {
                path: path.clone(),
                expected,
                found,
            };
            if found.len() != expected.bytes {
                let bytes = |count: u64| format!("{count} bytes");
                return Err(damaged(bytes(expected.bytes), bytes(found.len())));
            }
            let digest = digest_file(&path)?.to_string();
            if digest != expected.digest {
                let shown =
                    |digest: &str| format!("content {}", digest.get(..12).unwrap_or(digest));
                return Err(damaged(shown(&expected.digest), shown(&digest)));
            }
        }
        Ok(())
    }
}

fn collect(
    root: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, FileRecord>,
) -> Result<(), PushError> {
    let dir = if prefix.is_empty() { root.to_path_buf() } else { root.join(prefix) };
    for entry in fs::read_dir(&dir).map_err(IoError::at("read", &dir))? {
        let entry = entry.map_err(IoError::at("read", &dir))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else { return Err(PushError::NameNotText { path }) };
        let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if relative == READY {
            return Err(PushError::Reserved { path });
        }
        let kind = entry.file_type().map_err(IoError::at("read", &path))?;
        if kind.is_dir() {
            collect(root, &relative, files)?;
            continue;
        }
        // A link to a file is copied as the file; a link to a folder could lead anywhere.
        let metadata = fs::metadata(&path).map_err(IoError::at("read", &path))?;
        if !metadata.is_file() {
            return Err(PushError::NotAFile { path });
        }
        let digest = digest_file(&path)?.to_string();
        files.insert(relative, FileRecord { bytes: metadata.len(), digest });
    }
    Ok(())
}
