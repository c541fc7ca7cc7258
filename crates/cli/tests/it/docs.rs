//! `docs/pipeline.md` says what the components say; `UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use artifact::{Component, Registry};
use serde_json::{Map, Value};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipeline.md");

const INTRODUCTION: &str = "\
# The pipeline file

This page is made from the components themselves; `cupola schema pipeline` prints the same as a JSON Schema.

A pipeline is a TOML file: a table `[pipeline]` with its `name`, and a table `[nodes.<id>]` for each node. Every node may
have these keys beside those of its component:

| key | meaning |
| --- | --- |
| `component` | The component; without it, the node's id in CamelCase: `[nodes.schema_gen]` is a SchemaGen. |
| `inputs.<key>` | `\"node.output\"`: where an input comes from. Without it, the output of the input's type; where several nodes have one, that with the input's own key. |
| `cache` | `false`: run the node every time. |

Paths are relative to the pipeline file. `--set nodes.trainer.num_steps=100` sets any value for one run.
";

#[test]
fn the_page_says_what_the_components_say() {
    let page = page(&components::registry());
    #[expect(clippy::disallowed_methods, reason = "a test is an edge")]
    if std::env::var("UPDATE").is_ok() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
        fs::write(PAGE, &page).unwrap();
    }
    let stored = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(stored == page, "docs/pipeline.md is not up to date; run the tests with UPDATE=1");
}

fn page(registry: &Registry) -> String {
    let mut page = INTRODUCTION.to_owned();
    for component in registry.iter() {
        write_component(component.as_ref(), &mut page);
    }
    page
}

fn write_component(component: &dyn Component, page: &mut String) {
    let _ = writeln!(page, "\n## {}\n\n{}\n", component.name(), component.description());
    let ports =
        |ports: Vec<String>| if ports.is_empty() { "none".to_owned() } else { ports.join(", ") };
    let inputs = component.inputs().iter().map(|input| {
        let optional = if input.required { "" } else { ", optional" };
        format!("`{}` ({}{optional})", input.key, input.artifact_type.name)
    });
    let outputs = component
        .outputs()
        .iter()
        .map(|output| format!("`{}` ({})", output.key, output.artifact_type.name));
    let _ = writeln!(
        page,
        "Inputs: {}. Outputs: {}.",
        ports(inputs.collect()),
        ports(outputs.collect())
    );

    let schema = component.config_schema().to_value();
    let mut rows = Rows::default();
    write_keys("", &schema, &schema, &mut rows);
    if !rows.lines.is_empty() {
        let _ = writeln!(page, "\n| key | type | default | meaning |\n| --- | --- | --- | --- |");
        rows.lines.iter().for_each(|row| page.push_str(row));
    }
    for (names, keys) in rows.long_lists {
        let _ = writeln!(page, "\n{}: {names}.", keys.join(" and "));
    }
}

/// The rows of a table, and below it the values that are too many for a cell, with the keys that take them.
#[derive(Default)]
struct Rows {
    lines: Vec<String>,
    long_lists: BTreeMap<String, Vec<String>>,
}

/// How many values are listed in a cell.
const LISTED: usize = 8;

/// One row for each key, the keys of tables below their table's.
fn write_keys(prefix: &str, schema: &Value, root: &Value, rows: &mut Rows) {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in properties {
        let key = format!("{prefix}{name}");
        let target = resolve(property, root);
        let default = match property.get("default").or_else(|| target.get("default")) {
            _ if required.contains(&Value::from(name.as_str())) => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::Object(table)) if table.values().all(|v| !v.is_number()) => String::new(),
            Some(value) => format!("`{value}`"),
        };
        // What a choice between keys is, is said of the choice; the type of its value may be that of several.
        let is_choice = root != schema && properties.len() == 1 && property.get("$ref").is_some();
        let sources =
            if is_choice { [property, schema, target] } else { [property, target, schema] };
        let descriptions = sources.map(|schema| schema["description"].as_str());
        let description = descriptions.into_iter().flatten().next().unwrap_or_default();
        let description = description.replace("\n\n", " ").replace('\n', " ");
        let items = resolve(&target["items"], root);
        for values in [&target["enum"], &items["enum"]] {
            let values = values.as_array().map_or(&[][..], Vec::as_slice);
            if values.len() > LISTED {
                let names: Vec<_> = values.iter().map(|name| format!("`{name}`")).collect();
                rows.long_lists.entry(names.join(", ")).or_default().push(format!("`{key}`"));
            }
        }
        rows.lines.push(format!(
            "| `{key}` | {} | {default} | {description} |\n",
            type_name(target, root)
        ));
        write_keys(&format!("{key}."), target, root, rows);
        write_keys(&format!("{key}[]."), items, root, rows);
        for variants in [&target["oneOf"], &target["anyOf"]] {
            for variant in variants.as_array().into_iter().flatten() {
                write_keys(&format!("{key}."), resolve(variant, root), root, rows);
            }
        }
    }
}

/// Follows `$ref`, and looks through `anyOf` with null.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        return resolve(
            root.pointer(pointer.trim_start_matches('#')).unwrap_or(&Value::Null),
            root,
        );
    }
    let any_of = schema["anyOf"].as_array().into_iter().flatten();
    match any_of.filter(|option| option["type"] != "null").collect::<Vec<_>>().as_slice() {
        [only] => resolve(only, root),
        _ => schema,
    }
}

fn type_name(schema: &Value, root: &Value) -> String {
    let variants = |key: &str| -> Option<String> {
        let names = schema[key].as_array()?.iter().map(|option| {
            let constant = option["const"].as_str().map(|name| format!("`\"{name}\"`"));
            constant.unwrap_or_else(|| type_name(resolve(option, root), root))
        });
        let mut names: Vec<_> = names.filter(|name| name != "null").collect();
        names.dedup();
        Some(names.join(" or "))
    };
    if let Some(names) = variants("oneOf").or_else(|| variants("anyOf")) {
        return names;
    }
    if let Some(names) = schema["enum"].as_array() {
        if names.len() > LISTED {
            return "one of those below".to_owned();
        }
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        return names.join(" or ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    match name.as_str() {
        "array" => format!("list of {}", type_name(resolve(&schema["items"], root), root)),
        "object" => "table".to_owned(),
        _ => name,
    }
}
