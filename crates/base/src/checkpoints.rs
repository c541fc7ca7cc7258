//! States to go on from, in numbered files of one folder: each is there whole or not at all, and not used when damaged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Digest, IoError, render_chain};

const SUFFIX: &str = ".checkpoint";
const DIGEST_DIGITS: usize = 64;

/// Files of one folder that hold states by their step, the newest of which are kept.
///
/// A file is its content and behind it the content's digest, in 64 digits. It is written under another name and renamed, so
/// that it is there whole or not at all; one that was damaged later is told by its digest, and the one before is used.
#[derive(Clone, Debug)]
pub struct CheckpointFiles {
    dir: PathBuf,
    keep: usize,
}

impl CheckpointFiles {
    /// Returns the checkpoints in a folder, which may not be there yet; the newest `keep` of them are kept, at least one.
    pub fn new(dir: &Path, keep: usize) -> Self {
        Self { dir: dir.to_path_buf(), keep: keep.max(1) }
    }

    /// Returns the file of a step.
    pub fn path(&self, step: u64) -> PathBuf {
        self.dir.join(format!("{step:020}{SUFFIX}"))
    }

    /// Saves the content of a step, and removes those before that are not kept.
    ///
    /// # Errors
    ///
    /// [`IoError`] when the disk refuses or is full; the ones before are then still there.
    pub fn save(&self, step: u64, mut content: Vec<u8>) -> Result<(), IoError> {
        fs::create_dir_all(&self.dir).map_err(IoError::at("create", &self.dir))?;
        let digest = Digest::of(&content).to_string();
        content.extend_from_slice(digest.as_bytes());
        crate::publish::write_file(&self.path(step), &content)?;
        for (_, path) in self.files().into_iter().skip(self.keep) {
            // One that stays is only in the way.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// Returns the newest state that `read` makes of the content of a whole file, and what is wrong with newer files.
    pub fn newest<T>(
        &self,
        read: impl Fn(u64, &[u8]) -> Result<T, Unusable>,
    ) -> (Option<T>, Vec<String>) {
        let mut problems = Vec::new();
        for (step, path) in self.files() {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    problems.push(render_chain(&IoError::at("read", &path)(error)));
                    continue;
                }
            };
            match whole(&bytes).and_then(|content| read(step, content)) {
                Ok(state) => return (Some(state), problems),
                // Nothing to speak of.
                Err(Unusable::Other) => {}
                Err(Unusable::Damaged) => problems
                    .push(format!("{}: damaged, the checkpoint before is used", path.display())),
            }
        }
        (None, problems)
    }

    /// Removes all of them.
    pub fn clear(&self) {
        for (_, path) in self.files() {
            let _ = fs::remove_file(path);
        }
    }

    /// Returns all files, the newest first.
    fn files(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let step = name.to_str()?.strip_suffix(SUFFIX)?.parse().ok()?;
                Some((step, entry.path()))
            })
            .collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        files
    }
}

/// Why a checkpoint is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its content is not what was written.
    Damaged,
    /// It is of something else.
    Other,
}

/// Returns the content of a file whose digest is right.
fn whole(bytes: &[u8]) -> Result<&[u8], Unusable> {
    let length = bytes.len().checked_sub(DIGEST_DIGITS).ok_or(Unusable::Damaged)?;
    let (content, digest) = bytes.split_at(length);
    let is_right = Digest::of(content).to_string().as_bytes() == digest;
    if is_right { Ok(content) } else { Err(Unusable::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(step: u64, content: &[u8]) -> Result<(u64, Vec<u8>), Unusable> {
        Ok((step, content.to_vec()))
    }

    #[test]
    fn the_newest_whole_one_is_found_and_damaged_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let files = CheckpointFiles::new(&dir.path().join("made"), 2);
        assert_eq!(files.newest(read), (None, Vec::new()));
        for step in [9, 10, 11] {
            files.save(step, format!("state {step}").into_bytes()).unwrap();
        }
        let steps: Vec<u64> = files.files().into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [11, 10]);
        assert_eq!(files.newest(read), (Some((11, b"state 11".to_vec())), Vec::new()));

        let path = files.path(11);
        let bytes = fs::read(&path).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(whole(&changed), Err(Unusable::Damaged), "a changed byte at {place}");
            assert_eq!(whole(&bytes[..place]), Err(Unusable::Damaged), "cut at {place}");
        }
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let (found, problems) = files.newest(read);
        assert_eq!(found, Some((10, b"state 10".to_vec())));
        let told = format!("{}: damaged, the checkpoint before is used", path.display());
        assert_eq!(problems, [told]);

        // Those of something else are passed over without a word, and a new one takes the place of a damaged one.
        files.save(11, b"state 11".to_vec()).unwrap();
        let not_11 = |step, content: &[u8]| match step {
            11 => Err(Unusable::Other),
            _ => read(step, content),
        };
        assert_eq!(files.newest(not_11), (Some((10, b"state 10".to_vec())), Vec::new()));
        files.clear();
        assert_eq!(files.newest(read), (None, Vec::new()));
    }
}
