//! What is evaluated: the tasks of models, and language models.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the predictions mean, and so which metrics there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Labels are 0 or 1, predictions the probability of 1.
    BinaryClassification,
    /// Labels are ids of classes from 0, predictions one probability for each class.
    MultiClassClassification {
        /// How many classes there are.
        num_classes: usize,
    },
    /// Labels are vectors of 0 and 1, predictions the probability of each 1.
    MultiLabelClassification {
        /// How long the vectors are.
        num_labels: usize,
    },
    /// Labels and predictions are numbers.
    Regression,
    /// Labels say how relevant a document is to its query (0 is not at all), predictions are scores; the
    /// documents of one query are ranked by score.
    Ranking,
    /// An example is a text: its label is how many tokens were predicted, its prediction the sum of their
    /// negative log likelihoods, in nats.
    LanguageModel,
}

impl Task {
    /// Returns how many numbers a prediction is.
    pub fn width(self) -> usize {
        match self {
            Self::MultiClassClassification { num_classes } => num_classes,
            Self::MultiLabelClassification { num_labels } => num_labels,
            Self::BinaryClassification | Self::Regression | Self::Ranking | Self::LanguageModel => {
                1
            }
        }
    }

    /// Returns whether predictions are probabilities.
    pub(crate) fn has_probabilities(self) -> bool {
        matches!(
            self,
            Self::BinaryClassification
                | Self::MultiClassClassification { .. }
                | Self::MultiLabelClassification { .. }
        )
    }

    /// Returns the task's place in the bits of a [`Tasks`].
    pub(crate) const fn bit(self) -> u8 {
        match self {
            Self::BinaryClassification => BINARY,
            Self::MultiClassClassification { .. } => MULTI_CLASS,
            Self::MultiLabelClassification { .. } => MULTI_LABEL,
            Self::Regression => REGRESSION,
            Self::Ranking => RANKING,
            Self::LanguageModel => LANGUAGE,
        }
    }
}

/// A set of tasks, as the sum of the constants below.
pub(crate) type Tasks = u8;
pub(crate) const BINARY: Tasks = 1;
pub(crate) const MULTI_CLASS: Tasks = 2;
pub(crate) const MULTI_LABEL: Tasks = 4;
pub(crate) const REGRESSION: Tasks = 8;
pub(crate) const RANKING: Tasks = 16;
pub(crate) const LANGUAGE: Tasks = 32;

impl From<model::Task> for Task {
    fn from(task: model::Task) -> Self {
        match task {
            model::Task::BinaryClassification => Self::BinaryClassification,
            model::Task::MultiClassClassification { num_classes } => {
                Self::MultiClassClassification { num_classes }
            }
            model::Task::MultiLabelClassification { num_labels } => {
                Self::MultiLabelClassification { num_labels }
            }
            model::Task::Regression => Self::Regression,
            model::Task::Ranking => Self::Ranking,
        }
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
            Self::LanguageModel => "language_model",
        })
    }
}
