//! `cupola check`: every mistake of a pipeline file at once; nothing runs.

use std::sync::Arc;

use base::BoxError;
use engine::LocalEngine;
use pipeline::{LoadError, Location, Mistakes, Pipeline};
use serde_json::{Value, json};

use crate::args::{Global, PipelineArgs};
use crate::error::{Outcome, print_error, print_hint};
use crate::output::{print, print_json, table};

/// Checks a pipeline.
pub(crate) fn check(args: &PipelineArgs, global: &Global) -> Result<Outcome, BoxError> {
    let engine = LocalEngine::with_all_cores(Arc::default());
    let Some(pipeline) = load(args, &engine, global)? else { return Ok(Outcome::Wrong) };
    if global.json {
        let nodes: Vec<Value> =
            (0..pipeline.nodes().len()).map(|i| node_json(&pipeline, i)).collect();
        let content = json!({ "pipeline": pipeline.name(), "mistakes": [], "nodes": nodes });
        print_json("check", content)?;
        return Ok(Outcome::Done);
    }
    let rows = (0..pipeline.nodes().len()).map(|index| {
        let node = &pipeline.nodes()[index];
        let added = if node.is_implicit() { " (added)" } else { "" };
        vec![
            format!("{}{added}", node.id()),
            node.component().name().to_owned(),
            wires(&pipeline, index).join(", "),
        ]
    });
    print(&format!(
        "{}: pipeline `{}` has no mistakes\n\n{}",
        args.pipeline.display(),
        pipeline.name(),
        table(&["node", "component", "inputs"], rows.collect(), &[]),
    ))?;
    Ok(Outcome::Done)
}

/// Reads and checks a pipeline; `None` when it has mistakes, which were said then.
pub(crate) fn load(
    args: &PipelineArgs,
    engine: &LocalEngine,
    global: &Global,
) -> Result<Option<Pipeline>, BoxError> {
    match Pipeline::load(&args.pipeline, &args.set, &components::registry(), engine) {
        Ok(pipeline) => Ok(Some(pipeline)),
        Err(LoadError::Mistakes(mistakes)) => {
            say(&mistakes);
            if global.json {
                print_json("check", mistakes_json(&mistakes))?;
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn say(mistakes: &Mistakes) {
    for mistake in mistakes.iter() {
        print_error(&mistake.to_string(), None);
        for line in mistake.excerpt.iter().flat_map(pipeline::Excerpt::shown) {
            anstream::eprintln!("    {line}");
        }
        if let Some(hint) = &mistake.hint {
            print_hint(hint);
        }
    }
    if let Some(more) = mistakes.render_omitted() {
        anstream::eprintln!("{more}");
    }
}

fn mistakes_json(mistakes: &Mistakes) -> Value {
    let list = mistakes.iter().map(|mistake| {
        let mut object = match &mistake.location {
            Location::File { path, line, column } => {
                json!({ "file": path, "line": line, "column": column })
            }
            Location::Override { name } => json!({ "override": name }),
        };
        object["message"] = json!(mistake.message);
        object["hint"] = json!(mistake.hint);
        object
    });
    json!({ "mistakes": list.collect::<Vec<_>>(), "num_mistakes": mistakes.count() })
}

/// Returns `input = node.output` for each input of a node.
fn wires(pipeline: &Pipeline, index: usize) -> Vec<String> {
    let inputs = pipeline.nodes()[index].inputs();
    inputs
        .iter()
        .map(|(key, wire)| format!("{key} = {}.{}", pipeline.nodes()[wire.node].id(), wire.output))
        .collect()
}

fn node_json(pipeline: &Pipeline, index: usize) -> Value {
    let node = &pipeline.nodes()[index];
    let inputs = node.inputs().iter().map(|(key, wire)| {
        let source = format!("{}.{}", pipeline.nodes()[wire.node].id(), wire.output);
        ((*key).to_owned(), Value::from(source))
    });
    json!({
        "node": node.id(),
        "component": node.component().name(),
        "added": node.is_implicit(),
        "inputs": inputs.collect::<serde_json::Map<_, _>>(),
    })
}
