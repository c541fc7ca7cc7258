//! DistributionValidator: the distributions of some data held against those of other data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use artifact::{
    Artifact, CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind,
    Outcome, Output, OutputProperties, Problem, RunContext, types,
};
use base::{BoxError, nearest};
use formats::metadata::feature_name_statistics::FieldId;
use formats::metadata::{
    DatasetFeatureStatistics, DatasetFeatureStatisticsList, FeatureComparator, HistogramSelection,
    InfinityNorm, JensenShannonDivergence, NormalizedAbsoluteDifference, NumericValueComparator,
    histogram_selection,
};
use schema::{Blessing, CustomValidations, DistributionConfig, default_slice};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::anomalies::{FailOn, answer, count_findings, write_anomalies};
use crate::config::{read, schema_of};
use crate::pairs::{self, Pair, split_pairs};
use crate::ports::{pass_on, required, split_properties};
use crate::view::{make_pair_dir, read_statistics};
use crate::{ComponentError, custom, distances};

/// Compares the distributions of features with those of a baseline, by default the data before.
///
/// Every distance that is measured is written down and shown, whether or not it is too large. Without a baseline
/// nothing is compared, which the property `blessed` says as 2.
pub struct DistributionValidator;

/// Which distributions may be how far apart.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The features that are compared, each with one threshold or more. A feature below a struct is named by the
    /// path to it, with dots.
    features: BTreeMap<String, Thresholds>,
    /// How much the number of examples may change.
    num_examples_comparator: Option<NumExamples>,
    /// The pairs of splits that are compared, that of the baseline second: `[["eval", "train"]]`. Without it, splits
    /// of the same name.
    include_split_pairs: Vec<Pair>,
    /// A file of custom validations, `CustomValidationConfig` as text: conditions on the statistics of features, and on
    /// pairs of features of the data and the baseline, such as
    /// `feature_test.num_stats.mean < 2 * feature_base.num_stats.mean`.
    custom_validation_config: Option<String>,
    /// The least severity that keeps later nodes from running; by default anomalies stop nothing.
    fail_on: FailOn,
}

/// How far apart a feature's distributions may be. A distance of exactly the threshold is allowed.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Thresholds {
    /// Of texts: by how much the share of any one value may change.
    #[schemars(range(min = 0.0))]
    infinity_norm: Option<f64>,
    /// Of numbers or texts: the Jensen-Shannon divergence, between 0 and 1.
    #[schemars(range(min = 0.0))]
    jensen_shannon_divergence: Option<f64>,
    /// Of texts: by how much the count of any one value may change, as a share of all values of both sides.
    #[schemars(range(min = 0.0))]
    normalized_abs_difference: Option<f64>,
    /// The histograms of numbers that the divergence compares: those of equal width, or the quantiles.
    histogram: Option<Histogram>,
}

/// Which histograms of numbers are compared.
#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Histogram {
    /// Buckets of equal width.
    Standard,
    /// Buckets of equal count.
    Quantiles,
}

/// How many times as many examples there may be as in the baseline.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct NumExamples {
    /// At least so many times as many, such as 0.5.
    #[schemars(range(min = 0.0))]
    min_fraction_threshold: Option<f64>,
    /// At most so many times as many, such as 2.0.
    #[schemars(range(min = 0.0))]
    max_fraction_threshold: Option<f64>,
}

