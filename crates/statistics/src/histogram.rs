//! Histograms from quantiles, bucket for bucket as the reference makes them.
//!
//! Quantiles are pairs of a number and of how many values are at most that number, or how much they weigh; the first
//! is the least number. A bucket reaches from one quantile to the next and holds the values above its low end, its high
//! end included; where the bucket is a point, the values equal to it.

use formats::metadata::Histogram;
use formats::metadata::histogram::{Bucket, HistogramType};

use sketch::{Count, Moments, as_f64};

/// Buckets of equal width are interpolated from this many times as many of equal count.
pub(crate) const FINENESS: usize = 100;

/// Where the finite numbers are, and how many are beyond.
pub(crate) struct Extent {
    min: f64,
    max: f64,
    num_finite: f64,
    num_negative_infinite: f64,
    num_positive_infinite: f64,
}

impl Extent {
    /// Returns the extent of numbers; where they count by weight, `moments` has the weights, and the ends are those
    /// of `all` numbers.
    pub(crate) fn of<C: Count>(moments: &Moments<C>, all: &Moments) -> Self {
        Self {
            min: all.finite_min,
            max: all.finite_max,
            num_finite: moments.num_finite().to_f64(),
            num_negative_infinite: moments.num_negative_infinite.to_f64(),
            num_positive_infinite: moments.num_positive_infinite.to_f64(),
        }
    }
}

/// Returns quantiles with floats for what was added up.
pub(crate) fn with_floats<C: Count>(quantiles: Vec<(f64, C)>) -> Vec<(f64, f64)> {
    quantiles.into_iter().map(|(value, count)| (value, count.to_f64())).collect()
}

/// Returns the histogram of buckets that hold about equally many values.
///
/// A number that fills several buckets has its count spread evenly over them, and the count of the least
/// number belongs to the first bucket or buckets.
pub(crate) fn quantiles_histogram(quantiles: &[(f64, f64)], num_nan: u64) -> Histogram {
    Histogram {
        num_nan,
        buckets: buckets_between(quantiles),
        r#type: HistogramType::Quantiles.into(),
        ..Histogram::default()
    }
}

/// Returns the histogram of buckets of equal width between the least and the greatest finite number, with
/// a point bucket for each infinity.
///
/// Counts are interpolated between fine quantiles, so they are not whole numbers. If all finite numbers are
/// equal there is one point bucket for them, and if the width overflows there are no buckets at all.
pub(crate) fn standard_histogram(
    fine_quantiles: &[(f64, f64)],
    extent: &Extent,
    num_buckets: usize,
    num_nan: u64,
) -> Histogram {
    Histogram {
        num_nan,
        buckets: standard_buckets(fine_quantiles, extent, num_buckets),
        r#type: HistogramType::Standard.into(),
        ..Histogram::default()
    }
}

/// Returns every `step`-th quantile, the first included.
pub(crate) fn every(step: usize, quantiles: &[(f64, f64)]) -> Vec<(f64, f64)> {
    quantiles.iter().copied().step_by(step).collect()
}

/// Returns the median of what `summary` summarizes, seen through an odd or even number of quantiles.
pub(crate) fn median(quantiles: &[(f64, f64)]) -> f64 {
    let middle = quantiles.len() / 2;
    match quantiles {
        [] => 0.0,
        _ if quantiles.len().is_multiple_of(2) => {
            (quantiles[middle - 1].0 + quantiles[middle].0) / 2.0
        }
        _ => quantiles[middle].0,
    }
}

fn buckets_between(quantiles: &[(f64, f64)]) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = quantiles
        .windows(2)
        .map(|ends| Bucket {
            low_value: ends[0].0,
            high_value: ends[1].0,
            sample_count: ends[1].1 - ends[0].1,
        })
        .collect();
    for alike in buckets.chunk_by_mut(|a, b| same(a.high_value, b.high_value)) {
        spread(alike.iter().map(|bucket| bucket.sample_count).sum(), alike, |count, share| {
            *count = share;
        });
    }
    if let (Some(first), Some(&(_, least_count))) = (buckets.first().cloned(), quantiles.first()) {
        let is_like_first =
            |b: &Bucket| same(b.low_value, first.low_value) && same(b.high_value, first.high_value);
        let num_alike = buckets.iter().take_while(|bucket| is_like_first(bucket)).count();
        spread(least_count, &mut buckets[..num_alike], |count, share| *count += share);
    }
    buckets
}

