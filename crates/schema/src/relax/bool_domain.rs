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
                format!("{found}: converting to float_domain."),
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
    #[expect(clippy::cast_precision_loss, reason = "shown with six digits")]
    let found = six_digits(found as f64);
    let why = reason(
        kind,
        SHORT,
        format!("Integers (such as {found}) not in {{0, 1}}: converting to an integer."),
    );
    Some((Some(DomainInfo::IntDomain(domain)), why))
}

fn unexpected_float(stats: &NumericStatistics) -> Option<String> {
    #[expect(clippy::float_cmp, reason = "truth values are exact")]
    let is_truth = |number: f64| number == 0.0 || number == 1.0;
    if let Some(found) = [stats.min, stats.max].into_iter().find(|&number| !is_truth(number)) {
        return Some(format!("Floats (such as {}) not in {{0, 1}}", six_digits(found)));
    }
    for histogram in &stats.histograms {
        if histogram.num_nan > 0 {
            return Some("Floats (such as NaN) not in {0, 1}".to_owned());
        }
        for bucket in histogram.buckets.iter().filter(|bucket| bucket.sample_count > 0.0) {
            if bucket.high_value < 0.0 {
                return Some("Float values < 0 not in {0, 1}".to_owned());
            }
            if bucket.low_value > 1.0 {
                return Some("Float values > 1 not in {0, 1}".to_owned());
            }
            // The extremes are truth values; a quantile bucket strictly between them holds something
            // else. Buckets of equal width say nothing: they are cut between the extremes whatever is
            // inside.
            if histogram.r#type() == HistogramType::Quantiles
                && bucket.low_value > 0.0
                && bucket.high_value < 1.0
            {
                return Some("Float values falling between 0 and 1".to_owned());
            }
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
    let expected = if expected.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{\"{}\"}}", expected.join("\", \""))
    };
    let description = format!("Saw unexpected value \"{found}\" instead of {expected}.");
    Some((None, reason(Type::BoolTypeUnexpectedString, SHORT, description)))
}
