//! One run of a pipeline at a time: a locked file that says who holds it.
//!
//! The operating system releases the lock when the process ends, however it ends; what the file says is for
//! people and counts only while the lock is held.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use base::IoError;

use crate::error::RunError;

/// The lock of a pipeline; released when dropped.
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a pipeline below a root, or says who has it.
    pub(crate) fn acquire(root: &Path, pipeline: &str, run: &str) -> Result<Self, RunError> {
        let path = path(root, pipeline);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(IoError::at("write", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (run, pid) = holder(&mut file);
                return Err(RunError::AlreadyRunning { pipeline: pipeline.to_owned(), run, pid });
            }
            Err(TryLockError::Error(source)) => return Err(RunError::Lock { path, source }),
        }
        let text = format!("{run}\n{}\n", std::process::id());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(text.as_bytes())
        };
        write(&mut file).map_err(IoError::at("write", &path))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays: removing it would let two others lock two files of one name.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn path(root: &Path, pipeline: &str) -> PathBuf {
    root.join(format!("{pipeline}.lock"))
}

fn holder(file: &mut File) -> (Option<String>, Option<u32>) {
    let mut text = String::new();
    let _ = file.take(4096).read_to_string(&mut text);
    let mut lines = text.lines();
    let run = lines.next().filter(|run| !run.is_empty()).map(str::to_owned);
    (run, lines.next().and_then(|pid| pid.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let root = tempfile::tempdir().unwrap();
        let first = Lock::acquire(root.path(), "taxi", "run-1").unwrap();
        let error = Lock::acquire(root.path(), "taxi", "run-2").err().unwrap();
        let pid = std::process::id();
        let said = format!("pipeline `taxi` is running already: run run-1, process {pid}");
        assert_eq!(error.to_string(), said);
        // Another pipeline is another lock.
        Lock::acquire(root.path(), "other", "run-3").unwrap();
        drop(first);
        Lock::acquire(root.path(), "taxi", "run-4").unwrap();
    }
}
