//! Schemas taken apart into fields. Every message is taken apart by all of its fields, so that one that the
//! definitions gain cannot be forgotten here.

use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::{
    BoolDomain, DatasetConstraints, Feature, FeatureComparator, FixedShape, FloatDomain,
    ImageDomain, IntDomain, NaturalLanguageDomain, NumericValueComparator, Schema, StringDomain,
    ValueCount,
};
use formats::{Message, Name};

use super::value::{Number, Value};
use crate::relax::{domain_name, stage_is_deprecated};

/// The fields of one part of a schema that are set, in the order of the definition.
pub(super) type Fields = Vec<(String, Value)>;

/// Returns the fields of a feature, but not those of the features below it.
#[expect(deprecated, reason = "an old field is looked at as long as schemas have it")]
pub(super) fn feature_fields(feature: &Feature) -> Fields {
    let Feature {
        name: _,
        r#type,
        presence_constraints,
        shape_type,
        domain_info,
        distribution_constraints,
        annotation,
        skew_comparator,
        drift_comparator,
        in_environment,
        not_in_environment,
        lifecycle_stage: _,
        unique_constraints,
        validation_derived_source,
        sequence_metadata,
        deprecated: _,
    } = feature;
    let mut out = Out::default();
    if r#type.is_some() {
        out.note("type", feature.r#type().as_str_name());
    }
    stage(feature, &mut out);
    match presence_constraints {
        None => {}
        Some(PresenceConstraints::Presence(presence)) => {
            out.at_least("presence.min_fraction", presence.min_fraction.map(Number::Double));
            out.at_least("presence.min_count", presence.min_count.map(Number::Int));
        }
        Some(PresenceConstraints::GroupPresence(presence)) => {
            out.must("group_presence.required", presence.required);
        }
    }
    shape(shape_type.as_ref(), &mut out);
    if let Some(domain) = domain_info {
        self::domain(domain, &mut out);
    }
    let mass = distribution_constraints.as_ref().and_then(|it| it.min_domain_mass);
    out.at_least("distribution_constraints.min_domain_mass", mass.map(Number::Double));
    out.message("annotation", annotation.as_ref());
    comparator("skew_comparator", skew_comparator.as_ref(), &mut out);
    comparator("drift_comparator", drift_comparator.as_ref(), &mut out);
    out.list("in_environment", in_environment);
    out.list("not_in_environment", not_in_environment);
    if let Some(unique) = unique_constraints {
        out.at_least("unique_constraints.min", unique.min.map(Number::Int));
        out.at_most("unique_constraints.max", unique.max.map(Number::Int));
    }
    out.message("validation_derived_source", validation_derived_source.as_ref());
    out.message("sequence_metadata", sequence_metadata.as_ref());
    out.0
}

/// Returns the named parts of a schema besides its features, each with its location and its fields.
pub(super) fn named_parts(schema: &Schema) -> Vec<(String, Fields)> {
    let mut parts = Vec::new();
    for domain in &schema.string_domain {
        let StringDomain { name, value, is_categorical: _ } = domain;
        let mut out = Out::default();
        out.push("value", Value::OneOf(value.clone()));
        if domain.is_categorical.is_some() {
            out.note("is_categorical", domain.is_categorical().as_str_name());
        }
        parts.push((located("string_domain", name), out.0));
    }
    for domain in &schema.int_domain {
        let mut out = Out::default();
        int_domain(domain, &mut out);
        parts.push((located("int_domain", &domain.name), out.0));
    }
    for domain in &schema.float_domain {
        let mut out = Out::default();
        float_domain(domain, &mut out);
        parts.push((located("float_domain", &domain.name), out.0));
    }
    for feature in &schema.sparse_feature {
        let location = located("sparse_feature", &feature.name);
        parts.push((location, whole(feature)));
    }
    for feature in &schema.weighted_feature {
        let location = located("weighted_feature", &feature.name);
        parts.push((location, whole(feature)));
    }
    for (name, group) in &schema.tensor_representation_group {
        let location = located("tensor_representation_group", &Some(name.clone()));
        parts.push((location, whole(group)));
    }
    parts
}

/// Returns what a schema says of the dataset as a whole.
pub(super) fn schema_fields(schema: &Schema) -> Fields {
    let Schema {
        feature: _,
        sparse_feature: _,
        weighted_feature: _,
        string_domain: _,
        float_domain: _,
        int_domain: _,
        tensor_representation_group: _,
        default_environment,
        represent_variable_length_as_ragged,
        annotation,
        dataset_constraints,
    } = schema;
    let mut out = Out::default();
    out.list("default_environment", default_environment);
    if let Some(flag) = represent_variable_length_as_ragged {
        out.note("represent_variable_length_as_ragged", &flag.to_string());
    }
    out.message("annotation", annotation.as_ref());
    if let Some(constraints) = dataset_constraints {
        let DatasetConstraints {
            num_examples_drift_comparator: drift,
            num_examples_version_comparator: version,
            min_examples_count,
            max_examples_count,
        } = constraints;
        for (name, comparator) in [("drift", drift), ("version", version)] {
            let Some(comparator) = comparator else { continue };
            let NumericValueComparator { min_fraction_threshold, max_fraction_threshold } =
                comparator;
            let name = format!("dataset_constraints.num_examples_{name}_comparator");
            let min = min_fraction_threshold.map(Number::Double);
            out.at_least(&format!("{name}.min_fraction_threshold"), min);
            let max = max_fraction_threshold.map(Number::Double);
            out.at_most(&format!("{name}.max_fraction_threshold"), max);
        }
        let (min, max) = (min_examples_count, max_examples_count);
        out.at_least("dataset_constraints.min_examples_count", min.map(Number::Int));
        out.at_most("dataset_constraints.max_examples_count", max.map(Number::Int));
    }
    out.0
}

