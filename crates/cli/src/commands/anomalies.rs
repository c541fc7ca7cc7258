//! `cupola anomalies`: where data did not fit its schema.

use std::collections::BTreeMap;

use base::BoxError;
use components::distance_json;
use schema::{Distance, Finding};
use serde_json::{Value, json};

use crate::args::{AnomaliesCommand, Global, ShowArgs};
use crate::commands::stats::distances_table;
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
    let distances: BTreeMap<String, Vec<Distance>> =
        components::read_distances(&artifact)?.into_iter().collect();
    let measured = |split: &String| distances.get(split).map_or(&[][..], Vec::as_slice);
    if global.json {
        let splits: Vec<_> = splits
            .iter()
            .map(|(split, findings)| {
                let anomalies: Vec<_> = findings.iter().map(finding_json).collect();
                let distances: Vec<_> = measured(split).iter().map(distance_json).collect();
                json!({ "split": split, "anomalies": anomalies, "distances": distances })
            })
            .collect();
        print_json("anomalies", json!({ "artifact": artifact.id, "splits": splits }))?;
        return Ok(outcome);
    }
    let mut parts = Vec::new();
    for (split, findings) in &splits {
        let count = components::count_findings(findings);
        parts.push(format!("split `{split}`: {count}"));
        if !findings.is_empty() {
            parts.push(findings_table(findings));
        }
        if !measured(split).is_empty() {
            parts.push(distances_table(measured(split)));
        }
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
