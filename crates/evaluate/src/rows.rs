//! What each example of a batch adds: the terms of all sums, and the cells of all tables that it counts in.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;

use crate::columns::Numbers;
use crate::metrics::{Document, NUM_BUCKETS, NUM_PAIR_TERMS, PairTerm, Pairing};
use crate::plan::{PAIR_TERMS, Plan, Term, View, ViewPlan};
use crate::samples::Candidates;
use crate::slices::Encoded;
use crate::sums::{Fixed, MAX_WEIGHT};
use crate::{EvaluateError, EvaluatePass, SliceValue, Task};

/// Probabilities are kept this far from 0 and 1 before their logarithm is taken, as the reference does.
const EPSILON: f64 = 1e-7;

/// The examples of a batch that have a label.
pub(crate) struct Rows {
    /// Their rows in the batch.
    pub(crate) rows: Vec<usize>,
    /// How many examples have no label.
    pub(crate) num_missing: u64,
    /// By example and then by [`Plan::terms`].
    pub(crate) terms: Vec<f64>,
    pub(crate) weights: Vec<Fixed>,
    /// The cells of all examples, one behind the other.
    pub(crate) hits: Vec<Hit>,
    /// Where the cells of each example begin, and where the last one's end.
    pub(crate) offsets: Vec<usize>,
    /// Where each example is in the data; empty where nobody asks.
    pub(crate) positions: Vec<u64>,
    /// The examples that may be drawn, sample by sample.
    pub(crate) samples: Vec<Candidates>,
    /// The query of each example and what it is there; empty where nothing is ranked.
    pub(crate) documents: Vec<(SliceValue, Document)>,
}

/// One cell that an example counts in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) cell: u32,
    /// Weight times prediction.
    pub(crate) prediction: Fixed,
}

/// The label of one example.
#[derive(Clone, Copy)]
pub(crate) enum Label<'a> {
    Number(f64),
    Class(usize),
    Vector(&'a [f64]),
}

impl Label<'_> {
    pub(crate) fn of(self, class: usize) -> f64 {
        match self {
            Self::Number(value) => value,
            Self::Class(label) => f64::from(label == class),
            Self::Vector(labels) => labels[class],
        }
    }
}

