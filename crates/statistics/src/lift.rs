//! Lift: how much more often a label goes with a value than it does with any.
//!
//! The lift of a label `y` with a value `x` is `P(y | x) / P(y)`, where an example with several values of a feature
//! has each of them. Where the label has weights, an example counts by its weight in series of their own. Values, labels and pairs are counted as the strings of a feature are: exactly up to the same
//! bounds, and beyond in a table whose counts are low by no more than is said there.

use arrow::array::{Array, RecordBatch};
use formats::metadata::cross_feature_statistics::CrossStats;
use formats::metadata::lift_series::lift_value::{XAndYCountValue, XCountValue, XValue};
use formats::metadata::lift_series::{Bucket, LiftValue, YCountValue, YValue};
use formats::metadata::{
    CategoricalCrossStatistics, CrossFeatureStatistics, LiftSeries, LiftStatistics, Path,
};
use serde::{Deserialize, Serialize};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, StateError, Weight, as_f64};

use crate::columns::numbers_of_rows;
use crate::message::{BYTES_VALUE, label};
use crate::pass::Kind;
use crate::slice::texts_of_rows;
use crate::strings::{Counted, StringCounts, Ties};
use crate::{Config, StatisticsError};

/// A label and the features that are compared with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lift {
    pub(crate) label: Key,
    /// Ascending; empty if every label counts for itself.
    pub(crate) boundaries: Vec<f64>,
    pub(crate) features: Vec<Key>,
    /// The place among the pass's weights of the one that the label's examples have.
    pub(crate) weight: Option<usize>,
    pub(crate) min_count: u64,
    pub(crate) top: Option<u32>,
    pub(crate) bottom: Option<u32>,
}

/// A column of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What was seen of a label and its features.
#[derive(Clone, Debug)]
pub(crate) struct LiftState {
    counts: Counts<u64>,
    /// The same where every example counts by the label's weight, if it has any.
    weighted: Option<Counts<Weight>>,
}

/// How many examples there are, or how much they weigh.
#[derive(Clone, Debug)]
struct Counts<C> {
    num_examples: C,
    labels: StringCounts<C>,
    /// Of every feature, examples that have a value, and those that have a value and a label.
    features: Vec<(StringCounts<C>, StringCounts<C>)>,
}

impl LiftState {
    pub(crate) fn new(lift: &Lift, config: &Config) -> Self {
        Self {
            counts: Counts::new(lift, config),
            weighted: lift.weight.map(|_| Counts::new(lift, config)),
        }
    }

    /// Takes in a batch; `weights` has one for each row.
    pub(crate) fn update(
        &mut self,
        lift: &Lift,
        batch: &RecordBatch,
        weights: Option<&[Weight]>,
    ) -> Result<(), StatisticsError> {
        let column = |key: &Key| {
            let missing = || StatisticsError::MissingFeature { feature: key.name.clone() };
            batch.column_by_name(&key.name).ok_or_else(missing)
        };
        let labels = labels_of_rows(column(&lift.label)?.as_ref(), &lift.boundaries);
        let mut features = Vec::with_capacity(lift.features.len());
        for feature in &lift.features {
            features.push(texts_of_rows(column(feature)?.as_ref(), None));
        }
        self.counts.update(&labels, &features, |_| 1);
        if let (Some(weighted), Some(weights)) = (&mut self.weighted, weights) {
            weighted.update(&labels, &features, |row| weights[row]);
        }
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        if let (Some(weighted), Some(other)) = (&mut self.weighted, &other.weighted) {
            weighted.merge(other);
        }
    }

    /// Returns one message for each feature that has values, if there are labels; series by weight follow the others.
    pub(crate) fn messages(&self, lift: &Lift, config: &Config) -> Vec<CrossFeatureStatistics> {
        let mut messages = Vec::new();
        for (index, feature) in lift.features.iter().enumerate() {
            let mut lift_series = self.counts.series(lift, index, config);
            let weighted = self.weighted.iter();
            lift_series.extend(weighted.flat_map(|weighted| weighted.series(lift, index, config)));
            if lift_series.is_empty() {
                continue;
            }
            let statistics = LiftStatistics { lift_series, ..LiftStatistics::default() };
            messages.push(CrossFeatureStatistics {
                path_x: Some(Path { step: vec![feature.name.clone()] }),
                path_y: Some(Path { step: vec![lift.label.name.clone()] }),
                cross_stats: Some(CrossStats::CategoricalCrossStats(CategoricalCrossStatistics {
                    lift: Some(statistics),
                })),
                ..CrossFeatureStatistics::default()
            });
        }
        messages
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.counts.write(out);
        self.weighted.iter().for_each(|weighted| weighted.write(out));
    }

