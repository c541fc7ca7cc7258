//! The stored form of an evaluation: one JSON file, for people and other programs as well.
//!
//! A number that JSON does not have is the text `NaN`, `Infinity` or `-Infinity`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::IoError;
use serde::{Deserialize, Serialize};

use crate::evaluation::{Evaluation, SliceComparison, SliceKey, SliceResult};
use crate::intervals::Interval;
use crate::plots::{CalibrationBin, Plots, ThresholdPoint};
use crate::{
    ClassTable, ConfidenceIntervals, DrawnSample, EvaluateError, LabelTable, SampleConfig,
    SliceValue, Task,
};

/// The newest version of the file. The first one had no intervals, comparisons and plots, the second no samples and
/// tables at thresholds.
const VERSION: u64 = 3;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V3 {
    version: u64,
    task: Task,
    has_baseline: bool,
    num_missing_labels: u64,
    num_small_slices: u64,
    crowded: Vec<Vec<String>>,
    slices: Vec<SliceV3>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    comparisons: Vec<ComparisonV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence_intervals: Option<ConfidenceIntervals>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SliceV3 {
    /// Empty for all examples together.
    slice: Vec<KeyV1>,
    num_examples: u64,
    metrics: BTreeMap<String, NumberV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BTreeMap<String, NumberV1>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    intervals: BTreeMap<String, IntervalV2>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    baseline_intervals: BTreeMap<String, IntervalV2>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    change_intervals: BTreeMap<String, IntervalV2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plots: Option<PlotsV3>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline_plots: Option<PlotsV3>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    samples: Vec<SampleV3>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleV3 {
    sample: SampleConfig,
    values: Vec<ValueV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComparisonV2 {
    slice: Vec<KeyV1>,
    baseline: Vec<KeyV1>,
    metrics: BTreeMap<String, NumberV1>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    intervals: BTreeMap<String, IntervalV2>,
}

/// Every number of an interval is finite.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntervalV2 {
    lower: f64,
    upper: f64,
    mean: f64,
    standard_error: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlotsV3 {
    /// `[threshold, true positives, false positives, true negatives, false negatives]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    thresholds: Vec<[f64; 5]>,
    /// `[lower end, mean prediction, positives, negatives]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calibration: Vec<[f64; 4]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    confusion: Vec<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes_at: Vec<ClassTableV3>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels_at: Vec<LabelTableV3>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassTableV3 {
    threshold: f64,
    weights: Vec<Vec<f64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelTableV3 {
    threshold: f64,
    /// `[true positives, false positives, true negatives, false negatives]`.
    cells: Vec<Vec<[f64; 4]>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyV1 {
    feature: String,
    value: ValueV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ValueV1 {
    Int(i64),
    Float(NumberV1),
    Text(String),
    /// Two hexadecimal digits each.
    Bytes(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NumberV1 {
    Finite(f64),
    Other(OtherV1),
}

#[derive(Serialize, Deserialize)]
enum OtherV1 {
    NaN,
    Infinity,
    #[serde(rename = "-Infinity")]
    NegativeInfinity,
}

pub(crate) fn to_json(evaluation: &Evaluation) -> serde_json::Value {
    serde_json::to_value(V3::from(evaluation)).expect("an evaluation is names and numbers")
}

pub(crate) fn save(evaluation: &Evaluation, path: &Path) -> Result<(), EvaluateError> {
    let mut text = serde_json::to_string_pretty(&V3::from(evaluation))
        .map_err(|source| EvaluateError::NotAnEvaluation { path: path.to_path_buf(), source })?;
    text.push('\n');
    Ok(base::publish::write_file(path, text.as_bytes())?)
}

pub(crate) fn load(path: &Path) -> Result<Evaluation, EvaluateError> {
    let text = fs::read(path).map_err(IoError::at("read", path))?;
    let malformed = |source| EvaluateError::NotAnEvaluation { path: path.to_path_buf(), source };
    let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if !(1..=VERSION).contains(&version) {
        let path = path.to_path_buf();
        return Err(EvaluateError::Version { path, found: version, newest: VERSION });
    }
    let stored: V3 = serde_json::from_slice(&text).map_err(malformed)?;
    Evaluation::try_from(stored).map_err(malformed)
}

impl From<&Evaluation> for V3 {
    fn from(evaluation: &Evaluation) -> Self {
        Self {
            version: VERSION,
            task: evaluation.task,
            has_baseline: evaluation.has_baseline,
            num_missing_labels: evaluation.num_missing_labels,
            num_small_slices: evaluation.num_small_slices,
            crowded: evaluation.crowded.clone(),
            slices: evaluation.slices.iter().map(SliceV3::from).collect(),
            comparisons: evaluation.comparisons.iter().map(ComparisonV2::from).collect(),
            confidence_intervals: evaluation.confidence_intervals.clone(),
        }
    }
}

impl TryFrom<V3> for Evaluation {
    type Error = serde_json::Error;

    fn try_from(stored: V3) -> Result<Self, serde_json::Error> {
        Ok(Self {
            task: stored.task,
            has_baseline: stored.has_baseline,
            num_missing_labels: stored.num_missing_labels,
            num_small_slices: stored.num_small_slices,
            crowded: stored.crowded,
            slices: stored
                .slices
                .into_iter()
                .map(SliceResult::try_from)
                .collect::<Result<_, _>>()?,
            comparisons: stored
                .comparisons
                .into_iter()
                .map(SliceComparison::try_from)
                .collect::<Result<_, _>>()?,
            confidence_intervals: stored.confidence_intervals,
        })
    }
}

impl From<&SliceResult> for SliceV3 {
    fn from(result: &SliceResult) -> Self {
        Self {
            slice: stored_key(&result.key),
            num_examples: result.num_examples,
            metrics: stored_metrics(&result.metrics),
            baseline: result.baseline.as_ref().map(stored_metrics),
            intervals: stored_intervals(&result.intervals),
            baseline_intervals: stored_intervals(&result.baseline_intervals),
            change_intervals: stored_intervals(&result.change_intervals),
            plots: result.plots.as_ref().map(PlotsV3::from),
            baseline_plots: result.baseline_plots.as_ref().map(PlotsV3::from),
            samples: result.samples.iter().map(SampleV3::from).collect(),
        }
    }
}

impl TryFrom<SliceV3> for SliceResult {
    type Error = serde_json::Error;

    fn try_from(stored: SliceV3) -> Result<Self, serde_json::Error> {
        Ok(Self {
            key: key(stored.slice)?,
            num_examples: stored.num_examples,
            metrics: metrics(stored.metrics),
            baseline: stored.baseline.map(metrics),
            intervals: intervals(stored.intervals),
            baseline_intervals: intervals(stored.baseline_intervals),
            change_intervals: intervals(stored.change_intervals),
            plots: stored.plots.map(Plots::from),
            baseline_plots: stored.baseline_plots.map(Plots::from),
            samples: stored
                .samples
                .into_iter()
                .map(DrawnSample::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<&SliceComparison> for ComparisonV2 {
    fn from(comparison: &SliceComparison) -> Self {
        Self {
            slice: stored_key(&comparison.slice),
            baseline: stored_key(&comparison.baseline),
            metrics: stored_metrics(&comparison.metrics),
            intervals: stored_intervals(&comparison.intervals),
        }
    }
}

impl TryFrom<ComparisonV2> for SliceComparison {
    type Error = serde_json::Error;

    fn try_from(stored: ComparisonV2) -> Result<Self, serde_json::Error> {
        Ok(Self {
            slice: key(stored.slice)?,
            baseline: key(stored.baseline)?,
            metrics: metrics(stored.metrics),
            intervals: intervals(stored.intervals),
        })
    }
}

fn stored_key(key: &SliceKey) -> Vec<KeyV1> {
    key.iter()
        .map(|(feature, value)| KeyV1 { feature: feature.clone(), value: ValueV1::from(value) })
        .collect()
}

fn key(stored: Vec<KeyV1>) -> Result<SliceKey, serde_json::Error> {
    stored.into_iter().map(|key| Ok((key.feature, SliceValue::try_from(key.value)?))).collect()
}

fn stored_metrics(metrics: &BTreeMap<String, f64>) -> BTreeMap<String, NumberV1> {
    metrics.iter().map(|(name, value)| (name.clone(), NumberV1::from(*value))).collect()
}

fn metrics(stored: BTreeMap<String, NumberV1>) -> BTreeMap<String, f64> {
    stored.into_iter().map(|(name, value)| (name, f64::from(value))).collect()
}

fn stored_intervals(intervals: &BTreeMap<String, Interval>) -> BTreeMap<String, IntervalV2> {
    let stored = |interval: &Interval| {
        let Interval { lower, upper, mean, standard_error } = *interval;
        IntervalV2 { lower, upper, mean, standard_error }
    };
    intervals.iter().map(|(name, interval)| (name.clone(), stored(interval))).collect()
}

fn intervals(stored: BTreeMap<String, IntervalV2>) -> BTreeMap<String, Interval> {
    let interval = |stored: IntervalV2| {
        let IntervalV2 { lower, upper, mean, standard_error } = stored;
        Interval { lower, upper, mean, standard_error }
    };
    stored.into_iter().map(|(name, stored)| (name, interval(stored))).collect()
}

impl From<&DrawnSample> for SampleV3 {
    fn from(drawn: &DrawnSample) -> Self {
        Self {
            sample: drawn.config.clone(),
            values: drawn.values.iter().map(ValueV1::from).collect(),
        }
    }
}

impl TryFrom<SampleV3> for DrawnSample {
    type Error = serde_json::Error;

    fn try_from(stored: SampleV3) -> Result<Self, serde_json::Error> {
        let values = stored.values.into_iter().map(SliceValue::try_from);
        Ok(Self { config: stored.sample, values: values.collect::<Result<_, _>>()? })
    }
}

impl From<&Plots> for PlotsV3 {
    fn from(plots: &Plots) -> Self {
        let threshold = |p: &ThresholdPoint| {
            [p.threshold, p.true_positives, p.false_positives, p.true_negatives, p.false_negatives]
        };
        let bin =
            |bin: &CalibrationBin| [bin.from, bin.mean_prediction, bin.positives, bin.negatives];
        Self {
            thresholds: plots.thresholds.iter().map(threshold).collect(),
            calibration: plots.calibration.iter().map(bin).collect(),
            confusion: plots.confusion.clone(),
            classes_at: plots
                .classes_at
                .iter()
                .map(|ClassTable { threshold, weights }| ClassTableV3 {
                    threshold: *threshold,
                    weights: weights.clone(),
                })
                .collect(),
            labels_at: plots
                .labels_at
                .iter()
                .map(|LabelTable { threshold, cells }| LabelTableV3 {
                    threshold: *threshold,
                    cells: cells.clone(),
                })
                .collect(),
        }
    }
}

impl From<PlotsV3> for Plots {
    fn from(stored: PlotsV3) -> Self {
        let threshold = |[threshold, tp, fp, tn, fne]: [f64; 5]| ThresholdPoint {
            threshold,
            true_positives: tp,
            false_positives: fp,
            true_negatives: tn,
            false_negatives: fne,
        };
        let bin = |[from, mean_prediction, positives, negatives]: [f64; 4]| CalibrationBin {
            from,
            mean_prediction,
            positives,
            negatives,
        };
        Self {
            thresholds: stored.thresholds.into_iter().map(threshold).collect(),
            calibration: stored.calibration.into_iter().map(bin).collect(),
            confusion: stored.confusion,
            classes_at: stored
                .classes_at
                .into_iter()
                .map(|ClassTableV3 { threshold, weights }| ClassTable { threshold, weights })
                .collect(),
            labels_at: stored
                .labels_at
                .into_iter()
                .map(|LabelTableV3 { threshold, cells }| LabelTable { threshold, cells })
                .collect(),
        }
    }
}

impl From<&SliceValue> for ValueV1 {
    fn from(value: &SliceValue) -> Self {
        match value {
            SliceValue::Int(value) => Self::Int(*value),
            SliceValue::Float(value) => Self::Float((*value).into()),
            SliceValue::Text(text) => Self::Text(text.clone()),
            SliceValue::Bytes(bytes) => {
                Self::Bytes(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
            }
        }
    }
}

impl TryFrom<ValueV1> for SliceValue {
    type Error = serde_json::Error;

    fn try_from(stored: ValueV1) -> Result<Self, serde_json::Error> {
        Ok(match stored {
            ValueV1::Int(value) => Self::Int(value),
            ValueV1::Float(value) => Self::Float(value.into()),
            ValueV1::Text(text) => Self::Text(text),
            ValueV1::Bytes(digits) => Self::Bytes(from_hex(&digits).ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "{digits:?}, expected pairs of hexadecimal digits"
                ))
            })?),
        })
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            if pair.starts_with('+') { None } else { u8::from_str_radix(pair, 16).ok() }
        })
        .collect()
}

impl From<f64> for NumberV1 {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Finite(value)
        } else if value.is_nan() {
            Self::Other(OtherV1::NaN)
        } else if value > 0.0 {
            Self::Other(OtherV1::Infinity)
        } else {
            Self::Other(OtherV1::NegativeInfinity)
        }
    }
}

impl From<NumberV1> for f64 {
    fn from(number: NumberV1) -> Self {
        match number {
            NumberV1::Finite(value) => value,
            NumberV1::Other(OtherV1::NaN) => Self::NAN,
            NumberV1::Other(OtherV1::Infinity) => Self::INFINITY,
            NumberV1::Other(OtherV1::NegativeInfinity) => Self::NEG_INFINITY,
        }
    }
}

#[cfg(test)]
mod tests;
