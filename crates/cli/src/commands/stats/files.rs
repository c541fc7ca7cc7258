//! `cupola stats FILES`: statistics of bare files, in the terminal, as a page or as a message.

use std::path::Path;
use std::sync::Arc;

use base::{BoxError, publish};
use engine::LocalEngine;
use formats::Message;
use formats::metadata::{Anomalies, DatasetFeatureStatistics, Schema};
use schema::{ValidateOptions, findings, validate_statistics};
use serde_json::json;
use statistics::{Config, SliceConfig};

use super::diff::{differences, differences_table};
use super::json::dataset as dataset_json;
use super::{page, table};
use crate::args::{Global, StatsFilesArgs};
use crate::commands::anomalies::{finding_json, findings_table};
use crate::data::{Files, Progress, alike};
use crate::error::{CliError, Outcome, print_note};
use crate::output::{print, print_json};

/// How many slices are shown in a terminal.
const MAX_SLICES: usize = 20;

/// The slices that are asked for.
struct SlicesArgs<'a> {
    features: &'a [String],
    queries: &'a [String],
}

impl SlicesArgs<'_> {
    fn is_empty(&self) -> bool {
        self.features.is_empty() && self.queries.is_empty()
    }

    fn config(&self) -> Config {
        let by_features = self.features.iter().map(|features| SliceConfig {
            features: features.split(',').map(|feature| feature.trim().to_owned()).collect(),
            ..SliceConfig::default()
        });
        let by_queries = self.queries.iter().map(|query| SliceConfig {
            slice_keys_sql: Some(query.clone()),
            ..SliceConfig::default()
        });
        Config { slices: by_features.chain(by_queries).collect(), ..Config::default() }
    }
}

fn is_slice(dataset: &DatasetFeatureStatistics) -> bool {
    !dataset.name.is_empty() && dataset.name != schema::ALL_EXAMPLES
}

/// Computes the statistics and shows them.
pub(super) fn files(args: &StatsFilesArgs, global: &Global) -> Result<Outcome, BoxError> {
    let schema = args.schema.as_deref().map(schema::read_schema).transpose()?;
    let environment = args.environment.as_deref();
    if let Some(schema) = &schema {
        // An environment that the schema does not know is said before anything is read.
        validate(schema, environment, &DatasetFeatureStatistics::default(), None)?;
    }
    let engine = LocalEngine::with_all_cores(Arc::default());
    let progress = Progress::new(global);
    // Types that are compared with others have to be known first.
    let is_alone = args.against.is_empty() && schema.is_none();
    let open_one = if is_alone { Files::guess } else { Files::open };
    let open = |files: &[String]| open_one(files, &args.files.read, &engine);
    let baseline = (!args.against.is_empty()).then(|| open(&args.against)).transpose()?;
    let (mut current, mut baseline) = alike(open(&args.files.files)?, baseline, schema.as_ref())?;
    let slices = SlicesArgs { features: &args.slice, queries: &args.slice_sql };
    if !slices.is_empty() && !current.has_rows() {
        return Err(CliError::NoSlices { path: current.name.into() }.into());
    }
    let list = current.statistics_with(&slices.config(), &engine, &progress)?;
    let statistics = schema::default_slice(&list)?.clone();
    let slices: Vec<&DatasetFeatureStatistics> =
        list.datasets.iter().filter(|dataset| is_slice(dataset)).collect();
    let before = baseline.as_mut().map(|it| it.statistics(&engine, &progress)).transpose()?;
    progress.finish();

    let anomalies = schema
        .as_ref()
        .map(|schema| validate(schema, environment, &statistics, before.as_ref()))
        .transpose()?;
    let found = anomalies.as_ref().map(findings).unwrap_or_default();
    let differences = match &before {
        Some(before) => differences(&statistics, before)?,
        None => Vec::new(),
    };
    if let Some(path) = &args.output {
        publish::write_file(path, &list.encode_to_vec())?;
    }
    let sides: Vec<(&str, &DatasetFeatureStatistics)> = [(Some(&current), Some(&statistics))]
        .into_iter()
        .chain([(baseline.as_ref(), before.as_ref())])
        .filter_map(|(files, statistics)| Some((files?.name.as_str(), statistics?)))
        .collect();
    if let Some(path) = &args.html {
        let schema = args.schema.as_deref();
        let html = page::page(&sides, schema, &found, anomalies.as_ref(), &differences, &slices)?;
        publish::write_file(path, html.as_bytes())?;
    }

    if global.json {
        let mut datasets: Vec<_> =
            sides.iter().map(|(name, statistics)| dataset_json("name", name, statistics)).collect();
        datasets.extend(slices.iter().map(|slice| {
            let mut object = dataset_json("name", &current.name, slice);
            object["slice"] = json!(slice.name);
            object
        }));
        let mut content =
            json!({ "datasets": datasets, "num_rejected_rows": current.num_rejected() });
        if anomalies.is_some() {
            content["anomalies"] = found.iter().map(finding_json).collect();
        }
        print_json("statistics", content)?;
    } else {
        let mut parts = vec![table::dataset(&current.name, &statistics)];
        let shown = slices.iter().take(MAX_SLICES);
        parts.extend(shown.map(|slice| table::dataset(&format!("slice `{}`", slice.name), slice)));
        if slices.len() > MAX_SLICES {
            let more = slices.len() - MAX_SLICES;
            parts.push(format!("and {more} more slices, which `--json` and `--output` have"));
        }
        if let [_, (name, before)] = sides.as_slice() {
            let names = (*name, current.name.as_str());
            parts.push(differences_table(names, before, &statistics, &differences, None));
        }
        if let Some(path) = &args.schema {
            let count = components::count_findings(&found);
            parts.push(format!("{count}, against {}", path.display()));
            parts.extend((!found.is_empty()).then(|| findings_table(&found)));
        }
        print(&parts.join("\n\n"))?;
    }
    if !global.quiet {
        say_written(args.html.as_deref());
        say_written(args.output.as_deref());
        if current.num_rejected() > 0 {
            print_note(&format!(
                "rows left out, as they cannot be read: {}",
                current.num_rejected()
            ));
        }
    }
    Ok(Outcome::Done)
}

fn validate(
    schema: &Schema,
    environment: Option<&str>,
    statistics: &DatasetFeatureStatistics,
    previous: Option<&DatasetFeatureStatistics>,
) -> Result<Anomalies, BoxError> {
    let options = ValidateOptions { environment, previous, ..ValidateOptions::default() };
    Ok(validate_statistics(statistics, schema, &options)?)
}

fn say_written(path: Option<&Path>) {
    if let Some(path) = path {
        print_note(&format!("wrote {}", path.display()));
    }
}
