//! What the nodes that find anomalies have in common: what stops the pipeline, and how findings are shown.

use artifact::Answer;
use formats::metadata::Anomalies;
use formats::metadata::anomaly_info::Severity;
use formats::{Message, text};
use schema::{Distance, Finding};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

use crate::view::{ANOMALIES_FILE, write};
use crate::{ComponentError, distances};

/// How many findings of a split are shown when a pipeline stops; the artifact has them all.
const SHOWN: usize = 20;

/// What stops the pipeline.
#[derive(Deserialize, JsonSchema, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FailOn {
    /// Nothing does.
    #[default]
    Never,
    /// An anomaly that is a warning or worse.
    Warning,
    /// An anomaly that is an error.
    Error,
}

impl FailOn {
    fn stops(self, severity: Severity) -> bool {
        match self {
            Self::Never => false,
            Self::Warning => matches!(severity, Severity::Warning | Severity::Error),
            Self::Error => severity == Severity::Error,
        }
    }
}

/// Writes anomalies in both forms, and the distances among them.
pub(crate) fn write_anomalies(
    dir: &Path,
    anomalies: &Anomalies,
    distances: &[Distance],
    num_examples_ratio: Option<f64>,
) -> Result<(), ComponentError> {
    write(&dir.join(ANOMALIES_FILE), anomalies.encode_to_vec())?;
    write(&dir.join("anomalies.pbtxt"), text::print(anomalies))?;
    write(&dir.join(distances::FILE), distances::to_json(distances, num_examples_ratio))
}

/// Says no when there are anomalies, and stops later nodes when one is severe enough.
///
/// `findings` are by what they were found in, such as ``split `eval` ``.
pub(crate) fn answer(findings: &[(String, Vec<Finding>)], fail_on: FailOn) -> Answer {
    let stop = findings.iter().flat_map(|(_, found)| found).any(|f| fail_on.stops(f.severity));
    if !stop {
        return Answer::Yes;
    }
    let mut lines = Vec::new();
    for (place, found) in findings.iter().filter(|(_, found)| !found.is_empty()) {
        lines.push(format!("anomalies: {} in {place}", count_findings(found)));
        lines.extend(table(&found[..found.len().min(SHOWN)]));
        if found.len() > SHOWN {
            lines.push(format!("  and {} more", found.len() - SHOWN));
        }
    }
    Answer::No {
        reason: count_findings(findings.iter().flat_map(|(_, found)| found)),
        details: lines.join("\n"),
        stop: true,
    }
}

/// Returns `2 errors, 1 warning`, or `no anomalies`.
pub fn count_findings<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let (mut errors, mut warnings) = (0, 0);
    for finding in findings {
        if finding.severity == Severity::Error { errors += 1 } else { warnings += 1 }
    }
    let say = |number: usize, word: &str| {
        (number > 0).then(|| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
    };
    let parts: Vec<_> =
        [say(errors, "error"), say(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no anomalies".to_owned() } else { parts.join(", ") }
}

/// Returns aligned lines: severity, feature, short and long description.
fn table(findings: &[Finding]) -> Vec<String> {
    let rows: Vec<[String; 3]> = findings
        .iter()
        .map(|finding| {
            let path = if finding.path.is_empty() { "(dataset)" } else { finding.path.as_str() };
            [
                finding.severity.as_str_name().to_owned(),
                path.to_owned(),
                finding.short_description.clone(),
            ]
        })
        .collect();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    rows.iter()
        .zip(findings)
        .map(|([severity, path, short], finding)| {
            let line = format!(
                "  {severity:first$}  {path:second$}  {short:third$}  {}",
                finding.description
            );
            line.trim_end().to_owned()
        })
        .collect()
}
