//! Schemas relaxed to further statistics.

use formats::metadata::feature::DomainInfo;
use formats::metadata::{DatasetFeatureStatistics, Feature, LifecycleStage, Schema, StringDomain};

use crate::dataset::relax_dataset;
use crate::infer::{add_children, infer_feature, unused_name};
use crate::options::Controls;
use crate::relax::{
    Context, composite_reasons, deprecate, is_deprecated, is_sparse_deprecated,
    is_weighted_deprecated, relax_feature,
};
use crate::text::serialize_path;
use crate::view::{DatasetView, FeatureView, is_weighted};
use crate::{InferConfig, SchemaError, ValidateOptions, lookup};

/// Relaxes a schema so that it allows some statistics, and adds the features that it lacks.
///
/// Never tightens: values join domains, ranges widen, presence is asked for less often, and a shape or
/// domain that does not fit goes. A feature of another type, or required and not there, is deprecated
/// rather than removed; value counts for another depth of nesting are replaced. New features are inferred as in [`infer_schema`](crate::infer_schema), but always
/// with value counts instead of a shape: the data that the schema already stands for lacks them.
/// Constraints on the dataset as a whole stay as they are. Statistics without examples change nothing.
///
/// # Errors
///
/// [`SchemaError::DuplicateStatistics`] when two statistics are of one feature; the schema is unchanged
/// then.
///
/// # Source
///
/// As TensorFlow Data Validation's `update_schema`, with the exceptions that `docs/compatibility.md` lists.
pub fn update_schema(
    schema: &mut Schema,
    statistics: &DatasetFeatureStatistics,
    config: &InferConfig,
) -> Result<(), SchemaError> {
    let dataset = DatasetView::new(statistics, is_weighted(statistics))?;
    if statistics.num_examples > 0 {
        update_features(schema, &dataset, config, &Context::NONE);
    }
    Ok(())
}

/// Relaxes a schema so that some statistics, compared with what the options say, raise no anomaly.
///
/// As [`update_schema`], and besides: thresholds of comparators are raised to the distances that are found
/// (and go where nothing can be measured), features join the environment that has them, and constraints on
/// the dataset as a whole are widened.
///
/// # Errors
///
/// As [`validate_statistics`](crate::validate_statistics); the schema is unchanged then.
///
/// # Source
///
/// These are the edits that TensorFlow Data Validation's anomalies are about, though it offers no function
/// that keeps them.
pub fn relax_schema(
    schema: &mut Schema,
    statistics: &DatasetFeatureStatistics,
    options: &ValidateOptions<'_>,
    config: &InferConfig,
) -> Result<(), SchemaError> {
    options.check_environment(schema)?;
    let by_weight = is_weighted(statistics);
    let dataset = DatasetView::new(statistics, by_weight)?;
    let controls = Controls::new(options, by_weight)?;
    if statistics.num_examples == 0 {
        return Ok(());
    }
    let environments = schema.default_environment.clone();
    let context = controls.context(options, &environments);
    update_features(schema, &dataset, config, &context);
    if let Some(constraints) = &mut schema.dataset_constraints {
        relax_dataset(constraints, &dataset, &context);
    }
    Ok(())
}

/// Adds to a schema the features of another one that it lacks, with the domains that they name; returns their paths.
///
/// What the schema has already, deprecated features included, stays as it is: a person may have said it. Features
/// below a struct that both have are looked at in turn. A domain whose name is taken gets another one, which the
/// feature then refers to.
pub fn add_features(schema: &mut Schema, from: &Schema) -> Vec<String> {
    let Schema { feature: features, string_domain: domains, .. } = schema;
    let composites = schema.sparse_feature.iter().map(|it| it.name().to_owned());
    let composites: Vec<String> =
        composites.chain(schema.weighted_feature.iter().map(|it| it.name().to_owned())).collect();
    let mut adding = Adding { domains, from, paths: Vec::new() };
    let new = from.feature.iter().filter(|it| !composites.iter().any(|name| name == it.name()));
    adding.add(features, new, &mut Vec::new());
    adding.paths
}

/// What is added to a schema, and from where.
struct Adding<'a> {
    domains: &'a mut Vec<StringDomain>,
    from: &'a Schema,
    paths: Vec<String>,
}

impl<'a> Adding<'a> {
    fn add(
        &mut self,
        features: &mut Vec<Feature>,
        others: impl Iterator<Item = &'a Feature>,
        parents: &mut Vec<&'a str>,
    ) {
        for other in others {
            parents.push(other.name());
            match features.iter_mut().find(|feature| feature.name() == other.name()) {
                None => {
                    let mut new = other.clone();
                    self.take_domains(&mut new);
                    features.push(new);
                    self.paths.push(serialize_path(parents));
                }
                Some(feature) if is_deprecated(feature) => {}
                Some(feature) => {
                    if let (
                        Some(DomainInfo::StructDomain(domain)),
                        Some(DomainInfo::StructDomain(below)),
                    ) = (&mut feature.domain_info, &other.domain_info)
                    {
                        self.add(&mut domain.feature, below.feature.iter(), parents);
                    }
                }
            }
            parents.pop();
        }
    }

