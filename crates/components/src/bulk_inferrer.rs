//! BulkInferrer: examples with what a model predicts for them.

use std::path::Path;
use std::sync::Arc;

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind, Outcome,
    Output, OutputProperties, Problem, RunContext, types,
};
use base::BoxError;
use dataflow::Source as _;
use dataset::{Dataset, DatasetWriter};
use indexmap::IndexMap;
use infer::{Inference, Keep, Outputs};
use ingest::{OutputConfig, Payload};
use model::Predictor;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use servable::Servable;
use text_model::{Ask, TextModel, TextPredictor};

use crate::ComponentError;
use crate::completion_config::CompletionConfig;
use crate::config::{read, schema_of};
use crate::example_gen::formats_of;
use crate::ports::{required, split_properties};
use crate::pusher::is_blessed;

/// Puts a model's predictions beside the features of raw examples, if it is blessed where a blessing is wired.
pub struct BulkInferrer;

/// What is predicted, and what is kept beside it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The splits to predict for; all where not given.
    example_splits: Vec<String>,
    /// The features to keep beside the predictions; all where not given.
    keep: Option<Vec<String>>,
    /// The outputs of the model that become features, and what these are called: `{ prediction = "score" }`. All, by
    /// their own names, where not given.
    outputs: Option<IndexMap<String, String>>,
    /// In which format the examples are written.
    output: OutputConfig,
    /// Of a language model: predicts what follows each text (`completion`, and in `finish_reason` why it ends there)
    /// and not how well it is foreseen.
    completion: Option<CompletionConfig>,
}

impl Config {
    fn keep(&self) -> Keep {
        self.keep.clone().map_or(Keep::All, Keep::Columns)
    }

    fn outputs(&self) -> Outputs {
        let pairs = |outputs: &IndexMap<String, String>| {
            outputs.iter().map(|(output, name)| (output.clone(), name.clone())).collect()
        };
        self.outputs.as_ref().map_or(Outputs::All, |outputs| Outputs::Named(pairs(outputs)))
    }

    /// Returns the features that are kept, in the order of the result.
    fn kept(&self, features: &[FeatureInfo]) -> Vec<FeatureInfo> {
        match &self.keep {
            None => features.to_vec(),
            Some(names) => {
                let find = |name: &String| features.iter().find(|feature| feature.name == *name);
                names.iter().filter_map(find).cloned().collect()
            }
        }
    }
}

impl Component for BulkInferrer {
    fn name(&self) -> &'static str {
        "BulkInferrer"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.bulk_inferrer.component.BulkInferrer"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Puts a model's predictions beside the features of examples."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("examples", types::EXAMPLES),
                Input::required("model", types::MODEL),
                Input::optional("blessing", types::MODEL_BLESSING),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "output_examples", artifact_type: types::EXAMPLES }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok(config) = read::<Config>(config) else { return checked };
        let Some(Some(features)) = context.inputs.get("examples") else { return checked };
        let mut problem = |key: String, message: String| {
            let (offset, hint) = (None, None);
            checked.problems.push(Problem { key, offset, message, hint });
        };
        for (place, name) in config.keep.iter().flatten().enumerate() {
            if !features.iter().any(|feature| feature.name == *name) {
                let hint = base::nearest(name, features.iter().map(|it| it.name.as_str()));
                let hint = hint.map_or(String::new(), |near| format!(", perhaps `{near}`"));
                problem(
                    format!("keep.{place}"),
                    format!("the examples have no feature `{name}`{hint}"),
                );
            }
        }
        let mut result = config.kept(features);
        for (output, name) in config.outputs.iter().flatten() {
            if result.iter().any(|feature| feature.name == *name) {
                let message = format!("there is a feature `{name}` already");
                problem(format!("outputs.{output}"), message);
            }
            result.push(FeatureInfo {
                name: name.clone(),
                kind: Some(match config.completion {
                    None => FeatureKind::Float,
                    Some(_) => FeatureKind::Bytes,
                }),
                is_list: None,
                num_buckets: None,
                note: None,
            });
        }
        // Which outputs a model has is not known before it is there.
        if config.outputs.is_some() {
            checked.features.insert("output_examples", result);
        }
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for BulkInferrer {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        if context.input("blessing").is_some_and(|blessing| !is_blessed(blessing)) {
            return Ok(not_blessed());
        }
        let model = required(context, "model")?;
        let (predictor, needed) = load(&model.uri, config.completion.as_ref())?;
        let examples = required(context, "examples")?;
        let names = match config.example_splits.as_slice() {
            [] => examples.split_names(),
            some => some.to_vec(),
        };
        let dataset = Dataset::open(&examples.uri, &names)?;
        let splits = dataset.splits();
        let sources = splits.iter().map(|split| split.source()).collect::<Result<Vec<_>, _>>()?;
        let first = sources.first();
        let first = first.ok_or_else(|| ComponentError::NoSplits { path: examples.uri.clone() })?;
        let schema = first.schema();
        let inference = Inference::new(
            predictor.as_ref(),
            &needed,
            &schema,
            &config.keep(),
            &config.outputs(),
        )?;

        let storage = config.output.storage(Payload::TfExample);
        let root = &context.outputs["output_examples"];
        let mut writer = DatasetWriter::create(root, names.iter(), inference.schema(), storage)?;
        for (place, (split, source)) in splits.iter().zip(&sources).enumerate() {
            context.progress.report(place as u64, splits.len() as u64, &split.name);
            context.engine.map(
                source,
                &inference,
                &mut |batch| Ok(writer.write(place, &batch)?),
            )?;
        }
        let written = writer.close()?;

        let mut output = split_properties(examples, &names);
        let (payload_format, file_format) = formats_of(storage);
        output.custom_properties.insert("payload_format".to_owned(), payload_format.into());
        output.custom_properties.insert("file_format".to_owned(), file_format.into());
        let total: u64 = written.iter().map(|(_, rows)| rows).sum();
        let counts: Vec<_> = written.iter().map(|(name, rows)| format!("{name} {rows}")).collect();
        Ok(Outcome {
            properties: [("output_examples", output)].into(),
            summary: format!("{total} predictions: {}", counts.join(", ")),
            ..Outcome::default()
        })
    }
}

/// Loads a model, and says which raw features it reads.
fn load(
    dir: &Path,
    completion: Option<&CompletionConfig>,
) -> Result<(Box<dyn Predictor>, Vec<String>), BoxError> {
    if TextModel::is_in(dir) {
        let model = TextModel::load(dir)?;
        let needed = model.inputs().iter().map(|input| input.name.clone()).collect();
        let ask = completion.map_or(Ask::Score, |it| Ask::Complete(Box::new(it.options())));
        return Ok((Box::new(TextPredictor::new(Arc::new(model), ask)), needed));
    }
    if completion.is_some() {
        return Err(ComponentError::NoTexts.into());
    }
    let servable = Servable::load(dir)?;
    let needed = servable.raw_inputs().iter().map(|raw| raw.name.clone()).collect();
    Ok((Box::new(servable), needed))
}

/// What depends on the predictions cannot run, as there are none.
fn not_blessed() -> Outcome {
    Outcome {
        properties: [("output_examples", OutputProperties::default())].into(),
        summary: "nothing predicted: the model is not blessed".to_owned(),
        answer: artifact::Answer::No {
            reason: "nothing predicted: the model is not blessed".to_owned(),
            details: String::new(),
            stop: true,
        },
    }
}
