//! Which class or label is taken for which: tables of several classes or labels, at thresholds.

use crate::compute::Sample;
use crate::rows::{Hit, Label};
use crate::sums::Fixed;
use crate::{Config, Task};

/// No more classes or labels than this have tables.
pub(crate) const MAX_TABLE_CLASSES: usize = 100;

/// Without asking, no more labels than this: an example adds to a row of the table for each label that it has.
const MAX_USUAL_LABELS: usize = 20;

/// The weight of each label by the likeliest class, at one threshold; of several classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassTable {
    /// What the likeliest class must be above.
    pub threshold: f64,
    /// By label and then by class; behind the classes, where no class is above the threshold.
    pub weights: Vec<Vec<f64>>,
}

/// What is predicted of the examples that have a label, at one threshold; of several labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelTable {
    /// What a prediction must be above.
    pub threshold: f64,
    /// By a label that examples have, and then by any label: the weight of true positives, false positives, true
    /// negatives and false negatives of the latter among these examples.
    pub cells: Vec<Vec<[f64; 4]>>,
}

/// Where the tables are counted.
///
/// The cell of a label, a class and how many thresholds are below the prediction for that class; of several labels,
/// two of them: whether the example has the latter label, too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tables {
    /// In ascending order, each once.
    thresholds: Vec<f64>,
    width: usize,
    is_multi_label: bool,
    /// The first cell of each model.
    first: Vec<u32>,
}

impl Tables {
    /// Returns what to count, if anything; `table` gives room for so many cells.
    pub(crate) fn new(
        config: &Config,
        task: Task,
        num_models: u8,
        table: &mut dyn FnMut(usize) -> u32,
    ) -> Option<Self> {
        let width = task.width();
        let mut thresholds = config.confusion_thresholds.clone();
        let (is_multi_label, max) = match task {
            Task::MultiClassClassification { .. } => (false, MAX_TABLE_CLASSES),
            Task::MultiLabelClassification { .. } if thresholds.is_empty() => {
                thresholds.push(config.classification_threshold);
                (true, MAX_USUAL_LABELS)
            }
            Task::MultiLabelClassification { .. } => (true, MAX_TABLE_CLASSES),
            _ => return None,
        };
        if width > max {
            return None;
        }
        thresholds.sort_unstable_by(f64::total_cmp);
        thresholds.dedup();
        let mut tables = Self { thresholds, width, is_multi_label, first: Vec::new() };
        let len = width * width * tables.cells_of_pair();
        tables.first = (0..num_models).map(|_| table(len)).collect();
        Some(tables)
    }

    /// Counts one example, of which a model predicts something.
    pub(crate) fn count(
        &self,
        model: usize,
        label: Label<'_>,
        predictions: &[f64],
        ranks: &[usize],
        hits: &mut Vec<Hit>,
    ) {
        let mut hit = |row: usize, class: usize, side: usize| {
            let below = self.thresholds.partition_point(|limit| *limit < predictions[class]);
            let cell = self.cell(model, row, class, below, side);
            hits.push(Hit { cell, prediction: Fixed::default() });
        };
        match label {
            Label::Class(row) => {
                if let Some(likeliest) = ranks.iter().position(|rank| *rank == 0) {
                    hit(row, likeliest, 0);
                }
            }
            Label::Vector(labels) => {
                for row in (0..labels.len()).filter(|row| labels[*row] > 0.5) {
                    for (class, label) in labels.iter().enumerate() {
                        hit(row, class, usize::from(*label > 0.5));
                    }
                }
            }
            Label::Number(_) => {}
        }
    }

    /// Returns the weight of each label by the likeliest class, whatever its probability; of several classes.
    pub(crate) fn likeliest(&self, sample: &Sample<'_, '_>, model: usize) -> Vec<Vec<f64>> {
        if self.is_multi_label {
            return Vec::new();
        }
        let all = 0..=self.thresholds.len();
        self.rows(|row, class| self.weight(sample, model, (row, class, 0), all.clone()))
    }

    /// Returns the tables of several classes.
    pub(crate) fn of_classes(&self, sample: &Sample<'_, '_>, model: usize) -> Vec<ClassTable> {
        if self.is_multi_label {
            return Vec::new();
        }
        let table = |(place, threshold): (usize, &f64)| {
            let mut weights = self.rows(|row, class| {
                let above = place + 1..=self.thresholds.len();
                self.weight(sample, model, (row, class, 0), above)
            });
            for (row, weights) in weights.iter_mut().enumerate() {
                let none = (0..self.width)
                    .map(|class| self.weight(sample, model, (row, class, 0), 0..=place));
                weights.push(none.sum());
            }
            ClassTable { threshold: *threshold, weights }
        };
        self.thresholds.iter().enumerate().map(table).collect()
    }

    /// Returns the tables of several labels.
    pub(crate) fn of_labels(&self, sample: &Sample<'_, '_>, model: usize) -> Vec<LabelTable> {
        if !self.is_multi_label {
            return Vec::new();
        }
        let table = |(place, threshold): (usize, &f64)| {
            let cells = self.rows(|row, class| {
                let above = || place + 1..=self.thresholds.len();
                [(1, above()), (0, above()), (0, 0..=place), (1, 0..=place)]
                    .map(|(side, below)| self.weight(sample, model, (row, class, side), below))
            });
            LabelTable { threshold: *threshold, cells }
        };
        self.thresholds.iter().enumerate().map(table).collect()
    }

    fn rows<T>(&self, of: impl Fn(usize, usize) -> T) -> Vec<Vec<T>> {
        (0..self.width).map(|row| (0..self.width).map(|class| of(row, class)).collect()).collect()
    }

    fn weight(
        &self,
        sample: &Sample<'_, '_>,
        model: usize,
        (row, class, side): (usize, usize, usize),
        below: std::ops::RangeInclusive<usize>,
    ) -> f64 {
        below.map(|below| sample.cell(self.cell(model, row, class, below, side))).sum()
    }

    fn cell(&self, model: usize, row: usize, class: usize, below: usize, side: usize) -> u32 {
        let sides = if self.is_multi_label { 2 } else { 1 };
        let place = (row * self.width + class) * self.cells_of_pair() + below * sides + side;
        self.first[model].saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn cells_of_pair(&self) -> usize {
        (self.thresholds.len() + 1) * if self.is_multi_label { 2 } else { 1 }
    }
}
