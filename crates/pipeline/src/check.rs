//! The check of a whole file: syntax, keys and values, wiring, and what the components say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use artifact::{CheckContext, Component, FeatureInfo, Problem, Registry};
use dataflow::Engine;
use serde_json::Value as Json;

use crate::definition::{COMMON_KEYS, Draft, read_definition};
use crate::document::{Place, Table, Value, apply_override, char_offsets, parse};
use crate::mistake::{Collector, Excerpt, Mistakes};
use crate::pipeline::{Node, Pipeline, Wire};
use crate::schema::{prune, validate};
use crate::wiring::{Wires, gates, order, sorted, wire};

/// Checks a text with overrides; all mistakes come back together.
pub(crate) fn check(
    text: &str,
    path: &Path,
    overrides: &[String],
    registry: &Registry,
    engine: &dyn Engine,
) -> Result<Pipeline, Mistakes> {
    let mut mistakes = Collector::new();
    let (mut document, errors) = parse(text);
    let is_toml = errors.is_empty();
    for error in errors {
        mistakes.add(error.place, error.message, None);
    }
    if is_toml {
        for (index, text) in overrides.iter().enumerate() {
            if let Err((message, hint)) = apply_override(&mut document, text, index) {
                mistakes.add(Place::Override(index), message, hint);
            }
        }
        let base_dir = path.parent().unwrap_or(Path::new(""));
        let checked = check_document(document, text, base_dir, registry, engine, &mut mistakes);
        if mistakes.is_empty() {
            return Ok(checked);
        }
    }
    Err(mistakes.finish(path, text, overrides))
}

/// What is left of a node's table to be checked by its component, and how far that can be trusted.
struct Rest {
    config: Table,
    /// Whether what the component says about its outputs holds.
    outputs_hold: bool,
}

fn check_document(
    document: Table,
    text: &str,
    base_dir: &Path,
    registry: &Registry,
    engine: &dyn Engine,
    mistakes: &mut Collector,
) -> Pipeline {
    let mut definition = read_definition(document, registry, mistakes);
    let mut rests: Vec<Option<Rest>> =
        definition.nodes.iter().map(|node| check_table(node, mistakes)).collect();
    let wires = wire(&mut definition, registry, mistakes);
    let added = definition.nodes.iter().skip(rests.len());
    let added: Vec<_> = added.map(|node| check_table(node, mistakes)).collect();
    rests.extend(added);

    let order = order(&definition.nodes, &wires, mistakes);
    let mut features: Vec<BTreeMap<&'static str, Vec<FeatureInfo>>> =
        (0..definition.nodes.len()).map(|_| BTreeMap::new()).collect();
    for &index in &order {
        let node = &definition.nodes[index];
        let (Some(component), Some(rest)) = (&node.component, &rests[index]) else { continue };
        let known = |(from, output): &(usize, &'static str)| features[*from].get(output).cloned();
        let inputs = wires[index].iter().map(|(key, source)| (*key, known(source))).collect();
        let context = CheckContext { base_dir, inputs, engine };
        let checked = component.check(&rest.config.to_json(), &context);
        for problem in checked.problems {
            let (place, message, excerpt) = locate(node, &rest.config, &problem, text);
            mistakes.add_shown(place, message, excerpt, problem.hint);
        }
        if rest.outputs_hold {
            features[index] = checked.features;
        }
    }
    build(definition.name, definition.nodes, &wires, &order)
}

fn check_table(node: &Draft, mistakes: &mut Collector) -> Option<Rest> {
    let component = node.component.as_ref()?;
    let schema = component.config_schema().to_value();
    let prefix = format!("nodes.{}", node.id);
    let validate = |table: &Table| validate(table, node.place, &prefix, &schema, &COMMON_KEYS);
    let faults = validate(&node.config);
    if faults.is_empty() {
        return Some(Rest { config: node.config.clone(), outputs_hold: true });
    }
    for fault in faults {
        mistakes.add(fault.place, fault.message, fault.hint);
    }
    let (config, only_unknown) = prune(&node.config, validate)?;
    Some(Rest { config, outputs_hold: only_unknown })
}

/// Returns where a component's problem is in the file, what to say there, and the line of the expression that it is in.
fn locate(
    node: &Draft,
    config: &Table,
    problem: &Problem,
    text: &str,
) -> (Place, String, Option<Excerpt>) {
    let message = problem.message.clone();
    let Some((place, item, is_whole)) = config.find(&problem.key) else {
        return (node.place, message, None);
    };
    let (Value::String(value), Some(offset), true) = (&item.value, problem.offset, is_whole) else {
        return (place, message, None);
    };
    match place {
        Place::Override(_) => {
            let at = value.char_indices().nth(offset).map_or(value.len(), |(at, _)| at);
            let message = format!("character {}: {message}", offset + 1);
            (place, message, Excerpt::of(value, at))
        }
        Place::File(start, end) => {
            let offsets = text.get(start..end).and_then(char_offsets);
            let offsets = offsets.filter(|offsets| offsets.len() == value.chars().count() + 1);
            let at = offsets.and_then(|offsets| offsets.get(offset).or(offsets.last()).copied());
            let at = start + at.unwrap_or(0);
            (Place::File(at, end), message, Excerpt::of(text, at))
        }
    }
}

/// Puts the nodes in order. With mistakes around some may be missing; nobody sees the result then.
fn build(name: String, drafts: Vec<Draft>, wires: &[Wires], order: &[usize]) -> Pipeline {
    let components: Vec<Option<Arc<dyn Component>>> =
        drafts.iter().map(|node| node.component.as_ref().map(Arc::clone)).collect();
    let position = |order: &[usize], index: usize| order.iter().position(|&other| other == index);
    let reads: Vec<Vec<usize>> = order
        .iter()
        .map(|&index| {
            wires[index].values().filter_map(|(from, _)| position(order, *from)).collect()
        })
        .collect();
    let configs: Vec<Json> = order.iter().map(|&index| drafts[index].config.to_json()).collect();
    let is_gate: Vec<bool> = order
        .iter()
        .zip(&configs)
        .map(|(&index, config)| components[index].as_ref().is_some_and(|c| c.is_gate(config)))
        .collect();
    let waits = gates(&reads, &is_gate);
    let last = sorted(&reads, &waits);
    let mut nodes = Vec::new();
    for &at in &last {
        let index = order[at];
        let Some(component) = &components[index] else { continue };
        let wire = |from: usize, output: &'static str| {
            let node = position(order, from).and_then(|from| position(&last, from))?;
            Some(Wire { node, output })
        };
        let inputs = wires[index].iter();
        let draft = &drafts[index];
        nodes.push(Node {
            id: draft.id.clone(),
            component: Arc::clone(component),
            config: configs[at].clone(),
            cache: draft.cache,
            is_implicit: draft.is_implicit,
            inputs: inputs
                .filter_map(|(key, (from, out))| Some((*key, wire(*from, out)?)))
                .collect(),
            gates: waits[at].iter().filter_map(|&gate| position(&last, gate)).collect(),
        });
    }
    Pipeline { name, nodes }
}
