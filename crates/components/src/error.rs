//! What can go wrong where stages meet artifacts.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};

/// What can go wrong where stages meet artifacts. A stage's own errors pass through unchanged.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ComponentError {
    /// A file of an artifact could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// There are no examples whose predictions could be explained.
    #[error("the splits have no examples, and so there is nothing to explain (`explanations`)")]
    NothingToExplain,

    /// A configuration passed its check but does not read.
    #[error("a checked configuration does not read")]
    Config(#[source] serde_json::Error),

    /// A file of an artifact is not what it should be.
    #[error("{}: not a {expected}", .path.display())]
    Corrupt { path: PathBuf, expected: String },

    /// The runner did not give what a required port promises.
    #[error("node `{node}`: input `{input}` has no artifact")]
    MissingInput { node: String, input: &'static str },

    /// An artifact has no splits where there must be one.
    #[error("{}: no splits are left to work on", .path.display())]
    NoSplits { path: PathBuf },

    /// Artifacts that are read together do not have the same features.
    #[error("{}: feature `{feature}` is not there, or of another type, in all examples that are read together", .path.display())]
    OtherFeatures { path: PathBuf, feature: String },

    /// Tokens of a packed feature cannot be written as they are.
    #[error("`pack`: {reason}")]
    Pack { reason: String },

    /// A pair of splits that is to be compared is not there.
    #[error(
        "`include_split_pairs`: no pair `{test}` and `{base}`, the splits are {}, those of the baseline {}",
        quoted(.test_splits),
        quoted(.base_splits)
    )]
    NoSplitPair { test: String, base: String, test_splits: Vec<String>, base_splits: Vec<String> },

    /// No split is there on both sides, and the configuration does not say which to compare.
    #[error(
        "no split of both sides has the same name: the splits are {}, those of the baseline {}",
        quoted(.test_splits),
        quoted(.base_splits)
    )]
    NoCommonSplit { test_splits: Vec<String>, base_splits: Vec<String> },

    /// The learned features do not suit the model.
    #[error("the learned features do not suit the model: {problems}")]
    Features { problems: String },

    /// A built-in model cannot start from a model that others made.
    #[error("`base_model` is {found}, expected a built-in model to start from")]
    ForeignBase { found: &'static str },

    /// A column of token ids is not one.
    #[error("column `{column}`: {what}, expected lists of token ids")]
    Tokens { column: String, what: String },

    /// What follows a text is asked of a model that knows no texts.
    #[error("`completion` is given, and the model is no language model")]
    NoTexts,

    /// A model that is no language model is to be pushed as one.
    #[error("`destination.huggingface` is for language models, and this model is none")]
    NotLanguage,

    /// A column of scored examples is not there.
    #[error("no column `{column}` among the scored examples")]
    MissingColumn { column: String },

    /// The columns of scored examples do not make a batch.
    #[error("scored examples do not make a batch")]
    Scored { source: arrow::error::ArrowError },

    /// A variable of the environment that a configuration names is not there.
    #[error("`{key}`: the environment has no variable `{variable}`")]
    NoVariable { key: String, variable: String },

    /// No destination to push to.
    #[error("no `destination` and no `destinations`, expected where models are pushed to")]
    NoDestination,

    /// Hyperparameters that the trainer does not have.
    #[error("the hyperparameters do not suit the trainer")]
    // the cause follows through `source()`
    Hyperparameters { source: serde_json::Error },

    /// A trial has no value of the objective.
    #[error("the trainer reports no `{metric}`, it reports {}", quoted(.reported))]
    NotReported { metric: String, reported: Vec<String> },

    /// The user stopped the run.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for ComponentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Config(_)
            | Self::MissingInput { .. }
            | Self::MissingColumn { .. }
            | Self::Scored { .. } => ErrorKind::Bug,
            Self::Corrupt { .. }
            | Self::NoSplits { .. }
            | Self::NoCommonSplit { .. }
            | Self::OtherFeatures { .. }
            | Self::Pack { .. }
            | Self::Features { .. }
            | Self::Hyperparameters { .. }
            | Self::Tokens { .. } => ErrorKind::Data,
            Self::NoSplitPair { .. }
            | Self::ForeignBase { .. }
            | Self::NotReported { .. }
            | Self::NoVariable { .. }
            | Self::NoDestination
            | Self::NothingToExplain
            | Self::NoTexts
            | Self::NotLanguage => ErrorKind::Usage,
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::NoCommonSplit { .. } => Some(
                "say which are compared, such as `include_split_pairs = [[\"eval\", \"train\"]]`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
