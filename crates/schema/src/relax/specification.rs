//! A feature's own contradictions, which are repaired before it is compared with any data.

use std::collections::BTreeSet;

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{BoolDomain, Feature, FeatureType, StringDomain, ValueCount};

use super::{deprecate, reason};

/// Repairs a feature; `has_domain` says whether the schema has the domain of texts that it names.
pub(super) fn relax(feature: &mut Feature, has_domain: bool, reasons: &mut Vec<Reason>) {
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
        | DomainInfo::UrlDomain(_) => &[Bytes],
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
    }
}

/// Says what the feature is lacking; without a type that can be guessed, it can only be deprecated.
fn complete(feature: &mut Feature) -> Option<Reason> {
    if feature.name.is_none() {
        deprecate(feature);
        return Some(reason(
            Type::FeatureMissingName,
            "Feature without a name",
            "The schema has a feature without a name",
        ));
    }
    if feature.r#type.is_some() {
        return None;
    }
    let holds_text =
        matches!(feature.domain_info, Some(DomainInfo::Domain(_) | DomainInfo::StringDomain(_)));
    let description = if holds_text {
        feature.r#type = Some(FeatureType::Bytes.into());
        "The schema names no type for the feature; its domain is one of texts, so BYTES is assumed"
    } else {
        deprecate(feature);
        "The schema names no type for the feature, so that its values cannot be checked"
    };
    Some(reason(Type::FeatureMissingType, "Feature without a type", description))
}

fn invalid(reasons: &mut Vec<Reason>, description: impl Into<String>) {
    reasons.push(reason(
        Type::InvalidSchemaSpecification,
        "Invalid schema specification",
        description,
    ));
}

fn repair_presence(feature: &mut Feature, reasons: &mut Vec<Reason>) {
    let Some(PresenceConstraints::Presence(presence)) = &mut feature.presence_constraints else {
        return;
    };
    if let Some(fraction) = presence.min_fraction.filter(|fraction| *fraction < 0.0) {
        presence.min_fraction = None;
        invalid(reasons, format!("presence.min_fraction is {fraction}, expected 0 or more"));
    }
    if let Some(fraction) = presence.min_fraction.filter(|fraction| *fraction > 1.0) {
        presence.min_fraction = Some(1.0);
        invalid(reasons, format!("presence.min_fraction is {fraction}, expected 1 or less"));
    }
}

fn repair_shape(feature: &mut Feature, reasons: &mut Vec<Reason>) {
    match &mut feature.shape_type {
        None => {}
        Some(ShapeType::ValueCount(value_count)) => {
            repair_value_count(value_count, "value_count", reasons);
        }
        Some(ShapeType::ValueCounts(value_counts)) => {
            for (level, value_count) in value_counts.value_count.iter_mut().enumerate() {
                repair_value_count(value_count, &format!("value_counts[{level}]"), reasons);
            }
        }
        Some(ShapeType::Shape(shape)) => {
            if let Some(dim) = shape.dim.iter().find(|dim| dim.size() <= 0) {
                invalid(reasons, format!("shape.dim.size is {}, expected 1 or more", dim.size()));
                feature.shape_type = None;
            }
        }
    }
}

fn repair_value_count(value_count: &mut ValueCount, name: &str, reasons: &mut Vec<Reason>) {
    if value_count.min() < 0 {
        invalid(reasons, format!("{name}.min is {}, expected 0 or more", value_count.min()));
        value_count.min = None;
    }
    let min = value_count.min();
    if let Some(max) = value_count.max.filter(|max| *max < min) {
        invalid(reasons, format!("{name}.max is {max}, expected at least its min, {min}"));
        value_count.max = Some(min);
    }
}

fn repair_domain(feature: &mut Feature, has_domain: bool, reasons: &mut Vec<Reason>) {
    let kind = feature.r#type();
    if let Some(info) = feature.domain_info.take_if(|info| !allows_type(info, kind)) {
        reasons.push(reason(
            Type::DomainInvalidForType,
            "Domain invalid for the type",
            format!(
                "A feature of type {} cannot have a {}",
                kind.as_str_name(),
                domain_name(&info)
            ),
        ));
    }
    if let Some(DomainInfo::Domain(name)) = &feature.domain_info
        && !has_domain
    {
        reasons.push(reason(
            Type::InvalidDomainSpecification,
            "Domain missing",
            format!("The schema has no string_domain {name:?}"),
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
        let name = feature.domain_info.as_ref().map_or("no domain", domain_name);
        invalid(
            reasons,
            format!("distribution_constraints need a domain of texts, the feature has {name}"),
        );
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
