//! What a curated schema says of how values are to be counted.

use std::collections::BTreeMap;

use formats::metadata::feature::DomainInfo;
use formats::metadata::{Feature, FeatureType, Schema};

use crate::pass::{Kind, Treatment};

/// Returns the features that are not to be counted as their type says, by path, each with the kind of data for
/// which that holds.
///
/// # Source
///
/// `get_categorical_numeric_feature_types` and `get_bytes_features` of TensorFlow Data Validation.
pub(crate) fn treatments(schema: &Schema) -> BTreeMap<Vec<String>, (Kind, Treatment)> {
    let mut found = BTreeMap::new();
    collect(&schema.feature, &[], &mut found);
    found
}

fn collect(
    features: &[Feature],
    parent: &[String],
    found: &mut BTreeMap<Vec<String>, (Kind, Treatment)>,
) {
    for feature in features {
        let mut path = parent.to_vec();
        path.push(feature.name().to_owned());
        if let Some(DomainInfo::StructDomain(domain)) = &feature.domain_info {
            collect(&domain.feature, &path, found);
        }
        let treatment = match (feature.r#type(), &feature.domain_info) {
            (_, Some(DomainInfo::ImageDomain(_))) => Some((Kind::String, Treatment::Bytes)),
            (FeatureType::Int, Some(domain)) if is_categorical(domain) => {
                Some((Kind::Int, Treatment::Categorical))
            }
            (FeatureType::Float, Some(DomainInfo::FloatDomain(domain)))
                if domain.is_categorical() =>
            {
                Some((Kind::Float, Treatment::Categorical))
            }
            _ => None,
        };
        found.extend(treatment.map(|treatment| (path, treatment)));
    }
}

fn is_categorical(domain: &DomainInfo) -> bool {
    match domain {
        DomainInfo::IntDomain(domain) => domain.is_categorical(),
        DomainInfo::BoolDomain(_) | DomainInfo::NaturalLanguageDomain(_) => true,
        _ => false,
    }
}
