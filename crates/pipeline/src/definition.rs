//! The file's tables read as a pipeline: its name, and its nodes as they were written.

use std::sync::Arc;

use artifact::{Component, Registry};
use base::nearest;

use crate::document::{Entry, Item, Place, Table, Value, quote_key};
use crate::mistake::Collector;

/// The keys that every node may have beside those of its component.
pub(crate) const COMPONENT: &str = "component";
pub(crate) const INPUTS: &str = "inputs";
pub(crate) const CACHE: &str = "cache";
pub(crate) const COMMON_KEYS: [&str; 3] = [COMPONENT, INPUTS, CACHE];

/// The longest name of a pipeline or node, as in TFX.
pub(crate) const MAX_NAME_CHARS: usize = 63;

/// A pipeline as written.
pub(crate) struct Definition {
    pub(crate) name: String,
    /// In the order of the file.
    pub(crate) nodes: Vec<Draft>,
    /// Whether every node could be read; what is not there may be what another one misses.
    pub(crate) is_whole: bool,
}

/// A node as written.
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) place: Place,
    /// `None` when there is no such component; that was complained about.
    pub(crate) component: Option<Arc<dyn Component>>,
    /// The component's own keys.
    pub(crate) config: Table,
    pub(crate) inputs: Vec<DraftInput>,
    pub(crate) cache: bool,
    /// Whether it was added because another node has use for it.
    pub(crate) is_implicit: bool,
}

/// `inputs.<key> = "node.output"`.
pub(crate) struct DraftInput {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) place: Place,
    pub(crate) source: String,
}

/// Reads a document; what cannot be read is reported and left out.
pub(crate) fn read_definition(
    mut document: Table,
    registry: &Registry,
    mistakes: &mut Collector,
) -> Definition {
    let start = Place::File(0, 0);
    let mut name = String::new();
    match document.take("pipeline") {
        None => {
            let hint = Some("begin the file with `[pipeline]` and `name = \"...\"`".to_owned());
            mistakes.add(start, "missing table `pipeline`".to_owned(), hint);
        }
        Some(entry) => name = read_pipeline(entry, mistakes),
    }
    let mut nodes = Vec::new();
    let mut is_whole = false;
    match document.take("nodes") {
        None => {
            let message = "missing table `nodes`: a pipeline has at least one node".to_owned();
            mistakes.add(start, message, Some("`[nodes.example_gen]` begins the first".to_owned()));
        }
        Some(entry) => {
            let place = entry.place();
            if let Some(table) = expect_table(entry.item, place, "nodes", mistakes) {
                if table.entries.is_empty() {
                    let message = "`nodes` is empty: a pipeline has at least one node".to_owned();
                    mistakes.add(place, message, None);
                }
                let count = table.entries.len();
                nodes.extend(
                    table.entries.into_iter().filter_map(|e| read_node(e, registry, mistakes)),
                );
                is_whole =
                    nodes.len() == count && nodes.iter().all(|node| node.component.is_some());
            }
        }
    }
    for entry in &document.entries {
        let message = format!("unknown key `{}`", quote_key(&entry.key));
        let hint = if registry.get(&camel_case(&entry.key)).is_some() {
            is_whole = false;
            Some(format!("did you mean `[nodes.{}]`?", entry.key))
        } else {
            nearest(&entry.key, ["pipeline", "nodes"]).map(|near| format!("did you mean `{near}`?"))
        };
        mistakes.add(entry.key_place, message, hint);
    }
    Definition { name, nodes, is_whole }
}

fn read_pipeline(entry: Entry, mistakes: &mut Collector) -> String {
    let place = entry.place();
    let Some(mut table) = expect_table(entry.item, place, "pipeline", mistakes) else {
        return String::new();
    };
    let near = |entry: &Entry| nearest(&entry.key, ["name"]);
    let name = match table.take("name") {
        None if table.entries.iter().any(|entry| near(entry).is_some()) => String::new(),
        None => {
            mistakes.add(place, "missing key `pipeline.name`: expected a string".to_owned(), None);
            String::new()
        }
        Some(entry) => {
            let place = entry.place();
            let name = expect_string(entry.item, place, "pipeline.name", mistakes);
            if let Some(problem) = name.as_deref().and_then(name_problem) {
                mistakes.add(place, format!("`pipeline.name`: {problem}"), None);
            }
            name.unwrap_or_default()
        }
    };
    for entry in &table.entries {
        let message = format!("unknown key `pipeline.{}`", quote_key(&entry.key));
        let hint = near(entry).map(|near| format!("did you mean `{near}`?"));
        mistakes.add(entry.key_place, message, hint);
    }
    name
}

