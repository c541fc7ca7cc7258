//! Anomalies, measured distances and feature types, flattened for tables.

use formats::metadata::anomaly_info::Severity;
use formats::metadata::drift_skew_info::{Measurement, measurement};
use formats::metadata::feature::ShapeType;
use formats::metadata::{Anomalies, AnomalyInfo, Feature, FeatureType, Path, Schema};

/// One reason of one anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The feature's path, its steps joined by dots; empty for the dataset as a whole.
    pub path: String,
    /// How serious it is.
    pub severity: Severity,
    /// The stable name of the type of anomaly, for example `SCHEMA_MISSING_COLUMN`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub short_description: String,
    /// What was found and expected.
    pub description: String,
}

/// Returns every reason of every anomaly, the most serious first, then by path (the dataset before its
/// features), then as they were found.
pub fn findings(anomalies: &Anomalies) -> Vec<Finding> {
    let dataset = anomalies.dataset_anomaly_info.iter().map(|info| (String::new(), info));
    let features = anomalies.anomaly_info.iter().map(|(key, info)| (path(key, info), info));
    let mut findings: Vec<Finding> = dataset.chain(features).flat_map(flatten).collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.path.cmp(&b.path)));
    findings
}

/// Which datasets a distance is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// The data and the data before.
    Drift,
    /// The data and the data in serving.
    Skew,
}

/// One measured distance, large or small.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// The feature's path, its steps joined by dots.
    pub path: String,
    /// Which datasets are compared.
    pub comparison: Comparison,
    /// The stable name of the measure, for example `L_INFTY`.
    pub measure: &'static str,
    /// How it is computed, with `a` and `b` the two datasets.
    pub formula: &'static str,
    /// The distance.
    pub value: f64,
    /// The distance from which on it is an anomaly; exactly this much is none yet.
    pub threshold: f64,
}

impl Distance {
    /// Returns whether the distance is an anomaly.
    pub fn is_too_large(&self) -> bool {
        self.value > self.threshold
    }
}

/// Returns every distance that a validation measured, by path, drift before skew.
pub fn distances(anomalies: &Anomalies) -> Vec<Distance> {
    let mut distances = Vec::new();
    for info in &anomalies.drift_skew_info {
        let path = info.path.as_ref().map_or_else(String::new, |path| path.step.join("."));
        for (comparison, measurements) in [
            (Comparison::Drift, &info.drift_measurements),
            (Comparison::Skew, &info.skew_measurements),
        ] {
            distances.extend(measurements.iter().map(|measurement| Distance {
                path: path.clone(),
                comparison,
                measure: measurement.r#type().as_str_name(),
                formula: formula(measurement),
                value: measurement.value(),
                threshold: measurement.threshold(),
            }));
        }
    }
    distances
}

fn formula(measurement: &Measurement) -> &'static str {
    match measurement.r#type() {
        measurement::Type::Unknown => "",
        measurement::Type::LInfty => "max over values v of |count_a(v)/sum_a - count_b(v)/sum_b|",
        measurement::Type::JensenShannonDivergence => {
            "(KL(a||m) + KL(b||m)) / 2 in base 2, m = (a + b) / 2, of value frequencies or histograms"
        }
        measurement::Type::NormalizedAbsoluteDifference => {
            "max over values v of |count_a(v) - count_b(v)| / (sum_a + sum_b)"
        }
    }
}

/// Returns the top-level features and their types, in the schema's order.
pub fn feature_types(schema: &Schema) -> Vec<(String, FeatureType)> {
    schema.feature.iter().map(|feature| (feature.name().to_owned(), feature.r#type())).collect()
}

/// Returns whether an example may have many values of a feature, and not at most one, as far as its schema tells.
pub fn is_list(feature: &Feature) -> Option<bool> {
    Some(match feature.shape_type.as_ref()? {
        ShapeType::Shape(shape) => shape.dim.iter().any(|dim| dim.size != Some(1)),
        ShapeType::ValueCount(count) => count.max != Some(1),
        ShapeType::ValueCounts(_) => true,
    })
}

fn path(key: &str, info: &AnomalyInfo) -> String {
    info.path.as_ref().map_or_else(|| key.to_owned(), |Path { step }| step.join("."))
}

fn flatten((path, info): (String, &AnomalyInfo)) -> impl Iterator<Item = Finding> {
    let severity = info.severity();
    info.reason.iter().map(move |reason| Finding {
        path: path.clone(),
        severity,
        code: reason.r#type().as_str_name(),
        short_description: reason.short_description().to_owned(),
        description: reason.description().to_owned(),
    })
}
