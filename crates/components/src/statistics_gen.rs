//! StatisticsGen: statistics of every split.

use artifact::{
    CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, RunContext, types,
};
use base::BoxError;
use dataset::Dataset;
use formats::Message;
use serde_json::Value;

use crate::config::{read_with, schema_with};
use crate::ports::{
    EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP, keep_splits, pass_on, required, split_properties,
};
use crate::view::{STATISTICS_FILE, make_split_dir, write};

/// TFDV's name for statistics over all examples, as opposed to a slice of them.
const ALL_EXAMPLES: &str = "All Examples";

/// Computes statistics of every split in one pass each.
pub struct StatisticsGen;

impl Component for StatisticsGen {
    fn name(&self) -> &'static str {
        "StatisticsGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.statistics_gen.component.StatisticsGen"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Computes statistics of every split."
    }

    fn inputs(&self) -> &'static [Input] {
        &[Input {
            key: "examples",
            artifact_type: types::EXAMPLES,
            required: true,
            default_provider: None,
        }]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "statistics", artifact_type: types::EXAMPLE_STATISTICS }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_with::<statistics::Config, Vec<String>>(EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP)
    }

    fn check(&self, _config: &Value, context: &CheckContext<'_>) -> Checked {
        pass_on(context, "examples", "statistics")
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for StatisticsGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, exclude): (statistics::Config, Vec<String>) =
            read_with(EXCLUDE_SPLITS, context.config)?;
        let examples = required(context, "examples")?;
        let names = keep_splits(examples, &exclude)?;
        let dataset = Dataset::open(&examples.uri, &names)?;
        let mut num_examples = 0;
        let mut num_features = 0;
        for (done, split) in dataset.splits().iter().enumerate() {
            context.progress.report(done as u64, names.len() as u64, &split.name);
            let source = split.source()?;
            let list = statistics::generate(ALL_EXAMPLES, &source, context.engine, &config)?;
            for dataset in &list.datasets {
                num_examples += dataset.num_examples;
                num_features = dataset.features.len();
            }
            let dir = make_split_dir(&context.outputs["statistics"], &split.name)?;
            write(&dir.join(STATISTICS_FILE), list.encode_to_vec())?;
        }
        Ok(Outcome {
            properties: [("statistics", split_properties(examples, &names))].into(),
            summary: format!("{num_features} features of {num_examples} examples"),
            ..Outcome::default()
        })
    }
}
