//! Whether files stay as they are while they are read.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base::IoError;

use crate::IngestError;

/// What files were when they were first looked at.
pub(crate) struct Snapshot(Vec<(PathBuf, Look)>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    num_bytes: u64,
    modified: Option<SystemTime>,
}

impl Look {
    fn of(metadata: &Metadata) -> Self {
        Self { num_bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Snapshot {
    /// Looks at files; one that is not there is somebody else's to complain about.
    pub(crate) fn take(paths: &[PathBuf]) -> Self {
        let look = |path: &Path| fs::metadata(path).ok().map(|metadata| Look::of(&metadata));
        Self(paths.iter().filter_map(|path| Some((path.clone(), look(path)?))).collect())
    }

    /// Says no to files that have gone or that somebody wrote to since.
    pub(crate) fn check(&self) -> Result<(), IngestError> {
        for (path, before) in &self.0 {
            let now = fs::metadata(path).map_err(IoError::at("read", path))?;
            let now = Look::of(&now);
            if now != *before {
                return Err(IngestError::FileChanged {
                    path: path.clone(),
                    found: now.num_bytes,
                    expected: before.num_bytes,
                });
            }
        }
        Ok(())
    }
}
