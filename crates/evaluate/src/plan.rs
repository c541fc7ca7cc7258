//! What has to be counted so that all metrics of a pass can be computed.

use std::collections::BTreeMap;

use crate::metrics::{At, Average, Compute, MetricSpec, NUM_BUCKETS, PairTerm, Pairing, Ranked};
use crate::tables::Tables;
use crate::{Config, EvaluatePass, Task};

/// A sum over examples; all but the first are weighted. A `u8` is the model: 0 the candidate, 1 the baseline.
/// Numbers behind `@` are kept as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Term {
    /// Examples.
    Count,
    /// Their weights.
    Weight,
    /// A sum over pairs of label and prediction; of labels, the model is 0.
    Pair(View, PairTerm, u8),
    /// Examples whose label is the likeliest class.
    Correct(u8),
    /// Examples whose label is among the likeliest classes.
    TopCorrect(u32, u8),
    /// The negative logarithm of the probability of the label's class.
    CategoricalLoss(u8),
    /// Examples of which every label is predicted right at a threshold.
    ExactMatch(u64, u8),
    /// The values of a feature, by its place in [`Plan::features`].
    Feature(u32),
    /// The weights of the examples that have it.
    FeatureWeight(u32),
    /// Bytes of texts.
    Bytes,
    /// Tokens that were the likeliest.
    CorrectTokens(u8),
    /// How candidate and baseline compare, at a threshold.
    Compared(Pairing, u64),
    /// Numerator of a mean over queries.
    Query(Ranked, u32, u8),
    /// Its denominator.
    QueryWeight(Ranked, u32, u8),
}

impl Term {
    pub(crate) fn whole(term: PairTerm, model: u8) -> Self {
        Self::pair(View::WHOLE, term, model)
    }

    /// Returns a sum over pairs. Which label is that of the likeliest class is a matter of the model; else labels are
    /// the same for all models.
    pub(crate) fn pair(view: View, term: PairTerm, model: u8) -> Self {
        let is_same = term.is_of_labels() && view.kth.is_none();
        Self::Pair(view, term, if is_same { 0 } else { model })
    }
}

/// Which pairs of label and prediction an example makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct View {
    /// One class against all others; without it, every class makes a pair.
    pub(crate) class: Option<u32>,
    /// Only the so many likeliest classes count, and all others have a prediction below every threshold.
    pub(crate) top: Option<u32>,
    /// Only the so-manieth likeliest class makes a pair.
    pub(crate) kth: Option<u32>,
}

impl View {
    pub(crate) const WHOLE: Self = Self { class: None, top: None, kth: None };
}

/// What is counted of the pairs of one view and one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ViewPlan {
    /// Where each sum goes; by [`PairTerm`].
    pub(crate) slots: [Option<usize>; crate::metrics::NUM_PAIR_TERMS],
    /// Thresholds in ascending order, each once, and the first cell of their table. A pair adds to cell
    /// `2 · (thresholds that are less than its prediction) + its label`.
    pub(crate) thresholds: Option<(u32, Vec<f64>)>,
    /// The first cell of a table of predictions: `2 · bucket + label`.
    pub(crate) curve: Option<u32>,
}

/// What has to be counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Every sum, in order.
    pub(crate) terms: Vec<Term>,
    /// By view and model.
    pub(crate) views: BTreeMap<(View, u8), ViewPlan>,
    /// Tables of several classes or labels at thresholds.
    pub(crate) tables: Option<Tables>,
    /// The features that metrics are of, in order.
    pub(crate) features: Vec<String>,
    /// How many examples each sample has at most.
    pub(crate) sample_sizes: Vec<usize>,
    /// How many cells all tables have together.
    pub(crate) num_cells: u32,
    /// How many models are evaluated.
    pub(crate) num_models: u8,
}

