//! Pusher: a blessed model becomes a version of a serving directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use artifact::{
    Artifact, CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output,
    OutputProperties, PropertyValue, RunContext, types,
};
use base::BoxError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use text_model::TextModel;

use crate::ComponentError;
use crate::config::{read, schema_of};
use crate::ports::required;
use crate::view::write;

/// Pushes a model, if it is blessed where a blessing is wired.
pub struct Pusher;

/// Where models are pushed to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where models are pushed to.
    destination: Destination,
}

/// Where models are pushed to.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Destination {
    /// A folder with one numbered folder per version, relative to the pipeline file.
    Directory(PathBuf),
    /// A folder of one language model in the HuggingFace layout, relative to the pipeline file: the model takes the place
    /// of the one that was pushed there before, for programs that load a folder by its name.
    Huggingface(PathBuf),
}

impl Component for Pusher {
    fn name(&self) -> &'static str {
        "Pusher"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.pusher.component.Pusher"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Pushes a blessed model to where it is served from."
    }

    fn inputs(&self) -> &'static [Input] {
        &[
            Input {
                key: "model",
                artifact_type: types::MODEL,
                required: true,
                default_provider: None,
            },
            Input {
                key: "blessing",
                artifact_type: types::MODEL_BLESSING,
                required: false,
                default_provider: None,
            },
        ]
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "pushed_model", artifact_type: types::PUSHED_MODEL }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, _config: &Value, _context: &CheckContext<'_>) -> Checked {
        Checked::default()
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }

    fn verify_hit(
        &self,
        _config: &Value,
        _base_dir: &Path,
        outputs: &BTreeMap<String, Vec<Artifact>>,
    ) -> Result<(), String> {
        let pushed = outputs.get("pushed_model").and_then(|artifacts| artifacts.first());
        let destination =
            pushed.and_then(|artifact| artifact.custom_properties.get("pushed_destination"));
        let Some(destination) = destination.and_then(PropertyValue::as_str) else { return Ok(()) };
        push::verify(Path::new(destination)).map_err(|error| BoxError::from(error).to_string())
    }
}

impl Executor for Pusher {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let model = required(context, "model")?;
        let mut output = OutputProperties::default();
        let custom = &mut output.custom_properties;

        if context.input("blessing").is_some_and(|blessing| !is_blessed(blessing)) {
            custom.insert("pushed".to_owned(), 0.into());
            write(
                &context.outputs["pushed_model"].join("pushed.json"),
                json!({ "pushed": false }).to_string(),
            )?;
            return Ok(Outcome {
                properties: [("pushed_model", output)].into(),
                summary: "not pushed: the model is not blessed".to_owned(),
                ..Outcome::default()
            });
        }

        let (dir, version) = match &config.destination {
            Destination::Directory(directory) => {
                let seconds = u64::try_from(context.now_ms / 1000).unwrap_or(0);
                let pushed = push::push(&model.uri, &context.base_dir.join(directory), seconds)?;
                (pushed.dir, Some(pushed.version))
            }
            Destination::Huggingface(folder) => {
                if !TextModel::is_in(&model.uri) {
                    return Err(ComponentError::NotLanguage.into());
                }
                let folder = context.base_dir.join(folder);
                push::replace(&model.uri, &folder)?;
                (folder, None)
            }
        };
        let dir = dir.display().to_string();
        custom.insert("pushed".to_owned(), 1.into());
        custom.insert("pushed_destination".to_owned(), dir.clone().into());
        let mut record = json!({ "pushed": true, "destination": dir });
        let mut summary = dir;
        if let Some(version) = version {
            custom.insert("pushed_version".to_owned(), version.to_string().into());
            record["version"] = version.into();
            summary = format!("version {version} in {summary}");
        }
        write(&context.outputs["pushed_model"].join("pushed.json"), record.to_string())?;
        Ok(Outcome { properties: [("pushed_model", output)].into(), summary, ..Outcome::default() })
    }
}

/// Returns whether a blessing says yes.
pub(crate) fn is_blessed(blessing: &Artifact) -> bool {
    blessing.custom_properties.get("blessed").and_then(PropertyValue::as_int) == Some(1)
}
