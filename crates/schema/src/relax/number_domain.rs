//! Ranges of integers and of floating-point numbers, for numbers and for texts that hold numbers.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::{FeatureType, FloatDomain, IntDomain, feature_name_statistics};

use super::reason;
use crate::domain::{floats, integers, parse_float};
use crate::text::six_digits;
use crate::view::FeatureView;

const OUT_OF_RANGE: &str = "Out-of-range values";
const INVALID: &str = "Invalid values";

/// Widens a range of integers; returns whether the domain still makes sense.
pub(super) fn relax_int(
    domain: &mut IntDomain,
    view: &FeatureView<'_>,
    reasons: &mut Vec<Reason>,
) -> bool {
    let (min, max) = match integers(view) {
        None => return true,
        Some(Ok(range)) => range,
        Some(Err(found)) => {
            if view.feature_type() == FeatureType::Bytes {
                reasons.push(reason(
                    Type::IntTypeNotIntString,
                    INVALID,
                    format!("String values that were not ints were found, such as \"{found}\"."),
                ));
                return false;
            }
            if domain.min.is_none() && domain.max.is_none() {
                return true;
            }
            reasons.push(reason(
                Type::DomainInvalidForType,
                INVALID,
                format!("Integer had values that were not valid Int64, such as \"{found}\"."),
            ));
            return false;
        }
    };
    if domain.min.is_some_and(|limit| limit > min) {
        let description = format!("Unexpectedly small value: {min}.");
        reasons.push(reason(Type::IntTypeSmallInt, OUT_OF_RANGE, description));
        domain.min = Some(min);
    }
    if domain.max.is_some_and(|limit| limit < max) {
        let description = format!("Unexpectedly large value: {max}.");
        reasons.push(reason(Type::IntTypeBigInt, OUT_OF_RANGE, description));
        domain.max = Some(max);
    }
    true
}

/// Widens a range of floating-point numbers; returns whether the domain still makes sense.
pub(super) fn relax_float(
    domain: &mut FloatDomain,
    view: &FeatureView<'_>,
    reasons: &mut Vec<Reason>,
) -> bool {
    if domain.disallow_nan() && has_nan(view) {
        reasons.push(reason(Type::FloatTypeHasNan, INVALID, "Float feature has NaN values."));
        domain.disallow_nan = Some(false);
    }
    let (min, max) = match floats(view) {
        None => return true,
        Some(Ok(range)) => range,
        Some(Err(found)) => {
            reasons.push(reason(
                Type::FloatTypeStringNotFloat,
                INVALID,
                format!("String values that were not floats were found, such as \"{found}\"."),
            ));
            return false;
        }
    };
    let compared = |value: f32, sign: char, limit: f32| {
        let (value, limit) = (six_digits(value.into()), six_digits(limit.into()));
        format!("{value}{sign}{limit}(upto six significant digits)")
    };
    if let Some(limit) = domain.min.filter(|&limit| min < limit) {
        let description = format!("Unexpectedly low values: {}", compared(min, '<', limit));
        reasons.push(reason(Type::FloatTypeSmallFloat, OUT_OF_RANGE, description));
        domain.min = Some(min);
    }
    if let Some(limit) = domain.max.filter(|&limit| max > limit) {
        let description = format!("Unexpectedly high value: {}", compared(max, '>', limit));
        reasons.push(reason(Type::FloatTypeBigFloat, OUT_OF_RANGE, description));
        domain.max = Some(max);
    }
    if domain.disallow_inf() && (min.is_infinite() || max.is_infinite()) {
        reasons.push(reason(Type::FloatTypeHasInf, INVALID, "Float feature has Inf values."));
        domain.disallow_inf = Some(false);
    }
    true
}

fn has_nan(view: &FeatureView<'_>) -> bool {
    match view.data_type() {
        feature_name_statistics::Type::Float => view
            .numeric()
            .is_some_and(|stats| stats.histograms.iter().any(|histogram| histogram.num_nan > 0)),
        feature_name_statistics::Type::String => {
            view.values().into_keys().any(|text| parse_float(text).is_some_and(f32::is_nan))
        }
        _ => false,
    }
}