impl Thresholds {
    fn comparator(&self) -> FeatureComparator {
        let source = self.histogram.map(|histogram| {
            let kind = match histogram {
                Histogram::Standard => histogram_selection::Type::Standard,
                Histogram::Quantiles => histogram_selection::Type::Quantiles,
            };
            HistogramSelection { r#type: Some(kind.into()) }
        });
        FeatureComparator {
            infinity_norm: self
                .infinity_norm
                .map(|threshold| InfinityNorm { threshold: Some(threshold) }),
            jensen_shannon_divergence: self
                .jensen_shannon_divergence
                .map(|threshold| JensenShannonDivergence { threshold: Some(threshold), source }),
            normalized_abs_difference: self
                .normalized_abs_difference
                .map(|threshold| NormalizedAbsoluteDifference { threshold: Some(threshold) }),
        }
    }

    /// Returns what is wrong: the key within the feature's table, and what to say.
    fn check(&self, name: &str, kind: Option<FeatureKind>) -> Vec<(&'static str, String)> {
        let measures = [
            ("infinity_norm", self.infinity_norm),
            ("jensen_shannon_divergence", self.jensen_shannon_divergence),
            ("normalized_abs_difference", self.normalized_abs_difference),
        ];
        let mut problems = Vec::new();
        if measures.iter().all(|(_, threshold)| threshold.is_none()) {
            let message = format!(
                "`{name}` has no threshold, expected one of `infinity_norm`, `jensen_shannon_divergence` or \
                 `normalized_abs_difference`"
            );
            problems.push(("", message));
        }
        for (measure, threshold) in measures {
            let Some(threshold) = threshold else { continue };
            if !(threshold >= 0.0 && threshold.is_finite()) {
                problems.push((measure, format!("{threshold}, expected a number of 0 or more")));
            }
            let is_divergence = measure == "jensen_shannon_divergence";
            match kind {
                Some(FeatureKind::Int | FeatureKind::Float) if !is_divergence => {
                    let message = format!(
                        "compares how often each value was seen, but `{name}` is a number: expected \
                         `jensen_shannon_divergence`"
                    );
                    problems.push((measure, message));
                }
                Some(FeatureKind::Struct) => {
                    let message = format!(
                        "`{name}` has nested features, expected numbers or text: compare those below it"
                    );
                    problems.push((measure, message));
                }
                _ => {}
            }
        }
        if self.histogram.is_some() {
            if self.jensen_shannon_divergence.is_none() {
                let message = "has no use without `jensen_shannon_divergence`".to_owned();
                problems.push(("histogram", message));
            } else if kind == Some(FeatureKind::Bytes) {
                let message = format!("`{name}` is text, which has no histograms of numbers");
                problems.push(("histogram", message));
            }
        }
        problems
    }
}

impl NumExamples {
    fn check(&self) -> Option<String> {
        let (min, max) = (self.min_fraction_threshold, self.max_fraction_threshold);
        let mut given = [min, max].into_iter().flatten();
        if min.is_none() && max.is_none() {
            return Some(
                "has no threshold, expected `min_fraction_threshold` or `max_fraction_threshold`"
                    .to_owned(),
            );
        }
        if let Some(bad) = given.find(|threshold| !(*threshold >= 0.0 && threshold.is_finite())) {
            return Some(format!("{bad}, expected a number of 0 or more"));
        }
        match (min, max) {
            (Some(min), Some(max)) if min > max => Some(format!(
                "no number of examples is at least {min} and at most {max} times as many"
            )),
            _ => None,
        }
    }
}

impl Config {
    /// Returns what is compared. A name is a feature's own if either side has one of it, and a path otherwise.
    fn distributions(
        &self,
        statistics: &DatasetFeatureStatistics,
        baseline: &DatasetFeatureStatistics,
    ) -> DistributionConfig {
        let path = |name: &String| {
            let is_name = has_feature(statistics, name) || has_feature(baseline, name);
            if is_name { vec![name.clone()] } else { name.split('.').map(str::to_owned).collect() }
        };
        let features = self.features.iter();
        let num_examples = self.num_examples_comparator.as_ref();
        DistributionConfig {
            features: features.map(|(name, it)| (path(name), it.comparator())).collect(),
            num_examples: num_examples.map(|it| NumericValueComparator {
                min_fraction_threshold: it.min_fraction_threshold,
                max_fraction_threshold: it.max_fraction_threshold,
            }),
        }
    }
}

impl Component for DistributionValidator {
    fn name(&self) -> &'static str {
        "DistributionValidator"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.distribution_validator.component.DistributionValidator"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Compares the distributions of features with those of earlier data."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("statistics", types::EXAMPLE_STATISTICS),
                Input::provided(
                    "baseline_statistics",
                    types::EXAMPLE_STATISTICS,
                    "LatestStatistics",
                ),
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
        let mut add = |key: String, message: String, hint: Option<String>| {
            checked.problems.push(Problem { key, offset: None, message, hint });
        };
        let has_comparator =
            !config.features.is_empty() || config.num_examples_comparator.is_some();
        if !has_comparator && config.custom_validation_config.is_none() {
            let message = "nothing is compared, expected `features`, `num_examples_comparator` or `custom_validation_config`";
            let hint = "such as `features.fare.jensen_shannon_divergence = 0.1`";
            add(String::new(), message.to_owned(), Some(hint.to_owned()));
        }
        let known = context.inputs.get("statistics").cloned().flatten();
        for (name, thresholds) in &config.features {
            let kind = match known.as_deref().map(|known| kind_of(name, known)) {
                Some(Err(nearest)) => {
                    let hint = nearest.map(|name| format!("did you mean `{name}`?"));
                    add(format!("features.{name}"), format!("no feature `{name}`"), hint);
                    None
                }
                Some(Ok(kind)) => kind,
                None => None,
            };
            for (key, message) in thresholds.check(name, kind) {
                let key = if key.is_empty() { String::new() } else { format!(".{key}") };
                add(format!("features.{name}{key}"), message, None);
            }
        }
        if let Some(message) = config.num_examples_comparator.as_ref().and_then(NumExamples::check)
        {
            add("num_examples_comparator".to_owned(), message, None);
        }
        if let Some(file) = &config.custom_validation_config {
            checked.problems.extend(custom::check(&context.base_dir.join(file)).1);
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

impl Executor for DistributionValidator {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let artifact = required(context, "statistics")?;
        let Some(baseline) = context.input("baseline_statistics") else {
            let code = Blessing::NoBaseline.code();
            let blessed = artifact.split_names().into_iter().map(|split| (split, code)).collect();
            return Ok(Outcome {
                properties: [(
                    "anomalies",
                    with_blessing(split_properties(artifact, &[]), &blessed),
                )]
                .into(),
                summary: "nothing was compared: there are no earlier statistics".to_owned(),
                ..Outcome::default()
            });
        };
        let pairs =
            split_pairs(artifact, baseline, &config.include_split_pairs, pairs::Default::SameName)?;
        let (all, all_before) = (read_statistics(artifact)?, read_statistics(baseline)?);
        let custom = match &config.custom_validation_config {
            None => None,
            Some(file) => Some(CustomValidations::read(&context.base_dir.join(file))?),
        };
        let mut findings = Vec::new();
        let mut measured = Vec::new();
        let mut blessed = BTreeMap::new();
        for (done, pair) in pairs.iter().enumerate() {
            let name = pairs::name(pair);
            context.progress.report(done as u64, pairs.len() as u64, &name);
            let slices = of_split(artifact, &all, &pair[0])?;
            let slices_before = of_split(baseline, &all_before, &pair[1])?;
            let (statistics, before) = (default_slice(slices)?, default_slice(slices_before)?);
            let distributions = config.distributions(statistics, before);
            let mut report =
                schema::validate_distributions(statistics, Some(before), &distributions)?;
            if let Some(custom) = &custom {
                let anomalies = &mut report.anomalies;
                custom.add_to(anomalies, slices, Some(slices_before), None, &[])?;
                report.blessing = match report.blessing {
                    Blessing::Blessed if !anomalies.anomaly_info.is_empty() => Blessing::NotBlessed,
                    known => known,
                };
            }
            let dir = make_pair_dir(&context.outputs["anomalies"], &name)?;
            write_anomalies(&dir, &report.anomalies, &report.distances, report.num_examples_ratio)?;
            blessed.insert(name, report.blessing.code());
            let place = format!("split `{}` against `{}` of the baseline", pair[0], pair[1]);
            findings.push((place, schema::findings(&report.anomalies)));
            measured.extend(report.distances);
        }
        let names: Vec<String> = pairs.iter().map(pairs::name).collect();
        let output = with_blessing(split_properties(artifact, &names), &blessed);
        let mut summary = count_findings(findings.iter().flat_map(|(_, found)| found));
        if let Some(largest) = distances::largest(&measured) {
            summary.push_str("; ");
            summary.push_str(&largest);
        }
        Ok(Outcome {
            properties: [("anomalies", output)].into(),
            summary,
            answer: answer(&findings, config.fail_on),
        })
    }
}

fn with_blessing(
    mut output: OutputProperties,
    blessed: &BTreeMap<String, i64>,
) -> OutputProperties {
    let blessed = Value::from_iter(blessed.iter().map(|(name, &code)| (name.clone(), code)));
    output.custom_properties.insert("blessed".to_owned(), blessed.to_string().into());
    output
}

/// Returns the statistics of a split: of all examples, and of slices.
fn of_split<'a>(
    artifact: &Artifact,
    splits: &'a [(String, DatasetFeatureStatisticsList)],
    name: &str,
) -> Result<&'a DatasetFeatureStatisticsList, BoxError> {
    let found = splits.iter().find(|(split, _)| split == name);
    let (_, list) = found.ok_or_else(|| ComponentError::NoSplits { path: artifact.uri.clone() })?;
    Ok(list)
}

fn has_feature(statistics: &DatasetFeatureStatistics, name: &str) -> bool {
    statistics.features.iter().any(|feature| match &feature.field_id {
        Some(FieldId::Path(path)) => path.step == [name],
        Some(FieldId::Name(other)) => other == name,
        None => false,
    })
}

/// Returns the type of a feature, as far as it is known; or the nearest name, if there is no such feature.
fn kind_of(name: &str, known: &[FeatureInfo]) -> Result<Option<FeatureKind>, Option<String>> {
    if let Some(feature) = known.iter().find(|feature| feature.name == name) {
        return Ok(feature.kind);
    }
    // What is below a struct is not known before the run.
    let top = name.split('.').next().unwrap_or(name);
    if top != name && known.iter().any(|feature| feature.name == top) {
        return Ok(None);
    }
    Err(nearest(name, known.iter().map(|feature| feature.name.as_str())).map(str::to_owned))
}