fn located(what: &str, name: &Option<String>) -> String {
    format!("{what} `{}`", name.as_deref().unwrap_or(""))
}

/// A message that is shown as a whole.
fn whole<M: Message + Name>(message: &M) -> Fields {
    let mut out = Out::default();
    out.message("definition", Some(message));
    out.0
}

fn stage(feature: &Feature, out: &mut Out) {
    if feature.lifecycle_stage.is_none() && !feature.deprecated() {
        return;
    }
    let (name, is_validated) = if feature.deprecated() {
        ("DEPRECATED", false)
    } else {
        let stage = feature.lifecycle_stage();
        (stage.as_str_name(), !stage_is_deprecated(stage))
    };
    out.push("lifecycle_stage", Value::Stage { name: name.to_owned(), is_validated });
}

fn shape(shape: Option<&ShapeType>, out: &mut Out) {
    match shape {
        None => {}
        Some(ShapeType::Shape(FixedShape { dim })) => {
            let dims = dim.iter().map(|dim| match &dim.name {
                Some(name) => format!("{name}: {}", dim.size()),
                None => dim.size().to_string(),
            });
            let text = format!("[{}]", dims.collect::<Vec<_>>().join(", "));
            out.push("shape", Value::Limit(text));
        }
        Some(ShapeType::ValueCount(count)) => value_count("value_count", count, out),
        Some(ShapeType::ValueCounts(counts)) => {
            let levels = format!("{} levels", counts.value_count.len());
            out.push("value_counts", Value::Limit(levels));
            for (level, count) in counts.value_count.iter().enumerate() {
                value_count(&format!("value_counts[{level}]"), count, out);
            }
        }
    }
}

fn value_count(name: &str, count: &ValueCount, out: &mut Out) {
    let ValueCount { min, max } = count;
    out.at_least(&format!("{name}.min"), min.map(Number::Int));
    out.at_most(&format!("{name}.max"), max.map(Number::Int));
}

fn domain(domain: &DomainInfo, out: &mut Out) {
    let kind = match domain {
        DomainInfo::Domain(name) => format!("domain `{name}`"),
        // A struct is a matter of the features below it.
        DomainInfo::StructDomain(domain) => {
            for feature in &domain.sparse_feature {
                out.message(&located("sparse_feature", &feature.name), Some(feature));
            }
            return;
        }
        other => domain_name(other).to_owned(),
    };
    // Data of other domains is not held to anything but their limits, if they have some.
    let holds_data = matches!(
        domain,
        DomainInfo::Domain(_)
            | DomainInfo::StringDomain(_)
            | DomainInfo::IntDomain(_)
            | DomainInfo::FloatDomain(_)
            | DomainInfo::BoolDomain(_)
    );
    out.push("domain", if holds_data { Value::Limit(kind) } else { Value::Note(kind) });
    match domain {
        DomainInfo::Domain(_) | DomainInfo::StructDomain(_) => {}
        DomainInfo::IntDomain(domain) => out.within("int_domain", |out| int_domain(domain, out)),
        DomainInfo::FloatDomain(domain) => {
            out.within("float_domain", |out| float_domain(domain, out));
        }
        DomainInfo::StringDomain(domain) => {
            out.push("string_domain.value", Value::OneOf(domain.value.clone()));
            if domain.is_categorical.is_some() {
                let categorical = domain.is_categorical().as_str_name();
                out.note("string_domain.is_categorical", categorical);
            }
        }
        DomainInfo::BoolDomain(BoolDomain { name: _, true_value, false_value }) => {
            for (name, value) in [("true_value", true_value), ("false_value", false_value)] {
                if let Some(value) = value {
                    out.note(&format!("bool_domain.{name}"), &format!("{value:?}"));
                }
            }
        }
        DomainInfo::ImageDomain(domain) => {
            let ImageDomain { minimum_supported_image_fraction: fraction, max_image_byte_size } =
                domain;
            let name = "image_domain.minimum_supported_image_fraction";
            out.at_least(name, fraction.map(Number::Single));
            let size = max_image_byte_size.map(Number::Int);
            out.at_most("image_domain.max_image_byte_size", size);
        }
        DomainInfo::NaturalLanguageDomain(domain) => language(domain, out),
        DomainInfo::TimeDomain(domain) => out.message("time_domain", Some(domain)),
        DomainInfo::TimeOfDayDomain(domain) => out.message("time_of_day_domain", Some(domain)),
        DomainInfo::MidDomain(_)
        | DomainInfo::UrlDomain(_)
        | DomainInfo::AudioDomain(_)
        | DomainInfo::VideoDomain(_)
        | DomainInfo::ContentChunkDomain(_) => {}
    }
}

