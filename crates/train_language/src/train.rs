//! The training loop on the CPU.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use base::{CheckpointFiles, DigestBuilder};
use language::{LanguageModel, Network, Shape};
use loader::{TokenLoader, TokenLoaderConfig, TokenShards};

use crate::checkpoint::{Checkpoint, State};
use crate::init::initial_weights;
use crate::schedule::learning_rate;
use crate::{Config, TrainError, Trainable, check};

/// Sequences that are worked on at a time, where the configuration does not say.
const MICRO_BATCH: usize = 16;

/// How many losses the median is taken of.
const WINDOW: usize = 128;

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It goes on from a checkpoint, the newest that is whole.
    Resumed {
        /// After how many steps.
        step: u64,
    },
    /// A step was made.
    Step {
        /// How many steps are done.
        step: u64,
        /// How many there will be.
        num_steps: u64,
        /// The loss of its batch, in nats a token.
        loss: f64,
        /// The loss of the evaluation tokens, if it was just measured.
        eval_loss: Option<f64>,
    },
    /// It went back to the last checkpoint, and leaves out the data since.
    RolledBack {
        /// After how many steps.
        step: u64,
        /// To after how many.
        to_step: u64,
        /// Why.
        reason: String,
    },
    /// What a person should know, such as that a checkpoint is damaged or could not be written. The training goes on.
    Warning(String),
}

/// One point of the loss curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossPoint {
    /// After how many steps.
    pub step: u64,
    /// The mean loss of the batches since the point before, in nats a token.
    pub train_loss: f64,
    /// The mean loss of the evaluation tokens, if there are any.
    pub eval_loss: Option<f64>,
}

/// A trained model and how it came about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub model: LanguageModel,
    /// The loss curve.
    pub history: Vec<LossPoint>,
    /// How many times the training went back to a checkpoint.
    pub rollbacks: u32,
}

/// Trains a language model on token shards, from the newest whole checkpoint on if there is one in `run_dir`.
///
/// The tokens' blocks have to be of the configuration's `sequence_length`. `observer` hears of each step, and ends
/// the training by breaking, after a checkpoint was written.
///
/// # Errors
///
/// [`TrainError`]: an option, tokens or a checkpoint that cannot be trained with, a loss that is not finite and could
/// not be led back, or [`TrainError::Cancelled`].
pub fn train(
    config: &Config,
    tokens: &Arc<TokenShards>,
    eval: Option<&Arc<TokenShards>>,
    run_dir: &Path,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    if let Some(problem) = check(config).into_iter().next() {
        return Err(TrainError::Config(problem));
    }
    let known = tokens.vocabulary_size() as usize;
    let shape = config.transformer().shape(config.transformer().vocab_size.unwrap_or(known));
    for (split, shards) in [("train", Some(tokens)), ("eval", eval)] {
        let found = shards.map_or(0, |shards| shards.vocabulary_size() as usize);
        if found > shape.vocab_size {
            let vocab_size = shape.vocab_size;
            return Err(TrainError::Vocabulary { split, found, vocab_size });
        }
    }
    let network = Network::new(shape.clone(), shape.max_positions)?;
    let checkpoints = CheckpointFiles::new(run_dir, config.keep_checkpoints);
    let mut run = Run {
        trainable: Trainable::new(network.clone(), first_weights(config, &network)?),
        state: State { training: identity(config, tokens, &shape), ..State::default() },
        config,
        tokens,
        checkpoints,
    };
    run.go_on(observer)?;
    while run.state.step < config.num_steps {
        run.step(eval, observer)?;
    }
    let history = run.state.history.iter();
    let history = history
        .map(|&(step, train_loss, eval_loss)| LossPoint { step, train_loss, eval_loss })
        .collect();
    let rollbacks = run.state.rollbacks;
    Ok(Trained { model: LanguageModel::new(shape, run.trainable.weights)?, history, rollbacks })
}

