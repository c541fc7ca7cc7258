//! ExampleValidator: statistics held against the schema, and against earlier and served data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use artifact::{
    Artifact, CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, Problem,
    RunContext, types,
};
use base::{BoxError, Classify};
use formats::metadata::feature::DomainInfo;
use formats::metadata::{Anomalies, DatasetFeatureStatisticsList, Feature, Schema};
use schema::{CustomValidations, SeverityOverride, SliceControls, ValidateOptions, default_slice};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::anomalies::{FailOn, answer, count_findings, write_anomalies};
use crate::config::{read, schema_of};
use crate::ports::{keep_splits, pass_on, required, split_properties};
use crate::view::{SCHEMA_FILE, make_split_dir, read_statistics};
use crate::{ComponentError, custom, distances};

/// Finds anomalies: where the statistics of a split do not fit the schema.
///
/// The schema's drift comparators compare a split with the one of the same name in `previous_statistics`, its skew
/// comparators with the one in `serving_statistics`; where these have one split only, with that.
pub struct ExampleValidator;

/// What is looked at, how serious it is, and what stops the pipeline.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Splits to leave alone.
    exclude_splits: Vec<String>,
    /// The environment whose features are expected, such as `TRAINING`; all features where not given. It has to be
    /// one of the schema's `default_environment`.
    environment: Option<String>,
    /// How serious some types of anomalies are, by their names: `{ SCHEMA_NEW_COLUMN = "warning" }`. All others are
    /// errors.
    severity_overrides: BTreeMap<String, Seriousness>,
    /// Whether columns that the schema does not have are warnings rather than errors.
    new_features_are_warnings: bool,
    /// A file of custom validations, `CustomValidationConfig` as text: conditions on the statistics of features, such as
    /// `feature.num_stats.max < 100`, each with a severity and a description. `feature_pair_validations` compare with
    /// `previous_statistics`.
    custom_validation_config: Option<String>,
    /// The least severity that keeps later nodes from running; by default anomalies stop nothing.
    fail_on: FailOn,
}

/// How serious an anomaly is.
#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Seriousness {
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

impl Config {
    /// Returns the overrides, or what is wrong with them by their keys.
    fn overrides(&self) -> Result<Vec<SeverityOverride>, Vec<(&str, schema::SchemaError)>> {
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for (kind, severity) in &self.severity_overrides {
            let severity = match severity {
                Seriousness::Warning => "WARNING",
                Seriousness::Error => "ERROR",
            };
            match SeverityOverride::from_names(kind, severity) {
                Ok(it) => found.push(it),
                Err(error) => errors.push((kind.as_str(), error)),
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(errors) }
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
        3
    }

    fn description(&self) -> &'static str {
        "Finds anomalies: statistics that do not fit the schema, or drift from earlier or served data."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("statistics", types::EXAMPLE_STATISTICS),
                Input::required("schema", types::SCHEMA),
                Input::optional("previous_statistics", types::EXAMPLE_STATISTICS),
                Input::optional("serving_statistics", types::EXAMPLE_STATISTICS),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "anomalies", artifact_type: types::EXAMPLE_ANOMALIES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = pass_on(context, "statistics", "anomalies");
        let Ok(config) = read::<Config>(config) else { return checked };
        if let Err(errors) = config.overrides() {
            checked.problems.extend(errors.into_iter().map(|(kind, error)| Problem {
                key: format!("severity_overrides.{kind}"),
                offset: None,
                hint: error.hint(),
                message: error.to_string(),
            }));
        }
        if let Some(file) = &config.custom_validation_config {
            let (validations, problems) = custom::check(&context.base_dir.join(file));
            checked.problems.extend(problems);
            let needs_base = validations.is_some_and(|it| it.needs_base());
            if needs_base && !context.inputs.contains_key("previous_statistics") {
                checked.problems.push(Problem {
                    key: custom::KEY.to_owned(),
                    offset: None,
                    message: format!(
                        "{file}: `feature_pair_validations` compare with earlier statistics, and there are none"
                    ),
                    hint: Some("wire `inputs.previous_statistics`".to_owned()),
                });
            }
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let config: Config = read(config)?;
        Ok(config.custom_validation_config.iter().map(|file| base_dir.join(file)).collect())
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
        let overrides = config.overrides().map_err(first_error)?;
        let artifact = required(context, "statistics")?;
        let schema = schema::read_schema(&required(context, "schema")?.uri.join(SCHEMA_FILE))?;
        let previous = Control::read("previous_statistics", context.input("previous_statistics"))?;
        let serving = Control::read("serving_statistics", context.input("serving_statistics"))?;
        let options = ValidateOptions {
            environment: config.environment.as_deref(),
            new_features_are_warnings: config.new_features_are_warnings,
            severity_overrides: &overrides,
            ..ValidateOptions::default()
        };
        let names = keep_splits(artifact, &config.exclude_splits)?;
        let custom = match &config.custom_validation_config {
            None => None,
            Some(file) => Some(CustomValidations::read(&context.base_dir.join(file))?),
        };
        let has_pairs = custom.as_ref().is_some_and(CustomValidations::needs_base);

        let mut findings = Vec::new();
        let mut measured = Vec::new();
        let mut blessed = serde_json::Map::new();
        for (split, list) in read_statistics(artifact)? {
            if !names.contains(&split) {
                continue;
            }
            let controls = SliceControls {
                previous: previous.of(&split),
                serving: serving.of(&split),
                previous_version: None,
            };
            let mut anomalies = validate(&list, &schema, &options, &controls)?;
            if let Some(custom) = &custom {
                // What cannot be compared is told below, as it is of drift.
                let singles = controls.previous.is_none().then(|| custom.without_pairs());
                singles.as_ref().unwrap_or(custom).add_to(
                    &mut anomalies,
                    &list,
                    controls.previous,
                    options.environment,
                    &overrides,
                )?;
            }
            let distances = schema::distances(&anomalies);
            let dir = make_split_dir(&context.outputs["anomalies"], &split)?;
            write_anomalies(&dir, &anomalies, &distances, None)?;
            let found = schema::findings(&anomalies);
            blessed.insert(split.clone(), u8::from(found.is_empty()).into());
            findings.push((format!("split `{split}`"), found));
            measured.extend(distances);
        }

        let mut output = split_properties(artifact, &names);
        let blessed = Value::Object(blessed).to_string();
        output.custom_properties.insert("blessed".to_owned(), blessed.into());
        let mut summary = count_findings(findings.iter().flat_map(|(_, found)| found));
        let notes = [
            distances::largest(&measured),
            previous.note("drift", asks_for_drift(&schema), &names),
            serving.note(
                "skew",
                asks_for(&schema.feature, |it| it.skew_comparator.is_some()),
                &names,
            ),
            previous.note("custom validations of pairs", has_pairs, &names),
        ];
        for note in notes.into_iter().flatten() {
            summary.push_str("; ");
            summary.push_str(&note);
        }
        Ok(Outcome {
            properties: [("anomalies", output)].into(),
            summary,
            answer: answer(&findings, config.fail_on),
        })
    }
}

/// The statistics that others are compared with, split by split.
struct Control {
    input: &'static str,
    splits: Vec<(String, DatasetFeatureStatisticsList)>,
}

impl Control {
    fn read(input: &'static str, artifact: Option<&Artifact>) -> Result<Self, ComponentError> {
        let splits = artifact.map(read_statistics).transpose()?.unwrap_or_default();
        Ok(Self { input, splits })
    }

