//! Which weights a network has.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::{Combiner, FeatureKind, FeatureSpec, ModelError};

/// How a model computes its prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// One weight per number and per category, and a bias.
    Linear,
    /// Hidden layers over numbers and embeddings.
    Deep {
        /// The width of each hidden layer, first to last.
        hidden: Vec<usize>,
        /// The width of each categorical feature's embedding, in the order of the signature.
        embedding_dimensions: Vec<usize>,
    },
    /// A linear model over the categories, and hidden layers over numbers and embeddings.
    WideAndDeep {
        /// The width of each hidden layer, first to last.
        hidden: Vec<usize>,
        /// The width of each categorical feature's embedding, in the order of the signature.
        embedding_dimensions: Vec<usize>,
    },
    /// Hidden layers over the features of a query and others over those of an item; the prediction is the product of
    /// what both give.
    TwoTower {
        /// The features of the query; all others are the item's.
        query: Vec<String>,
        /// The width of each tower's hidden layers, first to last.
        hidden: Vec<usize>,
        /// How many numbers each tower gives.
        dimension: usize,
        /// The width of each categorical feature's embedding, in the order of the signature.
        embedding_dimensions: Vec<usize>,
    },
    /// Trees of decisions, each one correcting the sum of those before.
    BoostedTrees,
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

/// One numeric feature's place in the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numeric {
    /// The feature's name.
    pub name: String,
    /// How many numbers an example has of it.
    pub width: usize,
    /// Whether these are the items of a vector.
    pub is_vector: bool,
    /// The column of its first number in [`crate::network::Rows::numeric`].
    pub start: usize,
}

/// One categorical feature's place in the rows and in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categorical {
    /// The feature's name.
    pub name: String,
    /// How many categories it has.
    pub num_buckets: usize,
    /// How the categories of one example are combined; `None` for a feature that has at most one.
    pub combiner: Option<Combiner>,
    /// Its place among the features that have at most one category, or among those that have several.
    pub place: usize,
    /// Where its weights begin in [`crate::network::Weights::wide`]; each category has one per output.
    pub wide_start: usize,
    /// The width of its embedding; zero for none.
    pub dimension: usize,
    /// Where its embeddings begin in [`crate::network::Weights::embeddings`].
    pub embedding_start: usize,
    /// The tower that reads its embedding.
    pub tower: usize,
    /// The column of that tower's input where its embedding goes.
    pub input_start: usize,
}

/// Dense layers one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tower {
    /// From the input to the output.
    widths: Vec<usize>,
    first_layer: usize,
    /// Its columns in [`crate::network::Rows::numeric`], which are the first of its input.
    numeric: Range<usize>,
}

impl Tower {
    /// Returns how many numbers it reads per example: numeric columns first, then embeddings.
    pub fn input_width(&self) -> usize {
        self.widths[0]
    }

