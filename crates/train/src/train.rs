//! The training loop.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

use dataflow::Source;
use model::network::{Encoder, Network, Weights, default_embedding_dimension, logits};
use model::{Architecture, FeatureSpec, Model, Signature, Task};

use crate::check::check_values;
use crate::checkpoint::{Checkpoints, Start, State, digest_of};
use crate::config::{Config, DEFAULT_NUM_STEPS, EarlyStopping, ModelConfig};
use crate::examples::{About, BUFFER_BYTES, Scan, Split, Table};
use crate::init::initial_weights;
use crate::loss::{Loss, LossSum};
use crate::metrics::{Measure, Measured};
use crate::step::Trainable;
use crate::stream::ExampleStream;
use crate::trees::{self, Boosted};
use crate::{Metric, Plan, Suspect, TrainError};

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How many steps (of trees: rounds) are done.
    pub step: u64,
    /// How many there will be, unless the training stops early.
    pub num_steps: u64,
    /// The mean loss of the batches since the last evaluation.
    pub loss: f64,
    /// The evaluation loss, right after it was measured.
    pub eval_loss: Option<f64>,
    /// The metric that decides about stopping early, right after it was measured.
    pub eval_metric: Option<f64>,
    /// What a person should know, such as that a checkpoint could not be written. The training goes on.
    pub warning: Option<String>,
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
    /// The metric that decides about stopping early.
    pub eval_metric: Option<f64>,
}

/// A trained model and how it came about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model, with the weights of the best evaluation when stopping early was allowed, else the last.
    pub model: Model,
    /// The loss curve.
    pub history: Vec<LossPoint>,
    /// Whether the training ended before all its steps.
    pub stopped_early: bool,
    /// How many steps were made.
    pub steps: u64,
    /// After how many steps the model had the weights that it has now.
    pub best_step: u64,
    /// After how many steps an earlier, interrupted training was gone on from; 0 for none.
    pub resumed_step: u64,
    /// How many training examples have a label.
    pub num_examples: u64,
    /// How many training examples were skipped because they have no label.
    pub num_missing_labels: u64,
    /// How many evaluation examples have a label.
    pub num_eval_examples: u64,
    /// How many evaluation examples were skipped because they have no label.
    pub num_eval_missing_labels: u64,
}

/// What a training may begin with, and where it keeps what it knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// A model of the same features and layers whose weights are begun with.
    pub base_model: Option<&'a Model>,
    /// Where checkpoints go, if [`Config::checkpoint_every_steps`] asks for them.
    pub checkpoints: Option<Checkpoints<'a>>,
    /// How many threads a step may use; those of the machine without it. It never shows in the weights.
    pub num_threads: Option<NonZeroUsize>,
}

/// Trains a model on the transformed examples of one split, measuring it on those of another.
///
/// `plan` is what the model reads and predicts, see [`crate::plan`]. Examples whose label is missing are
/// skipped and counted. `observer` is told after every step, and ends the training by breaking.
///
/// # Errors
///
/// [`TrainError`]: an option, a column or a value that cannot be trained with, a loss that is not finite, or
/// [`TrainError::Cancelled`].
pub fn train(
    config: &Config,
    plan: &Plan,
    train: Arc<dyn Source + Send>,
    eval: Arc<dyn Source + Send>,
    options: Options<'_>,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, TrainError> {
    train_with_buffer(config, plan, train, eval, options, observer, BUFFER_BYTES)
}