/// The columns of one batch.
struct Input<'a> {
    pass: &'a EvaluatePass,
    plan: &'a Plan,
    labels: Numbers,
    weights: Option<(&'a str, Numbers)>,
    models: Vec<(&'a str, Numbers)>,
    bytes: Option<Numbers>,
    /// By [`Plan::features`].
    features: Vec<Numbers>,
    correct: Vec<Option<Numbers>>,
    width: usize,
}

/// Reads a batch.
pub(crate) fn read(
    pass: &EvaluatePass,
    plan: &Plan,
    batch: &RecordBatch,
) -> Result<Rows, EvaluateError> {
    let columns = &pass.columns;
    let number = |column: &String, role| Numbers::read(batch, column, role, false);
    let is_multi_label = matches!(pass.task, Task::MultiLabelClassification { .. });
    let has_vectors = is_multi_label || matches!(pass.task, Task::MultiClassClassification { .. });
    let input = Input {
        pass,
        plan,
        labels: Numbers::read(batch, &columns.label, "label", is_multi_label)?,
        weights: match &pass.config.example_weight {
            Some(column) => Some((column.as_str(), number(column, "example weight")?)),
            None => None,
        },
        models: pass
            .models()
            .map(|name| Ok((name, Numbers::read(batch, name, "prediction", has_vectors)?)))
            .collect::<Result<_, EvaluateError>>()?,
        bytes: match &columns.num_bytes {
            Some(column) if plan.place(Term::Bytes).is_some() => {
                Some(number(column, "number of bytes")?)
            }
            _ => None,
        },
        features: plan
            .features
            .iter()
            .map(|feature| number(feature, "feature to take the mean of"))
            .collect::<Result<_, _>>()?,
        correct: [&columns.num_correct, &columns.baseline_num_correct]
            .into_iter()
            .map(|column| column.as_ref().map(|column| number(column, "number of correct tokens")))
            .map(Option::transpose)
            .collect::<Result<_, _>>()?,
        width: pass.task.width(),
    };
    let (mut rows, is_sampled) = input.rows(batch.num_rows())?;
    if let Some(column) = &columns.position
        && pass.config.needs_positions()
    {
        rows.positions = positions(batch, column, &rows.rows)?;
    }
    let samples = &pass.config.samples;
    for (place, sample) in samples.iter().enumerate() {
        let is_in = |example: usize| is_sampled[example * samples.len() + place];
        let candidates = Candidates::read(batch, sample, &rows, is_in)?;
        rows.samples.push(candidates);
    }
    if pass.task == Task::Ranking {
        rows.documents = input.documents(batch, &rows)?;
    }
    Ok(rows)
}

/// Returns where the examples are in the data.
fn positions(batch: &RecordBatch, column: &str, rows: &[usize]) -> Result<Vec<u64>, EvaluateError> {
    let role = "position";
    let array = batch
        .column_by_name(column)
        .ok_or_else(|| EvaluateError::MissingColumn { column: column.to_owned(), role })?;
    let positions = array.as_primitive_opt::<UInt64Type>().filter(|array| array.null_count() == 0);
    let positions = positions.ok_or_else(|| EvaluateError::ColumnType {
        column: column.to_owned(),
        role,
        found: array.data_type().clone(),
        expected: "a UInt64 in each row",
    })?;
    Ok(rows.iter().map(|row| positions.value(*row)).collect())
}

impl Input<'_> {
    /// Returns what each example adds, and whether it is of each sample.
    fn rows(&self, num_rows: usize) -> Result<(Rows, Vec<bool>), EvaluateError> {
        let num_terms = self.plan.terms.len();
        let mut out = Rows {
            rows: Vec::with_capacity(num_rows),
            num_missing: 0,
            terms: Vec::with_capacity(num_rows * num_terms),
            weights: Vec::with_capacity(num_rows),
            hits: Vec::with_capacity(num_rows * 2),
            offsets: vec![0],
            positions: Vec::new(),
            samples: Vec::new(),
            documents: Vec::new(),
        };
        let mut is_sampled = Vec::new();
        let config = &self.pass.config;
        let mut labels = Vec::new();
        let mut predictions: Vec<Vec<f64>> = vec![Vec::new(); self.models.len()];
        let mut scratch = Scratch::default();
        for row in 0..num_rows {
            let Some(label) = self.label(row, &mut labels)? else {
                out.num_missing += 1;
                continue;
            };
            let value = match &self.weights {
                None => 1.0,
                Some((column, weights)) => weight(column, weights, row)?,
            };
            // Whatever a `Fixed` cannot hold is left out everywhere.
            let fixed = Fixed::of(value);
            let weight = fixed.value();
            for ((column, numbers), out) in self.models.iter().zip(&mut predictions) {
                self.prediction(column, numbers, row, out)?;
            }
            let start = out.terms.len();
            out.terms.resize(start + num_terms, 0.0);
            let terms = &mut out.terms[start..];
            self.example(row, label, weight, &predictions, &mut scratch, terms, &mut out.hits);
            is_sampled.extend(
                config.samples.iter().map(|sample| {
                    sample.has(label, &predictions[0], config.classification_threshold)
                }),
            );
            out.rows.push(row);
            out.weights.push(fixed);
            out.offsets.push(out.hits.len());
        }
        Ok((out, is_sampled))
    }

    /// Returns the label of a row; nothing where it is missing or NaN.
    #[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the class was found to be whole and in range"
    )]
    fn label<'a>(
        &self,
        row: usize,
        labels: &'a mut Vec<f64>,
    ) -> Result<Option<Label<'a>>, EvaluateError> {
        let column = || self.pass.columns.label.clone();
        if matches!(self.pass.task, Task::MultiLabelClassification { .. }) {
            let Some(found) = self.labels.vector(row, labels) else { return Ok(None) };
            if found != self.width {
                let (column, role) = (column(), "label");
                return Err(EvaluateError::Width { column, role, found, expected: self.width });
            }
            if labels.iter().any(|label| label.is_nan()) {
                return Ok(None);
            }
            return match labels.iter().find(|value| **value != 0.0 && **value != 1.0) {
                Some(&value) => Err(EvaluateError::Label { column: column(), value }),
                None => Ok(Some(Label::Vector(labels))),
            };
        }
        let value = self.labels.number(row);
        if value.is_nan() {
            return Ok(None);
        }
        match self.pass.task {
            Task::BinaryClassification if value != 0.0 && value != 1.0 => {
                Err(EvaluateError::Label { column: column(), value })
            }
            Task::MultiClassClassification { num_classes } => {
                if value < 0.0 || value.fract() != 0.0 || value >= num_classes as f64 {
                    let column = column();
                    return Err(EvaluateError::Class { column, value, num_classes });
                }
                Ok(Some(Label::Class(value as usize)))
            }
            _ if value.is_infinite() => {
                Err(EvaluateError::InfiniteLabel { column: column(), value })
            }
            Task::LanguageModel if value < 0.0 => {
                Err(EvaluateError::NegativeCount { column: column(), value })
            }
            _ => Ok(Some(Label::Number(value))),
        }
    }

    fn prediction(
        &self,
        column: &str,
        numbers: &Numbers,
        row: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), EvaluateError> {
        let (column, expected) = (|| column.to_owned(), self.width);
        match numbers.vector(row, out) {
            None => {
                out.clear();
                out.resize(expected, f64::NAN);
            }
            Some(found) if found != expected => {
                let (column, role) = (column(), "prediction");
                return Err(EvaluateError::Width { column, role, found, expected });
            }
            Some(_) => {}
        }
        if self.pass.task.has_probabilities() {
            let bad = out.iter().find(|value| !(0.0..=1.0).contains(*value) && !value.is_nan());
            if let Some(&value) = bad {
                return Err(EvaluateError::Probability { column: column(), value });
            }
        }
        Ok(())
    }

    /// Writes what one example adds.
    #[expect(clippy::too_many_arguments, reason = "one example, and where it goes")]
    fn example(
        &self,
        row: usize,
        label: Label<'_>,
        weight: f64,
        predictions: &[Vec<f64>],
        scratch: &mut Scratch,
        terms: &mut [f64],
        hits: &mut Vec<Hit>,
    ) {
        scratch.ranks.resize(predictions.len(), Vec::new());
        scratch.is_unknown.clear();
        let is_unknown = predictions.iter().map(|model| model.iter().any(|value| value.is_nan()));
        scratch.is_unknown.extend(is_unknown);
        if self.width > 1 {
            for (ranks, model) in scratch.ranks.iter_mut().zip(predictions) {
                rank(model, ranks);
            }
        }
        for ((view, model), plan) in &self.plan.views {
            let model = usize::from(*model);
            let pairs = Pairs {
                label,
                predictions: &predictions[model],
                ranks: &scratch.ranks[model],
                weight,
                is_unknown: scratch.is_unknown[model],
            };
            pairs.add(*view, plan, terms, hits);
        }
        if let Some(tables) = &self.plan.tables {
            for (model, predictions) in predictions.iter().enumerate() {
                if !scratch.is_unknown[model] {
                    tables.count(model, label, predictions, &scratch.ranks[model], hits);
                }
            }
        }
        for (place, term) in self.plan.terms.iter().enumerate() {
            if matches!(term, Term::Pair(..)) {
                continue;
            }
            terms[place] = self.other(*term, row, label, weight, predictions, scratch);
        }
    }

    /// Returns a term that is not a sum over pairs.
    fn other(
        &self,
        term: Term,
        row: usize,
        label: Label<'_>,
        weight: f64,
        predictions: &[Vec<f64>],
        scratch: &Scratch,
    ) -> f64 {
        let unless_unknown = |model: u8, value: &dyn Fn(usize) -> f64| {
            let model = usize::from(model);
            if scratch.is_unknown[model] { f64::NAN } else { weight * value(model) }
        };
        let is_among = |model: usize, k: usize| match label {
            Label::Class(class) => f64::from(scratch.ranks[model][class] < k),
            _ => 0.0,
        };
        match term {
            Term::Count => 1.0,
            Term::Weight => weight,
            Term::Correct(model) => unless_unknown(model, &|model| is_among(model, 1)),
            Term::TopCorrect(k, model) => {
                unless_unknown(model, &|model| is_among(model, k as usize))
            }
            Term::CategoricalLoss(model) => unless_unknown(model, &|model| match label {
                Label::Class(class) => {
                    -predictions[model][class].clamp(EPSILON, 1.0 - EPSILON).ln()
                }
                _ => 0.0,
            }),
            // Of numbers, `==` is what is asked for.
            #[expect(clippy::float_cmp, reason = "to the last digit")]
            Term::ExactMatch(_, model) if self.pass.task == Task::Regression => {
                unless_unknown(model, &|model| f64::from(predictions[model][0] == label.of(0)))
            }
            Term::ExactMatch(threshold, model) => {
                let threshold = f64::from_bits(threshold);
                unless_unknown(model, &|model| {
                    let mut pairs = predictions[model].iter().enumerate();
                    f64::from(pairs.all(|(class, p)| (*p > threshold) == (label.of(class) > 0.5)))
                })
            }
            Term::Feature(place) | Term::FeatureWeight(place) => {
                let value = self.features[place as usize].number(row);
                match term {
                    _ if value.is_nan() => 0.0,
                    Term::Feature(_) => weight * value,
                    _ => weight,
                }
            }
            Term::Bytes => weight * self.bytes.as_ref().map_or(f64::NAN, |n| n.number(row)),
            Term::CorrectTokens(model) => {
                let numbers = self.correct[usize::from(model)].as_ref();
                weight * numbers.map_or(f64::NAN, |numbers| numbers.number(row))
            }
            Term::Compared(pairing, threshold) => {
                let [candidate, baseline] = predictions else { return f64::NAN };
                weight * compare(pairing, f64::from_bits(threshold), candidate, baseline)
            }
            Term::Pair(..) | Term::Query(..) | Term::QueryWeight(..) => 0.0,
        }
    }

    /// Returns the query of each example and what it is there.
    fn documents(
        &self,
        batch: &RecordBatch,
        rows: &Rows,
    ) -> Result<Vec<(SliceValue, Document)>, EvaluateError> {
        let Some(query) = &self.pass.config.query_key else { return Ok(Vec::new()) };
        let queries = Encoded::read(batch, query)?;
        let mut documents = Vec::with_capacity(rows.rows.len());
        for (row, weight) in rows.rows.iter().zip(&rows.weights) {
            let [id] = queries.row(*row) else {
                return Err(EvaluateError::Query { column: query.clone() });
            };
            let document = Document {
                gain: self.labels.number(*row),
                weight: weight.value(),
                scores: self.models.iter().map(|(_, numbers)| numbers.number(*row)).collect(),
            };
            documents.push((queries.values[*id as usize].clone(), document));
        }
        Ok(documents)
    }
}