    pub(crate) fn read(input: &mut Reader<'_>, lift: &Lift) -> Result<Self, StateError> {
        let counts = Counts::read(input, lift)?;
        let weighted = lift.weight.map(|_| Counts::read(input, lift)).transpose()?;
        Ok(Self { counts, weighted })
    }
}

impl<C: Reported> Counts<C> {
    fn new(lift: &Lift, config: &Config) -> Self {
        let counts = || StringCounts::new(config.max_exact_strings.get() as usize);
        Self {
            num_examples: C::default(),
            labels: counts(),
            features: lift.features.iter().map(|_| (counts(), counts())).collect(),
        }
    }

    fn update(
        &mut self,
        labels: &[Vec<String>],
        features: &[Vec<Vec<Option<String>>>],
        count: impl Fn(usize) -> C,
    ) {
        for (row, labels) in labels.iter().enumerate() {
            self.num_examples = self.num_examples.plus(count(row));
            for label in labels {
                self.labels.add_times(label.as_bytes(), count(row), true);
            }
        }
        let mut pair = Vec::new();
        for (texts, (values, pairs)) in features.iter().zip(&mut self.features) {
            for (row, (texts, labels)) in texts.iter().zip(labels).enumerate() {
                for value in texts {
                    let value = value.as_deref().unwrap_or(BYTES_VALUE);
                    values.add_times(value.as_bytes(), count(row), true);
                    for label in labels {
                        pair_of(value.as_bytes(), label.as_bytes(), &mut pair);
                        pairs.add_times(&pair, count(row), true);
                    }
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.num_examples = self.num_examples.plus(other.num_examples);
        self.labels.merge(&other.labels);
        for ((values, pairs), (other_values, other_pairs)) in
            self.features.iter_mut().zip(&other.features)
        {
            values.merge(other_values);
            pairs.merge(other_pairs);
        }
    }

    /// Returns one series for each label, if the feature has values.
    fn series(&self, lift: &Lift, index: usize, config: &Config) -> Vec<LiftSeries> {
        let limit = config.num_rank_histogram_buckets as usize;
        let (feature, (values, pairs)) = (&lift.features[index], &self.features[index]);
        let mut labels = self.labels.top(limit, Ties::GreaterBytes);
        labels.retain(|label| !label.count.is_zero());
        let is_int = lift.label.kind == Kind::Int || !lift.boundaries.is_empty();
        sort_by_key(&mut labels, is_int);
        let mut values = values.top(limit, Ties::GreaterBytes);
        values.retain(|value| value.count.to_f64() > as_f64(lift.min_count));
        if values.is_empty() {
            return Vec::new();
        }
        sort_by_key(&mut values, feature.kind == Kind::Int);
        let series = labels.iter().map(|label| {
            let lift_values = lift_values(label, &values, pairs, self.num_examples);
            series(lift, label, ends(lift_values, lift.top, lift.bottom), feature.kind)
        });
        series.collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.num_examples.write(out);
        self.labels.write(out);
        for (values, pairs) in &self.features {
            values.write(out);
            pairs.write(out);
        }
    }

    fn read(input: &mut Reader<'_>, lift: &Lift) -> Result<Self, StateError> {
        let num_examples = C::take(input)?;
        let labels = StringCounts::read(input)?;
        let features = lift
            .features
            .iter()
            .map(|_| Ok((StringCounts::read(input)?, StringCounts::read(input)?)));
        let features = features.collect::<Result<_, StateError>>()?;
        Ok(Self { num_examples, labels, features })
    }
}

/// What is added up, as the message has it.
trait Reported: Count {
    fn of_label(self) -> YCountValue;
    fn of_value(self) -> XCountValue;
    fn of_both(self) -> XAndYCountValue;
}

impl Reported for u64 {
    fn of_label(self) -> YCountValue {
        YCountValue::YCount(self)
    }

    fn of_value(self) -> XCountValue {
        XCountValue::XCount(self)
    }

    fn of_both(self) -> XAndYCountValue {
        XAndYCountValue::XAndYCount(self)
    }
}

impl Reported for Weight {
    fn of_label(self) -> YCountValue {
        YCountValue::WeightedYCount(self.to_f64())
    }

    fn of_value(self) -> XCountValue {
        XCountValue::WeightedXCount(self.to_f64())
    }

    fn of_both(self) -> XAndYCountValue {
        XAndYCountValue::WeightedXAndYCount(self.to_f64())
    }
}

/// One value's lift with one label.
struct Lifted<'a, C> {
    value: &'a [u8],
    lift: f64,
    count: C,
    num_together: C,
}

/// Returns the lifts of values in ascending order, the greatest first and of equals the lesser value.
fn lift_values<'a, C: Count>(
    label: &Counted<'_, C>,
    values: &[Counted<'a, C>],
    pairs: &StringCounts<C>,
    num_examples: C,
) -> Vec<Lifted<'a, C>> {
    let mut pair = Vec::new();
    let rate = label.count.to_f64() / num_examples.to_f64();
    let mut lifted: Vec<Lifted<'a, C>> = values
        .iter()
        .map(|value| {
            pair_of(value.bytes, label.bytes, &mut pair);
            let num_together = pairs.count(&pair);
            let lift = num_together.to_f64() / value.count.to_f64() / rate;
            Lifted { value: value.bytes, lift, count: value.count, num_together }
        })
        .collect();
    lifted.sort_by(|a, b| b.lift.total_cmp(&a.lift));
    lifted
}

/// Keeps the first and the last so many; all, if neither is asked for.
fn ends<C>(
    mut lifted: Vec<Lifted<'_, C>>,
    top: Option<u32>,
    bottom: Option<u32>,
) -> Vec<Lifted<'_, C>> {
    let (top, bottom) = match (top, bottom) {
        (None, None) => return lifted,
        (top, bottom) => (top.unwrap_or(0) as usize, bottom.unwrap_or(0) as usize),
    };
    let num = lifted.len();
    if top + bottom < num {
        lifted.drain(top..num - bottom);
    }
    lifted
}

