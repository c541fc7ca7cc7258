//! Metrics of one slice, from what was counted: of all examples, or of one replicate.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::cells::Cell;
use crate::metrics::{
    Average, Compute, Confusion, Curve, Example, MetricSpec, NUM_BUCKETS, NUM_PAIR_TERMS, PairSums,
    PairTerm, Pairing, Point, Ranked, ratio,
};
use crate::plan::{PAIR_TERMS, Plan, Term, View, compared, place_of};
use crate::totals::SliceTotals;
use crate::{Config, Task};

/// What the replicates are, if there are any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lanes {
    pub(crate) num: usize,
    /// Whether each lane is a part to leave out, rather than a replicate itself.
    pub(crate) is_jackknife: bool,
}

/// One bucket of a curve.
struct Bucket<'a> {
    mean_prediction: f64,
    positives: Option<(&'a Cell, &'a [f64])>,
    negatives: Option<(&'a Cell, &'a [f64])>,
}

/// A slice, ready to be computed on many times.
pub(crate) struct Prepared<'a> {
    plan: &'a Plan,
    config: &'a Config,
    task: Task,
    slice: &'a SliceTotals,
    lanes: Lanes,
    buckets: BTreeMap<(View, u8), Vec<Bucket<'a>>>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        config: &'a Config,
        task: Task,
        slice: &'a SliceTotals,
        lanes: Lanes,
    ) -> Self {
        let curves = plan.views.iter().filter_map(|(key, view)| Some((*key, view.curve?)));
        let buckets = curves.map(|(key, first)| (key, buckets(slice, first, lanes.num))).collect();
        Self { plan, config, task, slice, lanes, buckets }
    }

    /// Returns the metrics on all examples, or on one replicate.
    pub(crate) fn sample(&self, lane: Option<usize>) -> Sample<'_, 'a> {
        let of_lanes = |place: usize, sum: f64| match lane {
            None => sum,
            Some(lane) => {
                let lanes = &self.slice.lanes[place * self.lanes.num..];
                self.lanes.value(&lanes[..self.lanes.num], lane)
            }
        };
        let sums = self.slice.sums.iter().enumerate();
        let sums = sums
            .map(|(place, sum)| match lane {
                None => sum.value(),
                Some(_) => of_lanes(place, 0.0),
            })
            .collect();
        let curves = self.buckets.keys().map(|key| (*key, OnceCell::new())).collect();
        Sample { prepared: self, lane, sums, curves }
    }
}

impl Lanes {
    /// Returns a sum of one replicate.
    fn value(self, lanes: &[f64], lane: usize) -> f64 {
        if !self.is_jackknife {
            return lanes[lane];
        }
        let others = lanes.iter().enumerate().filter(|(other, _)| *other != lane);
        others.map(|(_, value)| value).sum()
    }
}

fn buckets(slice: &SliceTotals, first: u32, num_lanes: usize) -> Vec<Bucket<'_>> {
    let end = first + 2 * (u32::from(NUM_BUCKETS) + 1);
    let mut buckets: Vec<Bucket<'_>> = Vec::new();
    let mut last = None;
    for (cell, lanes) in slice.cells.sorted(first, end, num_lanes) {
        let place = (cell.id - first) / 2;
        if last != Some(place) {
            buckets.push(Bucket { mean_prediction: 0.0, positives: None, negatives: None });
            last = Some(place);
        }
        if let Some(bucket) = buckets.last_mut() {
            let is_positive = (cell.id - first) % 2 == 1;
            let side = if is_positive { &mut bucket.positives } else { &mut bucket.negatives };
            *side = Some((cell, lanes));
        }
    }
    for bucket in &mut buckets {
        let (mut weight, mut prediction) = Default::default();
        for (cell, _) in [bucket.positives, bucket.negatives].into_iter().flatten() {
            add(&mut weight, cell.weight);
            add(&mut prediction, cell.prediction);
        }
        bucket.mean_prediction = prediction.value() / weight.value();
    }
    // Without weight, there is nothing to take the mean of.
    buckets.retain(|bucket| !bucket.mean_prediction.is_nan());
    buckets
}

