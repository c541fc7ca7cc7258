//! Features as small numbers: a quantity by the range that it is in, a category by its place.

use std::collections::BTreeMap;

use model::network::NO_CATEGORY;

use crate::TrainError;
use crate::examples::{Scan, Split, Table};

/// How many ranges or categories a feature has, at most; two more numbers are for rare and missing ones.
const MAX_BINS: usize = 253;

/// How many values the ranges of a quantity are found from; of more, every so many-th.
const MAX_SAMPLE: u64 = 200_000;

/// How each feature becomes a small number.
pub(super) struct Bins {
    features: Vec<Feature>,
}

/// How one feature becomes a small number.
pub(super) enum Feature {
    /// A column of numbers.
    Number {
        column: usize,
        /// The greatest number of each range but the last.
        edges: Vec<f32>,
    },
    /// A column of categories.
    Category {
        column: usize,
        num_buckets: usize,
        /// The bin of each category.
        bins: Vec<u8>,
        /// The categories that have a bin of their own, most frequent first.
        categories: Vec<u32>,
    },
}

impl Feature {
    /// Returns how many bins there are, that of what is missing, which is the last, included.
    pub(super) fn num_bins(&self) -> usize {
        match self {
            Self::Number { edges, .. } => edges.len() + 2,
            // One more for those that are rare.
            Self::Category { categories, .. } => categories.len() + 2,
        }
    }

    pub(super) fn missing_bin(&self) -> u8 {
        small(self.num_bins() - 1)
    }
}

/// Examples as small numbers, feature after feature.
pub(super) struct Binned {
    columns: Vec<Vec<u8>>,
    num_rows: usize,
}

impl Binned {
    pub(super) fn new(bins: &Bins) -> Self {
        Self { columns: vec![Vec::new(); bins.len()], num_rows: 0 }
    }

    pub(super) fn num_rows(&self) -> usize {
        self.num_rows
    }

    pub(super) fn column(&self, feature: usize) -> &[u8] {
        &self.columns[feature]
    }
}

impl Bins {
    /// Finds the ranges and the frequent categories of a split's features.
    pub(super) fn learn(
        split: &Split,
        scan: &Scan,
        buffer_bytes: usize,
    ) -> Result<Self, TrainError> {
        let network = &split.network;
        let (num_numeric, num_ids) = (network.numeric_width(), network.num_single());
        let every = scan.num_examples.div_ceil(MAX_SAMPLE).max(1);
        let mut samples = vec![Vec::new(); num_numeric];
        let mut counts = vec![BTreeMap::<u32, u64>::new(); num_ids];
        let mut seen = 0;
        split.for_each(scan, buffer_bytes, &mut |table| {
            for row in 0..table.len() {
                if seen % every == 0 {
                    let values = &table.rows.numeric()[row * num_numeric..(row + 1) * num_numeric];
                    for (sample, value) in samples.iter_mut().zip(values) {
                        sample.extend((!value.is_nan()).then_some(*value));
                    }
                }
                seen += 1;
                let ids = &table.rows.ids()[row * num_ids..(row + 1) * num_ids];
                for (counts, &id) in counts.iter_mut().zip(ids) {
                    if id != NO_CATEGORY {
                        *counts.entry(id).or_default() += 1;
                    }
                }
            }
        })?;
        let numbers = samples.into_iter().enumerate();
        let numbers =
            numbers.map(|(column, sample)| Feature::Number { column, edges: edges(sample) });
        let categories = network.categorical().iter().zip(counts);
        let categories = categories.map(|(feature, counts)| {
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by_key(|&(id, count)| (std::cmp::Reverse(count), id));
            counts.truncate(MAX_BINS);
            let categories: Vec<u32> = counts.into_iter().map(|(id, _)| id).collect();
            let mut bins = vec![small(categories.len()); feature.num_buckets];
            for (bin, id) in categories.iter().enumerate() {
                bins[*id as usize] = small(bin);
            }
            let (column, num_buckets) = (feature.place, feature.num_buckets);
            Feature::Category { column, num_buckets, bins, categories }
        });
        Ok(Self { features: numbers.chain(categories).collect() })
    }

    pub(super) fn len(&self) -> usize {
        self.features.len()
    }

    pub(super) fn feature(&self, feature: usize) -> &Feature {
        &self.features[feature]
    }

    /// Appends the examples of a table.
    pub(super) fn append(&self, table: &Table, binned: &mut Binned) {
        let num_rows = table.len();
        let width = table.rows.numeric().len() / num_rows.max(1);
        let num_ids = table.rows.ids().len() / num_rows.max(1);
        for (feature, target) in self.features.iter().zip(&mut binned.columns) {
            let missing = feature.missing_bin();
            match feature {
                Feature::Number { column, edges } => {
                    let values = table.rows.numeric().iter().skip(*column).step_by(width);
                    target.extend(values.map(|value| match value.is_nan() {
                        true => missing,
                        false => small(edges.partition_point(|edge| edge < value)),
                    }));
                }
                Feature::Category { column, bins, .. } => {
                    let ids = table.rows.ids().iter().skip(*column).step_by(num_ids);
                    target.extend(ids.map(|&id| match id {
                        NO_CATEGORY => missing,
                        id => bins[id as usize],
                    }));
                }
            }
        }
        binned.num_rows += num_rows;
    }
}

fn small(bin: usize) -> u8 {
    u8::try_from(bin).expect("a feature has at most 255 bins")
}

/// Returns the greatest number of each range but the last: halfway between neighbours, and where there are more
/// different numbers than ranges, so that ranges have about as many examples.
fn edges(mut sample: Vec<f32>) -> Vec<f32> {
    sample.sort_unstable_by(f32::total_cmp);
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for value in sample.iter().copied() {
        match distinct.last_mut() {
            // The two zeros are one.
            Some((last, count)) if *last >= value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let target = sample.len().div_ceil(MAX_BINS);
    let mut edges = Vec::new();
    let mut count = 0;
    for pair in distinct.windows(2) {
        count += pair[0].1;
        let is_full = distinct.len() <= MAX_BINS || count >= target;
        if is_full && edges.len() < MAX_BINS {
            let middle = pair[0].0 / 2.0 + pair[1].0 / 2.0;
            edges.push(if middle >= pair[0].0 && middle < pair[1].0 { middle } else { pair[0].0 });
            count = 0;
        }
    }
    edges
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small whole numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_between_numbers_and_have_about_as_many() {
        assert_eq!(edges(vec![3.0, 1.0, 1.0, 7.0]), [2.0, 5.0]);
        assert_eq!(edges(vec![0.0, -0.0]), [0.0; 0]);
        assert_eq!(edges(Vec::new()), [0.0; 0]);
        let many: Vec<f32> = (0..10_000).map(|i| (i * i) as f32).collect();
        let edges = edges(many.clone());
        assert!(edges.len() <= MAX_BINS && edges.len() > MAX_BINS / 2);
        let mut start = 0;
        for edge in edges {
            let end = many.partition_point(|value| *value <= edge);
            assert!((1..=80).contains(&(end - start)), "{start} {end}");
            start = end;
        }
    }
}