impl Plan {
    pub(crate) fn new(pass: &EvaluatePass) -> Self {
        let num_models = if pass.columns.baseline.is_some() { 2 } else { 1 };
        let specs = pass.config.metrics_for(pass.task);
        let mut features: Vec<String> = specs.iter().filter_map(|s| s.feature.clone()).collect();
        features.sort_unstable();
        features.dedup();
        let mut needs = Needs {
            terms: vec![Term::Count, Term::Weight],
            views: BTreeMap::new(),
            features: &features,
        };
        for spec in specs {
            for model in 0..num_models {
                needs.take_in(&spec, &pass.config, pass.task, model);
            }
        }
        // What a model says without a number shows in the sum of its predictions.
        if pass.task != Task::Ranking {
            for model in 0..num_models {
                needs.pair(View::WHOLE, PairTerm::Prediction, model);
            }
        }
        let mut terms = needs.terms;
        terms.sort_unstable();
        terms.dedup();
        let mut num_cells = 0u32;
        let mut table = |len: usize| {
            let first = num_cells;
            num_cells = num_cells.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
            first
        };
        let mut views = BTreeMap::new();
        for ((view, model), need) in needs.views {
            let mut plan = ViewPlan::default();
            for (slot, term) in PAIR_TERMS.iter().enumerate() {
                // Of labels that are the same for all models, the first model's view has the sum.
                plan.slots[slot] = terms.binary_search(&Term::Pair(view, *term, model)).ok();
            }
            let mut thresholds = need.thresholds;
            thresholds.sort_unstable_by(f64::total_cmp);
            thresholds.dedup();
            if !thresholds.is_empty() {
                plan.thresholds = Some((table(2 * (thresholds.len() + 1)), thresholds));
            }
            plan.curve = need.curve.then(|| table(2 * (usize::from(NUM_BUCKETS) + 1)));
            views.insert((view, model), plan);
        }
        let tables = Tables::new(&pass.config, pass.task, num_models, &mut table);
        let sample_sizes = pass.config.samples.iter().map(|sample| sample.size as usize).collect();
        Self { terms, views, tables, features, sample_sizes, num_cells, num_models }
    }

    /// Returns where a sum is.
    pub(crate) fn place(&self, term: Term) -> Option<usize> {
        self.terms.binary_search(&term).ok()
    }
}

/// Every pair term, by its number.
pub(crate) const PAIR_TERMS: [PairTerm; crate::metrics::NUM_PAIR_TERMS] = [
    PairTerm::Label,
    PairTerm::Prediction,
    PairTerm::PositivePrediction,
    PairTerm::SquaredError,
    PairTerm::AbsoluteError,
    PairTerm::LogLoss,
    PairTerm::PercentageError,
    PairTerm::SquaredLogError,
    PairTerm::LabelSquared,
    PairTerm::PredictionSquared,
    PairTerm::LabelPrediction,
];

#[derive(Default)]
struct ViewNeeds {
    thresholds: Vec<f64>,
    curve: bool,
}

struct Needs<'a> {
    terms: Vec<Term>,
    views: BTreeMap<(View, u8), ViewNeeds>,
    features: &'a [String],
}

impl Needs<'_> {
    fn take_in(&mut self, spec: &MetricSpec, config: &Config, task: Task, model: u8) {
        let at = spec.threshold(config);
        if let Some(term) = spec.of_whole(task) {
            self.terms.push(term.of(model, at));
            return;
        }
        match &spec.metric.compute {
            Compute::Examples(_) => {
                if task == Task::LanguageModel {
                    self.pair(View::WHOLE, PairTerm::Label, 0);
                }
            }
            Compute::OfLabels(_) => {
                for view in spec.views(task) {
                    self.pair(view, PairTerm::Label, model);
                }
            }
            Compute::OfFeature => {
                if let Some(place) = place_of(self.features, spec.feature.as_ref()) {
                    self.terms.extend([Term::Feature(place), Term::FeatureWeight(place)]);
                }
            }
            Compute::OfExamples(_) => {
                self.pair(View::WHOLE, PairTerm::Label, 0);
                self.terms.extend(match spec.metric.name {
                    "bits_per_byte" => vec![Term::Bytes],
                    "next_token_accuracy" => vec![Term::CorrectTokens(model)],
                    "exact_match" => vec![Term::ExactMatch(at.to_bits(), model)],
                    _ => vec![Term::TopCorrect(spec.rank(), model)],
                });
            }
            Compute::OfPairs(terms, _) => {
                for view in spec.views(task) {
                    self.pair(view, PairTerm::Prediction, model);
                    terms.iter().for_each(|term| self.pair(view, *term, model));
                }
            }
            Compute::OfConfusion(_) => {
                for view in spec.views(task) {
                    self.pair(view, PairTerm::Prediction, model);
                    self.views.entry((view, model)).or_default().thresholds.push(at);
                }
            }
            Compute::OfCurve(_) => {
                for view in spec.views(task) {
                    self.pair(view, PairTerm::Prediction, model);
                    self.views.entry((view, model)).or_default().curve = true;
                }
            }
            Compute::OfQueries(measure) => {
                let k = spec.rank();
                self.terms.push(Term::Query(*measure, k, model));
                self.terms.push(Term::QueryWeight(*measure, k, model));
            }
            Compute::Comparison(pairing) => {
                if model == 1 {
                    self.terms.extend(compared(*pairing, at));
                }
            }
        }
        if spec.average == Average::Weighted {
            spec.views(task).into_iter().for_each(|view| self.pair(view, PairTerm::Label, 0));
        }
    }

    fn pair(&mut self, view: View, term: PairTerm, model: u8) {
        let term = Term::pair(view, term, model);
        self.terms.push(term);
        if let Term::Pair(view, _, model) = term {
            self.views.entry((view, model)).or_default();
        }
    }
}

