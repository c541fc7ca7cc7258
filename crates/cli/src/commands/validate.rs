//! `cupola validate`: data files held against a schema.

mod rows;

use std::sync::Arc;

use base::{BoxError, publish};
use components::distance_json;
use engine::LocalEngine;
use formats::metadata::DatasetFeatureStatistics;
use schema::{
    CustomValidations, Finding, ValidateOptions, default_slice, findings, validate_statistics,
};
use serde_json::json;

use crate::args::{Global, ValidateArgs};
use crate::commands::anomalies::{finding_json, findings_table};
use crate::commands::stats::distances_table;
use crate::data::{Files, Progress, types_of_schema};
use crate::error::{CliError, Outcome, print_note, print_warning};
use crate::output::{print, print_json};

/// So many rows that cannot be read may be listed among the failing ones.
const MAX_LISTED_UNREADABLE: u64 = 1_000_000;

/// Validates.
pub(crate) fn validate(args: &ValidateArgs, global: &Global) -> Result<Outcome, BoxError> {
    let schema = schema::read_schema(&args.schema)?;
    let options =
        ValidateOptions { environment: args.environment.as_deref(), ..ValidateOptions::default() };
    // An environment that the schema does not know is said before anything is read.
    validate_statistics(&DatasetFeatureStatistics::default(), &schema, &options)?;
    if !global.quiet {
        for problem in schema::check_schema(&schema) {
            print_warning(&format!("{}: {problem}", args.schema.display()));
        }
    }

    let custom = args.custom_validations.as_deref().map(CustomValidations::read).transpose()?;
    if args.previous.is_empty() && custom.as_ref().is_some_and(CustomValidations::needs_base) {
        return Err(CliError::NoPrevious.into());
    }

    let engine = LocalEngine::with_all_cores(Arc::default());
    let progress = Progress::new(global);
    let types = types_of_schema(&schema);
    let mut read = args.files.read.clone();
    if args.rows {
        read.max_rejected_rows = MAX_LISTED_UNREADABLE;
    }
    // The schema alone says what text is to be read as, so that its types need not be known of all of it first.
    let open = |files: &[String]| Files::guess(files, &read, &engine)?.widen(&types);
    let all = statistics::Config::default();
    let statistics_of = |files: &[String]| {
        let compute = |mut files: Files| files.statistics_with(&all, &engine, &progress);
        (!files.is_empty()).then(|| open(files).and_then(compute)).transpose()
    };
    let mut files = open(&args.files.files)?;
    if args.rows && !files.has_rows() {
        return Err(CliError::NoRows { path: files.name.into() }.into());
    }
    let slices = files.statistics_with(&all, &engine, &progress)?;
    let statistics = default_slice(&slices)?;
    let previous = statistics_of(&args.previous)?;
    let serving = statistics_of(&args.serving)?;
    progress.finish();

    let options = ValidateOptions {
        previous: previous.as_ref().map(default_slice).transpose()?,
        serving: serving.as_ref().map(default_slice).transpose()?,
        ..options
    };
    let mut anomalies = validate_statistics(statistics, &schema, &options)?;
    if let Some(custom) = &custom {
        let environment = args.environment.as_deref();
        custom.add_to(&mut anomalies, &slices, previous.as_ref(), environment, &[])?;
    }
    if let Some(path) = &args.output {
        publish::write_file(path, formats::text::print(&anomalies).as_bytes())?;
    }
    let found = findings(&anomalies);
    let distances = schema::distances(&anomalies);
    let is_clean = found.is_empty() && !anomalies.data_missing();
    let outcome = if is_clean { Outcome::Done } else { Outcome::No };
    let name = files.name.clone();

    let may_have_failing_rows = files.has_rows() && found.iter().any(may_be_of_rows);
    if global.json {
        let mut content = json!({
            "files": name,
            "schema": args.schema,
            "environment": args.environment,
            "num_examples": statistics.num_examples,
            "num_rejected_rows": files.num_rejected(),
            "anomalies": found.iter().map(finding_json).collect::<Vec<_>>(),
            "distances": distances.iter().map(distance_json).collect::<Vec<_>>(),
        });
        if args.rows {
            let failed = rows::print_json_with_rows(&content, files, &schema, args, &engine)?;
            return Ok(if failed > 0 { Outcome::No } else { outcome });
        }
        let (first, failed) = if may_have_failing_rows {
            let (first, failed) = rows::first_rows(files, &schema, args, &engine)?;
            (first, Some(failed))
        } else {
            (Vec::new(), None)
        };
        content["rows"] = json!(first);
        content["num_failing_rows"] = json!(failed);
        print_json("validation", content)?;
        return Ok(outcome);
    }
    let count = if anomalies.data_missing() {
        "no examples, nothing was compared".to_owned()
    } else {
        format!("{} in {} examples", components::count_findings(&found), statistics.num_examples)
    };
    let mut parts = vec![format!("{name}: {count}, against {}", args.schema.display())];
    parts.extend((!found.is_empty()).then(|| findings_table(&found)));
    parts.extend((!distances.is_empty()).then(|| distances_table(&distances)));
    print(&parts.join("\n\n"))?;
    let failed = if args.rows {
        rows::print_rows(files, &schema, args, &engine)?
    } else if may_have_failing_rows {
        rows::print_first_rows(files, &schema, args, &engine)?
    } else {
        return Ok(outcome);
    };
    if !global.quiet {
        print_note(&format!("failing rows: {failed}"));
    }
    Ok(if failed > 0 { Outcome::No } else { outcome })
}

/// Returns whether single rows can be what an anomaly is about: not the number of examples, nor a column that the schema
/// does not have, nor the distance to other data, nor a condition on statistics.
fn may_be_of_rows(finding: &Finding) -> bool {
    !finding.path.is_empty()
        && finding.code != "SCHEMA_NEW_COLUMN"
        && finding.code != "CUSTOM_VALIDATION"
        && !finding.code.starts_with("COMPARATOR_")
}
