//! Statistics compared with a schema.

use std::collections::BTreeMap;

use base::nearest;
use formats::metadata::anomalies::{AnomalyNameFormat, BaselineSchema};
use formats::metadata::anomaly_info::{Reason, Severity, Type};
use formats::metadata::{
    Anomalies, AnomalyInfo, DatasetFeatureStatistics, DriftSkewInfo, Path, Schema,
};

use crate::SchemaError;
use crate::dataset::dataset_reasons;
use crate::lookup;
use crate::relax::{Context, composite_reasons, is_deprecated, reason, relax_feature};
use crate::text::serialize_path;
use crate::view::{DatasetView, FeatureView, is_weighted};

/// What else statistics are compared with.
#[derive(Clone, Copy, Debug, Default)]
pub struct ValidateOptions<'a> {
    /// The environment the data comes from, one of the schema's `default_environment`s; without one, every
    /// feature is expected.
    pub environment: Option<&'a str>,
    /// Statistics of the data before, for drift.
    pub previous: Option<&'a DatasetFeatureStatistics>,
    /// Statistics of the data in serving, for skew.
    pub serving: Option<&'a DatasetFeatureStatistics>,
}

/// Returns what in some statistics a schema does not allow, and every distance that it asks to measure.
///
/// Each anomaly is of one feature, keyed by its path, with a reason for each edit that the schema would
/// need; those of the dataset as a whole stand apart. All are errors. The schema is repeated in the result.
/// Without examples nothing is compared, and `data_missing` says so. Weighted statistics are looked at if
/// all features have them.
///
/// # Errors
///
/// [`SchemaError::UnknownEnvironment`], and [`SchemaError::DuplicateStatistics`] when two statistics of a
/// dataset are of one feature.
///
/// # Source
///
/// As TensorFlow Data Validation's `validate_statistics`, with these exceptions. A limit of
/// `unique_constraints` that is not set is no limit; `max_examples_count` counts without a
/// `min_examples_count`; NaN counts in a divergence even where bucket boundaries differ; texts are not read
/// as hexadecimal floating-point numbers; and values are not checked against image and natural-language
/// domains.
///
/// # Examples
///
/// ```
/// # use formats::metadata::{DatasetFeatureStatistics, Schema};
/// # use schema::{ValidateOptions, findings, validate_statistics};
/// let statistics: DatasetFeatureStatistics = formats::text::parse(
///     "num_examples: 2 features { path { step: 'fare' } type: INT
///      num_stats { common_stats { num_non_missing: 2 } min: 3 max: 9 } }",
/// )?;
/// let schema: Schema = formats::text::parse(
///     "feature { name: 'fare' type: INT int_domain { max: 5 } }
///      feature { name: 'tips' type: INT presence { min_count: 1 } }",
/// )?;
/// let anomalies = validate_statistics(&statistics, &schema, &ValidateOptions::default())?;
/// let found: Vec<String> = findings(&anomalies)
///     .iter()
///     .map(|finding| format!("{}: {}", finding.path, finding.description))
///     .collect();
/// assert_eq!(found, ["fare: Unexpectedly large value: 9.", "tips: Column is completely missing"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn validate_statistics(
    statistics: &DatasetFeatureStatistics,
    schema: &Schema,
    options: &ValidateOptions<'_>,
) -> Result<Anomalies, SchemaError> {
    check_environment(schema, options.environment)?;
    let baseline_schema = Some(BaselineSchema::Baseline(schema.clone()));
    if statistics.num_examples == 0 {
        return Ok(Anomalies { baseline_schema, data_missing: Some(true), ..Anomalies::default() });
    }
    // The other datasets are looked at as this one is, so that like is compared with like.
    let by_weight = is_weighted(statistics);
    let view = |data| DatasetView::new(data, by_weight);
    let dataset = view(statistics)?;
    let previous = options.previous.map(view).transpose()?;
    let serving = options.serving.map(view).transpose()?;
    let context = Context {
        environment: options.environment,
        default_environments: &schema.default_environment,
        previous: previous.as_ref(),
        serving: serving.as_ref(),
    };

    let mut validation = Validation { schema, context, dataset: &dataset, found: BTreeMap::new() };
    for feature in dataset.features.iter().filter(|feature| feature.is_root) {
        validation.visit(feature);
    }
    for path in lookup::missing_paths(schema, &dataset, &context) {
        let missing =
            reason(Type::SchemaMissingColumn, "Column dropped", "Column is completely missing");
        validation.found(&path).reasons.push(missing);
    }
    let dataset_reasons =
        schema.dataset_constraints.iter().flat_map(|it| dataset_reasons(it, &dataset, &context));
    Ok(Anomalies {
        baseline_schema,
        anomaly_name_format: Some(AnomalyNameFormat::SerializedPath.into()),
        dataset_anomaly_info: anomaly(dataset_reasons.collect(), None),
        ..validation.finish()
    })
}

