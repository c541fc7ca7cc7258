//! The stored form of an evaluation: one JSON file, for people and other programs as well.
//!
//! A number that JSON does not have is the text `NaN`, `Infinity` or `-Infinity`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::IoError;
use model::Task;
use serde::{Deserialize, Serialize};

use crate::evaluation::{Evaluation, SliceResult};
use crate::{EvaluateError, SliceValue};

/// The newest version of the file.
const VERSION: u64 = 1;

/// The name of a task in files.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Task", rename_all = "snake_case")]
pub(crate) enum TaskName {
    BinaryClassification,
    MultiClassClassification { num_classes: usize },
    MultiLabelClassification { num_labels: usize },
    Regression,
    Ranking,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    #[serde(with = "TaskName")]
    task: Task,
    has_baseline: bool,
    num_missing_labels: u64,
    num_small_slices: u64,
    crowded: Vec<Vec<String>>,
    slices: Vec<SliceV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SliceV1 {
    /// Empty for all examples together.
    slice: Vec<KeyV1>,
    num_examples: u64,
    metrics: BTreeMap<String, NumberV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BTreeMap<String, NumberV1>>,
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

pub(crate) fn save(evaluation: &Evaluation, path: &Path) -> Result<(), EvaluateError> {
    let mut text = serde_json::to_string_pretty(&V1::from(evaluation))
        .map_err(|source| EvaluateError::NotAnEvaluation { path: path.to_path_buf(), source })?;
    text.push('\n');
    Ok(base::publish::write_file(path, text.as_bytes())?)
}

pub(crate) fn load(path: &Path) -> Result<Evaluation, EvaluateError> {
    let text = fs::read(path).map_err(IoError::at("read", path))?;
    let malformed = |source| EvaluateError::NotAnEvaluation { path: path.to_path_buf(), source };
    let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != VERSION {
        let path = path.to_path_buf();
        return Err(EvaluateError::Version { path, found: version, newest: VERSION });
    }
    let stored: V1 = serde_json::from_slice(&text).map_err(malformed)?;
    Evaluation::try_from(stored).map_err(malformed)
}

impl From<&Evaluation> for V1 {
    fn from(evaluation: &Evaluation) -> Self {
        Self {
            version: VERSION,
            task: evaluation.task,
            has_baseline: evaluation.has_baseline,
            num_missing_labels: evaluation.num_missing_labels,
            num_small_slices: evaluation.num_small_slices,
            crowded: evaluation.crowded.clone(),
            slices: evaluation.slices.iter().map(SliceV1::from).collect(),
        }
    }
}

impl TryFrom<V1> for Evaluation {
    type Error = serde_json::Error;

    fn try_from(stored: V1) -> Result<Self, serde_json::Error> {
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
        })
    }
}

impl From<&SliceResult> for SliceV1 {
    fn from(result: &SliceResult) -> Self {
        let metrics = |metrics: &BTreeMap<String, f64>| {
            metrics.iter().map(|(name, value)| (name.clone(), NumberV1::from(*value))).collect()
        };
        let key = result.key.iter().map(|(feature, value)| KeyV1 {
            feature: feature.clone(),
            value: ValueV1::from(value),
        });
        Self {
            slice: key.collect(),
            num_examples: result.num_examples,
            metrics: metrics(&result.metrics),
            baseline: result.baseline.as_ref().map(metrics),
        }
    }
}

impl TryFrom<SliceV1> for SliceResult {
    type Error = serde_json::Error;

    fn try_from(stored: SliceV1) -> Result<Self, serde_json::Error> {
        let metrics = |metrics: BTreeMap<String, NumberV1>| {
            metrics.into_iter().map(|(name, value)| (name, f64::from(value))).collect()
        };
        let key = stored.slice.into_iter();
        Ok(Self {
            key: key
                .map(|key| Ok((key.feature, SliceValue::try_from(key.value)?)))
                .collect::<Result<_, serde_json::Error>>()?,
            num_examples: stored.num_examples,
            metrics: metrics(stored.metrics),
            baseline: stored.baseline.map(metrics),
        })
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
