//! ExampleValidator: statistics held against the schema.

use artifact::{
    Answer, CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, RunContext,
    types,
};
use base::BoxError;
use formats::metadata::anomaly_info::Severity;
use formats::{Message, text};
use schema::{Finding, ValidateOptions};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{read, schema_of};
use crate::ports::{keep_splits, pass_on, required, split_properties};
use crate::view::{ANOMALIES_FILE, SCHEMA_FILE, make_split_dir, read_statistics, write};

/// How many findings of a split are shown when a pipeline stops; the artifact has them all.
const SHOWN: usize = 20;

/// Finds anomalies: where the statistics of a split do not fit the schema.
pub struct ExampleValidator;

/// What is looked at, and what stops the pipeline.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Splits to leave alone.
    exclude_splits: Vec<String>,
    /// The environment whose features are expected, such as `TRAINING`; all features where not given.
    environment: Option<String>,
    /// The least severity that keeps later nodes from running; by default anomalies stop nothing.
    fail_on: FailOn,
}

/// What stops the pipeline.
#[derive(Deserialize, JsonSchema, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FailOn {
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

impl Component for ExampleValidator {
    fn name(&self) -> &'static str {
        "ExampleValidator"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.example_validator.component.ExampleValidator"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Finds anomalies: statistics that do not fit the schema."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input {
                    key: "statistics",
                    artifact_type: types::EXAMPLE_STATISTICS,
                    required: true,
                    default_provider: None,
                },
                Input {
                    key: "schema",
                    artifact_type: types::SCHEMA,
                    required: true,
                    default_provider: None,
                },
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "anomalies", artifact_type: types::EXAMPLE_ANOMALIES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, _config: &Value, context: &CheckContext<'_>) -> Checked {
        pass_on(context, "statistics", "anomalies")
    }

    fn is_gate(&self, config: &Value) -> bool {
        read::<Config>(config).is_ok_and(|config| config.fail_on != FailOn::Never)
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for ExampleValidator {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let artifact = required(context, "statistics")?;
        let schema = schema::read_schema(&required(context, "schema")?.uri.join(SCHEMA_FILE))?;
        let options =
            ValidateOptions { environment: config.environment.as_deref(), ..Default::default() };
        let names = keep_splits(artifact, &config.exclude_splits)?;

        let mut findings = Vec::new();
        let mut blessed = serde_json::Map::new();
        for (split, list) in read_statistics(artifact)? {
            if !names.contains(&split) {
                continue;
            }
            let dir = make_split_dir(&context.outputs["anomalies"], &split)?;
            for statistics in &list.datasets {
                let anomalies = schema::validate_statistics(statistics, &schema, &options)?;
                write(&dir.join(ANOMALIES_FILE), anomalies.encode_to_vec())?;
                write(&dir.join("anomalies.pbtxt"), text::print(&anomalies))?;
                let found = schema::findings(&anomalies);
                blessed.insert(split.clone(), u8::from(found.is_empty()).into());
                findings.push((split.clone(), found));
            }
        }

        let mut output = split_properties(artifact, &names);
        let blessed = Value::Object(blessed).to_string();
        output.custom_properties.insert("blessed".to_owned(), blessed.into());
        Ok(Outcome {
            properties: [("anomalies", output)].into(),
            summary: count_findings(findings.iter().flat_map(|(_, found)| found)),
            answer: answer(&findings, config.fail_on),
        })
    }
}

/// Says no when there are anomalies, and stops later nodes when one is severe enough.
fn answer(findings: &[(String, Vec<Finding>)], fail_on: FailOn) -> Answer {
    let stop = findings.iter().flat_map(|(_, found)| found).any(|f| fail_on.stops(f.severity));
    if !stop {
        return Answer::Yes;
    }
    let mut lines = Vec::new();
    for (split, found) in findings.iter().filter(|(_, found)| !found.is_empty()) {
        lines.push(format!("anomalies: {} in split `{split}`", count_findings(found)));
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
