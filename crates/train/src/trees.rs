//! Boosted trees: grown leaf by leaf over histograms of binned features.
//!
//! All examples are kept as one byte per feature, so that memory is what the split has times its features. Threads
//! share out features, never examples, so that sums are formed in the order of the examples whatever their number.
//!
//! # Source
//!
//! Friedman, *Greedy Function Approximation: A Gradient Boosting Machine* (2001); Chen and Guestrin, *XGBoost* (2016),
//! section 2, for the second-order gain and the direction of missing values; Ke and others, *LightGBM* (2017), for
//! growth by leaf over histograms, and for categories sorted by their gradient (Fisher, 1958).

mod bins;
mod grow;
mod objective;
mod split;

use std::ops::ControlFlow;

use model::network::Network;
use model::{Forest, Tree};

use crate::checkpoint::{Checkpoints, Start, TreeState, digest_of};
use crate::config::BoostedTreesConfig;
use crate::examples::{Scan, Split, Table};
use crate::loss::{Loss, as_float};
use crate::metrics::{Measure, Measured};
use crate::random::{Random, Stream};
use crate::train::{Best, Stopper};
use crate::{Config, LossPoint, Metric, Plan, Progress, TrainError};

use bins::{Binned, Bins};
use grow::{Grower, Grown};
use objective::Objective;

/// Trees that were grown.
pub(crate) struct Boosted {
    pub(crate) forest: Forest,
    pub(crate) history: Vec<LossPoint>,
    pub(crate) stopped_early: bool,
    pub(crate) rounds: u64,
    pub(crate) best_round: u64,
    /// After how many rounds an earlier, interrupted training was gone on from; 0 for none.
    pub(crate) resumed_round: u64,
}

/// What trees are grown from.
pub(crate) struct Input<'a> {
    pub(crate) config: &'a Config,
    pub(crate) trees: &'a BoostedTreesConfig,
    pub(crate) network: &'a Network,
    pub(crate) train: (&'a Split, &'a Scan),
    pub(crate) eval: (&'a Split, &'a Scan),
    pub(crate) loss: &'a Loss,
    pub(crate) buffer_bytes: usize,
    pub(crate) num_threads: usize,
    /// Trees to go on from.
    pub(crate) base: Option<&'a Forest>,
    pub(crate) plan: &'a Plan,
    pub(crate) checkpoints: Option<Checkpoints<'a>>,
}

/// Grows trees, one round after the other: one tree, or one for each class or label.
pub(crate) fn boost(
    input: &Input<'_>,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Boosted, TrainError> {
    let (config, trees) = (input.config, input.trees);
    let (train_split, train_scan) = input.train;
    let bins = Bins::learn(train_split, train_scan, input.buffer_bytes)?;
    let outputs = input.network.num_outputs();
    let objective = Objective::new(config, train_split.task, input.loss);
    let checkpoints = input.checkpoints.map(|checkpoints| {
        let begin = Start::Forest(input.base);
        (checkpoints, digest_of(config, input.plan, checkpoints.examples, &begin))
    });
    let (resumed, mut warnings) = match &checkpoints {
        Some((checkpoints, digest)) => checkpoints.load::<TreeState>(*digest, input.network),
        None => (None, Vec::new()),
    };
    let first_tree = input.base.map_or(0, |base| base.trees.len());
    let grown = resumed.as_ref().map(|state| &state.forest);
    let grown = grown.map(|forest| (&forest.base[..], &forest.trees[first_tree..]));
    let mut train = Scored::read(input, input.train, &bins, grown)?;
    let mut eval = Scored::read(input, input.eval, &bins, grown)?;
    let mut history = Vec::new();
    let mut stopper = config.early_stopping.as_ref().map(Stopper::new);
    let mut round = 0;
    let mut forest = match (resumed, input.base) {
        (Some(state), _) => {
            history = state.history;
            round = state.round;
            if let Some(stopper) = &mut stopper {
                stopper.num_without_improvement = state.num_without_improvement;
                stopper.best = state.best.map(|(step, metric)| Best { step, metric, kept: () });
            }
            state.forest
        }
        (None, Some(base)) => base.clone(),
        (None, None) => {
            let forest = Forest { base: objective.base(&train.about), trees: Vec::new() };
            train.begin(&forest.base);
            eval.begin(&forest.base);
            forest
        }
    };
    let resumed_round = round;
    let num_rounds = trees.num_trees as u64;
    let mut stopped_early = false;
    let mut slopes = vec![(0.0, 0.0); train.logits.len()];
    while round < num_rounds && !stopped_early {
        objective.slopes(&train.logits, &train.about, &mut slopes);
        let rows = sample_rows(trees, train.binned.num_rows(), config.seed, round);
        let features = sample_features(trees, bins.len(), config.seed, round);
        let mut has_grown = false;
        for output in 0..outputs {
            let grower = Grower {
                config: trees,
                bins: &bins,
                binned: &train.binned,
                features: &features,
                num_threads: input.num_threads,
            };
            let tree = grower.grow(rows.clone(), &slopes, output, outputs);
            has_grown |= tree.num_leaves() > 1;
            train.add(&tree, output, outputs);
            eval.add(&tree, output, outputs);
            forest.trees.push(tree.into_tree(&bins));
        }
        round += 1;
        let train_loss = input.loss.sum(&train.logits, &train.about).mean();
        let measured = eval.measure(config.metric(), input);
        let is_finite =
            train_loss.is_finite() && measured.is_none_or(|measured| measured.loss.is_finite());
        if !is_finite {
            let suspect = crate::Suspect::LearningRate(trees.shrinkage);
            return Err(TrainError::Diverged { step: round, suspect });
        }
        let eval_loss = measured.map(|measured| measured.loss);
        let eval_metric = measured.map(|measured| measured.metric);
        history.push(LossPoint { step: round, train_loss, eval_loss, eval_metric });
        if let (Some(stopper), Some(metric)) = (&mut stopper, eval_metric) {
            stopped_early = stopper.is_enough(round, metric, || ()) && round < num_rounds;
        }
        let is_due = config.checkpoint_every_steps.is_some_and(|every| round % every == 0);
        if let Some((checkpoints, digest)) = &checkpoints
            && is_due
            && round < num_rounds
            && !stopped_early
        {
            let best = stopper.as_ref().and_then(|stopper| stopper.best.as_ref());
            let state = TreeState {
                round,
                history: history.clone(),
                num_without_improvement: stopper.as_ref().map_or(0, |s| s.num_without_improvement),
                best: best.map(|best| (best.step, best.metric)),
                forest: forest.clone(),
            };
            // Without it the training goes on, and so would one that is interrupted, from the checkpoint before.
            if let Err(error) = checkpoints.save(*digest, &state) {
                let error = base::render_chain(&error);
                warnings.push(format!("no checkpoint at step {round}: {error}"));
            }
        }
        let progress = Progress {
            step: round,
            num_steps: num_rounds,
            loss: train_loss,
            eval_loss,
            eval_metric,
            warning: (!warnings.is_empty()).then(|| std::mem::take(&mut warnings).join("; ")),
        };
        if observer(progress).is_break() {
            return Err(TrainError::Cancelled);
        }
        if !has_grown {
            // No decision lowers the loss, so none of the next rounds would find one, unless examples are drawn.
            let is_drawn = trees.example_ratio < 1.0 || trees.feature_ratio < 1.0;
            if !is_drawn {
                break;
            }
        }
    }
    if let Some((checkpoints, _)) = &checkpoints {
        checkpoints.clear();
    }
    let best_round = stopper.and_then(|stopper| stopper.best).map_or(round, |best| best.step);
    let kept = usize::try_from(best_round).unwrap_or(usize::MAX).saturating_mul(outputs);
    forest.trees.truncate(first_tree.saturating_add(kept));
    Ok(Boosted { forest, history, stopped_early, rounds: round, best_round, resumed_round })
}

