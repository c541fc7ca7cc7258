//! One dataset compared with another by distributions alone, without a schema that a person keeps.

use std::collections::BTreeMap;

use formats::metadata::anomalies::AnomalyNameFormat;
use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::{
    Anomalies, AnomalyInfo, DatasetFeatureStatistics, FeatureComparator, NumericValueComparator,
    Path,
};

use crate::dataset::ratio;
use crate::findings::{Distance, distances};
use crate::relax::reason;
use crate::text::serialize_path;
use crate::validate::anomaly;
use crate::view::{DatasetView, is_weighted};
use crate::{InferConfig, SchemaError, ValidateOptions, infer_schema, lookup, validate_statistics};

/// Which distributions may be how far apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DistributionConfig {
    /// The features that are compared, by path.
    pub features: BTreeMap<Vec<String>, FeatureComparator>,
    /// How much the number of examples may change.
    pub num_examples: Option<NumericValueComparator>,
}

/// Whether the distributions are near enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blessing {
    /// Some are not, or could not be compared.
    NotBlessed,
    /// All are.
    Blessed,
    /// There was nothing to compare with, so that nothing was.
    NoBaseline,
}

impl Blessing {
    /// Returns the number that TFX records for it.
    pub fn code(self) -> i64 {
        match self {
            Self::NotBlessed => 0,
            Self::Blessed => 1,
            Self::NoBaseline => 2,
        }
    }
}

/// What came of comparing two datasets.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionReport {
    /// Whether the distributions are near enough.
    pub blessing: Blessing,
    /// What is too far apart or could not be compared; the measurements of all features are in it.
    pub anomalies: Anomalies,
    /// The same measurements, flattened.
    pub distances: Vec<Distance>,
    /// How many times as many examples there are as in the baseline, unless that has none.
    pub num_examples_ratio: Option<f64>,
}

/// The types of anomalies that come of comparing; all others are for a schema to find.
const COMPARISONS: [Type; 8] = [
    Type::ComparatorControlDataMissing,
    Type::ComparatorTreatmentDataMissing,
    Type::ComparatorLInftyHigh,
    Type::ComparatorJensenShannonDivergenceHigh,
    Type::ComparatorNormalizedAbsoluteDifferenceHigh,
    Type::ComparatorLowNumExamples,
    Type::ComparatorHighNumExamples,
    Type::StatsNotAvailable,
];

/// Compares two datasets by the distributions of some of their features.
///
/// A feature that could not be compared, because either dataset lacks it or a comparator does not apply to
/// it, is an anomaly of type `STATS_NOT_AVAILABLE`. Data without examples is never blessed. Without a
/// baseline nothing is compared, which is an answer of its own.
///
/// # Errors
///
/// [`SchemaError::NothingToCompare`] when a feature's comparator has no threshold, and
/// [`SchemaError::DuplicateStatistics`].
///
/// # Source
///
/// TFX's DistributionValidator, which besides forgets the normalized absolute difference, and blesses
/// L-infinity distances of numbers and data without examples, see `docs/compatibility.md`.
pub fn validate_distributions(
    statistics: &DatasetFeatureStatistics,
    baseline: Option<&DatasetFeatureStatistics>,
    config: &DistributionConfig,
) -> Result<DistributionReport, SchemaError> {
    for (path, comparator) in &config.features {
        if !has_threshold(comparator) {
            return Err(SchemaError::NothingToCompare { feature: serialize(path) });
        }
    }
    let Some(baseline) = baseline else {
        return Ok(DistributionReport {
            blessing: Blessing::NoBaseline,
            anomalies: Anomalies::default(),
            distances: Vec::new(),
            num_examples_ratio: None,
        });
    };
    let mut schema = infer_schema(baseline, &InferConfig::default())?;
    for (path, comparator) in &config.features {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(feature) = lookup::feature_mut(&mut schema.feature, &path) {
            feature.drift_comparator = Some(*comparator);
        }
    }
    if let Some(comparator) = &config.num_examples {
        schema.dataset_constraints.get_or_insert_default().num_examples_drift_comparator =
            Some(*comparator);
    }
    let options = ValidateOptions { previous: Some(baseline), ..ValidateOptions::default() };
    let mut anomalies = validate_statistics(statistics, &schema, &options)?;
    anomalies.anomaly_name_format = Some(AnomalyNameFormat::SerializedPath.into());
    keep_comparisons(&mut anomalies, &options);
    add_missing(&mut anomalies, config, &options);

    let is_clean = anomalies.anomaly_info.is_empty()
        && anomalies.dataset_anomaly_info.is_none()
        && !anomalies.data_missing();
    let by_weight = is_weighted(statistics);
    let num_examples = DatasetView::new(statistics, by_weight)?.num_examples;
    let num_before = DatasetView::new(baseline, by_weight)?.num_examples;
    Ok(DistributionReport {
        blessing: if is_clean { Blessing::Blessed } else { Blessing::NotBlessed },
        distances: distances(&anomalies),
        anomalies,
        num_examples_ratio: ratio(num_examples, num_before),
    })
}

fn has_threshold(comparator: &FeatureComparator) -> bool {
    let FeatureComparator { infinity_norm, jensen_shannon_divergence, normalized_abs_difference } =
        comparator;
    infinity_norm.as_ref().is_some_and(|it| it.threshold.is_some())
        || jensen_shannon_divergence.as_ref().is_some_and(|it| it.threshold.is_some())
        || normalized_abs_difference.as_ref().is_some_and(|it| it.threshold.is_some())
}

fn serialize(path: &[String]) -> String {
    serialize_path(&path.iter().map(String::as_str).collect::<Vec<_>>())
}

fn keep_comparisons(anomalies: &mut Anomalies, options: &ValidateOptions<'_>) {
    let keep = |info: AnomalyInfo| {
        let AnomalyInfo { path, mut reason, .. } = info;
        reason.retain(|reason| COMPARISONS.contains(&reason.r#type()));
        anomaly(reason, path, options)
    };
    let all = std::mem::take(&mut anomalies.anomaly_info);
    anomalies.anomaly_info =
        all.into_iter().filter_map(|(key, info)| Some((key, keep(info)?))).collect();
    anomalies.dataset_anomaly_info = anomalies.dataset_anomaly_info.take().and_then(keep);
}

/// Names the features that nothing was measured of and nothing said about.
fn add_missing(
    anomalies: &mut Anomalies,
    config: &DistributionConfig,
    options: &ValidateOptions<'_>,
) {
    for path in config.features.keys() {
        let key = serialize(path);
        let mut infos = anomalies.drift_skew_info.iter();
        let is_measured =
            infos.any(|info| info.path.as_ref().is_some_and(|found| found.step == *path));
        if is_measured || anomalies.anomaly_info.contains_key(&key) {
            continue;
        }
        let path = Path { step: path.clone() };
        if let Some(info) = anomaly(vec![not_compared()], Some(path), options) {
            anomalies.anomaly_info.insert(key, info);
        }
    }
}

fn not_compared() -> Reason {
    reason(
        Type::StatsNotAvailable,
        "Comparison could not be done.",
        "Validation could not be done, which could be due to missing data, use of a comparator that is not suitable for the feature type, or some other reason.",
    )
}
