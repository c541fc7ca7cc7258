//! The derivatives of the loss, of which trees need the second, too.

use model::Task;

use crate::RankingLoss;
use crate::config::Config;
use crate::examples::{Table, grouped};
use crate::loss::{Loss, as_float, weight};

/// No second derivative is smaller: a leaf of certain examples would move without bounds.
const MIN_HESSIAN: f64 = 1e-6;

/// What trees make small.
pub(super) struct Objective {
    task: Task,
    is_listwise: bool,
    loss: Loss,
}

impl Objective {
    pub(super) fn new(config: &Config, task: Task, loss: &Loss) -> Self {
        let ranking = config.ranking.as_ref().map(|ranking| ranking.loss);
        Self { task, is_listwise: ranking == Some(RankingLoss::Listwise), loss: loss.clone() }
    }

    /// Returns the logits that are best for all examples alike.
    pub(super) fn base(&self, about: &Table) -> Vec<f32> {
        let width = self.task.width();
        let labels = about.labels.len() / about.len().max(1);
        let mut sums = vec![0.0; width];
        let mut total = 0.0;
        for row in 0..about.len() {
            let label = &about.labels[row * labels..(row + 1) * labels];
            let weight = weight(about, row) * self.loss.class_weight(label[0]);
            total += weight;
            match self.task {
                Task::MultiClassClassification { .. } => sums[class(label[0])] += weight,
                _ => sums.iter_mut().zip(label).for_each(|(s, l)| *s += weight * f64::from(*l)),
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "logits are single precision")]
        sums.into_iter()
            .map(|sum| {
                let mean = if total > 0.0 { sum / total } else { 0.0 };
                let share = mean.clamp(1e-6, 1.0 - 1e-6);
                let logit = match self.task {
                    Task::Ranking => 0.0,
                    Task::Regression => mean,
                    Task::MultiClassClassification { .. } => share.ln(),
                    Task::BinaryClassification | Task::MultiLabelClassification { .. } => {
                        (share / (1.0 - share)).ln()
                    }
                };
                logit as f32
            })
            .collect()
    }

    /// Sets the first and second derivative by each logit.
    pub(super) fn slopes(&self, logits: &[f32], about: &Table, slopes: &mut [(f32, f32)]) {
        if self.task == Task::Ranking {
            self.of_queries(logits, about, slopes);
            return;
        }
        let width = self.task.width();
        let labels = about.labels.len() / about.len().max(1);
        for row in 0..about.len() {
            let label = &about.labels[row * labels..(row + 1) * labels];
            let weight = weight(about, row) * self.loss.class_weight(label[0]);
            let places = row * width..(row + 1) * width;
            let (logits, slopes) = (&logits[places.clone()], &mut slopes[places]);
            match self.task {
                Task::Regression => {
                    let error = f64::from(logits[0]) - f64::from(label[0]);
                    slopes[0] = pair(weight * error, weight);
                }
                Task::MultiClassClassification { .. } => {
                    let powers = softmax(logits.iter().map(|logit| f64::from(*logit)));
                    for (place, (slope, p)) in slopes.iter_mut().zip(powers).enumerate() {
                        let is_class = f64::from(u8::from(place == class(label[0])));
                        let hessian = (2.0 * p * (1.0 - p)).max(MIN_HESSIAN);
                        *slope = pair(weight * (p - is_class), weight * hessian);
                    }
                }
                _ => {
                    for ((slope, logit), label) in slopes.iter_mut().zip(logits).zip(label) {
                        let p = 1.0 / (1.0 + (-f64::from(*logit)).exp());
                        let hessian = (p * (1.0 - p)).max(MIN_HESSIAN);
                        *slope = pair(weight * (p - f64::from(*label)), weight * hessian);
                    }
                }
            }
        }
    }

    /// Pairs count by how much the normalized discounted cumulative gain would change if the two changed places.
    ///
    /// # Source
    ///
    /// Burges, *From RankNet to LambdaRank to LambdaMART* (2010).
    fn of_queries(&self, logits: &[f32], about: &Table, slopes: &mut [(f32, f32)]) {
        let mut sums = vec![(0.0, 0.0); slopes.len()];
        let (rows, ends) = grouped(&about.queries);
        let mut start = 0;
        for end in ends {
            let rows = &rows[start..end];
            start = end;
            let weight =
                rows.iter().map(|&row| weight(about, row)).sum::<f64>() / as_float(rows.len());
            if self.is_listwise {
                let total: f64 = rows.iter().map(|&row| f64::from(about.labels[row])).sum();
                if total <= 0.0 {
                    continue;
                }
                let powers = softmax(rows.iter().map(|&row| f64::from(logits[row])));
                for (&row, p) in rows.iter().zip(powers) {
                    sums[row].0 += weight * (p - f64::from(about.labels[row]) / total);
                    sums[row].1 += weight * p * (1.0 - p);
                }
                continue;
            }
            let gain = |row: usize| f64::from(about.labels[row]).exp2() - 1.0;
            let discount = |place: usize| 1.0 / as_float(place + 2).log2();
            let mut best: Vec<usize> = rows.to_vec();
            best.sort_by(|&a, &b| about.labels[b].total_cmp(&about.labels[a]));
            let ideal: f64 =
                best.iter().enumerate().map(|(place, &row)| gain(row) * discount(place)).sum();
            if ideal <= 0.0 {
                continue;
            }
            let mut ranked: Vec<usize> = rows.to_vec();
            ranked.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
            for (i, &a) in ranked.iter().enumerate() {
                for (j, &b) in ranked.iter().enumerate() {
                    if about.labels[a] <= about.labels[b] {
                        continue;
                    }
                    let change = (gain(a) - gain(b)) * (discount(i) - discount(j)).abs() / ideal;
                    let p = 1.0 / (1.0 + (f64::from(logits[a]) - f64::from(logits[b])).exp());
                    let (gradient, hessian) =
                        (weight * change * p, weight * change * p * (1.0 - p));
                    sums[a].0 -= gradient;
                    sums[b].0 += gradient;
                    sums[a].1 += hessian;
                    sums[b].1 += hessian;
                }
            }
        }
        for (slope, (gradient, hessian)) in slopes.iter_mut().zip(sums) {
            *slope = pair(gradient, hessian.max(MIN_HESSIAN));
        }
    }
}

fn softmax(logits: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let mut powers: Vec<f64> = logits.map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter_mut().for_each(|power| *power /= sum);
    powers
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked as it was read"
)]
fn class(label: f32) -> usize {
    label as usize
}

#[expect(clippy::cast_possible_truncation, reason = "derivatives are single precision")]
fn pair(gradient: f64, hessian: f64) -> (f32, f32) {
    (gradient as f32, hessian as f32)
}
