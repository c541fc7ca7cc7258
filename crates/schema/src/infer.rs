//! A first schema from statistics.

use formats::metadata::feature::{DomainInfo, PresenceConstraints, ShapeType};
use formats::metadata::feature_name_statistics::Type;
use formats::metadata::fixed_shape::Dim;
use formats::metadata::{
    DatasetFeatureStatistics, Feature, FeaturePresence, FeatureType, FixedShape, IntDomain,
    LifecycleStage, Schema, StringDomain, StructDomain, ValueCount, ValueCountList,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SchemaError;
use crate::domain::{bool_domain, holds_integers, semantic_domain};
use crate::text::serialize_path;
use crate::view::{DatasetView, FeatureView, is_weighted};

/// How much of the statistics a new feature takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InferConfig {
    /// Whether a feature that is never missing and always has the same number of values gets a fixed
    /// shape, rather than a range of value counts.
    pub infer_feature_shape: bool,
    /// The largest number of distinct values of a text feature that become its domain; a feature with
    /// more of them has no domain.
    pub max_string_domain_size: u32,
}

impl Default for InferConfig {
    fn default() -> Self {
        Self { infer_feature_shape: true, max_string_domain_size: 100 }
    }
}

/// Returns the schema that some statistics suggest, its features in the order of the statistics.
///
/// A feature gets a type, a presence, a shape or value counts, and a domain if its values are truth
/// values, integers written as text, or few enough to list. Ranges of numbers are never inferred.
/// Weighted statistics are looked at if all features have them. Sparse and weighted features are left out.
///
/// # Errors
///
/// [`SchemaError::DuplicateStatistics`] when two statistics are of one feature.
///
/// # Source
///
/// As TensorFlow Data Validation's `infer_schema`, down to its list of words for true, in which the empty
/// text is one.
pub fn infer_schema(
    statistics: &DatasetFeatureStatistics,
    config: &InferConfig,
) -> Result<Schema, SchemaError> {
    let dataset = DatasetView::new(statistics, is_weighted(statistics))?;
    let mut schema = Schema::default();
    for view in dataset.features.iter().filter(|view| view.is_root) {
        if let Some(feature) = infer_feature(&mut schema.string_domain, &dataset, view, config) {
            schema.feature.push(feature);
        }
    }
    Ok(schema)
}

/// Returns a new feature, those below it included; its domain of texts, if any, joins `domains`.
///
/// None for composite features, which have no values of their own.
pub(crate) fn infer_feature(
    domains: &mut Vec<StringDomain>,
    dataset: &DatasetView<'_>,
    view: &FeatureView<'_>,
    config: &InferConfig,
) -> Option<Feature> {
    view.common?;
    let mut feature = Feature {
        name: view.path.last().map(|&name| name.to_owned()),
        r#type: Some(view.feature_type().into()),
        ..Feature::default()
    };
    infer_presence_and_shape(view, config.infer_feature_shape, &mut feature);
    if let Some(source) = &view.data().validation_derived_source {
        feature.lifecycle_stage = Some(LifecycleStage::ValidationDerived.into());
        feature.validation_derived_source = Some(source.clone());
    }
    feature.domain_info = infer_domain(domains, view, config);

    let children: Vec<Feature> = view
        .children
        .iter()
        .filter_map(|&child| infer_feature(domains, dataset, &dataset.features[child], config))
        .collect();
    add_children(&mut feature, children);
    Some(feature)
}

/// Puts features below another one, which becomes a struct if there are any.
pub(crate) fn add_children(feature: &mut Feature, children: Vec<Feature>) {
    if children.is_empty() {
        return;
    }
    match &mut feature.domain_info {
        Some(DomainInfo::StructDomain(domain)) => domain.feature.extend(children),
        other => {
            *other = Some(DomainInfo::StructDomain(StructDomain {
                feature: children,
                ..StructDomain::default()
            }));
        }
    }
}

/// Returns the value counts that statistics suggest, if any.
pub(crate) fn infer_value_counts(view: &FeatureView<'_>) -> Option<ShapeType> {
    let value_count = |&(min, max): &(i64, i64)| match min {
        ..=0 => ValueCount::default(),
        // Both bounds, so that the feature can be read as a dense tensor.
        _ if min == max => ValueCount { min: Some(min), max: Some(max) },
        _ => ValueCount { min: Some(1), max: None },
    };
    let levels = view.value_counts();
    match levels.as_slice() {
        [level] if level.0 > 0 => Some(ShapeType::ValueCount(value_count(level))),
        [_] => None,
        levels => Some(ShapeType::ValueCounts(ValueCountList {
            value_count: levels.iter().map(value_count).collect(),
        })),
    }
}

fn infer_presence_and_shape(view: &FeatureView<'_>, infer_shape: bool, feature: &mut Feature) {
    let num_present = view.num_present();
    let is_always_present = num_present > 0.0 && view.num_missing() == 0.0;
    feature.presence_constraints = Some(PresenceConstraints::Presence(FeaturePresence {
        min_fraction: is_always_present.then_some(1.0),
        min_count: Some(i64::from(num_present >= 1.0)),
    }));
    if num_present <= 0.0 {
        return;
    }
    feature.shape_type = if infer_shape { infer_shape_of(view) } else { None };
    if feature.shape_type.is_none() {
        feature.shape_type = infer_value_counts(view);
    }
}

fn infer_shape_of(view: &FeatureView<'_>) -> Option<ShapeType> {
    let levels = view.value_counts();
    let is_fixed = levels.iter().all(|&(min, max)| min == max && min > 0);
    if view.feature_type() == FeatureType::Struct || view.has_missing() || !is_fixed {
        return None;
    }
    let dim = levels.iter().map(|&(size, _)| Dim { size: Some(size), name: None }).collect();
    Some(ShapeType::Shape(FixedShape { dim }))
}

fn infer_domain(
    domains: &mut Vec<StringDomain>,
    view: &FeatureView<'_>,
    config: &InferConfig,
) -> Option<DomainInfo> {
    if let Some(domain) = semantic_domain(view) {
        return Some(domain);
    }
    if view.has_invalid_utf8() || view.data_type() == Type::Bytes {
        return None;
    }
    if let Some(domain) = bool_domain(view) {
        return Some(DomainInfo::BoolDomain(domain));
    }
    if holds_integers(view) {
        return Some(DomainInfo::IntDomain(IntDomain::default()));
    }
    let values = view.values();
    let limit = usize::try_from(config.max_string_domain_size).unwrap_or(usize::MAX);
    if values.is_empty() || values.len() > limit {
        return None;
    }
    let name = unused_name(domains, serialize_path(&view.path));
    domains.push(StringDomain {
        name: Some(name.clone()),
        value: values.into_keys().map(str::to_owned).collect(),
        ..StringDomain::default()
    });
    Some(DomainInfo::Domain(name))
}

/// Returns the wanted name, numbered from 2 on if it is taken.
pub(crate) fn unused_name(domains: &[StringDomain], wanted: String) -> String {
    let is_taken = |name: &str| domains.iter().any(|domain| domain.name() == name);
    if !is_taken(&wanted) {
        return wanted;
    }
    (2_u64..)
        .map(|number| format!("{wanted}{number}"))
        .find(|name| !is_taken(name))
        .unwrap_or(wanted)
}