/// Trains with another buffer than [`BUFFER_BYTES`], so that tests reach the streamed path with little data.
pub(crate) fn train_with_buffer(
    config: &Config,
    plan: &Plan,
    train: Arc<dyn Source + Send>,
    eval: Arc<dyn Source + Send>,
    options: Options<'_>,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    buffer_bytes: usize,
) -> Result<Trained, TrainError> {
    if let Some(problem) = check_values(config).into_iter().next() {
        return Err(TrainError::Config(problem));
    }
    let (label, task) = (config.model.label(), plan.task);
    let architecture = architecture(&config.model, &plan.features);
    let network = Arc::new(Network::new(&plan.features, &architecture, task.width())?);
    if let Some(base) = options.base_model {
        check_base(base, plan, &architecture)?;
    }
    let encoder = Arc::new(Encoder::new(&network));
    let about = About::of(config);
    let split = |name, source| Split {
        name,
        source,
        network: Arc::clone(&network),
        encoder: Arc::clone(&encoder),
        about: about.clone(),
        task,
    };
    let (train, eval) = (split("train", train), split("eval", eval));

    let scan = train.scan(buffer_bytes)?;
    check_scan(&train, &scan, buffer_bytes)?;
    let eval_scan = eval.scan(buffer_bytes)?;
    if let Some(stopping) = &config.early_stopping {
        // The area under the curve needs both classes.
        let is_one_class =
            stopping.metric == Metric::Auc && eval_scan.classes.iter().any(|&count| count <= 0.0);
        if eval_scan.num_examples == 0 || is_one_class {
            return Err(TrainError::NothingToEvaluate(stopping.metric));
        }
    }
    let (num_examples, num_missing_labels) = (scan.num_examples, scan.num_missing_labels);
    let (num_eval_examples, num_eval_missing_labels) =
        (eval_scan.num_examples, eval_scan.num_missing_labels);

    let loss = Loss::new(config, task, &scan.classes);
    let signature = Signature::new(plan.features.clone(), label.to_owned(), task);
    let checkpoints = options.checkpoints.filter(|_| config.checkpoint_every_steps.is_some());
    let num_threads = options.num_threads.or_else(|| std::thread::available_parallelism().ok());
    let num_threads = num_threads.map_or(1, NonZeroUsize::get);
    let (model, made) = match &config.model {
        ModelConfig::BoostedTrees(trees) => {
            let input = trees::Input {
                config,
                trees,
                network: &network,
                train: (&train, &scan),
                eval: (&eval, &eval_scan),
                loss: &loss,
                buffer_bytes,
                num_threads,
                base: options.base_model.and_then(Model::forest),
                plan,
                checkpoints,
            };
            let Boosted { forest, history, stopped_early, rounds, best_round, resumed_round } =
                trees::boost(&input, observer)?;
            let (steps, best_step, resumed_step) = (rounds, best_round, resumed_round);
            let made = Made { history, stopped_early, steps, best_step, resumed_step };
            (Model::of_trees(signature, forest)?, made)
        }
        _ => {
            let start = match options.base_model {
                Some(base) => base.weights().clone(),
                None => initial_weights(&network, config.seed),
            };
            let descent = Descent {
                config,
                plan,
                network: &network,
                loss: &loss,
                train: &train,
                eval: (&eval, &eval_scan),
                buffer_bytes,
                num_threads,
                checkpoints,
            };
            let (weights, made) = descent.run(start, scan, observer)?;
            (Model::new(signature, architecture, weights)?, made)
        }
    };
    let Made { history, stopped_early, steps, best_step, resumed_step } = made;
    Ok(Trained {
        model,
        history,
        stopped_early,
        steps,
        best_step,
        resumed_step,
        num_examples,
        num_missing_labels,
        num_eval_examples,
        num_eval_missing_labels,
    })
}

/// How a model came about.
struct Made {
    history: Vec<LossPoint>,
    stopped_early: bool,
    steps: u64,
    best_step: u64,
    resumed_step: u64,
}

/// A training of a network, step by step.
struct Descent<'a> {
    config: &'a Config,
    plan: &'a Plan,
    network: &'a Network,
    loss: &'a Loss,
    train: &'a Split,
    eval: (&'a Split, &'a Scan),
    buffer_bytes: usize,
    num_threads: usize,
    checkpoints: Option<Checkpoints<'a>>,
}

