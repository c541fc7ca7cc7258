//! The features of two datasets, side by side.

use std::collections::HashMap;

use formats::metadata::feature_name_statistics::{Stats, Type};
use formats::metadata::{DatasetFeatureStatistics, FeatureNameStatistics};

use crate::Report;

/// One row of the page.
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    /// The feature in the current dataset and in the baseline.
    pub(crate) sides: [Option<&'a FeatureNameStatistics>; 2],
}

/// Returns a row for each name, in the order of the current dataset, then of the baseline, then of the
/// anomalies.
pub(crate) fn rows<'a>(report: &Report<'a>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let mut row = |name: String, rows: &mut Vec<Row<'a>>| {
        *by_name.entry(name).or_insert_with_key(|name| {
            rows.push(Row { name: name.clone(), sides: [None, None] });
            rows.len() - 1
        })
    };
    let baseline = report.baseline.map(|baseline| baseline.statistics);
    for (side, statistics) in [Some(report.current.statistics), baseline].into_iter().enumerate() {
        for feature in features(statistics) {
            let index = row(feature.dotted_name(), &mut rows);
            rows[index].sides[side].get_or_insert(feature);
        }
    }
    for anomaly in report.anomalies.iter().filter(|anomaly| !anomaly.feature.is_empty()) {
        row(anomaly.feature.clone(), &mut rows);
    }
    rows
}

fn features(
    statistics: Option<&DatasetFeatureStatistics>,
) -> impl Iterator<Item = &FeatureNameStatistics> {
    statistics.into_iter().flat_map(|statistics| &statistics.features)
}

/// Returns whether a feature has no values of its own, but is made of columns by a schema.
pub(crate) fn is_composite(feature: &FeatureNameStatistics) -> bool {
    feature.stats.is_none() && !feature.custom_stats.is_empty()
}

/// Returns whether a feature's statistics are those of numbers.
pub(crate) fn is_number(feature: &FeatureNameStatistics) -> bool {
    match feature.stats {
        Some(Stats::NumStats(_)) => true,
        Some(_) => false,
        None => matches!(feature.r#type(), Type::Int | Type::Float),
    }
}
