//! Anomalies and feature types, flattened for tables.

use formats::metadata::anomaly_info::Severity;
use formats::metadata::{Anomalies, AnomalyInfo, FeatureType, Path, Schema};

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

/// Returns the top-level features and their types, in the schema's order.
pub fn feature_types(schema: &Schema) -> Vec<(String, FeatureType)> {
    schema.feature.iter().map(|feature| (feature.name().to_owned(), feature.r#type())).collect()
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