/// Examples with what the trees so far give for them.
struct Scored {
    binned: Binned,
    /// Labels, weights and queries; no features.
    about: Table,
    /// Shape `[rows, outputs]`.
    logits: Vec<f32>,
}

impl Scored {
    /// Reads a split; with the logits of the base model, if there is one, and of the trees that were grown before an
    /// interruption.
    fn read(
        input: &Input<'_>,
        (split, scan): (&Split, &Scan),
        bins: &Bins,
        grown: Option<(&[f32], &[Tree])>,
    ) -> Result<Self, TrainError> {
        let mut scored =
            Self { binned: Binned::new(bins), about: Table::default(), logits: Vec::new() };
        let (num_numeric, num_ids) = (input.network.numeric_width(), input.network.num_single());
        split.for_each(scan, input.buffer_bytes, &mut |table| {
            bins.append(table, &mut scored.binned);
            scored.about.push_about(table);
            let start = scored.logits.len();
            match (input.base, grown) {
                (Some(base), _) => scored.logits.extend(base.logits(input.network, &table.rows)),
                (None, Some((base, _))) => scored.logits.extend(base.repeat(table.len())),
                (None, None) => {}
            }
            let Some((base, trees)) = grown else { return };
            for (row, logits) in scored.logits[start..].chunks_exact_mut(base.len()).enumerate() {
                let numeric = &table.rows.numeric()[row * num_numeric..(row + 1) * num_numeric];
                let ids = &table.rows.ids()[row * num_ids..(row + 1) * num_ids];
                // One after the other in single precision, as they were added when they were grown.
                for (place, tree) in trees.iter().enumerate() {
                    logits[place % base.len()] += tree.value(numeric, ids);
                }
            }
        })?;
        Ok(scored)
    }

    fn begin(&mut self, base: &[f32]) {
        self.logits = base.repeat(self.binned.num_rows());
    }

    fn add(&mut self, tree: &Grown, output: usize, outputs: usize) {
        let logits = self.logits.iter_mut().skip(output).step_by(outputs);
        for (row, logit) in logits.enumerate() {
            *logit += tree.value(&self.binned, row);
        }
    }

    fn measure(&self, metric: Metric, input: &Input<'_>) -> Option<Measured> {
        if self.about.len() == 0 {
            return None;
        }
        let mut measure = Measure::new(metric, input.train.0.task, input.loss);
        measure.add(&self.logits, &self.about);
        Some(measure.finish())
    }
}

fn sample_rows(config: &BoostedTreesConfig, num_rows: usize, seed: u64, round: u64) -> Vec<u32> {
    let mut rows: Vec<u32> =
        (0..num_rows).map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
    draw(&mut rows, config.example_ratio, Random::keyed(seed, Stream::Trees, round, 0));
    rows
}

fn sample_features(
    config: &BoostedTreesConfig,
    num_features: usize,
    seed: u64,
    round: u64,
) -> Vec<usize> {
    let mut features: Vec<usize> = (0..num_features).collect();
    draw(&mut features, config.feature_ratio, Random::keyed(seed, Stream::Trees, round, 1));
    features
}

/// Keeps a share of some items, at least one, in their order.
fn draw<T: Ord>(items: &mut Vec<T>, ratio: f64, mut random: Random) {
    if ratio < 1.0 {
        random.shuffle(items);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of it"
        )]
        let kept = (as_float(items.len()) * ratio).round() as usize;
        items.truncate(kept.max(1));
        items.sort_unstable();
    }
}