/// Computes the mean loss of the first blocks of some tokens, in nats a token.
///
/// # Errors
///
/// [`TrainError::Loader`] when they cannot be read.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 tokens")]
pub fn evaluate(
    config: &Config,
    trainable: &mut Trainable,
    tokens: &TokenShards,
) -> Result<f64, TrainError> {
    let length = config.transformer().sequence_length;
    let blocks = config.eval_batches.saturating_mul(config.batch_size as u64);
    let mut blocks = blocks.min(tokens.num_blocks());
    if blocks > config.batch_size as u64 {
        // Whole batches, as in the PyTorch program.
        blocks -= blocks % config.batch_size as u64;
    }
    let part = micro_batch(config) as u64;
    let (mut total, mut batch) = (0.0, Vec::new());
    for first in (0..blocks).step_by(micro_batch(config)) {
        batch.clear();
        for block in first..(first + part).min(blocks) {
            tokens.read(block, &mut batch)?;
        }
        total += trainable.loss(&batch, length);
    }
    Ok(total / (blocks * length as u64) as f64)
}

fn micro_batch(config: &Config) -> usize {
    config.micro_batch_size.unwrap_or_else(|| {
        (1..=MICRO_BATCH.min(config.batch_size))
            .rev()
            .find(|part| config.batch_size.is_multiple_of(*part))
            .unwrap_or(1)
    })
}

fn first_weights(config: &Config, network: &Network) -> Result<Vec<f32>, TrainError> {
    let Some(path) = &config.base_model else {
        return Ok(initial_weights(&network.layout, network.shape.num_layers, config.seed));
    };
    let base = LanguageModel::load(path)?;
    let (ours, theirs) = (&network.shape, base.shape());
    let sizes = |s: &Shape| {
        format!(
            "{} tokens, {} layers of {}, {} heads of {}, {} of keys, {} between, output {}",
            s.vocab_size,
            s.num_layers,
            s.hidden_size,
            s.num_heads,
            s.head_dim,
            s.num_kv_heads,
            s.intermediate_size,
            if s.tie_embeddings { "tied" } else { "of its own" },
        )
    };
    let (what, expected) = (sizes(theirs), sizes(ours));
    if what != expected {
        return Err(TrainError::BaseModel { path: path.clone(), what, expected });
    }
    Ok(base.weights().to_vec())
}

/// What decides the weights, as a digest; how long to train and when to look is not part of it.
fn identity(config: &Config, tokens: &TokenShards, shape: &Shape) -> String {
    let mut config = config.clone();
    config.eval_every_steps = 0;
    config.eval_batches = 0;
    config.checkpoint_every_steps = 0;
    config.keep_checkpoints = 0;
    let text = serde_json::json!([config, shape]).to_string();
    DigestBuilder::default()
        .part("configuration", text.as_bytes())
        .part("tokens", &tokens.num_tokens().to_le_bytes())
        .part("blocks", &tokens.num_blocks().to_le_bytes())
        .finish()
        .to_string()
}

struct Run<'a> {
    config: &'a Config,
    tokens: &'a Arc<TokenShards>,
    trainable: Trainable,
    state: State,
    checkpoints: CheckpointFiles,
}

