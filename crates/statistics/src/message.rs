//! The messages that statistics are handed out in.

use formats::metadata::custom_statistic::Val;
use formats::metadata::feature_name_statistics::{FieldId, Stats, Type};
use formats::metadata::histogram::HistogramType;
use formats::metadata::rank_histogram::Bucket;
use formats::metadata::string_statistics::FreqAndValue;
use formats::metadata::{
    BytesStatistics, CustomStatistic, FeatureNameStatistics, Histogram, NumericStatistics, Path,
    RankHistogram, StringStatistics, StructStatistics, WeightedNumericStatistics,
    WeightedStringStatistics,
};
use sketch::{Count, Distributed, Moments, Weight, as_f64};

use crate::common::{common, ratio};
use crate::feature::FeatureState;
use crate::histogram::{
    Extent, FINENESS, every, median, quantiles_histogram, standard_histogram, with_floats,
};
use crate::part::Part;
use crate::pass::{Feature, Kind, Treatment};
use crate::strings::{Counted, StringCounts, Ties};
use crate::values::{Bytes, Numbers, Strings, Values};
use crate::{Config, StatisticsPass};

/// Stands for bytes that are not text.
pub(crate) const BYTES_VALUE: &str = "__BYTES_VALUE__";

/// Returns the statistics of every feature.
pub(crate) fn features(part: &Part, pass: &StatisticsPass) -> Vec<FeatureNameStatistics> {
    let states = pass.features.iter().zip(&part.features);
    states.map(|(feature, state)| message(feature, state, part, &pass.config)).collect()
}

fn message(
    feature: &Feature,
    state: &FeatureState,
    part: &Part,
    config: &Config,
) -> FeatureNameStatistics {
    let common_stats = Some(common(feature, state, part, config));
    let stats = match &state.values {
        Values::None if feature.shape.kind == Kind::Struct => {
            Stats::StructStats(StructStatistics { common_stats })
        }
        Values::None => {
            Stats::StringStats(StringStatistics { common_stats, ..StringStatistics::default() })
        }
        Values::Numbers(numbers) => {
            Stats::NumStats(NumericStatistics { common_stats, ..numeric(numbers, config) })
        }
        Values::Strings(strings) => Stats::StringStats(StringStatistics {
            common_stats,
            avg_length: ratio(strings.num_bytes, state.tot_num_values),
            invalid_utf8_count: strings.num_invalid_utf8,
            ..string(strings, feature.shape.kind, config)
        }),
        Values::Bytes(bytes) => Stats::BytesStats(BytesStatistics {
            common_stats,
            ..of_bytes(bytes, state.tot_num_values)
        }),
    };
    let r#type = match (feature.shape.kind, feature.treatment) {
        (Kind::Int, _) => Type::Int,
        (Kind::Float, _) => Type::Float,
        (Kind::Struct, _) => Type::Struct,
        (Kind::String, Treatment::Bytes) => Type::Bytes,
        (Kind::Unknown | Kind::String, _) => Type::String,
    };
    FeatureNameStatistics {
        field_id: Some(FieldId::Path(Path { step: feature.path.clone() })),
        r#type: r#type.into(),
        stats: Some(stats),
        custom_stats: custom_stats(feature, state, config),
        ..FeatureNameStatistics::default()
    }
}

fn custom_stats(feature: &Feature, state: &FeatureState, config: &Config) -> Vec<CustomStatistic> {
    let mut custom = lengths_of_levels(feature, state, config);
    custom.extend(state.semantics.iter().flat_map(|semantics| semantics.custom_stats(config)));
    if let (Some(state), Some(language)) = (&state.language, &feature.language) {
        custom.push(state.custom_stat(language, config));
    }
    custom
}

/// Returns how long lists within lists are, level by level.
fn lengths_of_levels(
    feature: &Feature,
    state: &FeatureState,
    config: &Config,
) -> Vec<CustomStatistic> {
    if feature.shape.kind == Kind::Unknown {
        return Vec::new();
    }
    let num_buckets = config.num_values_histogram_buckets.get() as usize;
    let mut custom = Vec::new();
    for (number, level) in (1..).zip(&state.levels).skip(1) {
        if level.num_non_missing == 0 {
            continue;
        }
        let Distributed { moments, ranks } = level.lengths.finish();
        let quantiles = with_floats(ranks.quantiles(num_buckets));
        let extent = Extent::of(&moments, &moments);
        let histograms = [
            ("quantiles", quantiles_histogram(&quantiles, 0)),
            ("standard", standard_histogram(&quantiles, &extent, num_buckets, 0)),
        ];
        custom.extend(histograms.map(|(kind, histogram)| CustomStatistic {
            name: format!("level_{number}_value_list_length_{kind}"),
            val: Some(Val::Histogram(histogram)),
        }));
    }
    custom
}

