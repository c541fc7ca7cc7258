//! SchemaGen: the schema that statistics suggest.

use artifact::{
    CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, RunContext, types,
};
use base::BoxError;
use serde_json::Value;

use crate::ComponentError;
use crate::config::{read_with, schema_with};
use crate::ports::{EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP, keep_splits, pass_on, required};
use crate::view::{SCHEMA_FILE, read_statistics};

/// Infers a schema from the first split, relaxed to fit the others.
pub struct SchemaGen;

impl Component for SchemaGen {
    fn name(&self) -> &'static str {
        "SchemaGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.schema_gen.component.SchemaGen"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Infers a schema from statistics."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            key: "statistics",
            artifact_type: types::EXAMPLE_STATISTICS,
            required: true,
            default_provider: None,
        }]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "schema", artifact_type: types::SCHEMA }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_with::<schema::InferConfig, Vec<String>>(EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP)
    }

    fn check(&self, _config: &Value, context: &CheckContext<'_>) -> Checked {
        pass_on(context, "statistics", "schema")
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for SchemaGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, exclude): (schema::InferConfig, Vec<String>) =
            read_with(EXCLUDE_SPLITS, context.config)?;
        let artifact = required(context, "statistics")?;
        let statistics = read_statistics(artifact)?;
        let mut schema = None;
        for (_, list) in statistics.iter().filter(|(split, _)| !exclude.contains(split)) {
            for dataset in &list.datasets {
                match &mut schema {
                    None => schema = Some(schema::infer_schema(dataset, &config)?),
                    Some(schema) => schema::update_schema(schema, dataset, &config)?,
                }
            }
        }
        let schema =
            schema.ok_or_else(|| ComponentError::NoSplits { path: artifact.uri.clone() })?;
        schema::write_schema(&context.outputs["schema"].join(SCHEMA_FILE), &schema)?;
        let splits = keep_splits(artifact, &exclude)?;
        Ok(Outcome {
            summary: format!("{} features, from {}", schema.feature.len(), splits.join(", ")),
            ..Outcome::default()
        })
    }
}
