//! `foreign.json`: what a foreign model takes and gives, and how that is done.

use std::path::Path;

use base::IoError;
use serde::{Deserialize, Serialize};

use crate::foreign::ForeignError;
use crate::{FeatureKind, FeatureSpec, OutputSpec, PREDICTION, Signature, Task};

const VERSION: u64 = 1;

/// What a foreign model takes and gives, and how that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it takes and gives; its outputs are `prediction` alone.
    pub signature: Signature,
    /// How that is done.
    pub kind: Kind,
}

/// How a foreign model is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ONNX file, in the process.
    Onnx(Binding),
    /// A program that is asked over pipes; `predict.json` among its files says how it is started.
    Program,
}

/// Which features an ONNX model's inputs are, and which of its outputs is the prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The file's name.
    pub file: String,
    /// Each input with its features, in order: where there are several, one behind the other in each row.
    pub inputs: Vec<(String, Vec<String>)>,
    /// The output that is the prediction.
    pub prediction: String,
}

impl Description {
    /// Returns the description of a model of one task over some features.
    pub fn new(inputs: Vec<FeatureSpec>, label: String, task: Task, kind: Kind) -> Self {
        let outputs = vec![OutputSpec { name: PREDICTION.to_owned(), width: task.width() }];
        Self { signature: Signature { inputs, outputs, label, task }, kind }
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), ForeignError> {
        let stored = V1::from(self);
        let mut text = serde_json::to_string_pretty(&stored).map_err(malformed(path))?;
        text.push('\n');
        Ok(base::publish::write_file(path, text.as_bytes())?)
    }

    pub(super) fn load(path: &Path) -> Result<Self, ForeignError> {
        let text = std::fs::read(path).map_err(IoError::at("read", path))?;
        let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed(path))?;
        if version != VERSION {
            let path = path.to_path_buf();
            return Err(ForeignError::Version { path, found: version, newest: VERSION });
        }
        let stored: V1 = serde_json::from_slice(&text).map_err(malformed(path))?;
        Ok(stored.into())
    }
}

fn malformed(path: &Path) -> impl Fn(serde_json::Error) -> ForeignError {
    move |source| ForeignError::Malformed {
        path: path.to_path_buf(),
        expected: "a description of a foreign model",
        source,
    }
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    task: TaskV1,
    label: String,
    inputs: Vec<InputV1>,
    model: KindV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TaskV1 {
    BinaryClassification,
    MultiClassClassification { num_classes: usize },
    MultiLabelClassification { num_labels: usize },
    Regression,
    Ranking,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputV1 {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    num_buckets: Option<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum KindV1 {
    Onnx { file: String, inputs: Vec<PortV1>, prediction: String },
    Program {},
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortV1 {
    name: String,
    features: Vec<String>,
}

impl From<&Description> for V1 {
    fn from(description: &Description) -> Self {
        let signature = &description.signature;
        Self {
            version: VERSION,
            task: match signature.task {
                Task::BinaryClassification => TaskV1::BinaryClassification,
                Task::MultiClassClassification { num_classes } => {
                    TaskV1::MultiClassClassification { num_classes }
                }
                Task::MultiLabelClassification { num_labels } => {
                    TaskV1::MultiLabelClassification { num_labels }
                }
                Task::Regression => TaskV1::Regression,
                Task::Ranking => TaskV1::Ranking,
            },
            label: signature.label.clone(),
            inputs: signature
                .inputs
                .iter()
                .map(|input| InputV1 {
                    name: input.name.clone(),
                    num_buckets: input.kind.num_buckets(),
                })
                .collect(),
            model: match &description.kind {
                Kind::Onnx(binding) => KindV1::Onnx {
                    file: binding.file.clone(),
                    inputs: binding
                        .inputs
                        .iter()
                        .map(|(name, features)| PortV1 {
                            name: name.clone(),
                            features: features.clone(),
                        })
                        .collect(),
                    prediction: binding.prediction.clone(),
                },
                Kind::Program => KindV1::Program {},
            },
        }
    }
}

impl From<V1> for Description {
    fn from(stored: V1) -> Self {
        let task = match stored.task {
            TaskV1::BinaryClassification => Task::BinaryClassification,
            TaskV1::MultiClassClassification { num_classes } => {
                Task::MultiClassClassification { num_classes }
            }
            TaskV1::MultiLabelClassification { num_labels } => {
                Task::MultiLabelClassification { num_labels }
            }
            TaskV1::Regression => Task::Regression,
            TaskV1::Ranking => Task::Ranking,
        };
        let inputs = stored.inputs.into_iter().map(|input| FeatureSpec {
            name: input.name,
            kind: match input.num_buckets {
                None => FeatureKind::Numeric,
                Some(num_buckets) => FeatureKind::Categorical { num_buckets },
            },
        });
        let kind = match stored.model {
            KindV1::Onnx { file, inputs, prediction } => Kind::Onnx(Binding {
                file,
                inputs: inputs.into_iter().map(|port| (port.name, port.features)).collect(),
                prediction,
            }),
            KindV1::Program {} => Kind::Program,
        };
        Self::new(inputs.collect(), stored.label, task, kind)
    }
}
