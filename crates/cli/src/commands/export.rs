//! `cupola export`: a graph, with the model behind it, as a file that other runtimes run.

use std::fs;
use std::path::Path;

use artifact::types;
use base::publish::temporary_beside;
use base::{BoxError, IoError};
use export::Target;
use graph::Graph;
use model::Model;
use serde_json::json;

use crate::args::{ExportArgs, ExportCommand, Global};
use crate::commands::graph::{Found, find};
use crate::error::{CliError, Outcome};
use crate::output::{print, print_json, shown};

/// Runs one of the `export` commands.
pub(crate) fn export(command: &ExportCommand, global: &Global) -> Result<Outcome, BoxError> {
    let (args, target) = match command {
        ExportCommand::Onnx(args) => (args, Target::Onnx),
        ExportCommand::SavedModel(args) => (args, Target::SavedModel),
    };
    let found = found(args)?;
    if let Some(what) = found.foreign.filter(|_| !args.graph_only) {
        return Err(CliError::ForeignModel { path: found.path, what }.into());
    }
    if args.output.exists() && !args.force {
        return Err(CliError::Exists { path: args.output.clone() }.into());
    }
    let (graph, model) = (&found.graph, found.model.as_ref());
    match target {
        Target::Onnx => export::onnx(graph, model)?.write(&args.output)?,
        Target::SavedModel if args.output.exists() => replace(graph, model, &args.output)?,
        Target::SavedModel => export::saved_model(graph, model, &args.output)?,
    }
    say(&found, target, &args.output, global)?;
    Ok(Outcome::Done)
}

/// Puts a SavedModel in the place of one that is there. Any other folder, and any file, stays as it is.
fn replace(graph: &Graph, model: Option<&Model>, output: &Path) -> Result<(), BoxError> {
    if !output.join("saved_model.pb").is_file() {
        return Err(CliError::NoSavedModel { path: output.to_path_buf() }.into());
    }
    let [new, old] = [(); 2].map(|()| temporary_beside(output));
    export::saved_model(graph, model, &new)?;
    fs::rename(output, &old).map_err(IoError::at("rename", output))?;
    fs::rename(&new, output).map_err(IoError::at("rename", &new))?;
    fs::remove_dir_all(&old).map_err(IoError::at("remove", &old))?;
    Ok(())
}

/// Finds what is exported; with `--graph-only` the model behind it is left out.
fn found(args: &ExportArgs) -> Result<Found, BoxError> {
    let newest = if args.graph_only { types::TRANSFORM_GRAPH } else { types::MODEL };
    let found = find(&args.which, newest.name)?;
    Ok(if args.graph_only { Found { model: None, foreign: None, ..found } } else { found })
}

fn say(found: &Found, target: Target, output: &Path, global: &Global) -> Result<(), BoxError> {
    let what = if found.model.is_some() { "graph and model" } else { "graph" };
    if global.json {
        let content =
            json!({ "target": target.to_string(), "what": what, "from": found.path, "to": output });
        return print_json("export", content);
    }
    let from = shown(&found.path);
    print(&format!("{what} of {} as {target} in {}", from.display(), output.display()))
}