fn numeric(numbers: &Numbers, config: &Config) -> NumericStatistics {
    let Distributed { moments, ranks } = numbers.numbers.finish();
    let num_nan = numbers.num_nan;
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
    let fine = with_floats(ranks.quantiles(num_quantiles(config)));
    NumericStatistics {
        mean: moments.mean(),
        std_dev: moments.std_dev(),
        num_zeros: moments.num_zeros,
        min: moments.min(),
        median: median(&fine),
        max: moments.max(),
        histograms: histograms(&fine, &Extent::of(&moments, &moments), num_nan, config),
        weighted_numeric_stats: numbers
            .weighted
            .as_ref()
            .map(|weighted| weighted_numeric(&weighted.finish(), &moments, num_nan, config)),
        ..NumericStatistics::default()
    }
}

fn weighted_numeric(
    weighted: &Distributed<Weight>,
    all: &Moments,
    num_nan: u64,
    config: &Config,
) -> WeightedNumericStatistics {
    let Distributed { moments, ranks } = weighted;
    if moments.count.is_zero() {
        return WeightedNumericStatistics::default();
    }
    let fine = with_floats(ranks.quantiles(num_quantiles(config)));
    WeightedNumericStatistics {
        mean: moments.mean(),
        std_dev: moments.std_dev(),
        median: median(&fine),
        histograms: histograms(&fine, &Extent::of(moments, all), num_nan, config),
    }
}

fn num_quantiles(config: &Config) -> usize {
    FINENESS * config.num_quantiles_histogram_buckets.get() as usize
}

fn histograms(
    fine: &[(f64, f64)],
    extent: &Extent,
    num_nan: u64,
    config: &Config,
) -> Vec<Histogram> {
    let num_buckets = config.num_histogram_buckets.get() as usize;
    vec![
        standard_histogram(fine, extent, num_buckets, num_nan),
        quantiles_histogram(&every(FINENESS, fine), num_nan),
    ]
}

fn string(strings: &Strings, kind: Kind, config: &Config) -> StringStatistics {
    let ties = if kind == Kind::String { Ties::GreaterBytes } else { Ties::GreaterNumber };
    let (top_values, rank_histogram) =
        top(&strings.strings, ties, as_f64(config.frequency_threshold), config);
    let weighted = strings.weighted.as_ref().filter(|_| strings.strings.unique() > 0);
    StringStatistics {
        unique: strings.strings.unique(),
        top_values,
        rank_histogram,
        weighted_string_stats: weighted.map(|weighted| {
            let (top_values, rank_histogram) =
                top(weighted, ties, config.weighted_frequency_threshold, config);
            WeightedStringStatistics { top_values, rank_histogram }
        }),
        ..StringStatistics::default()
    }
}

/// Returns the most frequent values, those that occur or weigh less than `threshold` left out.
fn top<C: Count>(
    strings: &StringCounts<C>,
    ties: Ties,
    threshold: f64,
    config: &Config,
) -> (Vec<FreqAndValue>, Option<RankHistogram>) {
    let num_buckets = config.num_rank_histogram_buckets as usize;
    let num_top_values = config.num_top_values as usize;
    let mut ranked = strings.top(num_buckets.max(num_top_values), ties);
    ranked.retain(|counted| counted.count.to_f64() >= threshold);
    let bucket = |(rank, counted): (usize, &Counted<'_, C>)| Bucket {
        low_rank: rank as u64,
        high_rank: rank as u64,
        label: label(counted.bytes),
        sample_count: counted.count.to_f64(),
    };
    let buckets: Vec<Bucket> = ranked.iter().take(num_buckets).enumerate().map(bucket).collect();
    let frequency = |counted: &Counted<'_, C>| FreqAndValue {
        value: label(counted.bytes),
        frequency: counted.count.to_f64(),
    };
    let ranks =
        (!buckets.is_empty()).then(|| RankHistogram { buckets, ..RankHistogram::default() });
    (ranked.iter().take(num_top_values).map(frequency).collect(), ranks)
}

pub(crate) fn label(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).unwrap_or(BYTES_VALUE).to_owned()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the message has 32-bit floats, and signed lengths"
)]
fn of_bytes(bytes: &Bytes, num_values: u64) -> BytesStatistics {
    let (shortest, longest) = bytes.lengths.unwrap_or_default();
    BytesStatistics {
        unique: bytes.distinct.estimate(),
        avg_num_bytes: ratio(bytes.num_bytes, num_values),
        min_num_bytes: as_f64(shortest) as f32,
        max_num_bytes: as_f64(longest) as f32,
        max_num_bytes_int: longest as i64,
        ..BytesStatistics::default()
    }
}