/// Says what is wrong with the name of a pipeline or the id of a node; both become names of folders.
fn name_problem(name: &str) -> Option<String> {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let goes_on_well = chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if starts_well && goes_on_well && name.len() <= MAX_NAME_CHARS {
        return None;
    }
    Some(format!(
        "expected up to {MAX_NAME_CHARS} letters, digits, `_` and `-`, found {}",
        Value::String(name.to_owned()).describe()
    ))
}

fn read_node(entry: Entry, registry: &Registry, mistakes: &mut Collector) -> Option<Draft> {
    let Entry { key: id, key_place: place, item } = entry;
    let path = format!("nodes.{}", quote_key(&id));
    if let Some(problem) = name_problem(&id) {
        mistakes.add(place, format!("the id of a node: {problem}"), None);
        return None;
    }
    let mut config = expect_table(item, place, &path, mistakes)?;
    let component = read_component(&id, place, config.take(COMPONENT), registry, mistakes);
    let mut inputs = Vec::new();
    if let Some(entry) = config.take(INPUTS) {
        let (path, place) = (format!("{path}.{INPUTS}"), entry.place());
        let table = expect_table(entry.item, place, &path, mistakes);
        inputs = read_inputs(table.unwrap_or_default(), &path, mistakes);
    }
    let cache = config.take(CACHE).is_none_or(|entry| match entry.item.value {
        Value::Bool(flag) => flag,
        other => {
            let found = other.describe();
            let message = format!("`{path}.{CACHE}`: expected true or false, found {found}");
            mistakes.add(entry.item.place, message, None);
            true
        }
    });
    Some(Draft { id, place, component, config, inputs, cache, is_implicit: false })
}

fn read_component(
    id: &str,
    place: Place,
    written: Option<Entry>,
    registry: &Registry,
    mistakes: &mut Collector,
) -> Option<Arc<dyn Component>> {
    let Some(entry) = written else {
        let name = camel_case(id);
        if let Some(component) = registry.get(&name) {
            return Some(Arc::clone(component));
        }
        let ids: Vec<String> =
            registry.iter().map(|component| snake_case(component.name())).collect();
        let hint = match nearest(id, ids.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `[nodes.{near}]`?"),
            None => format!("say what it is with `component`: one of {}", names(registry)),
        };
        let message = format!("node `{id}`: there is no component `{name}`");
        mistakes.add(place, message, Some(hint));
        return None;
    };
    let place = entry.place();
    let name = expect_string(entry.item, place, &format!("nodes.{id}.{COMPONENT}"), mistakes)?;
    let found = registry.get(&name);
    if found.is_none() {
        let near = nearest(&name, registry.iter().map(|component| component.name()));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}", names(registry)),
        };
        mistakes.add(place, format!("node `{id}`: there is no component `{name}`"), Some(hint));
    }
    found.map(Arc::clone)
}

fn names(registry: &Registry) -> String {
    let names: Vec<_> =
        registry.iter().map(|component| format!("`{}`", component.name())).collect();
    names.join(", ")
}

fn read_inputs(table: Table, path: &str, mistakes: &mut Collector) -> Vec<DraftInput> {
    let read = |entry: Entry| {
        let place = entry.place();
        let path = format!("{path}.{}", quote_key(&entry.key));
        let source = expect_string(entry.item, place, &path, mistakes)?;
        Some(DraftInput { key: entry.key, key_place: entry.key_place, place, source })
    };
    table.entries.into_iter().filter_map(read).collect()
}

fn expect_table(item: Item, place: Place, path: &str, mistakes: &mut Collector) -> Option<Table> {
    match item.value {
        Value::Table(table) => Some(table),
        other => {
            let message = format!("`{path}`: expected a table, found {}", other.describe());
            mistakes.add(place, message, None);
            None
        }
    }
}

fn expect_string(item: Item, place: Place, path: &str, mistakes: &mut Collector) -> Option<String> {
    match item.value {
        Value::String(text) => Some(text),
        other => {
            let message = format!("`{path}`: expected a string, found {}", other.describe());
            mistakes.add(place, message, None);
            None
        }
    }
}

/// Returns `ExampleGen` for `example_gen`.
pub(crate) fn camel_case(id: &str) -> String {
    id.split(['_', '-'])
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars)
        })
        .collect()
}

/// Returns `example_gen` for `ExampleGen`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_components_belong_together() {
        for name in ["ExampleGen", "LatestBlessedModel", "Pusher"] {
            assert_eq!(camel_case(&snake_case(name)), name);
        }
        assert_eq!(camel_case("__a-b"), "AB");
    }

    #[test]
    fn names_are_names_of_folders() {
        for name in ["taxi", "Taxi-2", "_", "0"] {
            assert_eq!(name_problem(name), None, "{name}");
        }
        for name in ["", ".", "..", "a/b", "-rf", "a b", "ü", &"a".repeat(64)] {
            assert!(name_problem(name).is_some(), "{name}");
        }
    }
}