fn check_environment(schema: &Schema, environment: Option<&str>) -> Result<(), SchemaError> {
    let known = &schema.default_environment;
    match environment {
        Some(environment) if !known.iter().any(|known| known == environment) => {
            Err(SchemaError::UnknownEnvironment {
                environment: environment.to_owned(),
                known: known.clone(),
                nearest: nearest(environment, known.iter().map(String::as_str)).map(str::to_owned),
            })
        }
        _ => Ok(()),
    }
}

/// A walk over a dataset's features.
struct Validation<'a> {
    schema: &'a Schema,
    context: Context<'a>,
    dataset: &'a DatasetView<'a>,
    found: BTreeMap<Vec<String>, Found>,
}

/// What was found about one feature.
#[derive(Default)]
struct Found {
    reasons: Vec<Reason>,
    distances: DriftSkewInfo,
}

impl Validation<'_> {
    /// Every feature is compared with the schema as it came, whatever the others would change in it.
    fn visit(&mut self, view: &FeatureView<'_>) {
        let schema = self.schema;
        let sparse = lookup::sparse_feature(schema, &view.path);
        let weighted = lookup::weighted_feature(schema, &view.path);
        let feature = lookup::feature(&schema.feature, &view.path);
        if let Some(reasons) = composite_reasons(sparse, weighted, feature, view) {
            self.found(&view.path).reasons.extend(reasons);
            return;
        }
        if view.common.is_none() {
            return;
        }
        let Some(mut feature) = feature.cloned() else {
            if sparse.is_none() && weighted.is_none() {
                // Those below it are as new, which need not be said.
                self.found(&view.path).reasons.push(reason(
                    Type::SchemaNewColumn,
                    "New column",
                    "New column (column in data but not in schema)",
                ));
            }
            return;
        };
        let mut domain = lookup::string_domain(schema, &feature).cloned();
        let outcome = relax_feature(&mut feature, domain.as_mut(), view, &self.context);
        let found = self.found(&view.path);
        found.reasons.extend(outcome.reasons);
        found.distances.drift_measurements.extend(outcome.drift);
        found.distances.skew_measurements.extend(outcome.skew);
        if is_deprecated(&feature) {
            return;
        }
        for &child in &view.children {
            let child = &self.dataset.features[child];
            self.visit(child);
        }
    }

    fn found(&mut self, path: &[&str]) -> &mut Found {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        self.found.entry(path).or_default()
    }

    fn finish(self) -> Anomalies {
        let mut anomalies = Anomalies::default();
        for (step, Found { reasons, mut distances }) in self.found {
            let key = serialize_path(&step.iter().map(String::as_str).collect::<Vec<_>>());
            let path = Path { step };
            if let Some(info) = anomaly(reasons, Some(path.clone())) {
                anomalies.anomaly_info.insert(key, info);
            }
            if distances != DriftSkewInfo::default() {
                distances.path = Some(path);
                anomalies.drift_skew_info.push(distances);
            }
        }
        anomalies
    }
}

/// Returns the anomaly that some reasons make, if there are any.
fn anomaly(reasons: Vec<Reason>, path: Option<Path>) -> Option<AnomalyInfo> {
    let short_description = match reasons.as_slice() {
        [] => return None,
        [reason] => reason.short_description().to_owned(),
        _ => "Multiple errors".to_owned(),
    };
    let descriptions: Vec<&str> = reasons.iter().map(Reason::description).collect();
    Some(AnomalyInfo {
        path,
        severity: Some(Severity::Error.into()),
        description: Some(descriptions.join(" ")),
        short_description: Some(short_description),
        diff_regions: Vec::new(),
        reason: reasons,
    })
}
