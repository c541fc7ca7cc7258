//! `cupola stats`: statistics of data files or of an artifact.

mod cross;
mod diff;
mod files;
mod json;
mod page;
mod table;

use base::BoxError;
use formats::metadata::DatasetFeatureStatistics;
use serde_json::json;

use crate::args::{Global, ShowArgs, StatsArgs, StatsCommand};
use crate::commands::{artifact_to_show, keep_split};
use crate::error::{CliError, Outcome};
use crate::output::{print, print_json};

pub(crate) use diff::distances_table;

/// Runs one of the `stats` commands.
pub(crate) fn stats(args: &StatsArgs, global: &Global) -> Result<Outcome, BoxError> {
    let files = &args.files.files.files;
    if let (Some(command), Some(file)) = (&args.command, files.first()) {
        let verb = match command {
            StatsCommand::Show(_) => "show",
            StatsCommand::Diff(_) => "diff",
        };
        return Err(CliError::FileBeforeVerb { file: file.clone(), verb }.into());
    }
    match &args.command {
        None => files::files(&args.files, global),
        Some(StatsCommand::Show(args)) => show(args, global),
        Some(StatsCommand::Diff(args)) => diff::diff(args, global),
    }
}

fn show(args: &ShowArgs, global: &Global) -> Result<Outcome, BoxError> {
    let artifact = artifact_to_show(args, artifact::types::EXAMPLE_STATISTICS.name)?;
    let splits = components::read_statistics(&artifact)?;
    let splits = keep_split(splits, args.split.as_deref(), &artifact)?;
    let datasets =
        splits.iter().flat_map(|(split, list)| list.datasets.iter().map(move |d| (split, d)));
    if global.json {
        let content = datasets.map(|(split, dataset)| {
            let mut object = json::dataset("split", split, dataset);
            object["slice"] = json!(slice_name(dataset));
            object
        });
        let content: Vec<_> = content.collect();
        print_json("statistics", json!({ "artifact": artifact.id, "datasets": content }))?;
        return Ok(Outcome::Done);
    }
    let tables = datasets.map(|(split, dataset)| {
        let what = match slice_name(dataset) {
            None => format!("split `{split}`"),
            Some(slice) => format!("split `{split}`, slice `{slice}`"),
        };
        table::dataset(&what, dataset)
    });
    print(&tables.collect::<Vec<_>>().join("\n\n"))?;
    Ok(Outcome::Done)
}

/// Returns the name of the slice that statistics are of; nothing if they are of all examples.
fn slice_name(dataset: &DatasetFeatureStatistics) -> Option<&str> {
    let is_slice = !dataset.name.is_empty() && dataset.name != schema::ALL_EXAMPLES;
    is_slice.then_some(dataset.name.as_str())
}
