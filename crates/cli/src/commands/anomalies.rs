//! `cupola anomalies`: where data did not fit its schema.

use base::BoxError;
use schema::Finding;
use serde_json::{Value, json};

use crate::args::{AnomaliesCommand, Global, ShowArgs};
use crate::commands::{artifact_to_show, keep_split};
use crate::error::Outcome;
use crate::output::{print, print_json, table};

/// Runs one of the `anomalies` commands.
pub(crate) fn anomalies(command: &AnomaliesCommand, global: &Global) -> Result<Outcome, BoxError> {
    let AnomaliesCommand::Show(args) = command;
    show(args, global)
}

fn show(args: &ShowArgs, global: &Global) -> Result<Outcome, BoxError> {
    let artifact = artifact_to_show(args, artifact::types::EXAMPLE_ANOMALIES.name)?;
    let splits = components::read_findings(&artifact)?;
    let splits = keep_split(splits, args.split.as_deref(), &artifact)?;
    let any = splits.iter().any(|(_, findings)| !findings.is_empty());
    let outcome = if any { Outcome::No } else { Outcome::Done };
    if global.json {
        let splits: Vec<_> = splits
            .iter()
            .map(|(split, findings)| {
                let anomalies: Vec<_> = findings.iter().map(finding_json).collect();
                json!({ "split": split, "anomalies": anomalies })
            })
            .collect();
        print_json("anomalies", json!({ "artifact": artifact.id, "splits": splits }))?;
        return Ok(outcome);
    }
    let mut parts = Vec::new();
    for (split, findings) in &splits {
        let count = components::count_findings(findings);
        if findings.is_empty() {
            parts.push(format!("split `{split}`: {count}"));
            continue;
        }
        parts.push(format!("split `{split}`: {count}\n\n{}", findings_table(findings)));
    }
    print(&parts.join("\n\n"))?;
    Ok(outcome)
}

/// Returns a table of what was found.
pub(crate) fn findings_table(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        let path = if finding.path.is_empty() { "(dataset)" } else { &finding.path };
        vec![
            finding.severity.as_str_name().to_owned(),
            path.to_owned(),
            finding.short_description.clone(),
            finding.description.clone(),
        ]
    });
    table(&["severity", "feature", "anomaly", "description"], rows.collect(), &[])
}

/// Returns one finding as `--json` shows it.
pub(crate) fn finding_json(finding: &Finding) -> Value {
    json!({
        "feature": finding.path,
        "severity": finding.severity.as_str_name(),
        "type": finding.code,
        "short_description": finding.short_description,
        "description": finding.description,
    })
}