/// Returns the place of a feature among some in order.
pub(crate) fn place_of(features: &[String], feature: Option<&String>) -> Option<u32> {
    features.binary_search(feature?).ok().and_then(|place| u32::try_from(place).ok())
}

/// Returns the sums that tell how candidate and baseline compare.
pub(crate) fn compared(pairing: Pairing, at: f64) -> Vec<Term> {
    let bits = at.to_bits();
    let flip = |from, to| {
        let pairing = Pairing::Flip { from: Some(from), to: Some(to) };
        Term::Compared(pairing, bits)
    };
    match pairing {
        Pairing::Difference | Pairing::Cosine => vec![Term::Compared(pairing, 0)],
        Pairing::Flip { from: Some(from), to: Some(to) } => vec![flip(from, to)],
        Pairing::Flip { .. } => vec![flip(false, true), flip(true, false)],
    }
}

/// A sum that stands for a metric of several classes that has no brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfWhole {
    Correct,
    CategoricalLoss,
}

impl OfWhole {
    pub(crate) fn of(self, model: u8, _at: f64) -> Term {
        match self {
            Self::Correct => Term::Correct(model),
            Self::CategoricalLoss => Term::CategoricalLoss(model),
        }
    }
}

impl PairTerm {
    /// Returns whether the sum is the same for every model.
    pub(crate) fn is_of_labels(self) -> bool {
        matches!(self, Self::Label | Self::LabelSquared)
    }
}

impl MetricSpec {
    /// Returns the threshold or ratio of the metric.
    pub(crate) fn threshold(&self, config: &Config) -> f64 {
        let usual = match self.metric.at {
            At::Threshold if self.top.is_some() => f64::NEG_INFINITY,
            At::Threshold => config.classification_threshold,
            _ => 0.0,
        };
        self.at.unwrap_or(usual)
    }

    /// Returns how many ranks are looked at.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of ranks are checked to be whole and small"
    )]
    pub(crate) fn rank(&self) -> u32 {
        self.at.map_or(u32::MAX, |at| at as u32)
    }

    /// Returns the sum of which the metric is the mean, for metrics that are of the whole example.
    pub(crate) fn of_whole(&self, task: Task) -> Option<OfWhole> {
        let is_plain = self.average == Average::Plain && self.top.is_none() && self.at.is_none();
        if !is_plain || !matches!(task, Task::MultiClassClassification { .. }) {
            return None;
        }
        match self.metric.name {
            "accuracy" => Some(OfWhole::Correct),
            "log_loss" => Some(OfWhole::CategoricalLoss),
            _ => None,
        }
    }

    /// Returns the views that the metric is computed on, and then averaged over.
    pub(crate) fn views(&self, task: Task) -> Vec<View> {
        let all = View { top: self.top, ..View::WHOLE };
        let class = |class: usize| View { class: u32::try_from(class).ok(), ..all };
        match self.average {
            Average::Plain | Average::Micro => vec![all],
            Average::Kth(kth) => vec![View { kth: Some(kth), ..all }],
            Average::Class(id) => vec![class(id)],
            Average::Macro | Average::Weighted => (0..task.width()).map(class).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_term_is_at_its_number() {
        for (place, term) in PAIR_TERMS.iter().enumerate() {
            assert_eq!(*term as usize, place);
        }
    }
}
