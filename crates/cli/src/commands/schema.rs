//! `cupola schema`: of data files, of an artifact, and of the pipeline file.

mod diff;
mod infer;
mod table;

use base::BoxError;
use serde_json::json;

use crate::args::{Global, SchemaCommand, ShowArgs};
use crate::commands::artifact_to_show;
use crate::error::Outcome;
use crate::output::{print, print_json};

/// Runs one of the `schema` commands.
pub(crate) fn schema(command: &SchemaCommand, global: &Global) -> Result<Outcome, BoxError> {
    match command {
        SchemaCommand::Infer(args) => infer::infer(args, global)?,
        SchemaCommand::Diff { before, after } => return diff::diff(before, after, global),
        SchemaCommand::Show(args) => show(args, global)?,
        SchemaCommand::Pipeline => {
            let schema = pipeline::json_schema(&components::registry());
            print(&serde_json::to_string_pretty(&schema).expect("a JSON value prints"))?;
        }
    }
    Ok(Outcome::Done)
}

fn show(args: &ShowArgs, global: &Global) -> Result<(), BoxError> {
    let artifact = artifact_to_show(args, artifact::types::SCHEMA.name)?;
    let schema = components::read_schema(&artifact)?;
    if global.json {
        let mut content = table::json(&schema);
        content["artifact"] = json!(artifact.id);
        return print_json("schema", content);
    }
    print(&table::features(&schema))
}
