//! Every component's configuration: its schema, and what it reads.

use std::collections::BTreeSet;

use serde_json::Value;

#[test]
fn every_key_is_described_and_no_other_is_taken() {
    for component in components::registry().iter() {
        let name = component.name();
        let schema = component.config_schema().to_value();
        assert_eq!(schema["type"], "object", "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let empty = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        for (key, property) in properties {
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.len() > 10, "{name}: `{key}` is not described: {property}");
        }
    }
}

#[test]
fn every_reference_of_a_schema_leads_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(table) => {
                if let Some(Value::String(target)) = table.get("$ref") {
                    found.push(target.clone());
                }
                table.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    for component in components::registry().iter() {
        let schema = component.config_schema().to_value();
        let mut found = Vec::new();
        walk(&schema, &mut found);
        for target in found {
            let pointer = target.strip_prefix('#').expect("references are within the schema");
            assert!(schema.pointer(pointer).is_some(), "{}: {target}", component.name());
        }
    }
}

#[test]
fn components_have_names_of_their_own_and_ports_that_can_be_wired() {
    let registry = components::registry();
    let names: BTreeSet<_> = registry.iter().map(|component| component.name()).collect();
    assert_eq!(names.len(), registry.iter().count());
    let provided: BTreeSet<_> = registry
        .iter()
        .flat_map(|component| component.outputs())
        .map(|output| output.artifact_type.name)
        .collect();
    for component in registry.iter() {
        for input in component.inputs() {
            assert!(provided.contains(input.artifact_type.name), "{}", component.name());
            if let Some(provider) = input.default_provider {
                let outputs = registry.get(provider).unwrap().outputs();
                assert!(outputs.iter().any(|output| output.key == input.key), "{provider}");
            }
        }
    }
}
