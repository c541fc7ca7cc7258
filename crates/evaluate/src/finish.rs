//! From what was counted to what is told.

use std::collections::BTreeMap;

use crate::compute::Prepared;
use crate::config::{CrossSlices, SliceSpec, SliceValues};
use crate::evaluation::{Evaluation, SliceComparison, SliceKey, SliceResult};
use crate::intervals::interval;
use crate::metrics::{Compute, MetricSpec};
use crate::plots::plots;
use crate::samples::DrawnSample;
use crate::state::EvaluateState;

/// How many slices have plots: the first, and those with the most examples.
const MAX_PLOTS: usize = 100;

/// The metrics of one slice, on all examples and on each replicate.
struct Measured {
    result: SliceResult,
    /// By metric, and then by replicate.
    replicates: Vec<Vec<f64>>,
}

pub(crate) fn finish(mut state: EvaluateState, num_missing_labels: u64) -> Evaluation {
    let specs = state.pass.config.metrics_for(state.pass.task);
    let mut evaluation = Evaluation {
        task: state.pass.task,
        num_missing_labels,
        has_baseline: state.pass.columns.baseline.is_some(),
        num_small_slices: 0,
        crowded: Vec::new(),
        slices: Vec::new(),
        comparisons: Vec::new(),
        confidence_intervals: state.pass.config.confidence_intervals.clone(),
    };
    let plan = std::sync::Arc::clone(&state.plan);
    let replicates = state.replicates.clone();
    let mut sizes = Vec::new();
    for cross in &mut state.crosses {
        let Some(slices) = &mut cross.slices else {
            evaluation.crowded.push(cross.cross.features.clone());
            continue;
        };
        for slice in &mut slices.totals {
            slice.take_in_queries(&plan, replicates.as_ref());
            sizes.push(slice.num_examples);
        }
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let least_plotted = sizes.get(MAX_PLOTS).map_or(0, |size| size + 1);
    let mut measured = Vec::new();
    for cross in &state.crosses {
        let Some(slices) = &cross.slices else { continue };
        for (key, place) in &slices.places {
            let slice = &slices.totals[*place];
            let is_small = slice.num_examples < state.pass.config.min_slice_size.get();
            if is_small && !key.is_empty() {
                evaluation.num_small_slices += 1;
                continue;
            }
            let key = cross.cross.features.iter().cloned().zip(key.iter().cloned()).collect();
            let prepared =
                Prepared::new(&plan, &state.pass.config, state.pass.task, slice, state.lanes());
            let has_plots = slice.num_examples >= least_plotted;
            let mut found = measure(&state, &specs, &prepared, key, slice.num_examples, has_plots);
            let samples = state.pass.config.samples.iter().zip(&slice.samples);
            found.result.samples = samples
                .map(|(config, drawn)| DrawnSample {
                    config: config.clone(),
                    values: drawn.values(),
                })
                .collect();
            measured.push(found);
        }
    }
    for cross in &state.pass.config.cross_slices {
        evaluation.comparisons.extend(compare(&state, &specs, cross, &measured));
    }
    evaluation.slices = measured.into_iter().map(|measured| measured.result).collect();
    evaluation
}

fn measure(
    state: &EvaluateState,
    specs: &[MetricSpec],
    prepared: &Prepared<'_>,
    key: SliceKey,
    num_examples: u64,
    has_plots: bool,
) -> Measured {
    let config = state.pass.config.confidence_intervals.as_ref();
    let has_baseline = state.pass.columns.baseline.is_some();
    let mut result = SliceResult { key, num_examples, ..SliceResult::default() };
    let mut replicates = Vec::new();
    let whole = prepared.sample(None);
    let samples: Vec<_> = (0..state.lanes().num).map(|lane| prepared.sample(Some(lane))).collect();
    for spec in specs {
        if spec.metric.is_comparison() && !has_baseline {
            replicates.push(Vec::new());
            continue;
        }
        let value = whole.metric(spec, 0);
        let values: Vec<f64> = samples.iter().map(|sample| sample.metric(spec, 0)).collect();
        let interval = config.and_then(|config| interval(config, value, &values));
        result.metrics.insert(spec.name.clone(), value);
        result.intervals.extend(interval.map(|interval| (spec.name.clone(), interval)));
        replicates.push(values);
    }
    if has_baseline {
        let mut baseline = BTreeMap::new();
        for (spec, candidate) in specs.iter().zip(&replicates) {
            if spec.metric.is_comparison() {
                continue;
            }
            let value = whole.metric(spec, 1);
            let values: Vec<f64> = samples.iter().map(|sample| sample.metric(spec, 1)).collect();
            let name = || spec.name.clone();
            if let Some(config) = config {
                let found = interval(config, value, &values);
                result.baseline_intervals.extend(found.map(|interval| (name(), interval)));
                let changes: Vec<f64> = candidate.iter().zip(&values).map(|(a, b)| a - b).collect();
                let change = result.metrics[&spec.name] - value;
                let found = interval(config, change, &changes)
                    .filter(|_| !matches!(spec.metric.compute, Compute::Examples(_)));
                result.change_intervals.extend(found.map(|interval| (name(), interval)));
            }
            baseline.insert(name(), value);
        }
        result.baseline = Some(baseline);
    }
    if has_plots {
        result.plots = plots(&state.pass, &state.plan, &whole, 0);
        if has_baseline {
            result.baseline_plots = plots(&state.pass, &state.plan, &whole, 1);
        }
    }
    Measured { result, replicates }
}

/// Compares slices with another one; nothing where that one was not computed.
fn compare(
    state: &EvaluateState,
    specs: &[MetricSpec],
    cross: &CrossSlices,
    measured: &[Measured],
) -> Vec<SliceComparison> {
    let config = state.pass.config.confidence_intervals.as_ref();
    let spec = one_slice(&cross.baseline);
    let Some(baseline) = measured.iter().find(|measured| spec.has(&measured.result.key)) else {
        return Vec::new();
    };
    let is_compared = |measured: &&Measured| {
        measured.result.key != baseline.result.key
            && cross.slices.iter().any(|spec| spec.has(&measured.result.key))
    };
    let difference = |slice: &Measured| {
        let mut comparison = SliceComparison {
            slice: slice.result.key.clone(),
            baseline: baseline.result.key.clone(),
            metrics: BTreeMap::new(),
            intervals: BTreeMap::new(),
        };
        for (place, spec) in specs.iter().enumerate() {
            let values = [slice, baseline].map(|slice| slice.result.metrics.get(&spec.name));
            let [Some(of_slice), Some(of_baseline)] = values else { continue };
            let value = of_slice - of_baseline;
            let replicates = slice.replicates[place].iter().zip(&baseline.replicates[place]);
            let replicates: Vec<f64> = replicates.map(|(a, b)| a - b).collect();
            let found = config.and_then(|config| interval(config, value, &replicates));
            comparison.metrics.insert(spec.name.clone(), value);
            comparison.intervals.extend(found.map(|interval| (spec.name.clone(), interval)));
        }
        comparison
    };
    measured.iter().filter(is_compared).map(difference).collect()
}

/// Returns the slice of which every feature has the value that is given.
pub(crate) fn one_slice(values: &BTreeMap<String, crate::Wanted>) -> SliceSpec {
    SliceSpec::Values(SliceValues { features: Vec::new(), values: values.clone() })
}
