//! `cupola graph`: the compiled transform, as a table or as a drawing.

mod dot;

use std::path::{Path, PathBuf};

use artifact::{ArtifactId, Ledger as _, types};
use base::BoxError;
use graph::{Graph, Node};
use model::Model;
use serde_json::{Value, json};
use servable::Servable;

use crate::args::{Global, GraphCommand, WhichArgs};
use crate::commands::newest_artifact;
use crate::error::{CliError, Outcome};
use crate::output::{print, print_json, table};
use crate::root::open_ledger;

/// A graph, with the model behind it where there is one.
pub(crate) struct Found {
    pub(crate) graph: Graph,
    pub(crate) model: Option<Model>,
    /// What the model behind the graph is, where it is not built in.
    pub(crate) foreign: Option<&'static str>,
    /// Where it was found.
    pub(crate) path: PathBuf,
}

/// Runs one of the `graph` commands.
pub(crate) fn graph(command: &GraphCommand, global: &Global) -> Result<Outcome, BoxError> {
    match command {
        GraphCommand::Show(which) => {
            let found = find(which, types::TRANSFORM_GRAPH.name)?;
            if global.json {
                print_json("graph", as_json(&found))?;
            } else {
                print(&as_tables(&found.graph))?;
            }
        }
        GraphCommand::Dot(which) => {
            print(&dot::dot(&find(which, types::TRANSFORM_GRAPH.name)?.graph))?;
        }
    }
    Ok(Outcome::Done)
}

/// Finds the graph that is meant: a folder, an artifact's number, or the newest artifact of a type.
pub(crate) fn find(which: &WhichArgs, type_name: &'static str) -> Result<Found, BoxError> {
    let Some(what) = &which.what else {
        return open(&newest_artifact(&which.root, type_name)?.uri);
    };
    match what.parse::<i64>() {
        Ok(id) => {
            let (_, ledger) = open_ledger(which.root.root.as_deref())?;
            let artifact = ledger.artifact(ArtifactId(id))?;
            let known = [types::TRANSFORM_GRAPH, types::MODEL, types::PUSHED_MODEL];
            if known.iter().any(|known| known.name == artifact.type_name) {
                return open(&artifact.uri);
            }
            let (found, expected) = (artifact.type_name, "TransformGraph, Model or PushedModel");
            Err(CliError::WrongType { id, found, expected }.into())
        }
        Err(_) => open(Path::new(what)),
    }
}

/// Opens the folder of a graph, of a model with its graph, or of pushed models, of which the newest is taken.
fn open(dir: &Path) -> Result<Found, BoxError> {
    let of_servable = |path: PathBuf| -> Result<Found, BoxError> {
        let servable = Servable::load(&path)?;
        let graph = servable.graph().clone();
        let (model, foreign) = match servable.model().built_in() {
            Some(model) => (Some(model.clone()), None),
            None => (None, Some(servable.model().describe())),
        };
        Ok(Found { graph, model, foreign, path })
    };
    if dir.join("graph.json").exists() {
        let (graph, path) = (Graph::load(dir)?, dir.to_path_buf());
        return Ok(Found { graph, model: None, foreign: None, path });
    }
    if dir.join("signature.json").exists() {
        return of_servable(dir.to_path_buf());
    }
    match push::newest(dir)? {
        Some(version) => of_servable(version),
        None => Err(CliError::NoGraph { path: dir.to_path_buf() }.into()),
    }
}

fn as_tables(graph: &Graph) -> String {
    let place = |index: usize| format!("%{index}");
    let nodes = graph.nodes().iter().enumerate().map(|(index, node)| {
        let of: Vec<_> = node.operands.iter().map(|operand| place(operand.index())).collect();
        vec![
            place(index),
            node.op.name().to_owned(),
            of.join(" "),
            node.node_type().to_string(),
            constants(node, graph),
        ]
    });
    let nodes = table(&["node", "operation", "of", "type", "constants"], nodes.collect(), &[]);
    let outputs = graph.outputs().iter().zip(graph.output_nodes()).map(|(output, node)| {
        vec![
            output.name.clone(),
            place(node.index()),
            output.node_type().to_string(),
            output.num_buckets.map_or(String::new(), |below| format!("ids below {below}")),
        ]
    });
    let outputs = table(&["feature", "node", "type", ""], outputs.collect(), &[]);
    format!("{nodes}\n\n{outputs}")
}

/// Returns what is constant in a node, short enough for a line.
fn constants(node: &Node, graph: &Graph) -> String {
    const LONGEST: usize = 60;
    if let graph::Op::Lookup { vocabulary, num_oov_buckets, default_value } = &node.op {
        let (name, tokens) = graph.vocabularies().nth(vocabulary.index()).unzip();
        let num_tokens = tokens.map_or(0, graph::Vocabulary::len);
        let unknown = match num_oov_buckets {
            0 => format!("others {default_value}"),
            buckets => format!("{buckets} buckets for others"),
        };
        return format!("{} ({num_tokens} tokens), {unknown}", name.unwrap_or_default());
    }
    let text = node.constants().map_or(String::new(), |constants| constants.to_string());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn as_json(found: &Found) -> Value {
    let graph = &found.graph;
    let nodes = graph.nodes().iter().map(|node| {
        json!({
            "op": node.op.name(),
            "operands": node.operands.iter().map(|operand| operand.index()).collect::<Vec<_>>(),
            "type": node.node_type().to_string(),
            "constants": node.constants(),
        })
    });
    let inputs = graph
        .inputs()
        .iter()
        .map(|input| json!({ "name": input.name, "type": input.node_type().to_string() }));
    let outputs = graph.outputs().iter().zip(graph.output_nodes()).map(|(output, node)| {
        json!({
            "name": output.name,
            "node": node.index(),
            "type": output.node_type().to_string(),
            "num_buckets": output.num_buckets,
        })
    });
    let vocabularies = graph
        .vocabularies()
        .map(|(name, vocabulary)| json!({ "name": name, "num_tokens": vocabulary.len() }));
    json!({
        "path": found.path,
        "inputs": inputs.collect::<Vec<_>>(),
        "nodes": nodes.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "vocabularies": vocabularies.collect::<Vec<_>>(),
    })
}
