//! All that a training knows, in a file, so that one that was interrupted goes on from there.
//!
//! A file is a line that says what it is, the digest of the training that it is of, its content, and a digest of all
//! of that. It is written under another name and renamed, so that it is there whole or not at all; one that was
//! damaged later is told by its digest and the one before is used. Two are kept.

use std::fs;
use std::path::{Path, PathBuf};

use base::{Digest, IoError};
use model::network::{Network, Weights};

use crate::shuffle::Position;
use crate::{LossPoint, TrainError};

const MAGIC: &[u8] = b"cupola checkpoint 1\n";
const DIGEST_DIGITS: usize = 64;
const SUFFIX: &str = ".checkpoint";
const NUM_KEPT: usize = 2;

/// Where checkpoints are kept, and which training they are of.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoints<'a> {
    /// A folder for them alone.
    pub dir: &'a Path,
    /// What the examples are, such as their digests: with other examples, or another configuration, nothing goes on.
    pub examples: &'a str,
}

/// All that a training knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) step: u64,
    pub(crate) position: Position,
    pub(crate) powers: [f64; 2],
    pub(crate) loss_sum: f64,
    pub(crate) loss_count: f64,
    pub(crate) history: Vec<LossPoint>,
    pub(crate) num_without_improvement: u64,
    /// The step and the metric of the best point, with its weights.
    pub(crate) best: Option<(u64, f64, Weights)>,
    pub(crate) weights: Weights,
    pub(crate) first: Weights,
    pub(crate) second: Weights,
}

impl Checkpoints<'_> {
    /// Saves a state and removes those before the last one.
    pub(crate) fn save(&self, training: Digest, state: &State) -> Result<(), IoError> {
        fs::create_dir_all(self.dir).map_err(IoError::at("create", self.dir))?;
        let path = self.dir.join(format!("{:020}{SUFFIX}", state.step));
        base::publish::write_file(&path, &encode(training, state))?;
        for (_, path) in self.files().into_iter().skip(NUM_KEPT) {
            // One that stays is only in the way.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// Returns the newest whole state of a training, and what is wrong with newer ones.
    pub(crate) fn load(&self, training: Digest, network: &Network) -> (Option<State>, Vec<String>) {
        let mut problems = Vec::new();
        for (_, path) in self.files() {
            let problem = match fs::read(&path) {
                Err(error) => IoError::at("read", &path)(error).to_string(),
                Ok(bytes) => match decode(training, network, &bytes) {
                    Ok(state) => return (Some(state), problems),
                    // Another training's is nothing to speak of.
                    Err(Unusable::Other) => continue,
                    Err(Unusable::Damaged) => {
                        format!("{}: damaged, the checkpoint before is used", path.display())
                    }
                },
            };
            problems.push(problem);
        }
        (None, problems)
    }

    /// Removes all checkpoints, after the training is done.
    pub(crate) fn clear(&self) {
        for (_, path) in self.files() {
            let _ = fs::remove_file(path);
        }
    }

    /// Returns all checkpoints, the newest first.
    fn files(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(self.dir).into_iter().flatten().flatten();
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

/// Why a file is not used.
enum Unusable {
    Damaged,
    Other,
}

fn encode(training: Digest, state: &State) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(training.to_string().as_bytes());
    let number = |out: &mut Vec<u8>, value: u64| out.extend_from_slice(&value.to_le_bytes());
    let Position { epochs, buffers, taken } = state.position;
    for value in [state.step, epochs, buffers, taken] {
        number(&mut out, value);
    }
    for value in [state.powers[0], state.powers[1], state.loss_sum, state.loss_count] {
        number(&mut out, value.to_bits());
    }
    number(&mut out, state.history.len() as u64);
    for point in &state.history {
        number(&mut out, point.step);
        let measured = [Some(point.train_loss), point.eval_loss, point.eval_metric];
        for value in measured {
            number(&mut out, u64::from(value.is_some()));
            number(&mut out, value.unwrap_or(0.0).to_bits());
        }
    }
    number(&mut out, state.num_without_improvement);
    number(&mut out, u64::from(state.best.is_some()));
    let mut all = vec![&state.weights, &state.first, &state.second];
    if let Some((step, metric, weights)) = &state.best {
        number(&mut out, *step);
        number(&mut out, metric.to_bits());
        all.push(weights);
    }
    for weights in all {
        for values in weights.slices() {
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    let digest = Digest::of(&out).to_string();
    out.extend_from_slice(digest.as_bytes());
    out
}

fn decode(training: Digest, network: &Network, bytes: &[u8]) -> Result<State, Unusable> {
    let whole = bytes.len().checked_sub(DIGEST_DIGITS).ok_or(Unusable::Damaged)?;
    let (content, digest) = bytes.split_at(whole);
    if Digest::of(content).to_string().as_bytes() != digest {
        return Err(Unusable::Damaged);
    }
    let content = content.strip_prefix(MAGIC).ok_or(Unusable::Other)?;
    let content = content.strip_prefix(training.to_string().as_bytes()).ok_or(Unusable::Other)?;
    // Only what this program wrote for this very training comes so far.
    read_state(&mut Reader(content), network).ok_or(Unusable::Damaged)
}

fn read_state(reader: &mut Reader<'_>, network: &Network) -> Option<State> {
    let step = reader.number()?;
    let position =
        Position { epochs: reader.number()?, buffers: reader.number()?, taken: reader.number()? };
    let powers = [reader.float()?, reader.float()?];
    let (loss_sum, loss_count) = (reader.float()?, reader.float()?);
    let mut history = Vec::new();
    for _ in 0..reader.number()? {
        let step = reader.number()?;
        let mut value = || {
            let is_there = reader.number()? == 1;
            let value = reader.float()?;
            Some(is_there.then_some(value))
        };
        let (train_loss, eval_loss, eval_metric) = (value()??, value()?, value()?);
        history.push(LossPoint { step, train_loss, eval_loss, eval_metric });
    }
    let num_without_improvement = reader.number()?;
    let best = match reader.number()? {
        1 => Some((reader.number()?, reader.float()?)),
        _ => None,
    };
    let mut weights = || {
        let mut weights = Weights::zeros(network);
        for values in weights.slices_mut() {
            for value in values {
                *value = f32::from_le_bytes(reader.take()?);
            }
        }
        Some(weights)
    };
    let [current, first, second] = [weights()?, weights()?, weights()?];
    let best = match best {
        Some((step, metric)) => Some((step, metric, weights()?)),
        None => None,
    };
    reader.0.is_empty().then_some(State {
        step,
        position,
        powers,
        loss_sum,
        loss_count,
        history,
        num_without_improvement,
        best,
        weights: current,
        first,
        second,
    })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn float(&mut self) -> Option<f64> {
        self.number().map(f64::from_bits)
    }
}

/// Returns the digest of all that a training depends on.
pub(crate) fn digest_of(
    config: &crate::Config,
    plan: &crate::Plan,
    examples: &str,
    start: &Weights,
) -> Result<Digest, TrainError> {
    let mut builder = base::DigestBuilder::default()
        .part("config", format!("{config:?}").as_bytes())
        .part("plan", format!("{plan:?}").as_bytes())
        .part("examples", examples.as_bytes());
    for values in start.slices() {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        builder = builder.part("weights", &bytes);
    }
    Ok(builder.finish())
}
