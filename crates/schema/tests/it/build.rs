//! Statistics for tests.

use formats::metadata::feature_name_statistics::{FieldId, Stats, Type};
use formats::metadata::rank_histogram::Bucket;
use formats::metadata::{
    CommonStatistics, DatasetFeatureStatistics, FeatureNameStatistics, NumericStatistics, Path,
    RankHistogram, StringStatistics,
};

/// The number of examples of every dataset made here.
pub(crate) const NUM_EXAMPLES: u64 = 10;

/// How many examples have a feature, and the smallest and largest number of values in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) present: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Counts {
    /// One value in every example.
    pub(crate) const ALL: Self = Self { present: NUM_EXAMPLES, min: 1, max: 1 };

    fn common(self) -> CommonStatistics {
        CommonStatistics {
            num_non_missing: self.present,
            num_missing: NUM_EXAMPLES - self.present,
            min_num_values: self.min,
            max_num_values: self.max,
            tot_num_values: self.present * self.max,
            ..CommonStatistics::default()
        }
    }
}

/// Returns a dataset with some features.
pub(crate) fn dataset(features: Vec<FeatureNameStatistics>) -> DatasetFeatureStatistics {
    DatasetFeatureStatistics {
        num_examples: NUM_EXAMPLES,
        features,
        ..DatasetFeatureStatistics::default()
    }
}

/// Returns the statistics of numbers from `min` to `max`.
pub(crate) fn numbers(
    name: &str,
    kind: Type,
    counts: Counts,
    (min, max): (f64, f64),
) -> FeatureNameStatistics {
    let stats = NumericStatistics {
        common_stats: Some(counts.common()),
        min,
        max,
        ..NumericStatistics::default()
    };
    feature(name, kind, Stats::NumStats(stats))
}

/// Returns the statistics of texts and how often each was seen.
pub(crate) fn texts(name: &str, counts: Counts, values: &[(&str, f64)]) -> FeatureNameStatistics {
    let buckets = values.iter().map(|&(label, sample_count)| Bucket {
        label: label.to_owned(),
        sample_count,
        ..Bucket::default()
    });
    let stats = StringStatistics {
        common_stats: Some(counts.common()),
        unique: u64::try_from(values.len()).unwrap(),
        rank_histogram: Some(RankHistogram { buckets: buckets.collect(), name: String::new() }),
        ..StringStatistics::default()
    };
    feature(name, Type::String, Stats::StringStats(stats))
}

fn feature(name: &str, kind: Type, stats: Stats) -> FeatureNameStatistics {
    FeatureNameStatistics {
        field_id: Some(FieldId::Path(Path { step: vec![name.to_owned()] })),
        r#type: kind.into(),
        stats: Some(stats),
        ..FeatureNameStatistics::default()
    }
}
