//! What training makes small.
//!
//! Every loss is a weighted mean: of examples, by their weight times that of their class, or of queries, by the mean
//! weight of their examples. Sums and weights are kept apart, so that batches of any size add up.

use model::Task;

use crate::examples::{Table, grouped};
use crate::{ClassWeightRule, ClassWeights, Config, RankingLoss};

/// The loss of a task, with the weights of its classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loss {
    kind: Kind,
    width: usize,
    /// One per class, or none where all count alike.
    class_weights: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The negative log likelihood of labels of 0 or 1.
    Logistic,
    /// The negative log likelihood of a class.
    Softmax,
    /// The squared difference.
    Squared,
    /// The negative log likelihood of the order of two examples of a query.
    Pairwise,
    /// The cross entropy of the examples of a query.
    Listwise,
}

/// A sum of losses, and the weight that it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LossSum {
    pub(crate) loss: f64,
    pub(crate) weight: f64,
}

impl LossSum {
    pub(crate) fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.weight += other.weight;
    }

    /// Returns the mean loss; without any weight it is 0.
    pub(crate) fn mean(self) -> f64 {
        if self.weight > 0.0 { self.loss / self.weight } else { self.loss }
    }
}

impl Loss {
    /// Returns the loss of a task; `classes` is how many examples of each class there are.
    pub(crate) fn new(config: &Config, task: Task, classes: &[f64]) -> Self {
        let kind = match task {
            Task::BinaryClassification | Task::MultiLabelClassification { .. } => Kind::Logistic,
            Task::MultiClassClassification { .. } => Kind::Softmax,
            Task::Regression => Kind::Squared,
            Task::Ranking => match config.ranking.as_ref().map(|ranking| ranking.loss) {
                Some(RankingLoss::Listwise) => Kind::Listwise,
                Some(RankingLoss::Pairwise) | None => Kind::Pairwise,
            },
        };
        let class_weights = match &config.class_weights {
            None => Vec::new(),
            Some(ClassWeights::Numbers(numbers)) => numbers.clone(),
            Some(ClassWeights::Rule(ClassWeightRule::Balanced)) => {
                let present = classes.iter().filter(|&&count| count > 0.0).count();
                let share = classes.iter().sum::<f64>() / as_float(present.max(1));
                let weight = |&count: &f64| if count > 0.0 { share / count } else { 0.0 };
                classes.iter().map(weight).collect()
            }
        };
        Self { kind, width: task.width(), class_weights }
    }

    /// Returns the loss without the weights of classes, as the evaluation measures it.
    pub(crate) fn unweighted(&self) -> Self {
        Self { class_weights: Vec::new(), ..self.clone() }
    }

    /// Returns how much an example counts by its class, by its label.
    pub(crate) fn class_weight(&self, label: f32) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let class = label as usize;
        self.class_weights.get(class).copied().unwrap_or(1.0)
    }

    /// Returns the sum of the losses of some examples.
    pub(crate) fn sum(&self, logits: &[f32], table: &Table) -> LossSum {
        self.sum_and_slopes(logits, table, None)
    }

    /// Returns the sum of the losses of some examples, and adds its derivative by each logit to `slopes`.
    pub(crate) fn sum_and_slopes(
        &self,
        logits: &[f32],
        table: &Table,
        slopes: Option<&mut [f32]>,
    ) -> LossSum {
        match self.kind {
            Kind::Logistic | Kind::Squared => self.of_numbers(logits, table, slopes),
            Kind::Softmax => self.of_classes(logits, table, slopes),
            Kind::Pairwise | Kind::Listwise => self.of_queries(logits, table, slopes),
        }
    }

    fn of_numbers(&self, logits: &[f32], table: &Table, mut slopes: Option<&mut [f32]>) -> LossSum {
        let mut sum = LossSum::default();
        let share = 1.0 / as_float(self.width);
        for row in 0..table.len() {
            let places = row * self.width..(row + 1) * self.width;
            let mut weight = weight(table, row);
            if !self.class_weights.is_empty() {
                weight *= self.class_weight(table.labels[places.start]);
            }
            sum.weight += weight;
            for place in places {
                let (logit, label) = (f64::from(logits[place]), f64::from(table.labels[place]));
                let (value, slope) = match self.kind {
                    Kind::Squared => ((logit - label).powi(2), 2.0 * (logit - label)),
                    // log(1 + e^z) - yz, arranged so that neither end overflows.
                    _ => {
                        let power = (-logit.abs()).exp();
                        let probability = if logit >= 0.0 { 1.0 } else { power } / (1.0 + power);
                        let value = logit.max(0.0) - logit * label + power.ln_1p();
                        (value, probability - label)
                    }
                };
                sum.loss += weight * share * value;
                add(&mut slopes, place, weight * share * slope);
            }
        }
        sum
    }

    fn of_classes(&self, logits: &[f32], table: &Table, mut slopes: Option<&mut [f32]>) -> LossSum {
        let mut sum = LossSum::default();
        let mut powers = Vec::with_capacity(self.width);
        for (row, logits) in logits.chunks_exact(self.width).enumerate() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
            let class = table.labels[row] as usize;
            let weight = weight(table, row) * self.class_weight(table.labels[row]);
            let (largest, total) = exponentials(logits, &mut powers);
            sum.weight += weight;
            sum.loss += weight * (total.ln() + largest - f64::from(logits[class]));
            for (place, power) in powers.iter().enumerate() {
                let slope = power / total - f64::from(u8::from(place == class));
                add(&mut slopes, row * self.width + place, weight * slope);
            }
        }
        sum
    }

    fn of_queries(&self, logits: &[f32], table: &Table, mut slopes: Option<&mut [f32]>) -> LossSum {
        let mut sum = LossSum::default();
        let (rows, ends) = grouped(&table.queries);
        let mut start = 0;
        for end in ends {
            let rows = &rows[start..end];
            start = end;
            let weight =
                rows.iter().map(|&row| weight(table, row)).sum::<f64>() / as_float(rows.len());
            let of_query = match self.kind {
                Kind::Pairwise => pairwise(rows, logits, &table.labels, weight, &mut slopes),
                _ => listwise(rows, logits, &table.labels, weight, &mut slopes),
            };
            if let Some(loss) = of_query {
                sum.add(LossSum { loss: weight * loss, weight });
            }
        }
        sum
    }
}

