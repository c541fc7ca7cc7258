//! What is wrong with expressions, and why features could not be learned.

use std::fmt;

use base::{Classify, ErrorKind};
use dataflow::EngineError;
use graph::{BuildError, GraphError};
use sketch::StateError;

/// Something wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which: `features.fare` or `let.miles`; `features` when there is none.
    pub key: String,
    /// Where within the expression: the number of characters before the mistake.
    pub offset: usize,
    /// What was found and what was expected.
    pub message: String,
    /// What to do, when we are fairly sure.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.key, self.offset + 1, self.message)
    }
}

/// Why features could not be learned or made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TransformError {
    /// The expressions are wrong.
    #[error("{}", list(.problems))]
    Problems { problems: Vec<Problem> },

    /// The examples could not be read or evaluated.
    #[error("{0}")]
    Engine(EngineError),

    /// A graph could not be applied or read.
    #[error(transparent)]
    Graph(#[from] GraphError),

    /// A graph could not be built, for its size.
    #[error("the transform graph cannot be built: {0}")]
    Build(#[from] BuildError),

    /// Bytes are not what an earlier pass wrote.
    #[error("analyzers: {0}")]
    State(#[from] StateError),

    /// A stored pass learns of outputs that its graph does not have, or that have other types.
    #[error("analyzer {subject} of the pass is not of its graph's outputs")]
    Pass { subject: usize },

    /// Arguments that go together are lists of different lengths.
    #[error(
        "row {row} of the batch: lists of {first} and {second} values as arguments of one analyzer, expected the same number"
    )]
    Lengths { row: usize, first: usize, second: usize },

    /// The shards that a cache is to know are not those of the source.
    #[error("shards: not all partitions of the examples, in order")]
    Shards,

    /// Counts did not fit in memory, nor in a temporary file.
    #[error("cannot keep the counts of texts in a temporary file")]
    Spill { source: std::io::Error },

    /// More keys than a graph holds.
    #[error(
        "a function `_per_key` found more than {limit} different keys, expected at most so many"
    )]
    TooManyKeys { limit: usize },

    /// A feature cannot be packed.
    #[error("packing `{feature}`: {reason}")]
    Pack { feature: String, reason: String },

    /// Documents cannot be told from those before.
    #[error("comparing `{feature}`: {reason}")]
    Deduplicate { feature: String, reason: String },

    /// Two states are not of one pass.
    #[error("cannot merge states of different analyzers")]
    DifferentPass,
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Classify for TransformError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Problems { .. } => ErrorKind::Usage,
            Self::Engine(error) => error.kind(),
            Self::Graph(error) => error.kind(),
            Self::Build(error) => error.kind(),
            Self::State(_)
            | Self::Pass { .. }
            | Self::Lengths { .. }
            | Self::TooManyKeys { .. }
            | Self::Pack { .. }
            | Self::Deduplicate { .. } => ErrorKind::Data,
            Self::Spill { .. } => ErrorKind::Unavailable,
            Self::DifferentPass | Self::Shards => ErrorKind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Problems { problems } => problems.iter().find_map(|problem| problem.hint.clone()),
            Self::Engine(error) => error.hint(),
            Self::Graph(error) => error.hint(),
            Self::Spill { .. } => {
                Some("the system's folder for temporary files needs room for them".to_owned())
            }
            Self::TooManyKeys { .. } => Some(
                "take the frequent ones: `CASE WHEN vocabulary(key, top_k => 1000) >= 0 THEN key ELSE 'other' END`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
