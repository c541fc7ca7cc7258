//! One push at a time in a serving directory.
//!
//! The lock is the operating system's, on a file that is there only while somebody pushes; it ends with the
//! process, however that ends. While it is held, everything with a temporary name is left over.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base::IoError;

const NAME: &str = ".push-lock";

/// The right to push into a directory; given back when dropped.
#[derive(Debug)]
pub(crate) struct PushLock {
    path: PathBuf,
    _file: File,
}

impl PushLock {
    /// Waits until nobody else pushes into `destination`.
    pub(crate) fn acquire(destination: &Path) -> Result<Self, IoError> {
        let path = destination.join(NAME);
        loop {
            let mut options = File::options();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(IoError::at("write", &path))?;
            file.lock().map_err(IoError::at("lock", &path))?;
            // Whoever had the lock removed the file; then this one is nobody's, and another may be there.
            let ours = file.metadata().map_err(IoError::at("lock", &path))?;
            match fs::metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
                    return Ok(Self { path, _file: file });
                }
                _ => {}
            }
        }
    }
}

impl Drop for PushLock {
    fn drop(&mut self) {
        // Removed while still locked, so that nobody can hold a lock on a file that others do not see. Where it
        // cannot be removed it stays, and does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_it_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let lock = PushLock::acquire(dir.path()).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