fn series<C: Reported>(
    lift: &Lift,
    of: &Counted<'_, C>,
    lifted: Vec<Lifted<'_, C>>,
    kind: Kind,
) -> LiftSeries {
    let text = label(of.bytes);
    let y_value = match number(of.bytes) {
        Some(bin) if !lift.boundaries.is_empty() => {
            let bin = usize::try_from(bin).unwrap_or(0);
            let low = bin.checked_sub(1).and_then(|below| lift.boundaries.get(below));
            YValue::YBucket(Bucket {
                low_value: low.copied().unwrap_or(f64::NEG_INFINITY),
                high_value: lift.boundaries.get(bin).copied().unwrap_or(f64::INFINITY),
            })
        }
        Some(int) if lift.label.kind == Kind::Int => YValue::YInt(int),
        _ => YValue::YString(text),
    };
    let lift_values = lifted.into_iter().map(|lifted| LiftValue {
        lift: lifted.lift,
        x_value: Some(match number(lifted.value) {
            Some(int) if kind == Kind::Int => XValue::XInt(int),
            _ => XValue::XString(label(lifted.value)),
        }),
        x_count_value: Some(lifted.count.of_value()),
        x_and_y_count_value: Some(lifted.num_together.of_both()),
    });
    LiftSeries {
        y_value: Some(y_value),
        y_count_value: Some(of.count.of_label()),
        lift_values: lift_values.collect(),
    }
}

/// The message has 32-bit integers; others are shown as text.
fn number(bytes: &[u8]) -> Option<i32> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn sort_by_key<C>(counted: &mut [Counted<'_, C>], is_int: bool) {
    if is_int {
        counted.sort_by_key(|counted| {
            std::str::from_utf8(counted.bytes).ok().and_then(|text| text.parse::<i128>().ok())
        });
    } else {
        counted.sort_by_key(|counted| counted.bytes);
    }
}

/// Returns the distinct labels of every row: their texts, or the numbers of the buckets that they are in.
fn labels_of_rows(column: &dyn Array, boundaries: &[f64]) -> Vec<Vec<String>> {
    if boundaries.is_empty() {
        let text = |text: Option<String>| text.unwrap_or_else(|| BYTES_VALUE.to_owned());
        let texts = texts_of_rows(column, None).into_iter();
        return texts.map(|row| row.into_iter().map(text).collect()).collect();
    }
    let bucket = |value: &f64| boundaries.partition_point(|boundary| boundary <= value);
    let row = |values: Vec<f64>| {
        let mut buckets: Vec<usize> =
            values.iter().filter(|value| !value.is_nan()).map(bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        buckets.into_iter().map(|bucket| bucket.to_string()).collect()
    };
    numbers_of_rows(column).into_iter().map(row).collect()
}

/// Writes a value and a label as one string from which both can be told.
fn pair_of(value: &[u8], label: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    out.extend_from_slice(value);
    out.extend_from_slice(label);
}
