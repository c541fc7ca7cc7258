//! All that a training knows, in a file, so that one that was interrupted goes on from there.
//!
//! What is in a file is a line that says what it is, the digest of the training that it is of, and a state. Two are kept.

mod forest;

use std::path::Path;

use base::{CheckpointFiles, Digest, IoError, Unusable};
use model::Forest;
use model::network::{Network, Weights};

use crate::LossPoint;

const MAGIC: &[u8] = b"cupola checkpoint 2\n";
const NUM_KEPT: usize = 2;

/// Where checkpoints are kept, and which training they are of.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoints<'a> {
    /// A folder for them alone.
    pub dir: &'a Path,
    /// What the examples are, such as their digests: with other examples, or another configuration, nothing goes on.
    pub examples: &'a str,
}

/// What a checkpoint holds.
pub(crate) trait Kept: Sized {
    /// Returns after how many steps it is.
    fn step(&self) -> u64;

    /// Appends all of it.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Kept::write`] wrote; `None` if it is something else.
    fn read(reader: &mut Reader<'_>, network: &Network) -> Option<Self>;
}

/// All that a training of a network knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) step: u64,
    /// Where the stream of examples is.
    pub(crate) position: Vec<u8>,
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

/// All that a training of boosted trees knows; what the trees give for the examples is computed again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TreeState {
    pub(crate) round: u64,
    pub(crate) history: Vec<LossPoint>,
    pub(crate) num_without_improvement: u64,
    /// The round and the metric of the best point.
    pub(crate) best: Option<(u64, f64)>,
    pub(crate) forest: Forest,
}

impl Checkpoints<'_> {
    /// Saves a state and removes those before the last one.
    pub(crate) fn save(&self, training: Digest, state: &impl Kept) -> Result<(), IoError> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(training.to_string().as_bytes());
        state.write(&mut out);
        self.files().save(state.step(), out)
    }

    /// Returns the newest whole state of a training, and what is wrong with newer ones.
    pub(crate) fn load<K: Kept>(
        &self,
        training: Digest,
        network: &Network,
    ) -> (Option<K>, Vec<String>) {
        self.files().newest(|_, content| {
            let content = content.strip_prefix(MAGIC).ok_or(Unusable::Other)?;
            let content = content.strip_prefix(training.to_string().as_bytes());
            // Only what this program wrote for this very training comes so far.
            let mut reader = Reader(content.ok_or(Unusable::Other)?);
            let state = K::read(&mut reader, network);
            state.filter(|_| reader.0.is_empty()).ok_or(Unusable::Damaged)
        })
    }

    /// Removes all checkpoints, after the training is done.
    pub(crate) fn clear(&self) {
        self.files().clear();
    }

    fn files(&self) -> CheckpointFiles {
        CheckpointFiles::new(self.dir, NUM_KEPT)
    }
}

fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn write_history(history: &[LossPoint], out: &mut Vec<u8>) {
    number(out, history.len() as u64);
    for point in history {
        number(out, point.step);
        let measured = [Some(point.train_loss), point.eval_loss, point.eval_metric];
        for value in measured {
            number(out, u64::from(value.is_some()));
            number(out, value.unwrap_or(0.0).to_bits());
        }
    }
}

fn read_history(reader: &mut Reader<'_>) -> Option<Vec<LossPoint>> {
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
    Some(history)
}

fn read_best(reader: &mut Reader<'_>) -> Option<Option<(u64, f64)>> {
    Some(match reader.number()? {
        1 => Some((reader.number()?, reader.float()?)),
        _ => None,
    })
}

impl Kept for State {
    fn step(&self) -> u64 {
        self.step
    }

    fn write(&self, out: &mut Vec<u8>) {
        number(out, self.step);
        number(out, self.position.len() as u64);
        out.extend_from_slice(&self.position);
        for value in [self.powers[0], self.powers[1], self.loss_sum, self.loss_count] {
            number(out, value.to_bits());
        }
        write_history(&self.history, out);
        number(out, self.num_without_improvement);
        number(out, u64::from(self.best.is_some()));
        let mut all = vec![&self.weights, &self.first, &self.second];
        if let Some((step, metric, weights)) = &self.best {
            number(out, *step);
            number(out, metric.to_bits());
            all.push(weights);
        }
        for weights in all {
            for values in weights.slices() {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }

    fn read(reader: &mut Reader<'_>, network: &Network) -> Option<Self> {
        let step = reader.number()?;
        let position = usize::try_from(reader.number()?).ok()?;
        let position = reader.bytes(position)?.to_vec();
        let powers = [reader.float()?, reader.float()?];
        let (loss_sum, loss_count) = (reader.float()?, reader.float()?);
        let history = read_history(reader)?;
        let num_without_improvement = reader.number()?;
        let best = read_best(reader)?;
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
        Some(Self {
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
}

impl Kept for TreeState {
    fn step(&self) -> u64 {
        self.round
    }

    fn write(&self, out: &mut Vec<u8>) {
        number(out, self.round);
        write_history(&self.history, out);
        number(out, self.num_without_improvement);
        number(out, u64::from(self.best.is_some()));
        if let Some((round, metric)) = self.best {
            number(out, round);
            number(out, metric.to_bits());
        }
        forest::write(&self.forest, out);
    }

    fn read(reader: &mut Reader<'_>, network: &Network) -> Option<Self> {
        let round = reader.number()?;
        let history = read_history(reader)?;
        let num_without_improvement = reader.number()?;
        let best = read_best(reader)?;
        let forest = forest::read(reader)?;
        forest.check(network).ok()?;
        Some(Self { round, history, num_without_improvement, best, forest })
    }
}

/// Reads what is left of a file.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

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

/// Where a training begins.
pub(crate) enum Start<'a> {
    Weights(&'a Weights),
    /// Trees to go on from.
    Forest(Option<&'a Forest>),
}

/// Returns the digest of all that a training depends on.
pub(crate) fn digest_of(
    config: &crate::Config,
    plan: &crate::Plan,
    examples: &str,
    start: &Start<'_>,
) -> Digest {
    let mut builder = base::DigestBuilder::default()
        .part("config", format!("{config:?}").as_bytes())
        .part("plan", format!("{plan:?}").as_bytes())
        .part("examples", examples.as_bytes());
    match start {
        Start::Weights(weights) => {
            for values in weights.slices() {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                builder = builder.part("weights", &bytes);
            }
        }
        Start::Forest(None) => {}
        Start::Forest(Some(base)) => {
            let mut bytes = Vec::new();
            forest::write(base, &mut bytes);
            builder = builder.part("trees", &bytes);
        }
    }
    builder.finish()
}