impl Run<'_> {
    fn go_on(&mut self, observer: &mut Observer<'_>) -> Result<(), TrainError> {
        let (found, problems) = self.checkpoints.newest(Checkpoint::read);
        let warnings = problems.into_iter().map(Progress::Warning);
        let mut heard: Vec<_> = warnings.collect();
        if let Some(found) = found {
            self.take(found)?;
            heard.push(Progress::Resumed { step: self.state.step });
        }
        match heard.into_iter().try_for_each(observer) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TrainError::Cancelled),
        }
    }

    fn take(&mut self, found: Checkpoint) -> Result<(), TrainError> {
        if found.state.training != self.state.training
            || found.weights.len() != self.trainable.weights.len()
        {
            return Err(TrainError::OtherTraining {
                path: self.checkpoints.path(found.state.step),
            });
        }
        self.trainable.weights = found.weights;
        self.trainable.adam.mean = found.mean;
        self.trainable.adam.square = found.square;
        self.trainable.grads.fill(0.0);
        self.state = found.state;
        Ok(())
    }

    fn step(
        &mut self,
        eval: Option<&Arc<TokenShards>>,
        observer: &mut Observer<'_>,
    ) -> Result<(), TrainError> {
        let (config, num_steps) = (self.config, self.config.num_steps);
        let rate = learning_rate(config, num_steps, self.state.step);
        let loss = self.learn()?;
        let step = self.state.step + 1;
        let norm = self.trainable.step(config, step, rate);
        if let Some(reason) = self.trouble(loss, norm) {
            return self.roll_back(step, reason, observer);
        }
        self.state.step = step;
        self.state.since = (self.state.since.0 + loss, self.state.since.1 + 1);
        let is_last = step == num_steps;
        let mut eval_loss = None;
        if is_last || step.is_multiple_of(config.eval_every_steps) {
            if let Some(eval) = eval {
                eval_loss = Some(evaluate(config, &mut self.trainable, eval)?);
            }
            #[expect(clippy::cast_precision_loss, reason = "few steps")]
            let train_loss = self.state.since.0 / self.state.since.1 as f64;
            self.state.history.push((step, train_loss, eval_loss));
            self.state.since = (0.0, 0);
        }
        let progress = Progress::Step { step, num_steps, loss, eval_loss };
        let ends = observer(progress).is_break();
        if is_last || ends || step.is_multiple_of(config.checkpoint_every_steps) {
            self.save(observer);
        }
        if ends { Err(TrainError::Cancelled) } else { Ok(()) }
    }

    /// Adds up the gradients of the batch at hand, and returns its mean loss.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 tokens a step")]
    fn learn(&mut self) -> Result<f64, TrainError> {
        let (config, length) = (self.config, self.config.transformer().sequence_length);
        let part = micro_batch(config);
        let parts = config.batch_size / part;
        let settings = TokenLoaderConfig::new(part, Some(config.seed));
        let mut loader = TokenLoader::new(Arc::clone(self.tokens), settings)?;
        loader.skip((self.state.step + self.state.skipped).saturating_mul(parts as u64));
        let num_tokens = config.batch_size * length;
        let (mut total, mut batch) = (0.0, Vec::new());
        for _ in 0..parts {
            loader.next_batch(&mut batch)?;
            total += self.trainable.accumulate(&batch, length, 1.0 / num_tokens as f32);
        }
        Ok(total / num_tokens as f64)
    }

    /// Says what is wrong with a loss and its gradient, or takes the loss into the window.
    fn trouble(&mut self, loss: f64, norm: f64) -> Option<String> {
        if !loss.is_finite() || !norm.is_finite() {
            return Some("the loss or its gradient is not a finite number".to_owned());
        }
        let losses = &mut self.state.losses;
        if self.config.loss_spike > 0.0 && losses.len() >= WINDOW / 2 {
            let mut sorted = losses.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let usual = sorted[sorted.len() / 2];
            if loss > self.config.loss_spike * usual {
                return Some(format!("the loss is {loss:.3}, usual was {usual:.3}"));
            }
        }
        losses.push(loss);
        if losses.len() > WINDOW {
            losses.remove(0);
        }
        None
    }

    fn roll_back(
        &mut self,
        step: u64,
        reason: String,
        observer: &mut Observer<'_>,
    ) -> Result<(), TrainError> {
        let (skipped, rollbacks) = (self.state.skipped, self.state.rollbacks + 1);
        let diverged = |what| TrainError::Diverged {
            step,
            what,
            rollbacks: rollbacks - 1,
            learning_rate: self.config.learning_rate,
        };
        if rollbacks > self.config.max_rollbacks {
            return Err(diverged(reason));
        }
        let Some(found) = self.checkpoints.newest(Checkpoint::read).0 else {
            return Err(diverged(format!("{reason}, and there is no checkpoint to go back to")));
        };
        self.take(found)?;
        self.state.rollbacks = rollbacks;
        self.state.skipped = skipped + (step - self.state.step);
        let to_step = self.state.step;
        match observer(Progress::RolledBack { step, to_step, reason }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(TrainError::Cancelled),
        }
    }

    /// A checkpoint that cannot be written does not end the training.
    fn save(&self, observer: &mut Observer<'_>) {
        let (step, adam) = (self.state.step, &self.trainable.adam);
        let numbers = [&self.trainable.weights[..], &adam.mean, &adam.square];
        if let Err(error) = self.checkpoints.save(step, Checkpoint::bytes(&self.state, numbers)) {
            let reason = base::render_chain(&error);
            let _ = observer(Progress::Warning(format!("no checkpoint at step {step}: {reason}")));
        }
    }
}

type Observer<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;
