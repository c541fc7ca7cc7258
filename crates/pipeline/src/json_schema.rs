//! The JSON Schema of pipeline files, for editors.

use artifact::{Component, Registry};
use serde_json::{Map, Value, json};

use crate::definition::{CACHE, COMPONENT, INPUTS, MAX_NAME_CHARS, snake_case};

/// What names of pipelines and nodes look like.
const NAME_PATTERN: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]*$";

/// Returns the JSON Schema (draft 2020-12) of pipeline files that use these components.
///
/// Each component's schema is a definition under the component's name, and what it defines itself is a definition
/// under `Component.Name`, so that two components may use one name. A node is held against the component that its
/// `component` key names, or else the one that its id names.
pub fn json_schema(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    let mut by_id = Map::new();
    let mut names = Vec::new();
    let mut choices = Vec::new();
    for component in registry.iter() {
        let name = component.name();
        define(component.as_ref(), &mut definitions);
        let reference = json!({ "$ref": format!("#/$defs/{name}") });
        by_id.insert(
            snake_case(name),
            json!({
                "description": component.description(),
                "if": { "required": [COMPONENT] },
                "then": { "$ref": "#/$defs/Node" },
                "else": reference,
            }),
        );
        choices.push(json!({
            "if": { "properties": { COMPONENT: { "const": name } }, "required": [COMPONENT] },
            "then": reference,
        }));
        names.push(name);
    }
    let mut node = Map::new();
    node.insert("type".to_owned(), "object".into());
    node.insert("description".to_owned(), "A node whose `component` says what it is.".into());
    node.insert("properties".to_owned(), json!({ COMPONENT: { "enum": names } }));
    node.insert("required".to_owned(), json!([COMPONENT]));
    if !choices.is_empty() {
        node.insert("allOf".to_owned(), choices.into());
    }
    definitions.insert("Node".to_owned(), node.into());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cupola pipeline",
        "type": "object",
        "properties": {
            "pipeline": {
                "description": "What concerns the whole pipeline.",
                "type": "object",
                "properties": {
                    "name": {
                        "description": "The pipeline's name.",
                        "type": "string",
                        "pattern": NAME_PATTERN,
                        "maxLength": MAX_NAME_CHARS,
                    },
                },
                "required": ["name"],
                "additionalProperties": false,
            },
            "nodes": {
                "description": "The nodes by id. A node's component is its id in CamelCase, or its `component`.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": NAME_PATTERN, "maxLength": MAX_NAME_CHARS },
                "properties": by_id,
                "additionalProperties": { "$ref": "#/$defs/Node" },
            },
        },
        "required": ["pipeline", "nodes"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// Adds a component's schema, with the keys that every node has, and what it defines.
fn define(component: &dyn Component, definitions: &mut Map<String, Value>) {
    let name = component.name();
    let mut schema = component.config_schema().to_value();
    rename(&mut schema, name);
    let Value::Object(mut schema) = schema else { return };
    schema.remove("$schema");
    if let Some(Value::Object(own)) = schema.remove("$defs") {
        for (key, definition) in own {
            definitions.insert(format!("{name}.{key}"), definition);
        }
    }
    schema.insert("title".to_owned(), name.into());
    schema.insert("description".to_owned(), component.description().into());
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("additionalProperties").or_insert(Value::Bool(false));
    if let Value::Object(properties) = schema.entry("properties").or_insert_with(|| json!({})) {
        properties.insert(
            COMPONENT.to_owned(),
            json!({ "description": "What the node is, where its id does not say it.", "const": name }),
        );
        properties.insert(INPUTS.to_owned(), inputs(component));
        properties.insert(
            CACHE.to_owned(),
            json!({
                "description": "Whether the node's outputs are taken where they are there; `false` runs it every time.",
                "type": "boolean",
                "default": true,
            }),
        );
    }
    definitions.insert(name.to_owned(), schema.into());
}

fn inputs(component: &dyn Component) -> Value {
    let port = |input: &artifact::Input| {
        let kind = input.artifact_type.name;
        let optional = if input.required { "" } else { ", optional" };
        let schema = json!({
            "description": format!("The output of type {kind} to read{optional}, as \"node.output\"."),
            "type": "string",
            "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_-]*\.[A-Za-z0-9_]+$",
        });
        (input.key.to_owned(), schema)
    };
    let ports: Map<String, Value> = component.inputs().iter().map(port).collect();
    json!({
        "description": "Which outputs the node reads, where their types leave a choice.",
        "type": "object",
        "properties": ports,
        "additionalProperties": false,
    })
}

/// Points references at where a component's definitions go.
fn rename(schema: &mut Value, component: &str) {
    match schema {
        Value::Object(keywords) => {
            for (key, value) in keywords.iter_mut() {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        *reference = match reference.strip_prefix("#/$defs/") {
                            Some(name) => format!("#/$defs/{component}.{name}"),
                            None => reference.replacen('#', &format!("#/$defs/{component}"), 1),
                        };
                    }
                    value => rename(value, component),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, component)),
        _ => {}
    }
}
