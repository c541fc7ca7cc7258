//! What a model takes in and gives out.

use std::fmt;

/// What a model takes in and gives out, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The features that the model reads, in the order of its weights.
    pub inputs: Vec<FeatureSpec>,
    /// The columns that a prediction has, in order; each is one `Float32` per example.
    pub outputs: Vec<OutputSpec>,
    /// The feature that the model was trained to predict.
    pub label: String,
    /// What the prediction means.
    pub task: Task,
}

impl Signature {
    /// Returns the signature of a model of one task, with the outputs of that task.
    pub fn new(inputs: Vec<FeatureSpec>, label: String, task: Task) -> Self {
        let outputs =
            task.outputs().iter().map(|&name| OutputSpec { name: name.to_owned() }).collect();
        Self { inputs, outputs, label, task }
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
}

/// One column of a prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// The column's name.
    pub name: String,
}

/// What a prediction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The probability that a label of 0 or 1 is 1.
    BinaryClassification,
    /// The expected value of the label.
    Regression,
}

impl Task {
    /// Returns the names of the columns that a prediction has.
    pub fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::BinaryClassification => &[crate::PREDICTION, crate::LOGIT],
            Self::Regression => &[crate::PREDICTION],
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BinaryClassification => "binary_classification",
            Self::Regression => "regression",
        })
    }
}
