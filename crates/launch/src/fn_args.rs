//! What a program is told: a JSON file, with TFX's names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::IoError;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::LaunchError;

/// Everything that a program is told about its training. `CUPOLA_FN_ARGS` names the file.
///
/// # Source
///
/// TFX's `FnArgs`, whose names and meanings these are as far as there is such a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FnArgs {
    /// The folder of the pipeline file.
    pub working_dir: PathBuf,
    /// Patterns of the files to train on.
    pub train_files: Vec<String>,
    /// Patterns of the files to measure with.
    pub eval_files: Vec<String>,
    /// The format of these files: `parquet` or `tfrecord`.
    pub data_format: &'static str,
    /// How many steps to train; `None` where the program is to know.
    pub train_steps: Option<u64>,
    /// How many steps to measure; `None` for all that is there.
    pub eval_steps: Option<u64>,
    /// How many examples each split has.
    pub num_examples: BTreeMap<String, u64>,
    /// The schema (`schema.pbtxt`), where one is wired.
    pub schema_path: Option<PathBuf>,
    /// The compiled transform.
    pub transform_graph_path: Option<PathBuf>,
    /// The transformed features that the model reads.
    pub features: Vec<FeatureArg>,
    /// The transformed feature to predict.
    pub label: String,
    /// What to predict about it, such as `binary_classification`.
    pub task: String,
    /// Of several classes: how many there are.
    pub num_classes: Option<usize>,
    /// Of a ranking: the transformed feature that examples of one query have in common.
    pub query: Option<String>,
    /// Where to write the model.
    pub serving_model_dir: PathBuf,
    /// Where to write what is worth keeping besides: it becomes the artifact `ModelRun`.
    pub model_run_dir: PathBuf,
    /// Where checkpoints go: it is there again after a restart and in the next run, and gone once the model is there.
    pub checkpoint_dir: PathBuf,
    /// Where metrics go, a JSON object on each line.
    pub metrics_path: PathBuf,
    /// The model to start from, where one is wired.
    pub base_model: Option<PathBuf>,
    /// The hyperparameters.
    pub hyperparameters: Map<String, Value>,
    /// Whatever the user says.
    pub custom_config: Map<String, Value>,
}

/// A transformed feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureArg {
    /// Its name, which is the name of its column.
    pub name: String,
    /// The type of its values: `int`, `float`, `bytes` or `bool`.
    #[serde(rename = "type")]
    pub value_type: &'static str,
    /// Whether an example has many values of it.
    pub is_list: bool,
    /// For ids: how many there can be.
    pub num_buckets: Option<u64>,
}

impl FnArgs {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), LaunchError> {
        let mut text = serde_json::to_string_pretty(self).expect("paths and maps are JSON");
        text.push('\n');
        std::fs::write(path, text).map_err(IoError::at("write", path))?;
        Ok(())
    }
}
