//! States kept in a folder, one file each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base::IoError;

use super::StateStore;

/// A folder of states, which may go away at any time.
///
/// Each is published by a rename, so that those who share the folder see it whole or not at all, and what cannot be read
/// or written is learned again. [`FolderStore::prune`] keeps the folder small.
#[derive(Clone, Debug)]
pub struct FolderStore {
    dir: PathBuf,
    now: SystemTime,
}

/// After so long nobody writes a file any more that was begun.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

impl FolderStore {
    /// Returns the store of a folder, which is made if need be. `now_ms` is the time in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`IoError`] when the folder cannot be made.
    pub fn open(dir: &Path, now_ms: i64) -> Result<Self, IoError> {
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        let since = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        Ok(Self { dir: dir.to_path_buf(), now: SystemTime::UNIX_EPOCH + since })
    }

    /// Removes the states that were used longest ago, until all that are left have at most so many bytes.
    ///
    /// # Errors
    ///
    /// [`IoError`] when the folder cannot be looked at.
    pub fn prune(&self, max_bytes: u64) -> Result<(), IoError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(IoError::at("read", &self.dir))? {
            let Ok(entry) = entry else { continue };
            // Whoever shares the folder may have removed it.
            let Ok(metadata) = entry.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if !base::publish::is_temporary(&entry.file_name()) {
                files.push((used, entry.path(), metadata.len()));
            } else if self.now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
        }
        files.sort_unstable_by(|one, other| other.cmp(one));
        let mut num_bytes = 0;
        for (_, path, length) in files {
            num_bytes += length;
            if num_bytes > max_bytes {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// Returns where a state is; keys are digests, and so are names of files.
    fn path(&self, key: &str) -> PathBuf {
        self.dir.join(key)
    }
}

impl StateStore for FolderStore {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        // Whether this succeeds only says how soon it is removed.
        let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(self.now));
        Some(bytes)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        if base::publish::write_file(&path, bytes).is_ok() {
            let _ =
                File::options().write(true).open(path).and_then(|file| file.set_modified(self.now));
        }
    }
}

/// A folder of states that is only looked at: nothing in it changes, and it need not be there.
#[derive(Clone, Debug)]
pub struct FolderView<'a> {
    /// The folder.
    pub dir: &'a Path,
}

impl StateStore for FolderView<'_> {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.dir.join(key)).ok()
    }

    fn put(&self, _: &str, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_was_used_last_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let at = |day: i64| FolderStore::open(dir.path(), day * 86_400_000).unwrap();
        at(1).put("a", b"one");
        at(2).put("b", b"two");
        at(3).put("c", b"three");
        assert_eq!(at(4).get("a").unwrap(), b"one");
        assert_eq!(at(4).get("d"), None);
        at(5).prune(100).unwrap();
        assert_eq!(names(dir.path()), ["a", "b", "c"]);
        at(5).prune(8).unwrap();
        assert_eq!(names(dir.path()), ["a", "c"]);
        at(5).prune(0).unwrap();
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn files_that_nobody_finishes_go_too() {
        let dir = tempfile::tempdir().unwrap();
        let unfinished = base::publish::temporary_beside(&dir.path().join("a"));
        fs::write(&unfinished, b"half").unwrap();
        let written = fs::metadata(&unfinished).unwrap().modified().unwrap();
        let written = written.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let written = i64::try_from(written).unwrap();
        FolderStore::open(dir.path(), written + 1_000).unwrap().prune(0).unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        FolderStore::open(dir.path(), written + 90_000_000).unwrap().prune(100).unwrap();
        assert!(names(dir.path()).is_empty());
    }
}
