//! The least edit that makes a feature of a schema allow some statistics, with the reasons for it.
//!
//! Validation shows the reasons and drops the edit; an update keeps the edit. Both run this code, which is
//! why statistics are clean against a schema that was updated with them.

mod bool_domain;
mod comparator;
mod composite;
mod image_domain;
mod language_domain;
mod number_domain;
mod presence;
mod shape;
mod specification;
mod string_domain;

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::drift_skew_info::Measurement;
use formats::metadata::feature::{DomainInfo, PresenceConstraints};
use formats::metadata::{Feature, LifecycleStage, StringDomain, feature_name_statistics};

use crate::domain::semantic_domain;
use crate::text::{debug_string, serialize_path};
use crate::view::{DatasetView, FeatureView};

pub(crate) use composite::{composite_reasons, is_sparse_deprecated, is_weighted_deprecated};
pub(crate) use specification::{allows_type, domain_name, repair};

/// What a feature is looked at against, besides its statistics.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The environment of the data; without one, every feature is in it.
    pub(crate) environment: Option<&'a str>,
    /// The environments that features are in when they do not say otherwise.
    pub(crate) default_environments: &'a [String],
    /// The data before.
    pub(crate) previous: Option<&'a DatasetView<'a>>,
    /// The data in serving.
    pub(crate) serving: Option<&'a DatasetView<'a>>,
    /// The version of the same data before.
    pub(crate) previous_version: Option<&'a DatasetView<'a>>,
}

impl<'a> Context<'a> {
    /// No environment and no other data.
    pub(crate) const NONE: Self = Self {
        environment: None,
        default_environments: &[],
        previous: None,
        serving: None,
        previous_version: None,
    };
}

/// Why a feature had to be edited, and what was measured on the way.
#[derive(Default)]
pub(crate) struct Outcome {
    /// One reason for each edit; none when the feature allows the statistics.
    pub(crate) reasons: Vec<Reason>,
    /// The distances to the data before.
    pub(crate) drift: Vec<Measurement>,
    /// The distances to the data in serving.
    pub(crate) skew: Vec<Measurement>,
    /// Whether the schema's domain that the feature names has to go, from all features.
    pub(crate) drops_domain: bool,
}

/// Edits a feature so that it allows some statistics.
///
/// `domain` is the domain of texts that the feature names, if the schema has it.
pub(crate) fn relax_feature(
    feature: &mut Feature,
    domain: Option<&mut StringDomain>,
    view: &FeatureView<'_>,
    context: &Context<'_>,
) -> Outcome {
    let mut outcome = Outcome::default();
    if is_deprecated(feature) {
        return outcome;
    }
    repair(feature, domain.is_some(), &mut outcome.reasons);
    if is_deprecated(feature) {
        return outcome;
    }
    if view.num_present() == 0.0 {
        let is_missed = is_required_in_group(feature, context)
            && view.path.len() > 1
            && view.num_missing() > 0.0;
        if is_missed || is_required(feature, context) {
            outcome.reasons.push(reason(
                Type::FeatureTypeNotPresent,
                "Column dropped",
                "The feature was not present in any examples.",
            ));
            deprecate(feature);
        }
        return outcome;
    }
    outcome.reasons.extend(relax_environment(feature, view, context));
    shape::relax(feature, view, &mut outcome.reasons);
    presence::relax(feature, view, &mut outcome.reasons);
    outcome.reasons.extend(relax_type(feature, view));
    outcome.reasons.extend(clear_domain_of_bytes(feature, view));
    relax_domain(feature, domain, view, &mut outcome);
    presence::relax_unique(feature, view, &mut outcome.reasons);
    comparator::compare(feature, view, context, &mut outcome);
    relax_derivation(feature, view, &mut outcome.reasons);
    outcome
}

/// Returns whether a feature is outside validation: planned, deprecated, for debugging and so on.
pub(crate) fn is_deprecated(feature: &Feature) -> bool {
    let flag = feature.deprecated();
    flag || stage_is_deprecated(feature.lifecycle_stage())
}

/// Returns whether a stage of life is outside validation.
pub(crate) fn stage_is_deprecated(stage: LifecycleStage) -> bool {
    match stage {
        LifecycleStage::Planned
        | LifecycleStage::Alpha
        | LifecycleStage::Deprecated
        | LifecycleStage::DebugOnly
        | LifecycleStage::Disabled => true,
        LifecycleStage::UnknownStage
        | LifecycleStage::Beta
        | LifecycleStage::Production
        | LifecycleStage::ValidationDerived => false,
    }
}

/// Takes a feature out of validation.
pub(crate) fn deprecate(feature: &mut Feature) {
    feature.lifecycle_stage = Some(LifecycleStage::Deprecated.into());
}

/// Returns whether the data has to have a feature.
pub(crate) fn is_required(feature: &Feature, context: &Context<'_>) -> bool {
    let Some(PresenceConstraints::Presence(presence)) = &feature.presence_constraints else {
        return false;
    };
    !is_deprecated(feature)
        && (presence.min_count() > 0 || presence.min_fraction() > 0.0)
        && is_in_environment(feature, context)
}

/// Returns whether the data has to have a feature wherever it has the struct that the feature is a part of.
pub(crate) fn is_required_in_group(feature: &Feature, context: &Context<'_>) -> bool {
    let Some(PresenceConstraints::GroupPresence(presence)) = &feature.presence_constraints else {
        return false;
    };
    presence.required() && !is_deprecated(feature) && is_in_environment(feature, context)
}

