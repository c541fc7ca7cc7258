//! Against the statistics that a TFX pipeline keeps of the taxi data, one file for each split.
//!
//! Its splits cannot be made again (another hash of another encoding), but both together are the CSV: what adds up
//! over splits is compared, that is counts, extremes, means, deviations and how often each value occurs.

use std::collections::BTreeMap;

use formats::metadata::feature_name_statistics::Stats;
use formats::metadata::{FeatureNameStatistics, NumericStatistics, StringStatistics};
use statistics::Config;

use crate::compare::name;
use crate::golden::{read_csv, read_golden, shared};
use crate::statistics_of;

/// Moments of both splits are added up here from 64-bit means.
const TOLERANCE: f64 = 1e-6;

#[test]
fn both_splits_of_the_pipeline_add_up_to_ours() {
    let Some(shared) = shared() else { return };
    let dir = shared.join("golden/tfx_taxi/statistics_gen");
    let splits = ["train", "eval"].map(|split| {
        let mut list = read_golden(&dir.join(format!("Split-{split}/FeatureStats.pb")));
        list.datasets.remove(0)
    });
    let types = read_golden(&shared.join("golden/tfdv/taxi_stats.binpb"));
    let batch = read_csv(&shared.join("data/chicago_taxi.csv"), &types);
    let ours = statistics_of(&batch, 1000, 2, &Config::default());
    assert_eq!(ours.num_examples, splits.iter().map(|split| split.num_examples).sum::<u64>());
    assert_eq!(ours.features.len(), splits[0].features.len());
    for feature in &ours.features {
        let name_of_ours = name(feature);
        let theirs = splits.each_ref().map(|split| {
            split.features.iter().find(|theirs| name(theirs) == name_of_ours).unwrap()
        });
        match &feature.stats {
            Some(Stats::NumStats(stats)) => compare_numbers(stats, theirs, &name_of_ours),
            Some(Stats::StringStats(stats)) => compare_strings(stats, theirs, &name_of_ours),
            other => panic!("{other:?}"),
        }
        for theirs in theirs {
            // A feature that has no value in a split has no type there.
            let has_values = values_of(theirs) > 0;
            assert!(!has_values || theirs.r#type == feature.r#type, "{name_of_ours}");
        }
    }
}

fn values_of(feature: &FeatureNameStatistics) -> u64 {
    let common = match &feature.stats {
        Some(Stats::NumStats(stats)) => &stats.common_stats,
        Some(Stats::StringStats(stats)) => &stats.common_stats,
        other => panic!("{other:?}"),
    };
    common.as_ref().unwrap().tot_num_values
}

fn compare_numbers(ours: &NumericStatistics, theirs: [&FeatureNameStatistics; 2], name: &str) {
    let parts: Vec<(f64, &NumericStatistics)> = theirs
        .iter()
        .filter_map(|feature| match &feature.stats {
            Some(Stats::NumStats(stats)) => Some((values_of(feature) as f64, stats)),
            _ => None,
        })
        .filter(|(count, _)| *count > 0.0)
        .collect();
    let total: f64 = parts.iter().map(|(count, _)| count).sum();
    let num_values: u64 = theirs.iter().map(|feature| values_of(feature)).sum();
    assert_eq!(ours.common_stats.as_ref().unwrap().tot_num_values, num_values, "{name}");
    assert_eq!(
        ours.num_zeros,
        parts.iter().map(|(_, stats)| stats.num_zeros).sum::<u64>(),
        "{name}"
    );
    let min = parts.iter().map(|(_, stats)| stats.min).fold(f64::INFINITY, f64::min);
    let max = parts.iter().map(|(_, stats)| stats.max).fold(f64::NEG_INFINITY, f64::max);
    assert_eq!((ours.min, ours.max), (min, max), "{name}");
    let mean = parts.iter().map(|(count, stats)| count / total * stats.mean).sum::<f64>();
    assert!((ours.mean - mean).abs() <= TOLERANCE * mean.abs(), "{name}: {} {mean}", ours.mean);
    let variance = parts.iter().map(|(count, stats)| {
        count / total * (stats.std_dev.powi(2) + (stats.mean - mean).powi(2))
    });
    let std_dev = variance.sum::<f64>().sqrt();
    assert!((ours.std_dev - std_dev).abs() <= TOLERANCE * std_dev, "{name}: {std_dev}");
}

fn compare_strings(ours: &StringStatistics, theirs: [&FeatureNameStatistics; 2], name: &str) {
    let parts = theirs.map(|feature| match &feature.stats {
        Some(Stats::StringStats(stats)) => stats,
        other => panic!("{other:?}"),
    });
    let mut counts = BTreeMap::<&str, f64>::new();
    for part in parts {
        let buckets = &part.rank_histogram.as_ref().unwrap().buckets;
        assert_eq!(part.unique, buckets.len() as u64, "{name}");
        for bucket in buckets {
            *counts.entry(&bucket.label).or_default() += bucket.sample_count;
        }
    }
    let buckets = &ours.rank_histogram.as_ref().unwrap().buckets;
    let ours_by_label: BTreeMap<&str, f64> =
        buckets.iter().map(|bucket| (bucket.label.as_str(), bucket.sample_count)).collect();
    assert_eq!(ours_by_label, counts, "{name}");
    assert_eq!(ours.unique, counts.len() as u64, "{name}");
    let num_bytes: f64 = theirs
        .iter()
        .zip(parts)
        .map(|(feature, stats)| f64::from(stats.avg_length) * values_of(feature) as f64)
        .sum();
    let avg_length =
        num_bytes / theirs.iter().map(|feature| values_of(feature)).sum::<u64>() as f64;
    assert!((f64::from(ours.avg_length) - avg_length).abs() <= 1e-5 * avg_length, "{name}");
}