fn add(sum: &mut crate::sums::Fixed, more: crate::sums::Fixed) {
    sum.add(more);
}

/// What was counted on all examples, or on one replicate.
pub(crate) struct Sample<'p, 'a> {
    prepared: &'p Prepared<'a>,
    lane: Option<usize>,
    sums: Vec<f64>,
    curves: BTreeMap<(View, u8), OnceCell<Curve>>,
}

impl Sample<'_, '_> {
    /// Returns a metric of a model; NaN where it is not defined.
    pub(crate) fn metric(&self, spec: &MetricSpec, model: u8) -> f64 {
        let (config, task) = (self.prepared.config, self.prepared.task);
        let at = spec.threshold(config);
        if let Some(whole) = spec.of_whole(task) {
            return ratio(self.sum(whole.of(model, at)), self.sum(Term::Weight));
        }
        match &spec.metric.compute {
            Compute::Examples(compute) | Compute::OfExamples(compute) => {
                let sum = |term| self.sum(term);
                compute(&Example {
                    sum: &sum,
                    label: self.sum(Term::whole(PairTerm::Label, 0)),
                    model,
                    at,
                })
            }
            Compute::OfFeature => {
                let place = place_of(&self.prepared.plan.features, spec.feature.as_ref());
                place.map_or(f64::NAN, |place| {
                    ratio(self.sum(Term::Feature(place)), self.sum(Term::FeatureWeight(place)))
                })
            }
            Compute::OfLabels(compute) | Compute::OfPairs(_, compute) => {
                self.average(spec, &|view| compute(&self.pair_sums(view, model)))
            }
            Compute::OfConfusion(compute) => {
                self.average(spec, &|view| compute(self.confusion(view, model, at)))
            }
            Compute::OfCurve(compute) => self.average(spec, &|view| {
                self.curve(view, model).map_or(f64::NAN, |c| compute(c, at))
            }),
            Compute::OfQueries(measure) => self.of_queries(*measure, spec.rank(), model),
            Compute::Comparison(pairing) => {
                let sums = compared(*pairing, compared_at(*pairing, at)).into_iter();
                ratio(sums.map(|term| self.sum(term)).sum(), self.sum(Term::Weight))
            }
        }
    }

    fn of_queries(&self, measure: Ranked, k: u32, model: u8) -> f64 {
        let documents = self.prepared.slice.documents.filter(|_| self.lane.is_none());
        let count = |count: Option<usize>| count.map_or(f64::NAN, |count| count as f64);
        match measure {
            Ranked::MinDocuments => count(documents.map(|(least, _)| least)),
            Ranked::MaxDocuments => count(documents.map(|(_, most)| most)),
            _ => {
                let numerator = self.sum(Term::Query(measure, k, model));
                if measure.is_total() {
                    return numerator;
                }
                ratio(numerator, self.sum(Term::QueryWeight(measure, k, model)))
            }
        }
    }

    /// Returns a metric of one view, or its mean over classes.
    fn average(&self, spec: &MetricSpec, of_view: &dyn Fn(View) -> f64) -> f64 {
        let views = spec.views(self.prepared.task);
        if !matches!(spec.average, Average::Macro | Average::Weighted) {
            return views.first().map_or(f64::NAN, |view| of_view(*view));
        }
        let class_weights = &self.prepared.config.class_weights;
        let (mut sum, mut weights) = (0.0, 0.0);
        for view in views {
            let class = view.class.map(|class| class.to_string()).unwrap_or_default();
            let mut weight = match class_weights.get(&class) {
                Some(weight) => *weight,
                None => f64::from(class_weights.is_empty()),
            };
            if spec.average == Average::Weighted {
                let view = View { top: spec.top, ..view };
                weight *= self.sum(Term::Pair(view, PairTerm::Label, 0));
            }
            if weight != 0.0 {
                sum += weight * of_view(view);
                weights += weight;
            }
        }
        ratio(sum, weights)
    }