impl Descent<'_> {
    fn run(
        &self,
        start: Weights,
        scan: Scan,
        observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(Weights, Made), TrainError> {
        let config = self.config;
        let num_steps = num_steps(config, scan.num_examples);
        let mut warnings = Vec::new();
        let resumed = match &self.checkpoints {
            None => None,
            Some(checkpoints) => {
                let begin = Start::Weights(&start);
                let digest = digest_of(config, self.plan, checkpoints.examples, &begin);
                let (state, problems) = checkpoints.load::<State>(digest, self.network);
                warnings = problems;
                Some((*checkpoints, digest, state))
            }
        };
        let (seed, batch_size) = (config.seed, config.batch_size);
        let mut examples =
            ExampleStream::new(self.train, scan, seed, batch_size, self.buffer_bytes)?;
        let clip_norm = config.gradient_clip_norm;
        let mut trainable =
            Trainable::new(self.network, start, &config.optimizer, clip_norm, self.num_threads);
        let mut history = Vec::new();
        let mut stopper = config.early_stopping.as_ref().map(Stopper::new);
        let mut losses = LossSum::default();
        let mut step = 0;
        let mut resumed_step = 0;
        let checkpoints = match resumed {
            None => None,
            Some((checkpoints, digest, None)) => Some((checkpoints, digest)),
            Some((checkpoints, digest, Some(state))) => {
                examples.resume(&state.position)?;
                trainable.optimizer.powers = state.powers;
                trainable.weights = state.weights;
                trainable.first = state.first;
                trainable.second = state.second;
                history = state.history;
                losses = LossSum { loss: state.loss_sum, weight: state.loss_count };
                step = state.step;
                resumed_step = step;
                if let Some(stopper) = &mut stopper {
                    stopper.num_without_improvement = state.num_without_improvement;
                    stopper.best =
                        state.best.map(|(step, metric, kept)| Best { step, metric, kept });
                }
                Some((checkpoints, digest))
            }
        };
        let mut batch = Arc::new(Table::default());
        let mut stopped_early = false;
        while step < num_steps && !stopped_early {
            let mut of_step = LossSum::default();
            for _ in 0..config.accumulate_batches {
                batch = examples.next_batch()?;
                of_step.add(trainable.accumulate(self.loss, &batch));
            }
            let ratio = config.learning_rate_schedule.ratio(step, num_steps);
            trainable.step(config.learning_rate * ratio);
            step += 1;
            if !of_step.loss.is_finite() {
                return Err(self.diverged(step, &batch));
            }
            losses.add(of_step);
            let train_loss = losses.mean();
            let mut measured = None;
            if step % config.eval_every_steps == 0 || step == num_steps {
                measured = self.measure(&trainable.weights)?;
                let is_good = measured.is_none_or(|measured| measured.loss.is_finite());
                if !trainable.is_finite() || !is_good {
                    return Err(self.diverged(step, &batch));
                }
                let eval_loss = measured.map(|measured| measured.loss);
                let eval_metric = measured.map(|measured| measured.metric);
                history.push(LossPoint { step, train_loss, eval_loss, eval_metric });
                losses = LossSum::default();
                if let (Some(stopper), Some(metric)) = (&mut stopper, eval_metric) {
                    let keep = || trainable.weights.clone();
                    stopped_early = stopper.is_enough(step, metric, keep) && step < num_steps;
                }
            }
            let is_due = config.checkpoint_every_steps.is_some_and(|every| step % every == 0);
            if let Some((checkpoints, digest)) = &checkpoints
                && is_due
                && step < num_steps
                && !stopped_early
            {
                let best = stopper.as_ref().and_then(|stopper| stopper.best.as_ref());
                let state = State {
                    step,
                    position: examples.position(),
                    powers: trainable.optimizer.powers,
                    loss_sum: losses.loss,
                    loss_count: losses.weight,
                    history: history.clone(),
                    num_without_improvement: stopper
                        .as_ref()
                        .map_or(0, |s| s.num_without_improvement),
                    best: best.map(|best| (best.step, best.metric, best.kept.clone())),
                    weights: trainable.weights.clone(),
                    first: trainable.first.clone(),
                    second: trainable.second.clone(),
                };
                // Without it the training goes on, and so would one that is interrupted, from the checkpoint before.
                if let Err(error) = checkpoints.save(*digest, &state) {
                    warnings.push(format!(
                        "no checkpoint at step {step}: {}",
                        base::render_chain(&error)
                    ));
                }
            }
            let progress = Progress {
                step,
                num_steps,
                loss: train_loss,
                eval_loss: measured.map(|measured| measured.loss),
                eval_metric: measured.map(|measured| measured.metric),
                warning: (!warnings.is_empty()).then(|| std::mem::take(&mut warnings).join("; ")),
            };
            if observer(progress).is_break() {
                return Err(TrainError::Cancelled);
            }
        }
        if let Some((checkpoints, _)) = &checkpoints {
            checkpoints.clear();
        }
        let (best_step, weights) = match stopper.and_then(|stopper| stopper.best) {
            Some(best) => (best.step, best.kept),
            None => (step, trainable.weights),
        };
        Ok((weights, Made { history, stopped_early, steps: step, best_step, resumed_step }))
    }

    /// Returns how good the weights are on the evaluation examples, or `None` when there are none.
    fn measure(&self, weights: &Weights) -> Result<Option<Measured>, TrainError> {
        let (split, scan) = self.eval;
        if scan.num_examples == 0 {
            return Ok(None);
        }
        let mut measure = Measure::new(self.config.metric(), self.plan.task, self.loss);
        split.for_each(scan, self.buffer_bytes, &mut |table| {
            measure.add(&logits(self.network, weights, &table.rows), table);
        })?;
        Ok(Some(measure.finish()))
    }

    fn diverged(&self, step: u64, batch: &Table) -> TrainError {
        let width = self.network.numeric_width();
        let largest = batch
            .rows
            .numeric()
            .iter()
            .enumerate()
            .map(|(place, value)| (place % width, value.abs()))
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let feature = |column| self.network.numeric_of_column(column);
        let suspect = match largest.and_then(|(column, size)| Some((feature(column)?, size))) {
            Some((feature, magnitude)) if magnitude > FAR_OUT_OF_SCALE => {
                Suspect::Feature { name: feature.name.clone(), magnitude }
            }
            _ => Suspect::LearningRate(self.config.learning_rate),
        };
        TrainError::Diverged { step, suspect }
    }
}