fn spread(total: f64, buckets: &mut [Bucket], give: impl Fn(&mut f64, f64)) {
    let share = total / as_f64(buckets.len() as u64);
    buckets.iter_mut().for_each(|bucket| give(&mut bucket.sample_count, share));
}

fn standard_buckets(
    fine_quantiles: &[(f64, f64)],
    extent: &Extent,
    num_buckets: usize,
) -> Vec<Bucket> {
    let (min, max) = (extent.min, extent.max);
    let point = |value: f64, sample_count: f64| {
        (sample_count > 0.0).then_some(Bucket { low_value: value, high_value: value, sample_count })
    };
    let mut buckets = Vec::with_capacity(num_buckets + 2);
    buckets.extend(point(f64::NEG_INFINITY, extent.num_negative_infinite));
    if min.is_finite() {
        let Some(boundaries) = equal_widths(min, max, num_buckets) else {
            return Vec::new();
        };
        let fine = buckets_between(&finite_part(fine_quantiles, extent));
        let mut start = 0;
        for (index, ends) in boundaries.windows(2).enumerate() {
            let (low_value, high_value) = (ends[0], ends[1]);
            let mut sample_count = 0.0;
            for (current, bucket) in fine.iter().enumerate().skip(start) {
                match overlap(bucket, low_value, high_value, index == 0) {
                    Overlap::Before => start = current,
                    Overlap::Part(part) => sample_count += part * bucket.sample_count,
                    Overlap::After => break,
                }
            }
            buckets.push(Bucket { low_value, high_value, sample_count });
        }
    }
    buckets.extend(point(f64::INFINITY, extent.num_positive_infinite));
    buckets
}

/// Returns the ends of the buckets, or nothing when the width is too great for a float.
fn equal_widths(min: f64, max: f64, num_buckets: usize) -> Option<Vec<f64>> {
    if same(min, max) {
        return Some(vec![min, max]);
    }
    let parts = as_f64(num_buckets as u64);
    let width = (max - min) / parts;
    let boundary = |index: usize| {
        if index == num_buckets { max } else { min + as_f64(index as u64) * width }
    };
    width.is_finite().then(|| (0..=num_buckets).map(boundary).collect())
}

/// Returns the quantiles of the finite numbers alone, counts without the infinities.
fn finite_part(quantiles: &[(f64, f64)], extent: &Extent) -> Vec<(f64, f64)> {
    let below = extent.num_negative_infinite;
    let mut finite: Vec<(f64, f64)> = quantiles
        .iter()
        .filter(|(value, _)| value.is_finite())
        .map(|&(value, count)| (value, (count - below).max(0.0)))
        .collect();
    if extent.num_positive_infinite > 0.0 {
        // The last bucket may have held finite numbers beside the infinity.
        finite.push((extent.max, extent.num_finite));
    }
    finite
}

enum Overlap {
    /// The bucket lies before the interval.
    Before,
    /// This part of the bucket's values falls in the interval.
    Part(f64),
    /// The bucket lies behind the interval.
    After,
}

/// Returns how much of a bucket falls between `low` and `high`, its values being spread evenly.
///
/// A bucket that is a point on the interval's low end belongs to the interval before, if there is one.
fn overlap(bucket: &Bucket, low: f64, high: f64, is_first_interval: bool) -> Overlap {
    let (bucket_low, bucket_high) = (bucket.low_value, bucket.high_value);
    if same(bucket_low, bucket_high) && same(bucket_low, low) {
        return if is_first_interval { Overlap::Part(1.0) } else { Overlap::Before };
    }
    if bucket_high < low {
        return Overlap::Before;
    }
    if bucket_low > high {
        return Overlap::After;
    }
    if low <= bucket_low && bucket_high <= high {
        return Overlap::Part(1.0);
    }
    let inside = high.min(bucket_high) - low.max(bucket_low);
    Overlap::Part(inside / (bucket_high - bucket_low))
}

#[expect(clippy::float_cmp, reason = "both are copies of numbers that were seen, or not")]
fn same(a: f64, b: f64) -> bool {
    a == b
}