/// Returns a reason for an edit.
pub(crate) fn reason(kind: Type, short: &str, description: impl Into<String>) -> Reason {
    Reason {
        r#type: Some(kind.into()),
        short_description: Some(short.to_owned()),
        description: Some(description.into()),
    }
}

/// Returns whether the data of an environment is to have a feature.
pub(crate) fn is_in_environment(feature: &Feature, context: &Context<'_>) -> bool {
    let Some(environment) = context.environment else { return true };
    let lists = |list: &[String]| list.iter().any(|listed| listed == environment);
    lists(&feature.in_environment)
        || (!lists(&feature.not_in_environment) && lists(context.default_environments))
}

fn relax_environment(
    feature: &mut Feature,
    view: &FeatureView<'_>,
    context: &Context<'_>,
) -> Option<Reason> {
    let environment = context.environment.filter(|_| !is_in_environment(feature, context))?;
    feature.not_in_environment.retain(|listed| listed != environment);
    if !is_in_environment(feature, context) {
        feature.in_environment.push(environment.to_owned());
    }
    Some(reason(
        Type::SchemaNewColumn,
        "Column missing in environment",
        format!(
            "New column {} found in data but not in the environment {environment} in the schema.",
            serialize_path(&view.path)
        ),
    ))
}

fn relax_type(feature: &mut Feature, view: &FeatureView<'_>) -> Option<Reason> {
    let expected = feature.r#type();
    if view.feature_type() == expected {
        return None;
    }
    deprecate(feature);
    Some(reason(
        Type::UnexpectedDataType,
        "Unexpected data type",
        format!(
            "Expected data of type: {} but got {}",
            expected.as_str_name(),
            view.data_type().as_str_name()
        ),
    ))
}

/// Bytes that are not text have no other domain than these.
fn clear_domain_of_bytes(feature: &mut Feature, view: &FeatureView<'_>) -> Option<Reason> {
    if view.data_type() != feature_name_statistics::Type::Bytes {
        return None;
    }
    match &feature.domain_info {
        None
        | Some(
            DomainInfo::NaturalLanguageDomain(_)
            | DomainInfo::ImageDomain(_)
            | DomainInfo::UrlDomain(_),
        ) => None,
        Some(_) => {
            feature.domain_info = None;
            Some(reason(
                Type::DomainInvalidForType,
                "Invalid domain type",
                format!(
                    "Data is marked as BYTES with incompatible domain_info: {}",
                    debug_string(feature)
                ),
            ))
        }
    }
}

fn relax_domain(
    feature: &mut Feature,
    domain: Option<&mut StringDomain>,
    view: &FeatureView<'_>,
    outcome: &mut Outcome,
) {
    let max_off_domain = feature
        .distribution_constraints
        .as_ref()
        .and_then(|constraints| constraints.min_domain_mass)
        .map_or(0.0, |mass| 1.0 - mass);
    let reasons = &mut outcome.reasons;
    let keeps_domain = match &mut feature.domain_info {
        Some(DomainInfo::Domain(_)) => {
            let keeps = domain
                .is_none_or(|domain| string_domain::relax(domain, max_off_domain, view, reasons));
            outcome.drops_domain = !keeps;
            keeps
        }
        Some(DomainInfo::StringDomain(domain)) => {
            string_domain::relax(domain, max_off_domain, view, reasons)
        }
        Some(DomainInfo::IntDomain(domain)) => number_domain::relax_int(domain, view, reasons),
        Some(DomainInfo::FloatDomain(domain)) => number_domain::relax_float(domain, view, reasons),
        Some(DomainInfo::BoolDomain(domain)) => match bool_domain::relax(domain, view) {
            None => true,
            Some((instead, why)) => {
                reasons.push(why);
                // A feature of another type was deprecated as it is; its domain is for the old type.
                if feature.r#type() == view.feature_type() {
                    feature.domain_info = instead;
                }
                true
            }
        },
        None => {
            if let Some(domain) = semantic_domain(view) {
                reasons.push(reason(
                    Type::SemanticDomainUpdate,
                    "Updated semantic domain",
                    format!("Updated semantic domain for feature: {}", feature.name()),
                ));
                feature.domain_info = Some(domain);
            }
            true
        }
        Some(DomainInfo::ImageDomain(domain)) => {
            image_domain::relax(domain, view, reasons);
            true
        }
        Some(DomainInfo::NaturalLanguageDomain(domain)) => {
            language_domain::relax(domain, view, reasons)
        }
        // Structs are looked at feature by feature; the others are not checked against values.
        Some(_) => true,
    };
    if !keeps_domain {
        feature.domain_info = None;
    }
}

fn relax_derivation(feature: &mut Feature, view: &FeatureView<'_>, reasons: &mut Vec<Reason>) {
    if let (Some(source), None) =
        (&view.data().validation_derived_source, &feature.validation_derived_source)
    {
        feature.validation_derived_source = Some(source.clone());
        feature.lifecycle_stage = Some(LifecycleStage::ValidationDerived.into());
        reasons.push(reason(
            Type::DerivedFeatureInvalidSource,
            "Derived source not set in schema.",
            "Derived source not set in schema.",
        ));
    }
    if feature.validation_derived_source.is_some()
        && feature.lifecycle_stage() != LifecycleStage::ValidationDerived
        && !is_deprecated(feature)
    {
        feature.lifecycle_stage = Some(LifecycleStage::ValidationDerived.into());
        reasons.push(reason(
            Type::DerivedFeatureBadLifecycle,
            "Derived feature has wrong lifecycle.",
            "Derived feature has wrong lifecycle.",
        ));
    }
}