    /// Returns how many numbers it gives per example.
    pub fn output_width(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// Returns the places of its layers in [`crate::network::Weights::layers`], at least one.
    pub fn layers(&self) -> Range<usize> {
        self.first_layer..self.first_layer + self.widths.len() - 1
    }

    /// Returns its columns in [`crate::network::Rows::numeric`].
    pub fn numeric(&self) -> Range<usize> {
        self.numeric.clone()
    }
}

/// The shape of a network: its features in two groups, and the sizes of all its weights.
///
/// Boosted trees have the groups of features alone: no towers and no weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    numeric: Vec<Numeric>,
    categorical: Vec<Categorical>,
    towers: Vec<Tower>,
    numeric_width: usize,
    num_outputs: usize,
    num_wide: usize,
    num_embedding: usize,
    keeps_missing: bool,
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
        let inconsistent = |reason| Err(ModelError::Inconsistent { reason });
        if inputs.is_empty() {
            return inconsistent("no input features");
        }
        if inputs.iter().map(|input| &input.name).collect::<BTreeSet<_>>().len() < inputs.len() {
            return inconsistent("an input feature comes twice");
        }
        if num_outputs == 0 || num_outputs > MAX_OUTPUTS {
            return inconsistent("the number of outputs is not between 1 and 65536");
        }
        let num_categorical =
            inputs.iter().filter(|input| input.kind.num_buckets().is_some()).count();
        let parts = Parts::of(architecture, num_categorical, num_outputs);
        if parts.dimensions.len() != num_categorical {
            return inconsistent("not one embedding dimension per categorical feature");
        }
        if parts.hidden.iter().any(|&width| width == 0 || width > MAX_HIDDEN) {
            return inconsistent("a hidden layer's width is not between 1 and 8192");
        }
        if let Architecture::TwoTower { query, dimension, .. } = architecture {
            if num_outputs != 1 {
                return inconsistent("two towers give one number, the task asks for several");
            }
            if *dimension == 0 || *dimension > MAX_HIDDEN {
                return inconsistent("the towers' dimension is not between 1 and 8192");
            }
            let num_query = inputs.iter().filter(|input| query.contains(&input.name)).count();
            if num_query != query.len() || num_query == 0 || num_query == inputs.len() {
                return inconsistent("the towers do not share out the features");
            }
        }
        let mut network = Self {
            numeric: Vec::new(),
            categorical: Vec::new(),
            towers: Vec::new(),
            numeric_width: 0,
            num_outputs,
            num_wide: 0,
            num_embedding: 0,
            keeps_missing: *architecture == Architecture::BoostedTrees,
        };
        let tower_of = |input: &FeatureSpec| match architecture {
            Architecture::TwoTower { query, .. } => usize::from(!query.contains(&input.name)),
            _ => 0,
        };
        for tower in 0..parts.num_towers.max(1) {
            let of_tower = inputs.iter().filter(|input| tower_of(input) == tower);
            let first = network.numeric_width;
            for input in of_tower {
                network.add_numeric(input);
            }
            let numeric = first..network.numeric_width;
            if parts.num_towers > 0 {
                let widths = vec![numeric.len()];
                network.towers.push(Tower { widths, first_layer: 0, numeric });
            }
        }
        let mut dimensions = parts.dimensions.iter();
        for input in inputs {
            let Some(num_buckets) = input.kind.num_buckets() else { continue };
            let dimension = *dimensions.next().expect("there are as many, as compared above");
            let tower = tower_of(input);
            network.add_categorical(input, num_buckets, dimension, tower, parts.has_wide);
        }
        if network.num_wide > MAX_WEIGHTS || network.num_embedding > MAX_WEIGHTS {
            return inconsistent("the tables have more than 2^31 weights");
        }
        let widest = network.towers.iter().map(Tower::input_width).max().unwrap_or(0);
        if widest.max(network.numeric_width) > MAX_INPUT {
            return inconsistent("the features and embeddings are wider than 65536 together");
        }
        let mut first_layer = 0;
        for tower in &mut network.towers {
            tower.widths.extend(parts.hidden.iter().copied().chain([parts.output_width]));
            tower.first_layer = first_layer;
            first_layer = tower.layers().end;
        }
        Ok(network)
    }

    fn add_numeric(&mut self, input: &FeatureSpec) {
        let (width, is_vector) = match input.kind {
            FeatureKind::Numeric => (1, false),
            FeatureKind::Vector { width } => (width, true),
            FeatureKind::Categorical { .. } | FeatureKind::Categories { .. } => return,
        };
        let (name, start) = (input.name.clone(), self.numeric_width);
        self.numeric.push(Numeric { name, width, is_vector, start });
        self.numeric_width = self.numeric_width.saturating_add(width);
    }

    fn add_categorical(
        &mut self,
        input: &FeatureSpec,
        num_buckets: usize,
        dimension: usize,
        tower: usize,
        has_wide: bool,
    ) {
        let combiner = match input.kind {
            FeatureKind::Categories { combiner, .. } => Some(combiner),
            _ => None,
        };
        let is_alike = |other: &&Categorical| other.combiner.is_some() == combiner.is_some();
        self.categorical.push(Categorical {
            name: input.name.clone(),
            num_buckets,
            combiner,
            place: self.categorical.iter().filter(is_alike).count(),
            wide_start: self.num_wide,
            dimension,
            embedding_start: self.num_embedding,
            tower,
            input_start: self.towers.get(tower).map_or(0, Tower::input_width),
        });
        if has_wide {
            let weights = num_buckets.saturating_mul(self.num_outputs);
            self.num_wide = self.num_wide.saturating_add(weights);
        }
        self.num_embedding =
            self.num_embedding.saturating_add(num_buckets.saturating_mul(dimension));
        if let Some(tower) = self.towers.get_mut(tower) {
            tower.widths[0] = tower.widths[0].saturating_add(dimension);
        }
    }

    /// Returns the numeric features, in the order of their columns.
    pub fn numeric(&self) -> &[Numeric] {
        &self.numeric
    }

    /// Returns how many numbers an example has.
    pub fn numeric_width(&self) -> usize {
        self.numeric_width
    }

    /// Returns the feature that a column of [`crate::network::Rows::numeric`] is of.
    pub fn numeric_of_column(&self, column: usize) -> Option<&Numeric> {
        let place = self.numeric.partition_point(|feature| feature.start + feature.width <= column);
        self.numeric.get(place)
    }

    /// Returns the categorical features, in order.
    pub fn categorical(&self) -> &[Categorical] {
        &self.categorical
    }

    /// Returns how many categorical features have at most one category.
    pub fn num_single(&self) -> usize {
        self.categorical.iter().filter(|feature| feature.combiner.is_none()).count()
    }

    /// Returns how many categorical features have any number of categories.
    pub fn num_multiple(&self) -> usize {
        self.categorical.len() - self.num_single()
    }

    /// Returns the towers: one, or two whose outputs are multiplied, or none.
    pub fn towers(&self) -> &[Tower] {
        &self.towers
    }

    /// Returns whether categories have wide weights.
    pub fn has_wide(&self) -> bool {
        self.num_wide > 0
    }

    /// Returns whether a missing number stays one, instead of counting as 0.
    pub fn keeps_missing(&self) -> bool {
        self.keeps_missing
    }

    /// Returns the inputs and outputs of each dense layer, tower after tower.
    pub fn layer_sizes(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.towers
            .iter()
            .flat_map(|tower| tower.widths.iter().copied().zip(tower.widths[1..].iter().copied()))
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

/// What an architecture is made of.
struct Parts<'a> {
    num_towers: usize,
    has_wide: bool,
    hidden: &'a [usize],
    output_width: usize,
    dimensions: Vec<usize>,
}

impl<'a> Parts<'a> {
    fn of(architecture: &'a Architecture, num_categorical: usize, num_outputs: usize) -> Self {
        let no_embeddings = || vec![0; num_categorical];
        let (num_towers, has_wide, hidden, output_width, dimensions): (_, _, &[usize], _, _) =
            match architecture {
                Architecture::Linear => (1, true, &[], num_outputs, no_embeddings()),
                Architecture::Deep { hidden, embedding_dimensions } => {
                    (1, false, hidden, num_outputs, embedding_dimensions.clone())
                }
                Architecture::WideAndDeep { hidden, embedding_dimensions } => {
                    (1, true, hidden, num_outputs, embedding_dimensions.clone())
                }
                Architecture::TwoTower { hidden, dimension, embedding_dimensions, .. } => {
                    (2, false, hidden, *dimension, embedding_dimensions.clone())
                }
                Architecture::BoostedTrees => (0, false, &[], num_outputs, no_embeddings()),
            };
        Self { num_towers, has_wide, hidden, output_width, dimensions }
    }
}