/// A magnitude that a scaled feature does not have.
const FAR_OUT_OF_SCALE: f32 = 1000.0;

fn architecture(model: &ModelConfig, features: &[FeatureSpec]) -> Architecture {
    let (hidden, dimension) = model.layers();
    let hidden = hidden.to_vec();
    let num_buckets = features.iter().filter_map(|feature| feature.kind.num_buckets());
    let embedding_dimensions =
        num_buckets.map(|n| dimension.unwrap_or_else(|| default_embedding_dimension(n))).collect();
    match model {
        ModelConfig::Linear(_) => Architecture::Linear,
        ModelConfig::Deep(_) => Architecture::Deep { hidden, embedding_dimensions },
        ModelConfig::WideAndDeep(_) => Architecture::WideAndDeep { hidden, embedding_dimensions },
        ModelConfig::TwoTower(model) => Architecture::TwoTower {
            query: model.query_features.clone(),
            hidden,
            dimension: model.dimension,
            embedding_dimensions,
        },
        ModelConfig::BoostedTrees(_) => Architecture::BoostedTrees,
    }
}

/// Tells whether a model can be gone on from: what it reads, its layers and what it predicts are the same.
fn check_base(base: &Model, plan: &Plan, architecture: &Architecture) -> Result<(), TrainError> {
    let misfit = |reason: String| Err(TrainError::BaseModel { reason });
    let theirs = base.signature();
    if theirs.task != plan.task {
        let of = |task: Task| format!("{task} of width {}", task.width());
        return misfit(format!("it predicts {}, expected {}", of(theirs.task), of(plan.task)));
    }
    for ours in &plan.features {
        let Some(other) = theirs.inputs.iter().find(|other| other.name == ours.name) else {
            return misfit(format!("it does not read feature `{}`", ours.name));
        };
        if let (Some(found), Some(expected)) = (other.kind.num_buckets(), ours.kind.num_buckets())
            && found != expected
        {
            let name = &ours.name;
            return misfit(format!("it has {found} categories of `{name}`, expected {expected}"));
        }
    }
    if theirs.inputs != plan.features {
        return misfit("it reads other features, or in another order".to_owned());
    }
    if base.architecture() != architecture {
        return misfit("it has other layers".to_owned());
    }
    Ok(())
}

