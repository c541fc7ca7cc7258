//! `weights.safetensors`.
//!
//! Of a network: `wide.<feature>` (`[num_buckets]`, with several outputs `[num_buckets, num_outputs]`),
//! `embedding.<feature>` (`[num_buckets, dimension]`), `hidden.<n>.weight` and `.bias`, `output.weight` and `.bias`;
//! the layers of two towers are below `query.` and `item.`; weights of layers are `[inputs, outputs]`.
//!
//! Of trees: `base` (`[num_outputs]`); `starts` and `set_starts` (`[num_trees + 1]`), where each tree begins in the
//! others; of each node `kind` (0 leaf, 1 number, 2 category), `column`, `value` (of a leaf, or the threshold), `set`,
//! `missing_left`, `left` and `right`; and `sets`, bits of categories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use crate::network::{Layer, Network, Weights};
use crate::{Forest, ModelError, Node, Tree};

/// Returns the names of the layers, in order.
fn layer_names(network: &Network) -> Vec<String> {
    let towers = network.towers();
    let mut names = Vec::new();
    for (place, tower) in towers.iter().enumerate() {
        let prefix = match (towers.len(), place) {
            (1, _) => "",
            (_, 0) => "query.",
            _ => "item.",
        };
        let num_layers = tower.layers().len();
        names.extend((0..num_layers).map(|index| match index + 1 == num_layers {
            true => format!("{prefix}output"),
            false => format!("{prefix}hidden.{index}"),
        }));
    }
    names
}

fn wide_shape(num_buckets: usize, num_outputs: usize) -> Vec<usize> {
    if num_outputs == 1 { vec![num_buckets] } else { vec![num_buckets, num_outputs] }
}

/// The tensors of a file to be.
#[derive(Default)]
struct Writer {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    fn floats(&mut self, name: String, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name, Dtype::F32, shape, bytes));
    }

    fn ids(&mut self, name: &str, values: impl Iterator<Item = u32>) {
        let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
        self.tensors.push((name.to_owned(), Dtype::U32, vec![bytes.len() / 4], bytes));
    }

    fn finish(self) -> Result<Vec<u8>, SafeTensorError> {
        let views = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.clone(), view))
            })
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        safetensors::serialize(views, None)
    }
}

pub(super) fn of_network(network: &Network, weights: &Weights) -> Result<Vec<u8>, SafeTensorError> {
    let mut writer = Writer::default();
    for feature in network.categorical() {
        let (n, d, outputs) = (feature.num_buckets, feature.dimension, network.num_outputs());
        if network.has_wide() {
            let wide = &weights.wide[feature.wide_start..][..n * outputs];
            writer.floats(format!("wide.{}", feature.name), wide_shape(n, outputs), wide);
        }
        if d > 0 {
            let embedding = &weights.embeddings[feature.embedding_start..][..n * d];
            writer.floats(format!("embedding.{}", feature.name), vec![n, d], embedding);
        }
    }
    let layers = weights.layers.iter().zip(network.layer_sizes());
    for (name, (layer, (inputs, outputs))) in layer_names(network).into_iter().zip(layers) {
        writer.floats(format!("{name}.weight"), vec![inputs, outputs], &layer.weight);
        writer.floats(format!("{name}.bias"), vec![outputs], &layer.bias);
    }
    writer.finish()
}

/// Reads the weights of a network; nothing is allocated by a size that the file does not really have.
pub(super) fn weights(path: &Path, bytes: &[u8], network: &Network) -> Result<Weights, ModelError> {
    let mut reader = Reader::new(path, bytes)?;
    let mut weights = Weights::default();
    for feature in network.categorical() {
        let (n, d, outputs) = (feature.num_buckets, feature.dimension, network.num_outputs());
        if network.has_wide() {
            let wide = reader.floats(format!("wide.{}", feature.name), &wide_shape(n, outputs))?;
            weights.wide.extend(wide);
        }
        if d > 0 {
            let embedding = reader.floats(format!("embedding.{}", feature.name), &[n, d])?;
            weights.embeddings.extend(embedding);
        }
    }
    for (name, (inputs, outputs)) in layer_names(network).into_iter().zip(network.layer_sizes()) {
        weights.layers.push(Layer {
            weight: reader.floats(format!("{name}.weight"), &[inputs, outputs])?,
            bias: reader.floats(format!("{name}.bias"), &[outputs])?,
        });
    }
    reader.finish()?;
    Ok(weights)
}

/// A node as it is stored; what its kind does not have is 0.
#[derive(Clone, Copy, Default)]
struct Stored {
    kind: u32,
    column: u32,
    value: f32,
    set: u32,
    missing_left: u32,
    left: u32,
    right: u32,
}

impl From<Node> for Stored {
    fn from(node: Node) -> Self {
        match node {
            Node::Leaf { value } => Self { value, ..Self::default() },
            Node::Number { column, threshold, missing_left, left, right } => {
                let missing_left = missing_left.into();
                Self { kind: 1, column, value: threshold, set: 0, missing_left, left, right }
            }
            Node::Category { column, set, missing_left, left, right } => {
                let missing_left = missing_left.into();
                Self { kind: 2, column, value: 0.0, set, missing_left, left, right }
            }
        }
    }
}

