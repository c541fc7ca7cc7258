//! The check of a feature's own domain: limits that can be kept.

use formats::metadata::feature::DomainInfo;
use formats::metadata::{
    BoolDomain, Feature, FeatureType, ImageDomain, NaturalLanguageDomain, SequenceValueConstraints,
};

use super::features::check_fraction;
use super::{Problems, check_order, check_range};

pub(super) fn check(feature: &Feature, location: &str, problems: &mut Problems) {
    match &feature.domain_info {
        Some(DomainInfo::IntDomain(domain)) => {
            check_order(location, "of int_domain", (domain.min, domain.max), problems);
        }
        Some(DomainInfo::FloatDomain(domain)) => {
            check_order(location, "of float_domain", (domain.min, domain.max), problems);
        }
        Some(DomainInfo::BoolDomain(domain)) => check_bool(domain, feature, location, problems),
        Some(DomainInfo::ImageDomain(domain)) => check_image(domain, location, problems),
        Some(DomainInfo::NaturalLanguageDomain(domain)) => {
            check_language(domain, location, problems);
        }
        _ => {}
    }
}

fn check_bool(domain: &BoolDomain, feature: &Feature, location: &str, problems: &mut Problems) {
    let BoolDomain { true_value, false_value, .. } = domain;
    if let Some(value) = true_value
        && false_value.as_ref() == Some(value)
    {
        let found = format!("{value:?} as true_value and as false_value");
        problems.push(location, found, "two different texts");
    }
    let names_texts = true_value.is_some() || false_value.is_some();
    match feature.r#type() {
        FeatureType::Bytes if !names_texts => {
            let found = "a bool_domain of texts without true_value and false_value";
            problems.push(location, found, "at least one of them");
        }
        FeatureType::Int | FeatureType::Float if names_texts => {
            let found = "true_value or false_value for numbers";
            problems.push(location, found, "none, as 1 and 0 are meant");
        }
        _ => {}
    }
}

fn check_image(domain: &ImageDomain, location: &str, problems: &mut Problems) {
    let fraction = domain.minimum_supported_image_fraction.map(f64::from);
    check_fraction(location, "minimum_supported_image_fraction", fraction, problems);
    check_range(location, "image_byte_size", (None, domain.max_image_byte_size), problems);
}

fn check_language(domain: &NaturalLanguageDomain, location: &str, problems: &mut Problems) {
    if let Some(coverage) = &domain.coverage {
        let fraction = coverage.min_coverage.map(f64::from);
        check_fraction(location, "coverage.min_coverage", fraction, problems);
        let length = (coverage.min_avg_token_length, None);
        check_range(location, "avg_token_length", length, problems);
    }
    for (index, constraints) in domain.token_constraints.iter().enumerate() {
        let SequenceValueConstraints {
            value,
            min_per_sequence,
            max_per_sequence,
            min_fraction_of_sequences,
            max_fraction_of_sequences,
        } = constraints;
        let name = format!("token_constraints[{index}]");
        if value.is_none() {
            problems.push(location, format!("{name} of no token"), "int_value or string_value");
        }
        let per_sequence = (*min_per_sequence, *max_per_sequence);
        check_range(location, &format!("{name}.per_sequence"), per_sequence, problems);
        let (min, max) = (*min_fraction_of_sequences, *max_fraction_of_sequences);
        for (side, fraction) in [("min", min), ("max", max)] {
            let name = format!("{name}.{side}_fraction_of_sequences");
            check_fraction(location, &name, fraction.map(f64::from), problems);
        }
        check_order(location, &format!("{name}.fraction_of_sequences"), (min, max), problems);
    }
    if let Some(lengths) = &domain.sequence_length_constraints {
        let range = (lengths.min_sequence_length, lengths.max_sequence_length);
        check_range(location, "sequence_length", range, problems);
    }
}