    fn take_domains(&mut self, feature: &mut Feature) {
        match &mut feature.domain_info {
            Some(DomainInfo::Domain(name)) => {
                let named = self.from.string_domain.iter().find(|domain| domain.name() == name);
                let Some(mut domain) = named.cloned() else { return };
                *name = unused_name(self.domains, name.clone());
                domain.name = Some(name.clone());
                self.domains.push(domain);
            }
            Some(DomainInfo::StructDomain(domain)) => {
                domain.feature.iter_mut().for_each(|feature| self.take_domains(feature));
            }
            _ => {}
        }
    }
}

fn update_features(
    schema: &mut Schema,
    dataset: &DatasetView<'_>,
    config: &InferConfig,
    context: &Context<'_>,
) {
    let config = InferConfig { infer_feature_shape: false, ..config.clone() };
    for view in dataset.features.iter().filter(|view| view.is_root) {
        update_feature(schema, dataset, view, &config, context);
    }
    let missing: Vec<Vec<String>> = lookup::missing_paths(schema, dataset, context)
        .into_iter()
        .map(|path| path.into_iter().map(str::to_owned).collect())
        .collect();
    for path in missing {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(feature) = lookup::feature_mut(&mut schema.feature, &path) {
            deprecate(feature);
        }
    }
}

fn update_feature(
    schema: &mut Schema,
    dataset: &DatasetView<'_>,
    view: &FeatureView<'_>,
    config: &InferConfig,
    context: &Context<'_>,
) {
    if update_composite(schema, view) || view.common.is_none() {
        return;
    }
    let Schema { feature: features, string_domain: domains, .. } = schema;
    let Some(feature) = lookup::feature_mut(features, &view.path) else {
        if let Some(new) = infer_feature(domains, dataset, view, config) {
            add_feature(features, &view.path, new);
        }
        return;
    };
    let domain = match &feature.domain_info {
        Some(DomainInfo::Domain(name)) => domains.iter_mut().find(|domain| domain.name() == name),
        _ => None,
    };
    let name = domain.as_ref().map(|domain| domain.name().to_owned());
    let outcome = relax_feature(feature, domain, view, context);
    let is_deprecated = is_deprecated(feature);
    if let Some(name) = name.filter(|_| outcome.drops_domain) {
        domains.retain(|domain| domain.name() != name);
        clear_domain(features, &name);
    }
    if is_deprecated {
        return;
    }
    for &child in &view.children {
        update_feature(schema, dataset, &dataset.features[child], config, context);
    }
}

/// Returns whether the schema has a composite feature there; it is deprecated if it does not fit.
fn update_composite(schema: &mut Schema, view: &FeatureView<'_>) -> bool {
    let path = &view.path;
    let sparse = lookup::sparse_feature(schema, path);
    let weighted = lookup::weighted_feature(schema, path);
    let feature = lookup::feature(&schema.feature, path);
    let is_composite = sparse.is_some() || weighted.is_some();
    let Some(reasons) = composite_reasons(sparse, weighted, feature, view) else {
        // What is left of a deprecated one is the plain feature, if there is one.
        return is_composite && feature.is_none();
    };
    if reasons.is_empty() {
        return true;
    }
    let deprecated = Some(LifecycleStage::Deprecated.into());
    if let Some(feature) = lookup::feature_mut(&mut schema.feature, path)
        && !is_deprecated(feature)
    {
        deprecate(feature);
    }
    if let Some(sparse) = lookup::sparse_feature_mut(schema, path)
        && !is_sparse_deprecated(sparse)
    {
        sparse.lifecycle_stage = deprecated;
    }
    let weighted = schema.weighted_feature.iter_mut().filter(|it| [it.name()] == path.as_slice());
    for weighted in weighted.filter(|weighted| !is_weighted_deprecated(weighted)) {
        weighted.lifecycle_stage = deprecated;
    }
    true
}

fn add_feature(features: &mut Vec<Feature>, path: &[&str], new: Feature) {
    match path.split_last() {
        Some((_, [])) | None => features.push(new),
        Some((_, parents)) => {
            if let Some(parent) = lookup::feature_mut(features, parents) {
                add_children(parent, vec![new]);
            }
        }
    }
}

/// Takes a domain that is gone from every feature that names it.
fn clear_domain(features: &mut [Feature], name: &str) {
    for feature in features {
        match &mut feature.domain_info {
            Some(DomainInfo::Domain(domain)) if domain == name => feature.domain_info = None,
            Some(DomainInfo::StructDomain(domain)) => clear_domain(&mut domain.feature, name),
            _ => {}
        }
    }
}
