//! Models on disk: `model.json`, versioned, and `weights.safetensors`.
//!
//! Tensors are named `wide.<feature>` (`[num_buckets]`, with several outputs `[num_buckets, num_outputs]`), `embedding.<feature>` (`[num_buckets, dimension]`),
//! `hidden.<n>.weight` and `.bias`, `output.weight` and `.bias`; weights of layers are `[inputs, outputs]`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use base::IoError;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::network::{Layer, Network, Weights};
use crate::{
    Architecture, FeatureKind, FeatureSpec, Model, ModelError, OutputSpec, Signature, Task,
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
    WideAndDeep { hidden: Vec<usize> },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum InputV2 {
    Numeric { name: String },
    Categorical { name: String, num_buckets: usize, embedding_dimension: usize },
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
        let inputs = signature.inputs.iter().map(|input| match input.kind {
            FeatureKind::Numeric => InputV2::Numeric { name: input.name.clone() },
            FeatureKind::Categorical { num_buckets } => InputV2::Categorical {
                name: input.name.clone(),
                num_buckets,
                embedding_dimension: dimensions.next().unwrap_or(0),
            },
        });
        Self {
            version: VERSION,
            task: signature.task.into(),
            label: signature.label.clone(),
            architecture: match model.architecture() {
                Architecture::Linear => ArchitectureV2::Linear {},
                Architecture::WideAndDeep { hidden, .. } => {
                    ArchitectureV2::WideAndDeep { hidden: hidden.clone() }
                }
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
        });
        let inputs = inputs.collect();
        let architecture = match self.architecture {
            ArchitectureV2::Linear {} => Architecture::Linear,
            ArchitectureV2::WideAndDeep { hidden } => {
                Architecture::WideAndDeep { hidden, embedding_dimensions }
            }
        };
        Ok((Signature::new(inputs, self.label, task), architecture))
    }
}

/// One tensor of the file: its name, its shape and its values.
struct Named<T> {
    name: String,
    shape: Vec<usize>,
    values: T,
}

fn wide_shape(num_buckets: usize, num_outputs: usize) -> Vec<usize> {
    if num_outputs == 1 { vec![num_buckets] } else { vec![num_buckets, num_outputs] }
}

/// Cuts weights into the tensors of the file.
fn tensors<'a>(network: &'a Network, weights: &'a Weights) -> Vec<Named<&'a [f32]>> {
    let mut tensors = Vec::new();
    for feature in network.categorical() {
        let (n, d) = (feature.num_buckets, feature.dimension);
        tensors.push(Named {
            name: format!("wide.{}", feature.name),
            shape: wide_shape(n, network.num_outputs()),
            values: &weights.wide[feature.wide_start..][..n * network.num_outputs()],
        });
        if d > 0 {
            tensors.push(Named {
                name: format!("embedding.{}", feature.name),
                shape: vec![n, d],
                values: &weights.embeddings[feature.embedding_start..][..n * d],
            });
        }
    }
    let last = weights.layers.len() - 1;
    for ((index, layer), (inputs, outputs)) in
        weights.layers.iter().enumerate().zip(network.layer_sizes())
    {
        let name = if index == last { "output".to_owned() } else { format!("hidden.{index}") };
        tensors.push(Named {
            name: format!("{name}.weight"),
            shape: vec![inputs, outputs],
            values: &layer.weight,
        });
        tensors.push(Named {
            name: format!("{name}.bias"),
            shape: vec![outputs],
            values: &layer.bias,
        });
    }
    tensors
}

pub(crate) fn save(model: &Model, dir: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let path = dir.join(WEIGHTS);
    let named: Vec<_> = tensors(model.network(), model.weights())
        .into_iter()
        .map(|tensor| {
            let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            (tensor.name, tensor.shape, bytes)
        })
        .collect();
    let views = named
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.clone(), view))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()
        .map_err(|source| ModelError::Weights { path: path.clone(), source })?;
    let bytes = safetensors::serialize(views, None)
        .map_err(|source| ModelError::Weights { path: path.clone(), source })?;
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
    let weights = load_weights(&dir.join(WEIGHTS), &network)?;
    Model::new(signature, architecture, weights)
}

/// Reads the weights of a network; nothing is allocated by a size that the file does not really have.
fn load_weights(path: &Path, network: &Network) -> Result<Weights, ModelError> {
    let bytes = fs::read(path).map_err(IoError::at("read", path))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|source| ModelError::Weights { path: path.to_path_buf(), source })?;
    let mut reader = Reader { path, file, used: BTreeSet::new() };
    let mut weights = Weights { wide: Vec::new(), embeddings: Vec::new(), layers: Vec::new() };
    for feature in network.categorical() {
        let (n, d) = (feature.num_buckets, feature.dimension);
        weights.wide.extend(
            reader.take(format!("wide.{}", feature.name), &wide_shape(n, network.num_outputs()))?,
        );
        if d > 0 {
            let embedding = reader.take(format!("embedding.{}", feature.name), &[n, d])?;
            weights.embeddings.extend(embedding);
        }
    }
    let last = network.layer_sizes().count() - 1;
    for (index, (inputs, outputs)) in network.layer_sizes().enumerate() {
        let name = if index == last { "output".to_owned() } else { format!("hidden.{index}") };
        weights.layers.push(Layer {
            weight: reader.take(format!("{name}.weight"), &[inputs, outputs])?,
            bias: reader.take(format!("{name}.bias"), &[outputs])?,
        });
    }
    reader.finish()?;
    Ok(weights)
}

struct Reader<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn take(&mut self, name: String, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let Ok(view) = self.file.tensor(&name) else {
            return Err(ModelError::MissingTensor {
                path: self.path.to_path_buf(),
                tensor: name,
                expected: shape.to_vec(),
            });
        };
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            return Err(ModelError::TensorMismatch {
                path: self.path.to_path_buf(),
                tensor: name,
                found: format!("{:?} of shape {:?}", view.dtype(), view.shape()),
                expected: format!("F32 of shape {shape:?}"),
            });
        }
        let (chunks, _) = view.data().as_chunks::<4>();
        let values = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        self.used.insert(name);
        Ok(values)
    }

    fn finish(self) -> Result<(), ModelError> {
        let mut names: Vec<_> = self.file.names();
        names.sort_unstable();
        match names.into_iter().find(|name| !self.used.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(ModelError::UnknownTensor {
                path: self.path.to_path_buf(),
                tensor: name.to_owned(),
            }),
        }
    }
}
