//! The training loop.

use std::ops::ControlFlow;

use dataflow::Source;
use model::network::{Encoder, Network, Rows, Weights, default_embedding_dimension};
use model::{Architecture, FeatureKind, FeatureSpec, Model, Signature, Task};

use crate::check::check_values;
use crate::config::DEFAULT_NUM_STEPS;
use crate::examples::{BUFFER_BYTES, Split, Table};
use crate::init::initial_weights;
use crate::loss::Loss;
use crate::shuffle::Shuffled;
use crate::step::Trainable;
use crate::{Config, EarlyStopping, ModelConfig, Suspect, TrainError};

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// How many steps are done.
    pub step: u64,
    /// How many there will be, unless the training stops early.
    pub num_steps: u64,
    /// The mean loss of the batches since the last evaluation.
    pub loss: f64,
    /// The evaluation loss, right after it was measured.
    pub eval_loss: Option<f64>,
}

/// One point of the loss curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossPoint {
    /// After how many steps.
    pub step: u64,
    /// The mean loss of the batches since the point before.
    pub train_loss: f64,
    /// The mean loss of the evaluation examples, if there are any.
    pub eval_loss: Option<f64>,
}

/// A trained model and how it came about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model, with the weights of the lowest evaluation loss when stopping early was allowed, else the last.
    pub model: Model,
    /// The loss curve.
    pub history: Vec<LossPoint>,
    /// Whether the training ended before all its steps.
    pub stopped_early: bool,
    /// How many steps were made.
    pub steps: u64,
    /// After how many steps the model had the weights that it has now.
    pub best_step: u64,
    /// How many training examples have a label.
    pub num_examples: u64,
    /// How many training examples were skipped because they have no label.
    pub num_missing_labels: u64,
    /// How many evaluation examples have a label.
    pub num_eval_examples: u64,
    /// How many evaluation examples were skipped because they have no label.
    pub num_eval_missing_labels: u64,
}

/// Trains a model on the transformed examples of one split, measuring it on those of another.
///
/// `features` are what the model reads, see [`crate::feature_specs`]. Examples whose label is missing are
/// skipped and counted. `observer` is told after every step, and ends the training by breaking.
///
/// # Errors
///
/// [`TrainError`]: an option, a column or a value that cannot be trained with, a loss that is not finite, or
/// [`TrainError::Cancelled`].
pub fn train(
    config: &Config,
    features: &[FeatureSpec],
    train: &dyn Source,
    eval: &dyn Source,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    train_with_buffer(config, features, train, eval, observer, BUFFER_BYTES)
}

/// Trains with another buffer than [`BUFFER_BYTES`], so that tests reach the streamed path with little data.
pub(crate) fn train_with_buffer(
    config: &Config,
    features: &[FeatureSpec],
    train: &dyn Source,
    eval: &dyn Source,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    buffer_bytes: usize,
) -> Result<Trained, TrainError> {
    if let Some(problem) = check_values(config).into_iter().next() {
        return Err(TrainError::Config(problem));
    }
    let (label, task) = (config.model.label(), config.model.task());
    let architecture = architecture(&config.model, features);
    let network = Network::new(features, &architecture, Task::from(task).width())?;
    let encoder = Encoder::new(&network);
    let split =
        |name, source| Split { name, source, network: &network, encoder: &encoder, label, task };
    let (train, eval) = (split("train", train), split("eval", eval));

    let scan = train.scan(buffer_bytes)?;
    let (num_examples, num_missing_labels) = (scan.num_examples, scan.num_missing_labels);
    if num_examples == 0 {
        return Err(TrainError::NoExamples { num_missing_labels });
    }
    let eval_scan = eval.scan(buffer_bytes)?;
    if eval_scan.num_examples == 0 && config.early_stopping.is_some() {
        return Err(TrainError::NothingToEvaluate);
    }

    let loss = Loss::of(task);
    let num_steps = num_steps(config, num_examples);
    let mut examples = Shuffled::new(&train, scan, config.seed, buffer_bytes);
    let mut batch = Table::default();
    #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
    let learning_rate = config.learning_rate as f32;
    let weights = initial_weights(&network, config.seed);
    let mut trainable = Trainable::new(&network, weights, learning_rate);
    let mut history = Vec::new();
    let mut stopper = config.early_stopping.as_ref().map(Stopper::new);
    let (mut loss_sum, mut loss_count) = (0.0, 0.0);
    let mut step = 0;
    let mut stopped_early = false;
    while step < num_steps && !stopped_early {
        examples.next_batch(config.batch_size, &mut batch)?;
        let batch_loss = trainable.step(loss, &batch.rows, &batch.labels);
        step += 1;
        if !batch_loss.is_finite() {
            return Err(diverged(step, config, &network, &batch.rows));
        }
        loss_sum += batch_loss;
        loss_count += 1.0;
        let train_loss = loss_sum / loss_count;
        let mut eval_loss = None;
        if step % config.eval_every_steps == 0 || step == num_steps {
            eval_loss = eval.mean_loss(&eval_scan, &trainable.weights, loss)?;
            let is_finite = trainable.is_finite() && eval_loss.is_none_or(f64::is_finite);
            if !is_finite {
                return Err(diverged(step, config, &network, &batch.rows));
            }
            history.push(LossPoint { step, train_loss, eval_loss });
            (loss_sum, loss_count) = (0.0, 0.0);
            if let (Some(stopper), Some(eval_loss)) = (&mut stopper, eval_loss) {
                stopped_early =
                    stopper.is_enough(step, eval_loss, &trainable.weights) && step < num_steps;
            }
        }
        let progress = Progress { step, num_steps, loss: train_loss, eval_loss };
        if observer(progress).is_break() {
            return Err(TrainError::Cancelled);
        }
    }

    let (best_step, weights) = match stopper.and_then(|stopper| stopper.best) {
        Some(best) => (best.step, best.weights),
        None => (step, trainable.weights),
    };
    let signature = Signature::new(features.to_vec(), label.to_owned(), task.into());
    Ok(Trained {
        model: Model::new(signature, architecture, weights)?,
        history,
        stopped_early,
        steps: step,
        best_step,
        num_examples,
        num_missing_labels,
        num_eval_examples: eval_scan.num_examples,
        num_eval_missing_labels: eval_scan.num_missing_labels,
    })
}

