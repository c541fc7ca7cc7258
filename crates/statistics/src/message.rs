//! The messages that statistics are handed out in.

use formats::metadata::feature_name_statistics::{FieldId, Stats, Type};
use formats::metadata::histogram::HistogramType;
use formats::metadata::rank_histogram::Bucket;
use formats::metadata::string_statistics::FreqAndValue;
use formats::metadata::{
    CommonStatistics, FeatureNameStatistics, Histogram, NumericStatistics, Path, RankHistogram,
    StringStatistics,
};

use crate::Config;
use crate::feature::{FeatureState, Values};
use crate::histogram::{FINENESS, every, median, quantiles_histogram, standard_histogram};
use crate::pass::{Feature, Kind};
use crate::strings::{Counted, StringCounts};
use sketch::Summary;
use sketch::{Distributed, Distribution, as_f64};

/// Stands for bytes that are not text.
const BYTES_VALUE: &str = "__BYTES_VALUE__";

/// Returns the statistics of one feature.
pub(crate) fn feature(
    feature: &Feature,
    state: &FeatureState,
    num_examples: u64,
    config: &Config,
) -> FeatureNameStatistics {
    let common_stats = common(feature, state, num_examples, config);
    let stats = match &state.values {
        Values::None => Stats::StringStats(StringStatistics {
            common_stats: Some(common_stats),
            ..StringStatistics::default()
        }),
        Values::Numbers { num_nan, numbers } => Stats::NumStats(NumericStatistics {
            common_stats: Some(common_stats),
            ..numeric(numbers, *num_nan, config)
        }),
        Values::Strings { num_bytes, num_invalid_utf8, strings } => {
            Stats::StringStats(StringStatistics {
                common_stats: Some(common_stats),
                avg_length: ratio(*num_bytes, state.tot_num_values),
                invalid_utf8_count: *num_invalid_utf8,
                ..string(strings, config)
            })
        }
    };
    let r#type = match feature.shape.kind {
        Kind::Int => Type::Int,
        Kind::Float => Type::Float,
        Kind::Unknown | Kind::String => Type::String,
    };
    FeatureNameStatistics {
        field_id: Some(FieldId::Path(Path { step: vec![feature.name.clone()] })),
        r#type: r#type.into(),
        stats: Some(stats),
        ..FeatureNameStatistics::default()
    }
}

fn common(
    feature: &Feature,
    state: &FeatureState,
    num_examples: u64,
    config: &Config,
) -> CommonStatistics {
    let num_non_missing = state.num_non_missing;
    let mut common = CommonStatistics {
        num_non_missing,
        num_missing: num_examples.saturating_sub(num_non_missing),
        tot_num_values: state.tot_num_values,
        ..CommonStatistics::default()
    };
    if num_non_missing == 0 {
        return common;
    }
    let ranks = if feature.shape.is_list {
        state.lengths.finish().ranks
    } else {
        Summary::exact(&[(1.0, num_non_missing)])
    };
    let [shortest, .., longest] = ranks.quantiles(2)[..] else { return common };
    common.min_num_values = as_length(shortest.0);
    common.max_num_values = as_length(longest.0);
    common.avg_num_values = ratio(state.tot_num_values, num_non_missing);
    let quantiles = ranks.quantiles(config.num_values_histogram_buckets.get() as usize);
    common.num_values_histogram = Some(quantiles_histogram(&quantiles, 0));
    common
}

fn numeric(numbers: &Distribution, num_nan: u64, config: &Config) -> NumericStatistics {
    let Distributed { moments, ranks } = numbers.finish();
    if moments.count == 0 {
        let of_nan = |kind: HistogramType| Histogram {
            num_nan,
            r#type: kind.into(),
            ..Histogram::default()
        };
        let kinds = [HistogramType::Standard, HistogramType::Quantiles];
        let histograms = if num_nan > 0 { kinds.map(of_nan).into() } else { Vec::new() };
        return NumericStatistics { histograms, ..NumericStatistics::default() };
    }
    let num_quantiles = FINENESS * config.num_quantiles_histogram_buckets.get() as usize;
    let fine = ranks.quantiles(num_quantiles);
    let num_buckets = config.num_histogram_buckets.get() as usize;
    NumericStatistics {
        mean: moments.mean(),
        std_dev: moments.std_dev(),
        num_zeros: moments.num_zeros,
        min: moments.min(),
        median: median(&fine),
        max: moments.max(),
        histograms: vec![
            standard_histogram(&fine, &moments, num_buckets, num_nan),
            quantiles_histogram(&every(FINENESS, &fine), num_nan),
        ],
        ..NumericStatistics::default()
    }
}

fn string(strings: &StringCounts, config: &Config) -> StringStatistics {
    let num_buckets = config.num_rank_histogram_buckets as usize;
    let num_top_values = config.num_top_values as usize;
    let ranked = strings.top(num_buckets.max(num_top_values));
    let bucket = |(rank, counted): (usize, &Counted<'_>)| Bucket {
        low_rank: rank as u64,
        high_rank: rank as u64,
        label: label(counted),
        sample_count: as_f64(counted.count),
    };
    let buckets: Vec<Bucket> = ranked.iter().take(num_buckets).enumerate().map(bucket).collect();
    let frequency = |counted: &Counted<'_>| FreqAndValue {
        value: label(counted),
        frequency: as_f64(counted.count),
    };
    StringStatistics {
        unique: strings.unique(),
        top_values: ranked.iter().take(num_top_values).map(frequency).collect(),
        rank_histogram: (!buckets.is_empty())
            .then(|| RankHistogram { buckets, ..RankHistogram::default() }),
        ..StringStatistics::default()
    }
}

fn label(counted: &Counted<'_>) -> String {
    std::str::from_utf8(counted.bytes).unwrap_or(BYTES_VALUE).to_owned()
}

#[expect(clippy::cast_possible_truncation, reason = "the message has 32-bit floats for averages")]
fn ratio(total: u64, count: u64) -> f32 {
    if count == 0 { 0.0 } else { (as_f64(total) / as_f64(count)) as f32 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths were whole and not negative when they were counted"
)]
fn as_length(length: f64) -> u64 {
    length as u64
}
