//! Truth values: 0 and 1, or two texts.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::feature::DomainInfo;
use formats::metadata::feature_name_statistics;
use formats::metadata::histogram::HistogramType;
use formats::metadata::{BoolDomain, FloatDomain, IntDomain, NumericStatistics};

use super::reason;
use crate::domain::{integers, single};
use crate::text::six_digits;
use crate::view::FeatureView;

const SHORT: &str = "Non-boolean values";

/// Returns the domain to have instead and the reason, if some values are not truth values.
///
/// A range that takes the place of truth values includes them, so that nothing that was allowed no longer
/// is.
pub(super) fn relax(
    domain: &BoolDomain,
    view: &FeatureView<'_>,
) -> Option<(Option<DomainInfo>, Reason)> {
    match view.data_type() {
        feature_name_statistics::Type::Int => unexpected_integer(view),
        feature_name_statistics::Type::Float => {
            let stats = view.numeric()?;
            let found = unexpected_float(stats)?;
            let domain = FloatDomain {
                min: Some(single(stats.min.min(0.0))),
                max: Some(single(stats.max.max(1.0))),
                ..FloatDomain::default()
            };
            let why = reason(
                Type::BoolTypeUnexpectedFloat,
                SHORT,
                format!("Expected 0 or 1, found {found}"),
            );
            Some((Some(DomainInfo::FloatDomain(domain)), why))
        }
        feature_name_statistics::Type::String => unexpected_text(domain, view),
        feature_name_statistics::Type::Bytes | feature_name_statistics::Type::Struct => None,
    }
}

fn unexpected_integer(view: &FeatureView<'_>) -> Option<(Option<DomainInfo>, Reason)> {
    let (min, max) = integers(view)?.ok()?;
    let (kind, found) = match (min < 0, max > 1) {
        (true, _) => (Type::BoolTypeSmallInt, min),
        (false, true) => (Type::BoolTypeBigInt, max),
        (false, false) => return None,
    };
    let domain = IntDomain { min: Some(min.min(0)), max: Some(max.max(1)), ..IntDomain::default() };
    let why = reason(kind, SHORT, format!("Expected 0 or 1, found integers such as {found}"));
    Some((Some(DomainInfo::IntDomain(domain)), why))
}

fn unexpected_float(stats: &NumericStatistics) -> Option<String> {
    #[expect(clippy::float_cmp, reason = "truth values are exact")]
    let is_truth = |number: f64| number == 0.0 || number == 1.0;
    if let Some(found) = [stats.min, stats.max].into_iter().find(|&number| !is_truth(number)) {
        return Some(format!("numbers such as {}", six_digits(found)));
    }
    for histogram in &stats.histograms {
        if histogram.num_nan > 0 {
            return Some("NaN".to_owned());
        }
        // The extremes are truth values; a quantile bucket strictly between them holds something else.
        // Buckets of equal width say nothing: they are cut between the extremes whatever is inside.
        let is_between = histogram.r#type() == HistogramType::Quantiles
            && histogram.buckets.iter().any(|bucket| {
                bucket.sample_count > 0.0 && bucket.low_value > 0.0 && bucket.high_value < 1.0
            });
        if is_between {
            return Some("numbers between 0 and 1".to_owned());
        }
    }
    None
}

fn unexpected_text(
    domain: &BoolDomain,
    view: &FeatureView<'_>,
) -> Option<(Option<DomainInfo>, Reason)> {
    let mut expected: Vec<&str> = [&domain.true_value, &domain.false_value]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    expected.sort_unstable();
    expected.dedup();
    let found = view.values().into_keys().find(|value| !expected.contains(value))?;
    let description = if expected.is_empty() {
        format!("Found {found:?}, but the domain names no text for true or false")
    } else {
        let expected: Vec<String> = expected.iter().map(|value| format!("{value:?}")).collect();
        format!("Expected {}, found {found:?}", expected.join(" or "))
    };
    Some((None, reason(Type::BoolTypeUnexpectedString, SHORT, description)))
}