fn architecture(model: &ModelConfig, features: &[FeatureSpec]) -> Architecture {
    let ModelConfig::WideAndDeep(config) = model else { return Architecture::Linear };
    let embedding_dimensions = features
        .iter()
        .filter_map(|feature| match feature.kind {
            FeatureKind::Numeric => None,
            FeatureKind::Categorical { num_buckets } => Some(num_buckets),
        })
        .map(|n| config.embedding_dimension.unwrap_or_else(|| default_embedding_dimension(n)))
        .collect();
    Architecture::WideAndDeep { hidden: config.hidden.clone(), embedding_dimensions }
}

fn num_steps(config: &Config, num_examples: u64) -> u64 {
    let of_epochs = config
        .epochs
        .map(|epochs| epochs.saturating_mul(num_examples).div_ceil(config.batch_size as u64));
    match (config.num_steps, of_epochs) {
        (None, None) => DEFAULT_NUM_STEPS,
        (Some(steps), None) | (None, Some(steps)) => steps,
        (Some(steps), Some(of_epochs)) => steps.min(of_epochs),
    }
}

/// A magnitude that a scaled feature does not have.
const FAR_OUT_OF_SCALE: f32 = 1000.0;

fn diverged(step: u64, config: &Config, network: &Network, batch: &Rows) -> TrainError {
    let names = network.numeric();
    let largest = batch
        .numeric()
        .iter()
        .enumerate()
        .map(|(place, value)| (place % names.len(), value.abs()))
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    let suspect = match largest {
        Some((place, magnitude)) if magnitude > FAR_OUT_OF_SCALE => {
            Suspect::Feature { name: names[place].clone(), magnitude }
        }
        _ => Suspect::LearningRate(config.learning_rate),
    };
    TrainError::Diverged { step, suspect }
}

/// The lowest point so far.
struct Best {
    step: u64,
    loss: f64,
    weights: Weights,
}

/// Decides when to stop early.
struct Stopper<'a> {
    config: &'a EarlyStopping,
    best: Option<Best>,
    num_without_improvement: u64,
}

impl<'a> Stopper<'a> {
    fn new(config: &'a EarlyStopping) -> Self {
        Self { config, best: None, num_without_improvement: 0 }
    }

    /// Takes in an evaluation and returns whether the training should end.
    fn is_enough(&mut self, step: u64, loss: f64, weights: &Weights) -> bool {
        let is_better =
            self.best.as_ref().is_none_or(|best| loss < best.loss - self.config.min_delta);
        if is_better {
            self.best = Some(Best { step, loss, weights: weights.clone() });
            self.num_without_improvement = 0;
        } else {
            self.num_without_improvement += 1;
        }
        self.num_without_improvement >= self.config.patience
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "tests"
)]
mod tests;
