//! What a model takes in and gives out.

use std::fmt;

use arrow::datatypes::{DataType, Field};

/// What a model takes in and gives out, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The features that the model reads, in the order of its weights.
    pub inputs: Vec<FeatureSpec>,
    /// The columns that a prediction has, in order.
    pub outputs: Vec<OutputSpec>,
    /// The feature that the model was trained to predict.
    pub label: String,
    /// What the prediction means.
    pub task: Task,
}

impl Signature {
    /// Returns the signature of a model of one task, with the outputs of that task.
    pub fn new(inputs: Vec<FeatureSpec>, label: String, task: Task) -> Self {
        Self { inputs, outputs: task.outputs(), label, task }
    }
}

/// One feature that a model reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSpec {
    /// The feature's name.
    pub name: String,
    /// How its values are understood.
    pub kind: FeatureKind,
}

/// How a feature's values are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// A quantity, best scaled to about -3 to 3.
    Numeric,
    /// One of a known number of categories, as an id from 0.
    Categorical {
        /// How many categories there are.
        num_buckets: usize,
    },
    /// A fixed number of quantities.
    Vector {
        /// How many there are.
        width: usize,
    },
    /// Any number of categories, as a list of ids from 0.
    Categories {
        /// How many categories there are.
        num_buckets: usize,
        /// What is made of those of one example.
        combiner: Combiner,
    },
}

impl FeatureKind {
    /// Returns how many categories there are, if it has categories.
    pub fn num_buckets(self) -> Option<usize> {
        match self {
            Self::Categorical { num_buckets } | Self::Categories { num_buckets, .. } => {
                Some(num_buckets)
            }
            Self::Numeric | Self::Vector { .. } => None,
        }
    }
}

/// What is made of the weights and embeddings of several categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combiner {
    /// Their mean; of none it is zero.
    Mean,
    /// Their sum.
    Sum,
}

/// One column of a prediction: a `Float32` per example, or a `FixedSizeList` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// The column's name.
    pub name: String,
    /// How many numbers it has per example: one is a `Float32` column, more are a `FixedSizeList<Float32, width>`.
    pub width: usize,
}

impl OutputSpec {
    /// Returns the Arrow type of the column; its items are never missing.
    pub fn data_type(&self) -> DataType {
        let width = match self.width {
            1 => return DataType::Float32,
            // No model has so many outputs.
            width => i32::try_from(width).unwrap_or(i32::MAX),
        };
        DataType::FixedSizeList(Field::new_list_field(DataType::Float32, false).into(), width)
    }
}

/// What a prediction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The probability that a label of 0 or 1 is 1.
    BinaryClassification,
    /// The probability of each class that a label, an id from 0, can be.
    MultiClassClassification {
        /// How many classes there are.
        num_classes: usize,
    },
    /// The probability that each of the labels, a vector of 0 and 1, is 1.
    MultiLabelClassification {
        /// How many labels there are.
        num_labels: usize,
    },
    /// The expected value of the label.
    Regression,
    /// A score by which the examples of one query are put in order, the most relevant first.
    Ranking,
}

impl Task {
    /// Returns how many numbers a prediction is.
    pub fn width(self) -> usize {
        match self {
            Self::BinaryClassification | Self::Regression | Self::Ranking => 1,
            Self::MultiClassClassification { num_classes } => num_classes,
            Self::MultiLabelClassification { num_labels } => num_labels,
        }
    }

    /// Returns the columns that a prediction has: for what is a probability also the number it is made of.
    pub fn outputs(self) -> Vec<OutputSpec> {
        let names: &[&str] = match self {
            Self::BinaryClassification
            | Self::MultiClassClassification { .. }
            | Self::MultiLabelClassification { .. } => &[crate::PREDICTION, crate::LOGIT],
            Self::Regression | Self::Ranking => &[crate::PREDICTION],
        };
        let output = |name: &&str| OutputSpec { name: (*name).to_owned(), width: self.width() };
        names.iter().map(output).collect()
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BinaryClassification => "binary_classification",
            Self::MultiClassClassification { .. } => "multi_class_classification",
            Self::MultiLabelClassification { .. } => "multi_label_classification",
            Self::Regression => "regression",
            Self::Ranking => "ranking",
        })
    }
}
