//! What is measured on the evaluation examples while a model is trained.

use model::Task;

use crate::Metric;
use crate::examples::{Table, grouped};
use crate::loss::{Loss, LossSum, as_float, weight};

/// The metric of examples that come table by table.
pub(crate) struct Measure {
    metric: Metric,
    task: Task,
    loss: Loss,
    losses: LossSum,
    /// The metric's own sum.
    sum: LossSum,
    /// Scores, labels and weights, for the area under the curve.
    scores: Vec<(f32, bool, f32)>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) loss: f64,
    pub(crate) metric: f64,
}

impl Measure {
    pub(crate) fn new(metric: Metric, task: Task, loss: &Loss) -> Self {
        Self {
            metric,
            task,
            loss: loss.unweighted(),
            losses: LossSum::default(),
            sum: LossSum::default(),
            scores: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, logits: &[f32], table: &Table) {
        self.losses.add(self.loss.sum(logits, table));
        match self.metric {
            Metric::Loss => {}
            Metric::Auc => {
                let rows = logits.iter().zip(&table.labels).enumerate();
                self.scores.extend(rows.map(|(row, (logit, label))| {
                    (*logit, *label > 0.5, table.weights.get(row).copied().unwrap_or(1.0))
                }));
            }
            Metric::Ndcg => self.add_gains(logits, table),
            Metric::Accuracy | Metric::RootMeanSquaredError | Metric::MeanAbsoluteError => {
                let width = self.task.width();
                for (row, logits) in logits.chunks_exact(width).enumerate() {
                    let labels = table.labels.len() / table.len();
                    let labels = &table.labels[row * labels..(row + 1) * labels];
                    let weight = weight(table, row);
                    let loss = weight * self.of_example(logits, labels);
                    self.sum.add(LossSum { loss, weight });
                }
            }
        }
    }

    fn of_example(&self, logits: &[f32], labels: &[f32]) -> f64 {
        match (self.metric, self.task) {
            (Metric::RootMeanSquaredError, _) => {
                (f64::from(logits[0]) - f64::from(labels[0])).powi(2)
            }
            (Metric::MeanAbsoluteError, _) => (f64::from(logits[0]) - f64::from(labels[0])).abs(),
            (_, Task::MultiClassClassification { .. }) => {
                let best = (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
                #[expect(clippy::cast_precision_loss, reason = "at most 65536 classes")]
                let is_right = best.is_some_and(|best| (best as f32 - labels[0]).abs() < 0.5);
                f64::from(u8::from(is_right))
            }
            _ => {
                let pairs = logits.iter().zip(labels);
                let num_right =
                    pairs.filter(|(logit, label)| (**logit > 0.0) == (**label > 0.5)).count();
                as_float(num_right) / as_float(labels.len())
            }
        }
    }

    /// Adds each query's normalized discounted cumulative gain; a query in which nothing is relevant is left out.
    fn add_gains(&mut self, logits: &[f32], table: &Table) {
        let (rows, ends) = grouped(&table.queries);
        let mut start = 0;
        for end in ends {
            let mut rows = rows[start..end].to_vec();
            start = end;
            let weight =
                rows.iter().map(|&row| weight(table, row)).sum::<f64>() / as_float(rows.len());
            let gain = |rows: &[usize]| {
                let gains = rows.iter().enumerate().map(|(place, &row)| {
                    (f64::from(table.labels[row]).exp2() - 1.0) / as_float(place + 2).log2()
                });
                gains.sum::<f64>()
            };
            rows.sort_by(|&a, &b| table.labels[b].total_cmp(&table.labels[a]));
            let best = gain(&rows);
            // Among equal scores the less relevant comes first, so that a model that says nothing gains nothing.
            rows.reverse();
            rows.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
            if best > 0.0 {
                self.sum.add(LossSum { loss: weight * gain(&rows) / best, weight });
            }
        }
    }

    pub(crate) fn finish(self) -> Measured {
        let loss = self.losses.mean();
        let metric = match self.metric {
            Metric::Loss => loss,
            Metric::Auc => area(self.scores),
            Metric::RootMeanSquaredError => self.sum.mean().sqrt(),
            Metric::Accuracy | Metric::MeanAbsoluteError | Metric::Ndcg => self.sum.mean(),
        };
        Measured { loss, metric }
    }
}

/// Returns the share of pairs of a positive and a negative example that are in the right order, half of those with
/// equal scores; NaN without one of the two.
fn area(mut scores: Vec<(f32, bool, f32)>) -> f64 {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut right, mut positives) = (0.0, 0.0, 0.0);
    for equal in scores.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let of = |wanted: bool| {
            let weights = equal.iter().filter(move |(_, label, _)| *label == wanted);
            weights.map(|(_, _, weight)| f64::from(*weight)).sum::<f64>()
        };
        let (positive, negative) = (of(true), of(false));
        right += positive * (below + negative / 2.0);
        below += negative;
        positives += positive;
    }
    right / (positives * below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs_in_the_right_order() {
        let scores = vec![(0.1, false, 1.0), (0.4, true, 1.0), (0.4, false, 2.0), (0.9, true, 1.0)];
        // 0.4 beats 0.1 and ties with two; 0.9 beats all three.
        assert!((area(scores) - (1.0 + 1.0 + 3.0) / 6.0).abs() < 1e-12);
        assert!(area(vec![(0.5, true, 1.0)]).is_nan());
    }
}
