//! Statistics compared with a schema.

use std::collections::BTreeMap;

use formats::metadata::anomalies::{AnomalyNameFormat, BaselineSchema};
use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::{
    Anomalies, AnomalyInfo, DatasetFeatureStatistics, DriftSkewInfo, Path, Schema,
};

use crate::dataset::relax_dataset;
use crate::lookup;
use crate::options::Controls;
use crate::relax::{Context, composite_reasons, is_deprecated, reason, relax_feature};
use crate::text::serialize_path;
use crate::view::{DatasetView, FeatureView, is_weighted};
use crate::{SchemaError, ValidateOptions};

/// Returns what in some statistics a schema does not allow, and every distance that it asks to measure.
///
/// Each anomaly is of one feature, keyed by its path, with a reason for each edit that the schema would
/// need; those of the dataset as a whole stand apart. All are errors unless the options say otherwise. The
/// schema is repeated in the result. Without examples nothing is compared, and `data_missing` says so. Weighted statistics are looked at if
/// all features have them.
///
/// # Errors
///
/// [`SchemaError::UnknownEnvironment`], and [`SchemaError::DuplicateStatistics`] when two statistics of a
/// dataset are of one feature.
///
/// # Source
///
/// As TensorFlow Data Validation's `validate_statistics`, to the wording, with the exceptions that
/// `docs/compatibility.md` lists.
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
    options.check_environment(schema)?;
    let baseline_schema = Some(BaselineSchema::Baseline(schema.clone()));
    if statistics.num_examples == 0 {
        return Ok(Anomalies { baseline_schema, data_missing: Some(true), ..Anomalies::default() });
    }
    let by_weight = is_weighted(statistics);
    let dataset = DatasetView::new(statistics, by_weight)?;
    let controls = Controls::new(options, by_weight)?;
    let context = controls.context(options, &schema.default_environment);

    let mut validation = Validation { schema, context, dataset: &dataset, found: BTreeMap::new() };
    for feature in dataset.features.iter().filter(|feature| feature.is_root) {
        validation.visit(feature);
    }
    for path in lookup::missing_paths(schema, &dataset, &context) {
        let missing =
            reason(Type::SchemaMissingColumn, "Column dropped", "Column is completely missing");
        validation.found(&path).reasons.push(missing);
    }
    let mut constraints = schema.dataset_constraints;
    let reasons = constraints.as_mut().map(|it| relax_dataset(it, &dataset, &context));
    Ok(Anomalies {
        baseline_schema,
        anomaly_name_format: Some(AnomalyNameFormat::SerializedPath.into()),
        dataset_anomaly_info: anomaly(reasons.unwrap_or_default(), None, options),
        ..validation.finish(options)
    })
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

    fn finish(self, options: &ValidateOptions<'_>) -> Anomalies {
        let mut anomalies = Anomalies::default();
        for (step, Found { reasons, mut distances }) in self.found {
            let key = serialize_path(&step.iter().map(String::as_str).collect::<Vec<_>>());
            let path = Path { step };
            if let Some(info) = anomaly(reasons, Some(path.clone()), options) {
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
pub(crate) fn anomaly(
    reasons: Vec<Reason>,
    path: Option<Path>,
    options: &ValidateOptions<'_>,
) -> Option<AnomalyInfo> {
    let last = reasons.last()?;
    // A reason may have nothing to add to its short description.
    let described: Vec<&Reason> =
        reasons.iter().filter(|reason| !reason.description().is_empty()).collect();
    let short_description = match described.as_slice() {
        [] => last.short_description(),
        [reason] => reason.short_description(),
        _ => "Multiple errors",
    };
    let descriptions: Vec<&str> = described.iter().map(|reason| reason.description()).collect();
    Some(AnomalyInfo {
        path,
        severity: Some(options.severity(&reasons).into()),
        description: Some(descriptions.join(" ")),
        short_description: Some(short_description.to_owned()),
        diff_regions: Vec::new(),
        reason: reasons,
    })
}