/// Returns the mean over the pairs of a query's examples of which one is more relevant, or `None` without a pair.
///
/// # Source
///
/// Burges and others, *Learning to Rank using Gradient Descent* (2005), with sigma 1.
fn pairwise(
    rows: &[usize],
    logits: &[f32],
    labels: &[f32],
    weight: f64,
    slopes: &mut Option<&mut [f32]>,
) -> Option<f64> {
    let pairs = || {
        let better = |a: usize| rows.iter().copied().filter(move |&b| labels[a] > labels[b]);
        rows.iter().copied().flat_map(move |a| better(a).map(move |b| (a, b)))
    };
    let num_pairs = as_float(pairs().count());
    if num_pairs < 1.0 {
        return None;
    }
    let mut sum = 0.0;
    for (a, b) in pairs() {
        let difference = f64::from(logits[a]) - f64::from(logits[b]);
        let power = (-difference.abs()).exp();
        sum += (-difference).max(0.0) + power.ln_1p();
        let slope = -(if difference >= 0.0 { power } else { 1.0 }) / (1.0 + power);
        add(slopes, a, weight * slope / num_pairs);
        add(slopes, b, -weight * slope / num_pairs);
    }
    Some(sum / num_pairs)
}

/// Returns the cross entropy of the labels, divided by their sum, and the softmax of the scores; `None` when no example
/// is relevant.
///
/// # Source
///
/// Cao and others, *Learning to Rank: From Pairwise Approach to Listwise Approach* (2007), top one, with labels as they
/// are, as TensorFlow Ranking's softmax loss has them.
fn listwise(
    rows: &[usize],
    logits: &[f32],
    labels: &[f32],
    weight: f64,
    slopes: &mut Option<&mut [f32]>,
) -> Option<f64> {
    let total: f64 = rows.iter().map(|&row| f64::from(labels[row])).sum();
    if total <= 0.0 {
        return None;
    }
    let scores: Vec<f32> = rows.iter().map(|&row| logits[row]).collect();
    let mut powers = Vec::new();
    let (largest, sum) = exponentials(&scores, &mut powers);
    let mut loss = 0.0;
    for ((&row, score), power) in rows.iter().zip(scores).zip(powers) {
        let share = f64::from(labels[row]) / total;
        loss += share * (sum.ln() + largest - f64::from(score));
        add(slopes, row, weight * (power / sum - share));
    }
    Some(loss)
}

/// Returns the largest number and the sum of the exponentials of all less it, which go to `powers`.
fn exponentials(numbers: &[f32], powers: &mut Vec<f64>) -> (f64, f64) {
    let largest = f64::from(numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    powers.clear();
    powers.extend(numbers.iter().map(|number| (f64::from(*number) - largest).exp()));
    (largest, powers.iter().sum())
}

/// Returns how much an example counts.
pub(crate) fn weight(table: &Table, row: usize) -> f64 {
    table.weights.get(row).map_or(1.0, |&weight| weight.into())
}

#[expect(clippy::cast_possible_truncation, reason = "gradients are single precision")]
fn add(slopes: &mut Option<&mut [f32]>, place: usize, slope: f64) {
    if let Some(slopes) = slopes {
        slopes[place] += slope as f32;
    }
}

#[expect(clippy::cast_precision_loss, reason = "no batch has 2^52 examples")]
pub(crate) fn as_float(count: usize) -> f64 {
    count as f64
}