impl Stored {
    fn into_node(self) -> Option<Node> {
        let Self { kind, column, value, set, missing_left, left, right } = self;
        let missing_left = missing_left != 0;
        Some(match kind {
            0 => Node::Leaf { value },
            1 => Node::Number { column, threshold: value, missing_left, left, right },
            2 => Node::Category { column, set, missing_left, left, right },
            _ => return None,
        })
    }
}

fn starts(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut starts = vec![0];
    let mut end = 0_usize;
    for length in lengths {
        end += length;
        starts.push(u32::try_from(end).unwrap_or(u32::MAX));
    }
    starts
}

pub(super) fn of_forest(forest: &Forest) -> Result<Vec<u8>, SafeTensorError> {
    let nodes: Vec<Stored> =
        forest.trees.iter().flat_map(|tree| &tree.nodes).map(|node| Stored::from(*node)).collect();
    let mut writer = Writer::default();
    writer.floats("base".to_owned(), vec![forest.base.len()], &forest.base);
    writer.ids("starts", starts(forest.trees.iter().map(|tree| tree.nodes.len())).into_iter());
    writer.ids("set_starts", starts(forest.trees.iter().map(|tree| tree.sets.len())).into_iter());
    writer.ids("kind", nodes.iter().map(|node| node.kind));
    writer.ids("column", nodes.iter().map(|node| node.column));
    let values: Vec<f32> = nodes.iter().map(|node| node.value).collect();
    writer.floats("value".to_owned(), vec![values.len()], &values);
    writer.ids("set", nodes.iter().map(|node| node.set));
    writer.ids("missing_left", nodes.iter().map(|node| node.missing_left));
    writer.ids("left", nodes.iter().map(|node| node.left));
    writer.ids("right", nodes.iter().map(|node| node.right));
    writer.ids("sets", forest.trees.iter().flat_map(|tree| tree.sets.iter().copied()));
    writer.finish()
}

/// Reads trees; whether they make sense is for [`Forest::check`] to say.
pub(super) fn forest(path: &Path, bytes: &[u8], network: &Network) -> Result<Forest, ModelError> {
    let mut reader = Reader::new(path, bytes)?;
    let base = reader.floats("base".to_owned(), &[network.num_outputs()])?;
    let (starts, set_starts) = (reader.ids("starts", None)?, reader.ids("set_starts", None)?);
    let kind = reader.ids("kind", None)?;
    let n = kind.len();
    let column = reader.ids("column", Some(n))?;
    let value = reader.floats("value".to_owned(), &[n])?;
    let set = reader.ids("set", Some(n))?;
    let missing_left = reader.ids("missing_left", Some(n))?;
    let (left, right) = (reader.ids("left", Some(n))?, reader.ids("right", Some(n))?);
    let sets = reader.ids("sets", None)?;
    reader.finish()?;
    let node = |i: usize| Stored {
        kind: kind[i],
        column: column[i],
        value: value[i],
        set: set[i],
        missing_left: missing_left[i],
        left: left[i],
        right: right[i],
    };
    let read = || {
        if starts.len() != set_starts.len() {
            return None;
        }
        let nodes = (0..n).map(|i| node(i).into_node()).collect::<Option<Vec<_>>>()?;
        let pairs = starts.windows(2).zip(set_starts.windows(2));
        pairs
            .map(|(node, set)| {
                let nodes = nodes.get(node[0] as usize..node[1] as usize)?.to_vec();
                Some(Tree { nodes, sets: sets.get(set[0] as usize..set[1] as usize)?.to_vec() })
            })
            .collect()
    };
    let trees = read();
    let trees = trees.ok_or(ModelError::Inconsistent { reason: "its trees are not whole" })?;
    Ok(Forest { base, trees })
}

struct Reader<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
    used: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|source| ModelError::Weights { path: path.to_path_buf(), source })?;
        Ok(Self { path, file, used: BTreeSet::new() })
    }

    fn floats(&mut self, name: String, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let words = self.take(name, Dtype::F32, Some(shape))?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }

    fn ids(&mut self, name: &str, length: Option<usize>) -> Result<Vec<u32>, ModelError> {
        let shape = length.map(|length| [length]);
        self.take(name.to_owned(), Dtype::U32, shape.as_ref().map(|shape| &shape[..]))
    }

    fn take(
        &mut self,
        name: String,
        dtype: Dtype,
        shape: Option<&[usize]>,
    ) -> Result<Vec<u32>, ModelError> {
        let path = || self.path.to_path_buf();
        let Ok(view) = self.file.tensor(&name) else {
            let expected = shape.unwrap_or_default().to_vec();
            return Err(ModelError::MissingTensor { path: path(), tensor: name, expected });
        };
        let is_shape = match shape {
            Some(shape) => view.shape() == shape,
            None => view.shape().len() == 1,
        };
        if view.dtype() != dtype || !is_shape {
            let expected = match shape {
                Some(shape) => format!("{dtype:?} of shape {shape:?}"),
                None => format!("{dtype:?} of one dimension"),
            };
            let found = format!("{:?} of shape {:?}", view.dtype(), view.shape());
            return Err(ModelError::TensorMismatch { path: path(), tensor: name, found, expected });
        }
        let (words, _) = view.data().as_chunks::<4>();
        let words = words.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        self.used.insert(name);
        Ok(words)
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