    /// Returns the split of that name, or the only one.
    fn of(&self, split: &str) -> Option<&DatasetFeatureStatisticsList> {
        let same = self.splits.iter().find(|(name, _)| name == split);
        let found = same.or(match self.splits.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        found.map(|(_, list)| list)
    }

    /// Says what was not compared though the schema asks for it.
    fn note(&self, what: &str, is_asked_for: bool, names: &[String]) -> Option<String> {
        let missing: Vec<String> = names
            .iter()
            .filter(|split| self.of(split).is_none())
            .map(|split| format!("`{split}`"))
            .collect();
        match (is_asked_for, self.splits.is_empty(), missing.as_slice()) {
            (false, ..) | (_, _, []) => None,
            (_, true, _) => Some(format!("{what} not measured: no `{}`", self.input)),
            (_, _, missing) => Some(format!(
                "{what} not measured of {}: not in `{}`",
                missing.join(", "),
                self.input
            )),
        }
    }
}

/// Holds all examples against the schema, and where there are earlier statistics each slice with its own, too.
fn validate(
    list: &DatasetFeatureStatisticsList,
    schema: &Schema,
    options: &ValidateOptions<'_>,
    controls: &SliceControls<'_>,
) -> Result<Anomalies, schema::SchemaError> {
    let is_compared = controls.previous.is_some() || controls.serving.is_some();
    if is_compared && list.datasets.len() > 1 {
        return schema::validate_slices(list, schema, options, controls);
    }
    let options = ValidateOptions {
        previous: controls.previous.map(default_slice).transpose()?,
        serving: controls.serving.map(default_slice).transpose()?,
        ..*options
    };
    schema::validate_statistics(default_slice(list)?, schema, &options)
}

fn asks_for_drift(schema: &Schema) -> bool {
    let constraints = schema.dataset_constraints.as_ref();
    constraints.is_some_and(|it| it.num_examples_drift_comparator.is_some())
        || asks_for(&schema.feature, |feature| feature.drift_comparator.is_some())
}

fn asks_for(features: &[Feature], asks: fn(&Feature) -> bool) -> bool {
    features.iter().any(|feature| match &feature.domain_info {
        Some(DomainInfo::StructDomain(domain)) => asks(feature) || asks_for(&domain.feature, asks),
        _ => asks(feature),
    })
}

/// The check before the run finds them all.
fn first_error(errors: Vec<(&str, schema::SchemaError)>) -> BoxError {
    let mut errors = errors.into_iter();
    let (_, error) = errors.next().expect("there is an error, or there were overrides");
    error.into()
}
