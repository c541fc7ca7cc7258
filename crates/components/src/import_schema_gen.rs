//! ImportSchemaGen: a curated schema enters the pipeline.

use std::path::{Path, PathBuf};

use artifact::{
    CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, RunContext, types,
};
use base::BoxError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{read, schema_of};
use crate::view::SCHEMA_FILE;
use crate::{curated, features};

/// Takes a schema that people keep beside the pipeline.
pub struct ImportSchemaGen;

/// Where the curated schema is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The schema in text form (`schema.pbtxt`), relative to the pipeline file.
    schema_file: PathBuf,
}

impl Component for ImportSchemaGen {
    fn name(&self) -> &'static str {
        "ImportSchemaGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.schema_gen.import_schema_gen.component.ImportSchemaGen"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Takes a curated schema from a file."
    }

    fn inputs(&self) -> &'static [Input] {
        &[]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "schema", artifact_type: types::SCHEMA }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok(config) = read::<Config>(config) else { return checked };
        let (schema, problems) =
            curated::check(&context.base_dir.join(config.schema_file), "schema_file");
        checked.problems = problems;
        if let Some(schema) = schema {
            checked.features.insert("schema", features::of_whole_schema(&schema));
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        Ok(vec![base_dir.join(read::<Config>(config)?.schema_file)])
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for ImportSchemaGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let schema = schema::read_schema(&context.base_dir.join(config.schema_file))?;
        schema::write_schema(&context.outputs["schema"].join(SCHEMA_FILE), &schema)?;
        Ok(Outcome { summary: format!("{} features", schema.feature.len()), ..Outcome::default() })
    }
}
