//! Which weights a network has.

use std::collections::BTreeSet;

use crate::{FeatureKind, FeatureSpec, ModelError};

/// How a model computes its prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// One weight per numeric feature and per category, and a bias.
    Linear,
    /// A linear model over the categories, and hidden layers over numeric features and embeddings.
    WideAndDeep {
        /// The width of each hidden layer, first to last.
        hidden: Vec<usize>,
        /// The width of each categorical feature's embedding, in the order of the signature.
        embedding_dimensions: Vec<usize>,
    },
}

/// Returns the width that an embedding of a feature with so many categories has by default.
///
/// Twice the fourth root of the number of categories, rounded up, but neither more than 16 nor more than there
/// are categories.
pub fn default_embedding_dimension(num_buckets: usize) -> usize {
    (1..16)
        .find(|&d: &usize| d.pow(4) >= num_buckets.saturating_mul(16))
        .unwrap_or(16)
        .min(num_buckets)
}

/// One categorical feature's place in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categorical {
    /// The feature's name.
    pub name: String,
    /// How many categories it has.
    pub num_buckets: usize,
    /// Where its weights begin in [`crate::network::Weights::wide`]; each category has one per output.
    pub wide_start: usize,
    /// The width of its embedding; zero for none.
    pub dimension: usize,
    /// Where its embeddings begin in [`crate::network::Weights::embeddings`].
    pub embedding_start: usize,
    /// The column of the deep part's input where its embedding goes.
    pub input_start: usize,
}

/// The shape of a network: its features in two groups, and the sizes of all its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    numeric: Vec<String>,
    categorical: Vec<Categorical>,
    /// The widths of the deep part, from its input to the last hidden layer.
    widths: Vec<usize>,
    num_outputs: usize,
    num_wide: usize,
    num_embedding: usize,
}

/// No table of ours is larger; it keeps all index arithmetic far from overflow.
const MAX_WEIGHTS: usize = 1 << 31;

const MAX_INPUT: usize = 1 << 16;

const MAX_HIDDEN: usize = 1 << 13;

const MAX_OUTPUTS: usize = 1 << 16;

impl Network {
    /// Returns the network of an architecture over some features, with so many outputs ([`crate::Task::width`]).
    ///
    /// # Errors
    ///
    /// [`ModelError::Inconsistent`] when there is no feature, one comes twice, or the sizes make no sense.
    pub fn new(
        inputs: &[FeatureSpec],
        architecture: &Architecture,
        num_outputs: usize,
    ) -> Result<Self, ModelError> {
        let inconsistent = |reason| ModelError::Inconsistent { reason };
        if inputs.is_empty() {
            return Err(inconsistent("no input features"));
        }
        if inputs.iter().map(|input| &input.name).collect::<BTreeSet<_>>().len() < inputs.len() {
            return Err(inconsistent("an input feature comes twice"));
        }
        let num_categorical =
            inputs.iter().filter(|input| input.kind != FeatureKind::Numeric).count();
        let (hidden, dimensions) = match architecture {
            Architecture::Linear => (Vec::new(), vec![0; num_categorical]),
            Architecture::WideAndDeep { hidden, embedding_dimensions } => {
                (hidden.clone(), embedding_dimensions.clone())
            }
        };
        if dimensions.len() != num_categorical {
            return Err(inconsistent("not one embedding dimension per categorical feature"));
        }
        if num_outputs == 0 || num_outputs > MAX_OUTPUTS {
            return Err(inconsistent("the number of outputs is not between 1 and 65536"));
        }
        if hidden.iter().any(|&width| width == 0 || width > MAX_HIDDEN) {
            return Err(inconsistent("a hidden layer's width is not between 1 and 8192"));
        }
        let numeric: Vec<String> = inputs
            .iter()
            .filter(|input| input.kind == FeatureKind::Numeric)
            .map(|input| input.name.clone())
            .collect();

        let (mut num_wide, mut num_embedding, mut width) = (0_usize, 0_usize, numeric.len());
        let mut categorical = Vec::with_capacity(num_categorical);
        let sizes = inputs.iter().filter_map(|input| match input.kind {
            FeatureKind::Numeric => None,
            FeatureKind::Categorical { num_buckets } => Some((&input.name, num_buckets)),
        });
        for ((name, num_buckets), &dimension) in sizes.zip(&dimensions) {
            categorical.push(Categorical {
                name: name.clone(),
                num_buckets,
                wide_start: num_wide,
                dimension,
                embedding_start: num_embedding,
                input_start: width,
            });
            num_wide = num_wide.saturating_add(num_buckets.saturating_mul(num_outputs));
            num_embedding = num_embedding.saturating_add(num_buckets.saturating_mul(dimension));
            width = width.saturating_add(dimension);
        }
        if num_wide > MAX_WEIGHTS || num_embedding > MAX_WEIGHTS {
            return Err(inconsistent("the tables have more than 2^31 weights"));
        }
        if width > MAX_INPUT {
            return Err(inconsistent("the features and embeddings are wider than 65536 together"));
        }
        let widths = std::iter::once(width).chain(hidden).collect();
        Ok(Self { numeric, categorical, widths, num_outputs, num_wide, num_embedding })
    }

    /// Returns the numeric features, in order.
    pub fn numeric(&self) -> &[String] {
        &self.numeric
    }

    /// Returns the categorical features, in order.
    pub fn categorical(&self) -> &[Categorical] {
        &self.categorical
    }

    /// Returns how many values the deep part reads per example.
    pub fn input_width(&self) -> usize {
        self.widths[0]
    }

    /// Returns the inputs and outputs of each dense layer; the last has those of the network.
    pub fn layer_sizes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let outputs = self.widths[1..].iter().copied().chain([self.num_outputs]);
        self.widths.iter().copied().zip(outputs)
    }

    /// Returns how many numbers a prediction is.
    pub fn num_outputs(&self) -> usize {
        self.num_outputs
    }

    /// Returns how many wide weights all categories have together.
    pub fn num_wide(&self) -> usize {
        self.num_wide
    }

    /// Returns how many values all embeddings have together.
    pub fn num_embedding(&self) -> usize {
        self.num_embedding
    }
}