fn int_domain(domain: &IntDomain, out: &mut Out) {
    let IntDomain { name: _, min, max, is_categorical } = domain;
    out.at_least("min", min.map(Number::Int));
    out.at_most("max", max.map(Number::Int));
    out.flag("is_categorical", *is_categorical);
}

fn float_domain(domain: &FloatDomain, out: &mut Out) {
    let FloatDomain {
        name: _,
        min,
        max,
        disallow_nan,
        disallow_inf,
        is_embedding,
        is_categorical,
        embedding_dim,
        embedding_type,
    } = domain;
    out.at_least("min", min.map(Number::Single));
    out.at_most("max", max.map(Number::Single));
    out.must("disallow_nan", *disallow_nan);
    out.must("disallow_inf", *disallow_inf);
    out.flag("is_embedding", *is_embedding);
    out.flag("is_categorical", *is_categorical);
    if let Some(dim) = embedding_dim {
        out.note("embedding_dim", &dim.to_string());
    }
    if let Some(kind) = embedding_type {
        out.note("embedding_type", kind);
    }
}

fn language(domain: &NaturalLanguageDomain, out: &mut Out) {
    let NaturalLanguageDomain {
        vocabulary,
        coverage,
        token_constraints,
        sequence_length_constraints,
    } = domain;
    out.within("natural_language_domain", |out| {
        if let Some(vocabulary) = vocabulary {
            out.note("vocabulary", vocabulary);
        }
        if let Some(coverage) = coverage {
            out.at_least("coverage.min_coverage", coverage.min_coverage.map(Number::Single));
            let length = coverage.min_avg_token_length.map(Number::Single);
            out.at_least("coverage.min_avg_token_length", length);
            let mut rest = coverage.clone();
            (rest.min_coverage, rest.min_avg_token_length) = (None, None);
            if rest != Default::default() {
                out.message("coverage", Some(&rest));
            }
        }
        for (index, constraints) in token_constraints.iter().enumerate() {
            out.message(&format!("token_constraints[{index}]"), Some(constraints));
        }
        out.message("sequence_length_constraints", sequence_length_constraints.as_ref());
    });
}

fn comparator(name: &str, comparator: Option<&FeatureComparator>, out: &mut Out) {
    let Some(comparator) = comparator else { return };
    let FeatureComparator { infinity_norm, jensen_shannon_divergence, normalized_abs_difference } =
        comparator;
    out.within(name, |out| {
        let threshold = infinity_norm.as_ref().and_then(|it| it.threshold);
        out.at_most("infinity_norm.threshold", threshold.map(Number::Double));
        if let Some(divergence) = jensen_shannon_divergence {
            let threshold = divergence.threshold.map(Number::Double);
            out.at_most("jensen_shannon_divergence.threshold", threshold);
            if let Some(source) = &divergence.source {
                out.note("jensen_shannon_divergence.source", source.r#type().as_str_name());
            }
        }
        let threshold = normalized_abs_difference.as_ref().and_then(|it| it.threshold);
        out.at_most("normalized_abs_difference.threshold", threshold.map(Number::Double));
    });
}

/// Fields as they are collected.
#[derive(Default)]
struct Out(Fields);

impl Out {
    fn push(&mut self, field: &str, value: Value) {
        self.0.push((field.to_owned(), value));
    }

    fn at_least(&mut self, field: &str, number: Option<Number>) {
        if let Some(number) = number {
            self.push(field, Value::AtLeast(number));
        }
    }

    fn at_most(&mut self, field: &str, number: Option<Number>) {
        if let Some(number) = number {
            self.push(field, Value::AtMost(number));
        }
    }

    fn must(&mut self, field: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.push(field, Value::Must(flag));
        }
    }

    fn flag(&mut self, field: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.note(field, &flag.to_string());
        }
    }

    fn note(&mut self, field: &str, text: &str) {
        self.push(field, Value::Note(text.to_owned()));
    }

    fn list(&mut self, field: &str, names: &[String]) {
        if !names.is_empty() {
            self.note(field, &names.join(", "));
        }
    }

    fn message<M: Message + Name>(&mut self, field: &str, message: Option<&M>) {
        if let Some(message) = message {
            let text = formats::text::print(message);
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            self.note(field, &format!("{{ {} }}", lines.join(" ")));
        }
    }

    fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.0.extend(inner.0.into_iter().map(|(field, value)| (format!("{name}.{field}"), value)));
    }
}
