//! The sums of one slice, and the numbers that metrics are computed from.

use std::collections::BTreeMap;

use model::Task;

use crate::EvaluateError;
use crate::bytes::{Reader, Stored, bad};
use crate::examples::{Example, Terms};
use crate::metrics::{Confusion, Curve, ModelTotals, NUM_BUCKETS, Point};
use crate::sums::{ExactSum, Fixed};

/// What was seen of one slice: the labels, and what each model predicted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SliceTotals {
    pub(crate) num_examples: u64,
    weight: Fixed,
    label: ExactSum,
    /// The candidate, then the baseline if there is one.
    models: Vec<ModelSums>,
}

/// What was seen of the predictions of one model. Every sum is exact, so that no order of examples shows.
#[derive(Clone, Debug, Default, PartialEq)]
struct ModelSums {
    prediction: ExactSum,
    positive_prediction: ExactSum,
    squared_error: ExactSum,
    absolute_error: ExactSum,
    log_loss: ExactSum,
    /// True and false positives, true and false negatives; for classifiers.
    confusion: [Fixed; 4],
    /// How the predictions of a classifier are spread; only buckets that have some.
    histogram: BTreeMap<u16, Bucket>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bucket {
    positives: Fixed,
    negatives: Fixed,
    prediction: Fixed,
}

impl SliceTotals {
    pub(crate) fn new(num_models: usize) -> Self {
        Self {
            num_examples: 0,
            weight: Fixed::default(),
            label: ExactSum::default(),
            models: vec![ModelSums::default(); num_models],
        }
    }

    /// Takes in one example, with what each model predicted.
    pub(crate) fn add<'a>(
        &mut self,
        example: &Example,
        predicted: impl Iterator<Item = &'a Terms>,
    ) {
        self.num_examples += 1;
        self.weight.add(example.weight);
        self.label.add(example.weight_value * example.label);
        for (model, terms) in self.models.iter_mut().zip(predicted) {
            model.add(example, terms);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_examples = self.num_examples.saturating_add(other.num_examples);
        self.weight.add(other.weight);
        self.label.merge(&other.label);
        for (model, other) in self.models.iter_mut().zip(&other.models) {
            model.merge(other);
        }
    }

    /// Returns how many buckets of predictions are kept.
    pub(crate) fn num_buckets(&self) -> usize {
        self.models.iter().map(|model| model.histogram.len()).sum()
    }

    /// Returns what the metrics of each model are computed from.
    pub(crate) fn finish(&self) -> impl Iterator<Item = ModelTotals> {
        self.models.iter().map(|model| {
            let prediction = model.prediction.value();
            // What a model says without a number cannot be counted as right or wrong.
            let (confusion, curve) = if prediction.is_nan() {
                (Confusion::unknown(), Curve::default())
            } else {
                (model.confusion(), model.curve())
            };
            ModelTotals {
                num_examples: self.num_examples,
                weight: self.weight.value(),
                label: self.label.value(),
                prediction,
                positive_prediction: model.positive_prediction.value(),
                squared_error: model.squared_error.value(),
                absolute_error: model.absolute_error.value(),
                log_loss: if prediction.is_nan() { f64::NAN } else { model.log_loss.value() },
                confusion,
                curve,
            }
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_examples.write(out);
        self.weight.write(out);
        self.label.write(out);
        self.models.iter().for_each(|model| model.write(out));
    }

    pub(crate) fn read(
        input: &mut Reader<'_>,
        num_models: usize,
        task: Task,
    ) -> Result<Self, EvaluateError> {
        Ok(Self {
            num_examples: input.take_count()?,
            weight: Fixed::read(input)?,
            label: ExactSum::read(input)?,
            models: (0..num_models)
                .map(|_| ModelSums::read(input, task))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl ModelSums {
    fn add(&mut self, example: &Example, terms: &Terms) {
        self.prediction.add(terms.prediction);
        self.positive_prediction.add(terms.positive_prediction);
        self.squared_error.add(terms.squared_error);
        self.absolute_error.add(terms.absolute_error);
        self.log_loss.add(terms.log_loss);
        let Some(classified) = terms.classified else { return };
        let cell = match (classified.is_predicted_positive, classified.is_positive) {
            (true, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (false, true) => 3,
        };
        self.confusion[cell].add(example.weight);
        let Some(bucket) = classified.bucket else { return };
        let bucket = self.histogram.entry(bucket).or_default();
        let class =
            if classified.is_positive { &mut bucket.positives } else { &mut bucket.negatives };
        class.add(example.weight);
        bucket.prediction.add(Fixed::of(terms.prediction));
    }

    fn merge(&mut self, other: &Self) {
        self.prediction.merge(&other.prediction);
        self.positive_prediction.merge(&other.positive_prediction);
        self.squared_error.merge(&other.squared_error);
        self.absolute_error.merge(&other.absolute_error);
        self.log_loss.merge(&other.log_loss);
        for (cell, other) in self.confusion.iter_mut().zip(other.confusion) {
            cell.add(other);
        }
        for (place, other) in &other.histogram {
            let bucket = self.histogram.entry(*place).or_default();
            bucket.positives.add(other.positives);
            bucket.negatives.add(other.negatives);
            bucket.prediction.add(other.prediction);
        }
    }

    fn confusion(&self) -> Confusion {
        let [true_positives, false_positives, true_negatives, false_negatives] =
            self.confusion.map(Fixed::value);
        Confusion { true_positives, true_negatives, false_positives, false_negatives }
    }

    fn curve(&self) -> Curve {
        let points = self.histogram.values().filter_map(|bucket| {
            let mut weight = bucket.positives;
            weight.add(bucket.negatives);
            (weight != Fixed::default()).then(|| Point {
                positives: bucket.positives.value(),
                negatives: bucket.negatives.value(),
                mean_prediction: bucket.prediction.value() / weight.value(),
            })
        });
        Curve::new(&points.collect::<Vec<_>>())
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.prediction.write(out);
        self.positive_prediction.write(out);
        self.squared_error.write(out);
        self.absolute_error.write(out);
        self.log_loss.write(out);
        self.confusion.iter().for_each(|cell| cell.write(out));
        self.histogram.write(out);
    }

    fn read(input: &mut Reader<'_>, task: Task) -> Result<Self, EvaluateError> {
        let mut sums = Self {
            prediction: ExactSum::read(input)?,
            positive_prediction: ExactSum::read(input)?,
            squared_error: ExactSum::read(input)?,
            absolute_error: ExactSum::read(input)?,
            log_loss: ExactSum::read(input)?,
            ..Self::default()
        };
        for cell in &mut sums.confusion {
            *cell = Fixed::read(input)?;
        }
        sums.histogram = BTreeMap::read(input)?;
        if sums.histogram.last_key_value().is_some_and(|(place, _)| *place > NUM_BUCKETS) {
            return Err(bad("a prediction is out of range"));
        }
        if task == Task::Regression && !sums.histogram.is_empty() {
            return Err(bad("a regression has classes"));
        }
        Ok(sums)
    }
}

impl Stored for Bucket {
    fn write(&self, out: &mut Vec<u8>) {
        self.positives.write(out);
        self.negatives.write(out);
        self.prediction.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        Ok(Self {
            positives: Fixed::read(input)?,
            negatives: Fixed::read(input)?,
            prediction: Fixed::read(input)?,
        })
    }
}
