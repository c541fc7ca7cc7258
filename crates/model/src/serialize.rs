//! Models on disk: `model.json`, versioned, and `weights.safetensors`.

mod tensors;

use std::fs;
use std::path::Path;

use base::IoError;
use serde::{Deserialize, Serialize};

use crate::network::Network;
use crate::{
    Architecture, Combiner, FeatureKind, FeatureSpec, Model, ModelError, OutputSpec, Signature,
    Task,
};

const DESCRIPTION: &str = "model.json";
const WEIGHTS: &str = "weights.safetensors";
const VERSION: u64 = 2;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    #[expect(dead_code, reason = "read before, as `AnyVersion`")]
    version: u64,
    task: TaskV1,
    label: String,
    architecture: ArchitectureV2,
    inputs: Vec<InputV2>,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TaskV1 {
    BinaryClassification,
    Regression,
}

/// Against version 1: more tasks, and outputs with their width.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V2 {
    version: u64,
    task: TaskV2,
    label: String,
    architecture: ArchitectureV2,
    inputs: Vec<InputV2>,
    outputs: Vec<OutputV2>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TaskV2 {
    BinaryClassification,
    MultiClassClassification { num_classes: usize },
    MultiLabelClassification { num_labels: usize },
    Regression,
    Ranking,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ArchitectureV2 {
    Linear {},
    Deep { hidden: Vec<usize> },
    WideAndDeep { hidden: Vec<usize> },
    TwoTower { query: Vec<String>, hidden: Vec<usize>, dimension: usize },
    BoostedTrees {},
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum InputV2 {
    Numeric {
        name: String,
    },
    Vector {
        name: String,
        width: usize,
    },
    Categorical {
        name: String,
        num_buckets: usize,
        embedding_dimension: usize,
    },
    Categories {
        name: String,
        num_buckets: usize,
        embedding_dimension: usize,
        combiner: CombinerV2,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CombinerV2 {
    Mean,
    Sum,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputV2 {
    name: String,
    width: usize,
}

impl From<V1> for V2 {
    fn from(v1: V1) -> Self {
        let task = match v1.task {
            TaskV1::BinaryClassification => TaskV2::BinaryClassification,
            TaskV1::Regression => TaskV2::Regression,
        };
        Self {
            version: VERSION,
            task,
            label: v1.label,
            architecture: v1.architecture,
            inputs: v1.inputs,
            outputs: v1.outputs.into_iter().map(|name| OutputV2 { name, width: 1 }).collect(),
        }
    }
}

impl From<Task> for TaskV2 {
    fn from(task: Task) -> Self {
        match task {
            Task::BinaryClassification => Self::BinaryClassification,
            Task::MultiClassClassification { num_classes } => {
                Self::MultiClassClassification { num_classes }
            }
            Task::MultiLabelClassification { num_labels } => {
                Self::MultiLabelClassification { num_labels }
            }
            Task::Regression => Self::Regression,
            Task::Ranking => Self::Ranking,
        }
    }
}

impl From<TaskV2> for Task {
    fn from(task: TaskV2) -> Self {
        match task {
            TaskV2::BinaryClassification => Self::BinaryClassification,
            TaskV2::MultiClassClassification { num_classes } => {
                Self::MultiClassClassification { num_classes }
            }
            TaskV2::MultiLabelClassification { num_labels } => {
                Self::MultiLabelClassification { num_labels }
            }
            TaskV2::Regression => Self::Regression,
            TaskV2::Ranking => Self::Ranking,
        }
    }
}

impl From<&Model> for V2 {
    fn from(model: &Model) -> Self {
        let signature = model.signature();
        let mut dimensions = model.network().categorical().iter().map(|c| c.dimension);
        let inputs = signature.inputs.iter().map(|input| {
            let name = input.name.clone();
            match input.kind {
                FeatureKind::Numeric => InputV2::Numeric { name },
                FeatureKind::Vector { width } => InputV2::Vector { name, width },
                FeatureKind::Categorical { num_buckets } => InputV2::Categorical {
                    name,
                    num_buckets,
                    embedding_dimension: dimensions.next().unwrap_or(0),
                },
                FeatureKind::Categories { num_buckets, combiner } => InputV2::Categories {
                    name,
                    num_buckets,
                    embedding_dimension: dimensions.next().unwrap_or(0),
                    combiner: match combiner {
                        Combiner::Mean => CombinerV2::Mean,
                        Combiner::Sum => CombinerV2::Sum,
                    },
                },
            }
        });
        Self {
            version: VERSION,
            task: signature.task.into(),
            label: signature.label.clone(),
            architecture: match model.architecture() {
                Architecture::Linear => ArchitectureV2::Linear {},
                Architecture::Deep { hidden, .. } => {
                    ArchitectureV2::Deep { hidden: hidden.clone() }
                }
                Architecture::WideAndDeep { hidden, .. } => {
                    ArchitectureV2::WideAndDeep { hidden: hidden.clone() }
                }
                Architecture::TwoTower { query, hidden, dimension, .. } => {
                    let (query, hidden) = (query.clone(), hidden.clone());
                    ArchitectureV2::TwoTower { query, hidden, dimension: *dimension }
                }
                Architecture::BoostedTrees => ArchitectureV2::BoostedTrees {},
            },
            inputs: inputs.collect(),
            outputs: outputs(&signature.outputs),
        }
    }
}

fn outputs(outputs: &[OutputSpec]) -> Vec<OutputV2> {
    let stored = |output: &OutputSpec| OutputV2 { name: output.name.clone(), width: output.width };
    outputs.iter().map(stored).collect()
}

impl V2 {
    fn into_parts(self) -> Result<(Signature, Architecture), ModelError> {
        let task = Task::from(self.task);
        if self.outputs != outputs(&task.outputs()) {
            return Err(ModelError::Inconsistent {
                reason: "its outputs are not those of its task",
            });
        }
        let mut embedding_dimensions = Vec::new();
        let inputs = self.inputs.into_iter().map(|input| match input {
            InputV2::Numeric { name } => FeatureSpec { name, kind: FeatureKind::Numeric },
            InputV2::Categorical { name, num_buckets, embedding_dimension } => {
                embedding_dimensions.push(embedding_dimension);
                FeatureSpec { name, kind: FeatureKind::Categorical { num_buckets } }
            }
            InputV2::Vector { name, width } => {
                FeatureSpec { name, kind: FeatureKind::Vector { width } }
            }
            InputV2::Categories { name, num_buckets, embedding_dimension, combiner } => {
                embedding_dimensions.push(embedding_dimension);
                let combiner = match combiner {
                    CombinerV2::Mean => Combiner::Mean,
                    CombinerV2::Sum => Combiner::Sum,
                };
                FeatureSpec { name, kind: FeatureKind::Categories { num_buckets, combiner } }
            }
        });
        let inputs = inputs.collect();
        let architecture = match self.architecture {
            ArchitectureV2::Linear {} => Architecture::Linear,
            ArchitectureV2::Deep { hidden } => Architecture::Deep { hidden, embedding_dimensions },
            ArchitectureV2::WideAndDeep { hidden } => {
                Architecture::WideAndDeep { hidden, embedding_dimensions }
            }
            ArchitectureV2::TwoTower { query, hidden, dimension } => {
                Architecture::TwoTower { query, hidden, dimension, embedding_dimensions }
            }
            ArchitectureV2::BoostedTrees {} => Architecture::BoostedTrees,
        };
        Ok((Signature::new(inputs, self.label, task), architecture))
    }
}

pub(crate) fn save(model: &Model, dir: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let path = dir.join(WEIGHTS);
    let bytes = match model.forest() {
        Some(forest) => tensors::of_forest(forest),
        None => tensors::of_network(model.network(), model.weights()),
    };
    let bytes = bytes.map_err(|source| ModelError::Weights { path: path.clone(), source })?;
    base::publish::write_file(&path, &bytes)?;

    let path = dir.join(DESCRIPTION);
    let mut text = serde_json::to_string_pretty(&V2::from(model))
        .map_err(|source| ModelError::Description { path: path.clone(), source })?;
    text.push('\n');
    base::publish::write_file(&path, text.as_bytes())?;
    Ok(())
}

pub(crate) fn load(dir: &Path) -> Result<Model, ModelError> {
    let path = dir.join(DESCRIPTION);
    let text = fs::read(&path).map_err(IoError::at("read", &path))?;
    let description = |source| ModelError::Description { path: path.clone(), source };
    let AnyVersion { version } = serde_json::from_slice(&text).map_err(description)?;
    let v2 = match version {
        1 => V2::from(serde_json::from_slice::<V1>(&text).map_err(description)?),
        VERSION => serde_json::from_slice(&text).map_err(description)?,
        _ => return Err(ModelError::Version { path, found: version, newest: VERSION }),
    };
    let (signature, architecture) = v2.into_parts()?;
    let network = Network::new(&signature.inputs, &architecture, signature.task.width())?;
    let path = dir.join(WEIGHTS);
    let bytes = fs::read(&path).map_err(IoError::at("read", &path))?;
    if architecture == Architecture::BoostedTrees {
        return Model::of_trees(signature, tensors::forest(&path, &bytes, &network)?);
    }
    Model::new(signature, architecture, tensors::weights(&path, &bytes, &network)?)
}
