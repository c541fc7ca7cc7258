//! The check of one feature, and of those below it.

use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{Feature, FeatureType, LifecycleStage, Schema, StringDomain};

use super::{Problems, check_range, check_repeats, check_string_domain, comparators, domains};
use crate::relax::{allows_type, domain_name, is_deprecated};
use crate::text::serialize_path;

/// Checks the features of one level and all below.
pub(super) fn check<'a>(
    schema: &Schema,
    features: &'a [Feature],
    parents: &mut Vec<&'a str>,
    problems: &mut Problems,
) {
    if !parents.is_empty() {
        let parent = serialize_path(parents);
        let names = features.iter().map(Feature::name);
        check_repeats(&format!("feature `{parent}`, below it"), names, problems);
    }
    for (index, feature) in features.iter().enumerate() {
        parents.push(feature.name());
        let location = if feature.name().is_empty() {
            let location = format!("feature number {}", index + 1);
            problems.push(&location, "no name", "the name of a column");
            location
        } else {
            format!("feature `{}`", serialize_path(parents))
        };
        check_type(schema, feature, &location, problems);
        check_presence_and_shape(feature, &location, problems);
        check_distribution(feature, &location, problems);
        comparators::check(feature, &location, problems);
        domains::check(feature, &location, problems);
        check_origin(feature, parents.len(), &location, problems);
        check_environments(schema, feature, &location, problems);
        if let Some(DomainInfo::StructDomain(domain)) = &feature.domain_info {
            check(schema, &domain.feature, parents, problems);
        }
        parents.pop();
    }
}

fn check_type(schema: &Schema, feature: &Feature, location: &str, problems: &mut Problems) {
    const TYPES: &str = "one of BYTES, INT, FLOAT, STRUCT";
    let kind = match feature.r#type.map(FeatureType::try_from) {
        None | Some(Ok(FeatureType::TypeUnknown)) => {
            problems.push(location, "no type", TYPES);
            return;
        }
        Some(Err(_)) => {
            problems.push(location, "a type that is not known", TYPES);
            return;
        }
        Some(Ok(kind)) => kind,
    };
    let Some(domain) = &feature.domain_info else { return };
    if !allows_type(domain, kind) {
        let found = format!("a {} on type {}", domain_name(domain), kind.as_str_name());
        problems.push(location, found, "a domain for this type");
    }
    match domain {
        DomainInfo::Domain(name) => {
            let mut known = schema.string_domain.iter().map(StringDomain::name);
            if !known.any(|known| known == name) {
                let known = schema.string_domain.iter().map(StringDomain::name);
                problems.push_unknown(location, "domain", name, known);
            }
        }
        DomainInfo::StringDomain(domain) => check_string_domain(domain, location, problems),
        _ => {}
    }
}

fn check_presence_and_shape(feature: &Feature, location: &str, problems: &mut Problems) {
    if let Some(PresenceConstraints::Presence(presence)) = &feature.presence_constraints {
        check_fraction(location, "presence.min_fraction", presence.min_fraction, problems);
        check_range(location, "presence.count", (presence.min_count, None), problems);
    }
    match &feature.shape_type {
        None => {}
        Some(ShapeType::Shape(shape)) => {
            for dim in shape.dim.iter().filter(|dim| dim.size() <= 0) {
                problems.push(location, format!("shape.dim.size {}", dim.size()), "1 or more");
            }
        }
        Some(ShapeType::ValueCount(count)) => {
            check_range(location, "value_count", (count.min, count.max), problems);
        }
        Some(ShapeType::ValueCounts(counts)) => {
            for (level, count) in counts.value_count.iter().enumerate() {
                let name = format!("value_counts[{level}]");
                check_range(location, &name, (count.min, count.max), problems);
            }
        }
    }
    if let Some(unique) = &feature.unique_constraints {
        check_range(location, "unique_constraints", (unique.min, unique.max), problems);
        if !comparators::is_categorical(feature) {
            problems.push(location, "unique_constraints", comparators::CATEGORICAL);
        }
    }
}

fn check_distribution(feature: &Feature, location: &str, problems: &mut Problems) {
    if let Some(constraints) = &feature.distribution_constraints {
        let mass = constraints.min_domain_mass;
        check_fraction(location, "distribution_constraints.min_domain_mass", mass, problems);
        let has_texts = matches!(
            feature.domain_info,
            Some(DomainInfo::Domain(_) | DomainInfo::StringDomain(_))
        );
        if !has_texts {
            let found = "distribution_constraints without a domain of texts";
            problems.push(location, found, "a domain or string_domain with them");
        }
    }
}

/// What cannot be kept because of where the feature is or comes from.
fn check_origin(feature: &Feature, depth: usize, location: &str, problems: &mut Problems) {
    let is_alone = depth == 1;
    if is_alone
        && matches!(feature.presence_constraints, Some(PresenceConstraints::GroupPresence(_)))
    {
        let expected = "presence, or the feature below a struct";
        problems.push(location, "group_presence of a feature that is in no group", expected);
    }
    if feature.validation_derived_source.is_some()
        && !is_deprecated(feature)
        && feature.lifecycle_stage() != LifecycleStage::ValidationDerived
    {
        let found =
            format!("a derived source at stage {}", feature.lifecycle_stage().as_str_name());
        problems.push(location, found, "stage VALIDATION_DERIVED");
    }
}

fn check_environments(schema: &Schema, feature: &Feature, location: &str, problems: &mut Problems) {
    for (what, list) in [
        ("in_environment", &feature.in_environment),
        ("not_in_environment", &feature.not_in_environment),
    ] {
        for environment in list.iter().filter(|name| !schema.default_environment.contains(name)) {
            let known = schema.default_environment.iter().map(String::as_str);
            problems.push_unknown(location, what, environment, known);
        }
    }
    for environment in &feature.in_environment {
        if feature.not_in_environment.contains(environment) {
            let found = format!("environment {environment:?} as in and as not in");
            problems.push(location, found, "one of them");
        }
    }
}

pub(super) fn check_fraction(
    location: &str,
    name: &str,
    fraction: Option<f64>,
    problems: &mut Problems,
) {
    if let Some(fraction) = fraction.filter(|fraction| !(0.0..=1.0).contains(fraction)) {
        problems.push(location, format!("{name} {fraction}"), "0 to 1");
    }
}