/// Tells whether there is anything to learn from the training examples.
fn check_scan(split: &Split, scan: &Scan, buffer_bytes: usize) -> Result<(), TrainError> {
    if scan.num_examples == 0 {
        return Err(TrainError::NoExamples { num_missing_labels: scan.num_missing_labels });
    }
    let label = || split.about.label.clone();
    let mut present = scan.classes.iter().enumerate().filter(|(_, count)| **count > 0.0);
    if let (Some((class, _)), None) = (present.next(), present.next()) {
        #[expect(clippy::cast_precision_loss, reason = "at most 65536 classes")]
        let value = class as f32;
        return Err(TrainError::OneClass {
            label: label(),
            value,
            num_examples: scan.num_examples,
        });
    }
    if split.task == Task::Ranking {
        let mut can_rank = false;
        split.for_each(scan, buffer_bytes, &mut |table| {
            let (rows, ends) = crate::examples::grouped(&table.queries);
            let mut start = 0;
            for end in ends {
                let labels = rows[start..end].iter().map(|&row| table.labels[row]);
                start = end;
                let (low, high) = labels.fold((f32::INFINITY, 0.0_f32), |(low, high), label| {
                    (low.min(label), high.max(label))
                });
                can_rank |= low < high;
            }
        })?;
        if !can_rank {
            return Err(TrainError::NothingToRank { label: label() });
        }
    }
    Ok(())
}

fn num_steps(config: &Config, num_examples: u64) -> u64 {
    let per_epoch = num_examples.div_ceil(config.batch_size as u64);
    let of_epochs = config.epochs.map(|epochs| epochs.saturating_mul(per_epoch));
    let of_epochs = of_epochs.map(|batches| batches.div_ceil(config.accumulate_batches));
    match (config.num_steps, of_epochs) {
        (None, None) => DEFAULT_NUM_STEPS,
        (Some(steps), None) | (None, Some(steps)) => steps,
        (Some(steps), Some(of_epochs)) => steps.min(of_epochs),
    }
}

/// The best point so far, with what is kept of it.
pub(crate) struct Best<T> {
    pub(crate) step: u64,
    pub(crate) metric: f64,
    pub(crate) kept: T,
}

/// Decides when to stop early.
pub(crate) struct Stopper<'a, T> {
    config: &'a EarlyStopping,
    pub(crate) best: Option<Best<T>>,
    pub(crate) num_without_improvement: u64,
}

impl<'a, T> Stopper<'a, T> {
    pub(crate) fn new(config: &'a EarlyStopping) -> Self {
        Self { config, best: None, num_without_improvement: 0 }
    }

    /// Takes in an evaluation and returns whether the training should end; `keep` is asked at the best points.
    pub(crate) fn is_enough(&mut self, step: u64, metric: f64, keep: impl FnOnce() -> T) -> bool {
        let sign = if self.config.metric.is_gain() { -1.0 } else { 1.0 };
        let is_better = self
            .best
            .as_ref()
            .is_none_or(|best| sign * metric < sign * best.metric - self.config.min_delta);
        if is_better {
            self.best = Some(Best { step, metric, kept: keep() });
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