/// What is used again from example to example.
#[derive(Default)]
struct Scratch {
    /// The rank of each class of each model, from 0.
    ranks: Vec<Vec<usize>>,
    is_unknown: Vec<bool>,
}

/// Writes the rank of each value, the highest first; of equal values the first comes first.
fn rank(values: &[f64], ranks: &mut Vec<usize>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    ranks.clear();
    ranks.resize(values.len(), 0);
    for (rank, class) in order.into_iter().enumerate() {
        ranks[class] = rank;
    }
}

/// The pairs of label and prediction of one example and one model.
struct Pairs<'a> {
    label: Label<'a>,
    predictions: &'a [f64],
    ranks: &'a [usize],
    weight: f64,
    is_unknown: bool,
}

impl Pairs<'_> {
    fn add(&self, view: View, plan: &ViewPlan, terms: &mut [f64], hits: &mut Vec<Hit>) {
        let kth = |kth: u32| self.ranks.iter().position(|rank| *rank + 1 == kth as usize);
        let classes = match view.class.map(|class| class as usize).or(view.kth.and_then(kth)) {
            Some(class) => class..class + 1,
            None => 0..self.predictions.len(),
        };
        for class in classes {
            let label = self.label.of(class);
            let prediction = self.predictions[class];
            for (slot, term) in plan.slots.iter().zip(PAIR_TERMS) {
                let Some(slot) = *slot else { continue };
                terms[slot] += match term {
                    PairTerm::Label if view.kth.is_none() => self.weight * label,
                    PairTerm::LabelSquared if view.kth.is_none() => self.weight * (label * label),
                    _ if self.is_unknown => f64::NAN,
                    _ => self.weight * of_pair(term, label, prediction),
                };
            }
            if self.is_unknown {
                continue;
            }
            let is_positive = u32::from(label > 0.5);
            if let Some((first, thresholds)) = &plan.thresholds {
                let is_seen = view.top.is_none_or(|top| self.ranks[class] < top as usize);
                let seen = if is_seen { prediction } else { f64::NEG_INFINITY };
                let below = thresholds.partition_point(|threshold| *threshold < seen);
                let cell = first + 2 * u32::try_from(below).unwrap_or(u32::MAX) + is_positive;
                hits.push(Hit { cell, prediction: Fixed::default() });
            }
            if let Some(first) = plan.curve {
                let cell = first + 2 * u32::from(bucket(prediction)) + is_positive;
                hits.push(Hit { cell, prediction: Fixed::of(self.weight * prediction) });
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a probability times the number of buckets is a bucket"
)]
fn bucket(prediction: f64) -> u16 {
    (prediction * f64::from(NUM_BUCKETS)) as u16
}

/// Returns what one pair adds, not weighted.
fn of_pair(term: PairTerm, label: f64, prediction: f64) -> f64 {
    let error = label - prediction;
    match term {
        PairTerm::Label => label,
        PairTerm::Prediction => prediction,
        PairTerm::PositivePrediction if label > 0.5 => prediction,
        PairTerm::PositivePrediction => 0.0,
        PairTerm::SquaredError => error * error,
        PairTerm::AbsoluteError => error.abs(),
        PairTerm::LogLoss => {
            let likely = prediction.clamp(EPSILON, 1.0 - EPSILON);
            if label > 0.5 { -likely.ln() } else { -(-likely).ln_1p() }
        }
        PairTerm::PercentageError => error.abs() / label.abs().max(EPSILON),
        // Below -1 there is no logarithm, and NaN says so.
        PairTerm::SquaredLogError => (label.ln_1p() - prediction.ln_1p()).powi(2),
        PairTerm::LabelSquared => label * label,
        PairTerm::PredictionSquared => prediction * prediction,
        PairTerm::LabelPrediction => label * prediction,
    }
}

/// Returns how far two models agree on an example, not weighted; NaN where one does not say.
fn compare(pairing: Pairing, threshold: f64, candidate: &[f64], baseline: &[f64]) -> f64 {
    let pairs = || candidate.iter().zip(baseline);
    if pairs().any(|(a, b)| a.is_nan() || b.is_nan()) {
        return f64::NAN;
    }
    let mean = |of_pair: &dyn Fn(f64, f64) -> f64| {
        pairs().map(|(a, b)| of_pair(*a, *b)).sum::<f64>() / candidate.len() as f64
    };
    match pairing {
        Pairing::Difference => mean(&|a, b| {
            let (numerator, denominator) = (2.0 * (a - b).abs(), (a + b).abs());
            if numerator < EPSILON && denominator < EPSILON { 0.0 } else { numerator / denominator }
        }),
        Pairing::Cosine => {
            let product: f64 = pairs().map(|(a, b)| a * b).sum();
            let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let scale = norm(candidate) * norm(baseline);
            if scale > 0.0 { product / scale } else { 0.0 }
        }
        Pairing::Flip { from, to } => mean(&|a, b| {
            let is = |wanted: Option<bool>, value: f64| {
                wanted.is_none_or(|wanted| wanted == (value > threshold))
            };
            f64::from(is(from, b) && is(to, a))
        }),
    }
}

fn weight(column: &str, weights: &Numbers, row: usize) -> Result<f64, EvaluateError> {
    let column = || column.to_owned();
    if weights.is_missing(row) {
        return Err(EvaluateError::MissingWeight { column: column() });
    }
    let value = weights.number(row);
    if !(0.0..=MAX_WEIGHT).contains(&value) {
        return Err(EvaluateError::Weight { column: column(), value });
    }
    Ok(value)
}

const _: () = assert!(NUM_PAIR_TERMS == PAIR_TERMS.len());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_begin_with_the_likeliest() {
        let mut ranks = Vec::new();
        rank(&[0.2, 0.5, 0.2, 0.1], &mut ranks);
        assert_eq!(ranks, [1, 0, 2, 3]);
    }

    #[test]
    fn models_that_say_the_same_do_not_differ() {
        let same = [0.2, 0.8];
        assert!(compare(Pairing::Difference, 0.5, &same, &same).abs() < 1e-15);
        assert!((compare(Pairing::Cosine, 0.5, &same, &same) - 1.0).abs() < 1e-15);
        let flip = Pairing::Flip { from: Some(false), to: Some(true) };
        assert!((compare(flip, 0.5, &[0.9, 0.9], &same) - 0.5).abs() < 1e-15);
        assert!(compare(flip, 0.5, &[f64::NAN, 0.9], &same).is_nan());
    }
}
