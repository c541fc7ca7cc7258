//! A feature's own contradictions, which are repaired before it is compared with any data.

use std::collections::BTreeSet;

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{BoolDomain, Feature, FeatureType, StringDomain, ValueCount};

use super::{deprecate, reason};

/// Repairs a feature; `has_domain` says whether the schema has the domain of texts that it names.
pub(crate) fn repair(feature: &mut Feature, has_domain: bool, reasons: &mut Vec<Reason>) {
    if let Some(why) = complete(feature) {
        reasons.push(why);
    }
    if super::is_deprecated(feature) {
        return;
    }
    repair_presence(feature, reasons);
    repair_shape(feature, reasons);
    repair_domain(feature, has_domain, reasons);
}

/// Returns whether values of a type can have a domain.
pub(crate) fn allows_type(domain: &DomainInfo, kind: FeatureType) -> bool {
    use FeatureType::{Bytes, Float, Int, Struct};
    let allowed: &[FeatureType] = match domain {
        DomainInfo::Domain(_)
        | DomainInfo::StringDomain(_)
        | DomainInfo::ImageDomain(_)
        | DomainInfo::MidDomain(_)
        | DomainInfo::UrlDomain(_)
        | DomainInfo::AudioDomain(_)
        | DomainInfo::VideoDomain(_)
        | DomainInfo::ContentChunkDomain(_) => &[Bytes],
        DomainInfo::BoolDomain(_) => &[Int, Bytes, Float],
        DomainInfo::FloatDomain(_) => &[Float, Bytes],
        DomainInfo::StructDomain(_) => &[Struct],
        DomainInfo::IntDomain(_)
        | DomainInfo::NaturalLanguageDomain(_)
        | DomainInfo::TimeDomain(_)
        | DomainInfo::TimeOfDayDomain(_) => &[Int, Bytes],
    };
    allowed.contains(&kind)
}

/// Returns the name of a domain's field in the schema.
pub(crate) fn domain_name(domain: &DomainInfo) -> &'static str {
    match domain {
        DomainInfo::Domain(_) => "domain",
        DomainInfo::IntDomain(_) => "int_domain",
        DomainInfo::FloatDomain(_) => "float_domain",
        DomainInfo::StringDomain(_) => "string_domain",
        DomainInfo::BoolDomain(_) => "bool_domain",
        DomainInfo::StructDomain(_) => "struct_domain",
        DomainInfo::NaturalLanguageDomain(_) => "natural_language_domain",
        DomainInfo::ImageDomain(_) => "image_domain",
        DomainInfo::MidDomain(_) => "mid_domain",
        DomainInfo::UrlDomain(_) => "url_domain",
        DomainInfo::TimeDomain(_) => "time_domain",
        DomainInfo::TimeOfDayDomain(_) => "time_of_day_domain",
        DomainInfo::AudioDomain(_) => "audio_domain",
        DomainInfo::VideoDomain(_) => "video_domain",
        DomainInfo::ContentChunkDomain(_) => "content_chunk_domain",
    }
}

/// Says what the feature is lacking; without a type that can be guessed, it can only be deprecated.
fn complete(feature: &mut Feature) -> Option<Reason> {
    if feature.name.is_none() {
        deprecate(feature);
        return Some(reason(
            Type::FeatureMissingName,
            "unspecified name (maybe meant to be the empty string): find name rather than deprecating.",
            "",
        ));
    }
    if feature.r#type.is_some() {
        return None;
    }
    let holds_text =
        matches!(feature.domain_info, Some(DomainInfo::Domain(_) | DomainInfo::StringDomain(_)));
    let short = if holds_text {
        feature.r#type = Some(FeatureType::Bytes.into());
        "unspecified type: inferring the type to be BYTES, given the domain specified."
    } else {
        deprecate(feature);
        "unspecified type: determine the type and set it, rather than deprecating."
    };
    Some(reason(Type::FeatureMissingType, short, ""))
}

fn invalid(reasons: &mut Vec<Reason>, short: &str, description: &str) {
    reasons.push(reason(Type::InvalidSchemaSpecification, short, description));
}

