//! The JSON Schema of pipeline files.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toys::{quiet, registry};

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_definition_is_used() {
    let schema = pipeline::json_schema(&registry(Vec::new(), &quiet()));
    let mut found = BTreeSet::new();
    references(&schema, &mut found);
    for reference in &found {
        let target = schema.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{reference} leads nowhere");
    }
    for name in schema["$defs"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/$defs/{name}")), "{name} is not used");
    }
}

#[test]
fn it_describes_nodes_by_id_and_by_component() {
    let schema = pipeline::json_schema(&registry(Vec::new(), &quiet()));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let learner = &schema["properties"]["nodes"]["properties"]["learner"];
    assert_eq!(learner["else"]["$ref"], "#/$defs/Learner");
    assert_eq!(learner["then"]["$ref"], "#/$defs/Node");
    let node = &schema["$defs"]["Node"];
    assert_eq!(node["properties"]["component"]["enum"][3], "Learner");
    assert_eq!(node["allOf"][3]["then"]["$ref"], "#/$defs/Learner");

    let learner = &schema["$defs"]["Learner"];
    assert_eq!(learner["additionalProperties"], false);
    assert_eq!(learner["properties"]["model"]["$ref"], "#/$defs/Learner.Model");
    assert_eq!(learner["properties"]["component"]["const"], "Learner");
    assert_eq!(learner["properties"]["cache"]["type"], "boolean");
    let inputs = learner["properties"]["inputs"]["properties"].as_object().unwrap();
    assert_eq!(inputs.keys().collect::<Vec<_>>(), ["examples", "statistics"]);
    assert_eq!(learner["required"][0], "model");
}
