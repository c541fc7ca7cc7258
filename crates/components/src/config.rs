//! Configurations: reading them, and putting a component's own keys beside its stage's.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ComponentError;

/// Reads a configuration that was checked against its schema.
pub(crate) fn read<T: DeserializeOwned>(config: &Value) -> Result<T, ComponentError> {
    T::deserialize(config).map_err(ComponentError::Config)
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
    let mut schema = schema_of::<Stage>();
    let mut own = schema_of::<Own>();
    own.insert("description".to_owned(), description.into());
    own.remove("$schema");
    own.remove("title");
    let properties = schema
        .ensure_object()
        .entry("properties")
        .or_insert_with(|| Value::Object(Default::default()));
    if let Value::Object(properties) = properties {
        properties.insert(key.to_owned(), own.to_value());
    }
    schema
}

/// Takes the component's own key out of a configuration and reads it and the stage's.
pub(crate) fn read_with<Stage: DeserializeOwned, Own: DeserializeOwned + Default>(
    key: &str,
    config: &Value,
) -> Result<(Stage, Own), ComponentError> {
    let mut stage = config.clone();
    let own = stage.as_object_mut().and_then(|table| table.remove(key));
    let own = own.map_or_else(|| Ok(Own::default()), |value| read(&value))?;
    Ok((read(&stage)?, own))
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}
