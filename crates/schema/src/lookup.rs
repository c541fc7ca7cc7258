//! Finding the features of a schema by path.

use formats::metadata::feature::DomainInfo;
use formats::metadata::{
    Feature, Schema, SparseFeature, StringDomain, StructDomain, WeightedFeature,
};

use crate::relax::{Context, is_deprecated, is_required, is_required_in_group};
use crate::view::DatasetView;

/// Returns the feature of a path; the first one, if a name is there twice.
pub(crate) fn feature<'a>(features: &'a [Feature], path: &[&str]) -> Option<&'a Feature> {
    let (name, rest) = path.split_first()?;
    let feature = features.iter().find(|feature| feature.name() == *name)?;
    if rest.is_empty() { Some(feature) } else { self::feature(&struct_of(feature)?.feature, rest) }
}

/// Returns the feature of a path, to be edited.
pub(crate) fn feature_mut<'a>(
    features: &'a mut [Feature],
    path: &[&str],
) -> Option<&'a mut Feature> {
    let (name, rest) = path.split_first()?;
    let feature = features.iter_mut().find(|feature| feature.name() == *name)?;
    if rest.is_empty() {
        return Some(feature);
    }
    match &mut feature.domain_info {
        Some(DomainInfo::StructDomain(domain)) => feature_mut(&mut domain.feature, rest),
        _ => None,
    }
}

/// Returns the sparse feature of a path.
pub(crate) fn sparse_feature<'a>(schema: &'a Schema, path: &[&str]) -> Option<&'a SparseFeature> {
    let (name, parents) = path.split_last()?;
    let candidates = match parents {
        [] => &schema.sparse_feature,
        parents => &struct_of(feature(&schema.feature, parents)?)?.sparse_feature,
    };
    candidates.iter().find(|sparse| sparse.name() == *name)
}

/// Returns the sparse feature of a path, to be edited.
pub(crate) fn sparse_feature_mut<'a>(
    schema: &'a mut Schema,
    path: &[&str],
) -> Option<&'a mut SparseFeature> {
    let (name, parents) = path.split_last()?;
    let candidates = match parents {
        [] => &mut schema.sparse_feature,
        parents => match &mut feature_mut(&mut schema.feature, parents)?.domain_info {
            Some(DomainInfo::StructDomain(domain)) => &mut domain.sparse_feature,
            _ => return None,
        },
    };
    candidates.iter_mut().find(|sparse| sparse.name() == *name)
}

/// Returns the weighted feature of a path; there are none below the top.
pub(crate) fn weighted_feature<'a>(
    schema: &'a Schema,
    path: &[&str],
) -> Option<&'a WeightedFeature> {
    let [name] = path else { return None };
    schema.weighted_feature.iter().find(|weighted| weighted.name() == *name)
}

/// Returns the schema's domain of texts that a feature names.
pub(crate) fn string_domain<'a>(schema: &'a Schema, feature: &Feature) -> Option<&'a StringDomain> {
    let Some(DomainInfo::Domain(name)) = &feature.domain_info else { return None };
    schema.string_domain.iter().find(|domain| domain.name() == name)
}

/// Returns the paths of the features that the data has to have and lacks, in the schema's order.
pub(crate) fn missing_paths<'a>(
    schema: &'a Schema,
    dataset: &DatasetView<'_>,
    context: &Context<'_>,
) -> Vec<Vec<&'a str>> {
    let mut paths = Vec::new();
    collect_missing(&schema.feature, &mut Vec::new(), dataset, context, &mut paths);
    paths
}

fn collect_missing<'a>(
    features: &'a [Feature],
    parents: &mut Vec<&'a str>,
    dataset: &DatasetView<'_>,
    context: &Context<'_>,
    paths: &mut Vec<Vec<&'a str>>,
) {
    for feature in features.iter().filter(|feature| !is_deprecated(feature)) {
        parents.push(feature.name());
        let is_there = dataset.get(parents).is_some_and(|view| view.common.is_some());
        if !is_there
            && (is_required(feature, context)
                || is_required_in_group(feature, context) && has_group(parents, dataset))
        {
            paths.push(parents.clone());
        }
        if let Some(domain) = struct_of(feature) {
            collect_missing(&domain.feature, parents, dataset, context, paths);
        }
        parents.pop();
    }
}

/// Returns whether a feature is part of a struct that the data has.
fn has_group(path: &[&str], dataset: &DatasetView<'_>) -> bool {
    match path.split_last() {
        Some((_, [])) | None => false,
        Some((_, group)) => dataset.get(group).is_some_and(|view| view.num_present() > 0.0),
    }
}

fn struct_of(feature: &Feature) -> Option<&StructDomain> {
    match &feature.domain_info {
        Some(DomainInfo::StructDomain(domain)) => Some(domain),
        _ => None,
    }
}