fn repair_presence(feature: &mut Feature, reasons: &mut Vec<Reason>) {
    let Some(PresenceConstraints::Presence(presence)) = &mut feature.presence_constraints else {
        return;
    };
    if presence.min_fraction() < 0.0 {
        presence.min_fraction = None;
        invalid(reasons, "min_fraction should not be negative: clear is equal to zero", "");
    }
    if presence.min_fraction() > 1.0 {
        presence.min_fraction = Some(1.0);
        invalid(reasons, "min_fraction should not greater than 1", "");
    }
}

fn repair_shape(feature: &mut Feature, reasons: &mut Vec<Reason>) {
    match &mut feature.shape_type {
        None => {}
        Some(ShapeType::ValueCount(value_count)) => {
            repair_value_count(value_count, None, reasons);
        }
        Some(ShapeType::ValueCounts(value_counts)) => {
            for (level, value_count) in value_counts.value_count.iter_mut().enumerate() {
                repair_value_count(value_count, Some(level), reasons);
            }
        }
        Some(ShapeType::Shape(shape)) if shape.dim.iter().any(|dim| dim.size() <= 0) => {
            invalid(reasons, "Shape.dim.size must be a positive integer", "");
            feature.shape_type = None;
        }
        Some(ShapeType::Shape(_)) => {}
    }
}

/// `level` is the level of nesting, where there are several.
fn repair_value_count(
    value_count: &mut ValueCount,
    level: Option<usize>,
    reasons: &mut Vec<Reason>,
) {
    let mut complain = |limit: &str, what: &str| {
        let (short, description) = match level {
            None => (format!("ValueCount.{limit} should not be {what}"), String::new()),
            Some(level) => (
                format!("ValueCounts.{limit} should not be {what}"),
                format!("ValueCounts.{limit} at level {level} should not be {what}."),
            ),
        };
        invalid(reasons, &short, &description);
    };
    if value_count.min() < 0 {
        value_count.min = None;
        complain("min", "negative");
    }
    let min = value_count.min();
    if value_count.max.is_some_and(|max| max < min) {
        value_count.max = Some(min);
        complain("max", "less than min");
    }
}

fn repair_domain(feature: &mut Feature, has_domain: bool, reasons: &mut Vec<Reason>) {
    let kind = feature.r#type();
    if let Some(info) = feature.domain_info.take_if(|info| !allows_type(info, kind)) {
        reasons.push(reason(
            Type::DomainInvalidForType,
            "The domain does not match the type",
            format!(
                "The domain \"{}\" does not match the type: {}",
                domain_name(&info),
                kind.as_str_name()
            ),
        ));
    }
    if let Some(DomainInfo::Domain(name)) = &feature.domain_info
        && !has_domain
    {
        reasons.push(reason(
            Type::InvalidDomainSpecification,
            &format!("missing domain: {name}"),
            "",
        ));
        feature.domain_info = None;
    }
    let holds_text = match &mut feature.domain_info {
        Some(DomainInfo::Domain(_)) => true,
        Some(DomainInfo::StringDomain(domain)) => {
            remove_repeats(domain);
            true
        }
        Some(DomainInfo::BoolDomain(domain)) => {
            repair_bool_domain(domain);
            false
        }
        _ => false,
    };
    if !holds_text && feature.distribution_constraints.take().is_some() {
        let kind = match feature.domain_info {
            None => {
                let short = "distribution constraints require domain or string domain.";
                return invalid(reasons, short, "");
            }
            Some(DomainInfo::BoolDomain(_)) => "bool",
            Some(DomainInfo::IntDomain(_)) => "int",
            Some(DomainInfo::FloatDomain(_)) => "float",
            Some(DomainInfo::StructDomain(_)) => "struct",
            Some(_) => "semantic",
        };
        let short = format!("distribution constraints not supported for {kind} domains.");
        invalid(reasons, &short, "");
    }
}

/// Removes values that a domain lists twice; that does not change what it means.
fn remove_repeats(domain: &mut StringDomain) {
    let mut seen = BTreeSet::new();
    domain.value.retain(|value| seen.insert(value.clone()));
}

/// Removes the text for false where it is the one for true.
fn repair_bool_domain(domain: &mut BoolDomain) {
    if domain.true_value.is_some() && domain.true_value == domain.false_value {
        domain.false_value = None;
    }
}
