//! Checkpoints: one file each, there whole or not at all, and never used when it was changed.

use std::fs;
use std::path::{Path, PathBuf};

use base::{Digest, IoError};
use serde::{Deserialize, Serialize};

use crate::TrainError;

const MAGIC: &[u8; 8] = b"cuplm001";
const SUFFIX: &str = ".checkpoint";

/// What a training needs to go on as if it had not been interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Everything but the numbers below.
    pub state: State,
    /// The weights.
    pub weights: Vec<f32>,
    /// The running means of the gradients.
    pub mean: Vec<f32>,
    /// The running means of their squares.
    pub square: Vec<f32>,
}

/// Where a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What the training depends on, as a digest: configuration and tokens.
    pub training: String,
    /// How many steps are done.
    pub step: u64,
    /// How many batches were left out after rollbacks.
    pub skipped: u64,
    /// How many times the training went back to a checkpoint.
    pub rollbacks: u32,
    /// The last losses, for the detection of spikes.
    pub losses: Vec<f64>,
    /// The loss curve: step, training loss, evaluation loss.
    pub history: Vec<(u64, f64, Option<f64>)>,
    /// The sum and number of the losses since the curve's last point.
    pub since: (f64, u64),
}

/// The checkpoints of a training: files of one folder, named by their steps.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    dir: PathBuf,
    keep: usize,
}

impl Checkpoints {
    /// Returns the checkpoints below a folder, the newest `keep` of which are kept.
    pub fn new(dir: &Path, keep: usize) -> Self {
        Self { dir: dir.to_path_buf(), keep: keep.max(1) }
    }

    /// Writes one, and then drops those beyond the newest.
    ///
    /// The file is: 8 bytes that name the format, the length of the state as JSON (8 bytes), the state, the number of
    /// weights (8 bytes), weights, means and squares in single precision, and the digest of all that (64 digits).
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when the disk refuses or is full; the ones before are then still there.
    pub fn save(
        &self,
        state: &State,
        weights: &[f32],
        mean: &[f32],
        square: &[f32],
    ) -> Result<(), TrainError> {
        fs::create_dir_all(&self.dir).map_err(IoError::at("create", &self.dir))?;
        let path = self.path(state.step);
        let text = serde_json::to_vec(state)
            .map_err(|source| language::LanguageError::Json { path: path.clone(), source })?;
        let mut bytes = Vec::with_capacity(text.len() + weights.len() * 12 + 128);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&text);
        bytes.extend_from_slice(&(weights.len() as u64).to_le_bytes());
        for values in [weights, mean, square] {
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        let sum = Digest::of(&bytes).to_string();
        bytes.extend_from_slice(sum.as_bytes());
        base::publish::write_file(&path, &bytes)?;
        for step in self.found()?.into_iter().skip(self.keep) {
            let path = self.path(step);
            fs::remove_file(&path).map_err(IoError::at("remove", &path))?;
        }
        Ok(())
    }

    /// Returns the newest checkpoint that is whole, and the paths of newer ones that are not.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] when the folder cannot be read.
    pub fn newest(&self) -> Result<(Option<Checkpoint>, Vec<PathBuf>), TrainError> {
        let mut damaged = Vec::new();
        for step in self.found()? {
            let path = self.path(step);
            let bytes = fs::read(&path).map_err(IoError::at("read", &path))?;
            match parse(&bytes) {
                Some(checkpoint) if checkpoint.state.step == step => {
                    return Ok((Some(checkpoint), damaged));
                }
                _ => damaged.push(path),
            }
        }
        Ok((None, damaged))
    }

    /// Returns the steps of the checkpoints that are there, newest first.
    fn found(&self) -> Result<Vec<u64>, TrainError> {
        if !self.dir.is_dir() {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(IoError::at("read", &self.dir))? {
            let name = entry.map_err(IoError::at("read", &self.dir))?.file_name();
            let step = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            steps.extend(step.and_then(|step| step.parse::<u64>().ok()));
        }
        steps.sort_unstable_by(|a, b| b.cmp(a));
        Ok(steps)
    }

    /// Returns the file of the checkpoint of a state.
    pub(crate) fn path_of(&self, state: &State) -> PathBuf {
        self.path(state.step)
    }

    fn path(&self, step: u64) -> PathBuf {
        self.dir.join(format!("{step:012}{SUFFIX}"))
    }
}

/// Reads a checkpoint, if the digest at its end is that of all before.
fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let len = Digest::of(b"").to_string().len();
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(len)?)?;
    if Digest::of(content).to_string().as_bytes() != sum {
        return None;
    }
    let rest = content.strip_prefix(MAGIC)?;
    let (text, rest) = counted(rest, 1)?;
    let state = serde_json::from_slice(text).ok()?;
    let (count, _) = rest.split_first_chunk::<8>()?;
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let (numbers, rest) = counted(rest, 12)?;
    let values = |place: usize| {
        let part = &numbers[place * count * 4..(place + 1) * count * 4];
        part.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    rest.is_empty().then(|| Checkpoint {
        state,
        weights: values(0),
        mean: values(1),
        square: values(2),
    })
}

/// Splits off what a length says that there is, each of `width` bytes.
fn counted(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?.checked_mul(width)?;
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(step: u64) -> State {
        State { step, training: "x".to_owned(), losses: vec![0.1, 3.25], ..State::default() }
    }

    #[test]
    fn the_newest_whole_one_is_found_and_damaged_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(dir.path(), 2);
        for step in [1, 2, 3] {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let values = [step as f32, f32::MIN_POSITIVE, -0.0];
            checkpoints.save(&state(step), &values, &values, &values).unwrap();
        }
        assert_eq!(checkpoints.found().unwrap(), [3, 2]);
        let (found, damaged) = checkpoints.newest().unwrap();
        let found = found.unwrap();
        assert_eq!((found.state, found.weights.len(), damaged.len()), (state(3), 3, 0));

        let path = checkpoints.path(3);
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            assert!(parse(&bytes).is_none(), "a changed byte at {place}");
            assert!(parse(&whole[..place]).is_none(), "cut at {place}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let (found, damaged) = checkpoints.newest().unwrap();
        assert_eq!((found.unwrap().state.step, damaged), (2, vec![path]));
    }
}
