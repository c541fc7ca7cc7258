//! Samples of examples: values of a feature, of examples that are drawn by their weight.
//!
//! Whether an example is drawn is a matter of its place in the data, its weight and a seed, so that neither threads
//! nor partitions show.

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

use crate::bytes::{Reader, Stored, bad};
use crate::config::{SampleConfig, SampleOf};
use crate::replicates::mix;
use crate::rows::{Label, Rows};
use crate::slices::Encoded;
use crate::{EvaluateError, SliceValue};

/// How many values the slices of one cross may have drawn together.
pub(crate) const MAX_SAMPLED: usize = 1_000_000;

/// Values of a feature, of some examples of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnSample {
    /// What was asked for.
    pub config: SampleConfig,
    /// The values, in the order in which they were drawn.
    pub values: Vec<SliceValue>,
}

/// The examples of a batch that may be drawn for one sample.
pub(crate) struct Candidates {
    size: usize,
    /// By example: how early it would be drawn, and the place of its value; nothing for one that is not of the sample.
    keys: Vec<Option<(f64, u32)>>,
    values: Vec<SliceValue>,
}

/// The examples that are drawn, the first of them first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawn(Vec<One>);

#[derive(Clone, Debug)]
struct One {
    key: f64,
    position: u64,
    value: SliceValue,
}

impl SampleConfig {
    /// Returns whether a sample is of examples such as this one.
    pub(crate) fn has(&self, label: Label<'_>, predictions: &[f64], threshold: f64) -> bool {
        let (is_positive, is_right) = match self.of {
            SampleOf::All => return true,
            SampleOf::TruePositives => (true, true),
            SampleOf::FalsePositives => (true, false),
            SampleOf::TrueNegatives => (false, true),
            SampleOf::FalseNegatives => (false, false),
        };
        let threshold = self.threshold.unwrap_or(threshold);
        let is_it = |class: usize| {
            let prediction = predictions[class];
            !prediction.is_nan()
                && (prediction > threshold) == is_positive
                && (label.of(class) > 0.5) == (is_positive == is_right)
        };
        match self.class {
            Some(class) => is_it(class as usize),
            None => (0..predictions.len()).any(is_it),
        }
    }
}

impl Candidates {
    /// Reads the feature of one sample; `is_in` says of each example whether the sample is of such ones. One without a
    /// value, or without weight, is never drawn.
    ///
    /// # Source
    ///
    /// Weighted sampling without replacement by the largest `u^(1/w)`, Efraimidis and Spirakis 2006, as the reference;
    /// here by its logarithm.
    pub(crate) fn read(
        batch: &RecordBatch,
        config: &SampleConfig,
        rows: &Rows,
        is_in: impl Fn(usize) -> bool,
    ) -> Result<Self, EvaluateError> {
        let encoded = scalars(batch, &config.feature)?;
        let seed = mix(config.seed ^ 0x73a1_0c55);
        let key = |example: usize| {
            let weight = rows.weights[example].value();
            let [value] = encoded.row(rows.rows[example]) else { return None };
            if weight <= 0.0 || !is_in(example) {
                return None;
            }
            let bits = mix(seed ^ mix(rows.positions[example]));
            let uniform = ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            Some((uniform.ln() / weight, *value))
        };
        let keys = (0..rows.rows.len()).map(key).collect();
        Ok(Self { size: config.size as usize, keys, values: encoded.values })
    }
}

fn scalars(batch: &RecordBatch, feature: &str) -> Result<Encoded, EvaluateError> {
    let role = "feature to draw samples of";
    let column = batch
        .column_by_name(feature)
        .ok_or_else(|| EvaluateError::MissingColumn { column: feature.to_owned(), role })?;
    let wrong = |_| EvaluateError::ColumnType {
        column: feature.to_owned(),
        role,
        found: column.data_type().clone(),
        expected: "numbers, text or bytes",
    };
    match column.data_type() {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Err(wrong(())),
        _ => Encoded::read(batch, feature).map_err(|_| wrong(())),
    }
}

impl Drawn {
    /// Takes an example in where it is among the first.
    pub(crate) fn offer(&mut self, candidates: &Candidates, example: usize, position: u64) {
        let Some((key, value)) = candidates.keys[example] else { return };
        let is_late = |last: &One| !comes_first((key, position), (last.key, last.position));
        if self.0.len() >= candidates.size && self.0.last().is_some_and(is_late) {
            return;
        }
        let value = candidates.values[value as usize].clone();
        self.insert(One { key, position, value }, candidates.size);
    }

    fn insert(&mut self, one: One, size: usize) {
        let key = (one.key, one.position);
        let place = self.0.partition_point(|other| comes_first((other.key, other.position), key));
        self.0.insert(place, one);
        self.0.truncate(size);
    }

    pub(crate) fn merge(&mut self, other: Self, size: usize) {
        other.0.into_iter().for_each(|one| self.insert(one, size));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn values(&self) -> Vec<SliceValue> {
        self.0.iter().map(|one| one.value.clone()).collect()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.0.len().write(out);
        for One { key, position, value } in &self.0 {
            key.write(out);
            position.write(out);
            value.write(out);
        }
    }

    pub(crate) fn read(input: &mut Reader<'_>, size: usize) -> Result<Self, EvaluateError> {
        let mut drawn: Vec<One> = Vec::new();
        let len = usize::read(input)?;
        if len > size {
            return Err(bad("a sample is larger than asked for"));
        }
        for _ in 0..len {
            let one = One {
                key: f64::read(input)?,
                position: u64::read(input)?,
                value: SliceValue::read(input)?,
            };
            let key = (one.key, one.position);
            if drawn.last().is_some_and(|last| !comes_first((last.key, last.position), key)) {
                return Err(bad("a sample is out of order"));
            }
            drawn.push(one);
        }
        Ok(Self(drawn))
    }
}

/// Returns whether one key and position come before another.
fn comes_first(a: (f64, u64), b: (f64, u64)) -> bool {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).is_lt()
}
