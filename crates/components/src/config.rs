//! Configurations: reading them, and putting a component's own keys beside its stage's.

use artifact::{Checked, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ComponentError;

/// No configuration.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoConfig {}

/// Reads a configuration that was checked against its schema.
pub(crate) fn read<T: DeserializeOwned>(config: &Value) -> Result<T, ComponentError> {
    T::deserialize(config).map_err(ComponentError::Config)
}

/// Says why a configuration does not read that fits its schema: a length of time that no clock counts, say.
pub(crate) fn unreadable(error: &ComponentError) -> Checked {
    let message = match error {
        ComponentError::Config(error) => error.to_string(),
        other => other.to_string(),
    };
    let problem = Problem { key: String::new(), offset: None, message, hint: None };
    Checked { problems: vec![problem], ..Checked::default() }
}

/// Returns the JSON Schema of a configuration.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    generator().into_root_schema_for::<T>()
}

/// Returns the schema of a stage's configuration with one key of the component beside its own.
pub(crate) fn schema_with<Stage: JsonSchema, Own: JsonSchema>(
    key: &str,
    description: &str,
) -> Schema {
    with_key::<Own>(schema_of::<Stage>(), key, description)
}

/// Returns a schema with one more key.
pub(crate) fn with_key<Own: JsonSchema>(
    mut schema: Schema,
    key: &str,
    description: &str,
) -> Schema {
    let mut own = schema_of::<Own>();
    own.insert("description".to_owned(), description.into());
    own.remove("$schema");
    own.remove("title");
    // What it refers to is looked for at the root.
    let definitions = own.remove("$defs");
    let mut add = |place: &str, values: Vec<(String, Value)>| {
        let table = schema
            .ensure_object()
            .entry(place)
            .or_insert_with(|| Value::Object(Default::default()));
        if let Value::Object(table) = table {
            table.extend(values);
        }
    };
    add("properties", vec![(key.to_owned(), own.to_value())]);
    if let Some(Value::Object(definitions)) = definitions {
        add("$defs", definitions.into_iter().collect());
    }
    schema
}

/// Takes the component's own key out of a configuration and reads it and the stage's.
pub(crate) fn read_with<Stage: DeserializeOwned, Own: DeserializeOwned + Default>(
    key: &str,
    config: &Value,
) -> Result<(Stage, Own), ComponentError> {
    let mut stage = config.clone();
    let own = take(key, &mut stage)?;
    Ok((read(&stage)?, own))
}

/// Takes a key out of a configuration and reads it.
pub(crate) fn take<Own: DeserializeOwned + Default>(
    key: &str,
    config: &mut Value,
) -> Result<Own, ComponentError> {
    let own = config.as_object_mut().and_then(|table| table.remove(key));
    own.map_or_else(|| Ok(Own::default()), |value| read(&value))
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}