    /// Returns a sum; 0 where nobody asked for it.
    pub(crate) fn sum(&self, term: Term) -> f64 {
        self.prepared.plan.place(term).map_or(0.0, |place| self.sums[place])
    }

    fn pair_weight(&self, view: View) -> f64 {
        let weight = self.sum(Term::Weight);
        let is_one = view.class.is_some() || view.kth.is_some();
        if is_one { weight } else { weight * self.prepared.task.width() as f64 }
    }

    fn pair_sums(&self, view: View, model: u8) -> PairSums {
        let mut sums = [f64::NAN; NUM_PAIR_TERMS];
        for (sum, term) in sums.iter_mut().zip(PAIR_TERMS) {
            if let Some(place) = self.prepared.plan.place(Term::pair(view, term, model)) {
                *sum = self.sums[place];
            }
        }
        PairSums { weight: self.pair_weight(view), sums }
    }

    /// Returns whether a model says no number for some example.
    pub(crate) fn is_unknown(&self, view: View, model: u8) -> bool {
        self.sum(Term::Pair(view, PairTerm::Prediction, model)).is_nan()
    }

    /// Returns what is right and wrong at a threshold.
    fn confusion(&self, view: View, model: u8, threshold: f64) -> Confusion {
        let table = self.prepared.plan.views.get(&(view, model));
        let table = table.and_then(|view| view.thresholds.as_ref());
        let Some((first, thresholds)) = table.filter(|_| !self.is_unknown(view, model)) else {
            return Confusion::unknown();
        };
        let place = thresholds.partition_point(|other| *other < threshold);
        let mut confusion = Confusion::default();
        for below in 0..=thresholds.len() {
            let cell = first + 2 * u32::try_from(below).unwrap_or(u32::MAX);
            let (negatives, positives) = (self.cell(cell), self.cell(cell + 1));
            if below > place {
                confusion.true_positives += positives;
                confusion.false_positives += negatives;
            } else {
                confusion.false_negatives += positives;
                confusion.true_negatives += negatives;
            }
        }
        confusion
    }

    /// Returns the weight of a cell.
    pub(crate) fn cell(&self, id: u32) -> f64 {
        let Prepared { slice, lanes, .. } = self.prepared;
        match (slice.cells.get(id, lanes.num), self.lane) {
            (None, _) => 0.0,
            (Some((cell, _)), None) => cell.weight.value(),
            (Some((_, weights)), Some(lane)) => lanes.value(weights, lane),
        }
    }

    /// Returns what is right and wrong at all thresholds; nothing where predictions are unknown or not counted.
    pub(crate) fn curve(&self, view: View, model: u8) -> Option<&Curve> {
        let curve = self.curves.get(&(view, model))?;
        if self.is_unknown(view, model) {
            return None;
        }
        Some(curve.get_or_init(|| Curve::new(self.points(view, model))))
    }

    fn points(&self, view: View, model: u8) -> Vec<Point> {
        let lanes = self.prepared.lanes;
        let weight = |side: Option<(&Cell, &[f64])>| match (side, self.lane) {
            (None, _) => 0.0,
            (Some((cell, _)), None) => cell.weight.value(),
            (Some((_, weights)), Some(lane)) => lanes.value(weights, lane),
        };
        let buckets = self.prepared.buckets.get(&(view, model));
        let points = buckets.into_iter().flatten().map(|bucket| Point {
            positives: weight(bucket.positives),
            negatives: weight(bucket.negatives),
            mean_prediction: bucket.mean_prediction,
        });
        points.filter(|point| point.positives + point.negatives > 0.0).collect()
    }
}

/// Differences have no threshold.
fn compared_at(pairing: Pairing, at: f64) -> f64 {
    if matches!(pairing, Pairing::Flip { .. }) { at } else { 0.0 }
}
