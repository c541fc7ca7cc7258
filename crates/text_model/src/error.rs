//! Why texts and a language model do not come together.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use graph::GraphError;
use language::LanguageError;
use tokenizer::TokenizerError;

/// Why texts and a language model do not come together.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TextModelError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The model cannot be read or run.
    #[error(transparent)]
    Language(#[from] LanguageError),

    /// There is no tokenizer beside the weights.
    #[error("{}: no `tokenizer.json` beside the weights", .dir.display())]
    NoTokenizer { dir: PathBuf },

    /// The tokenizer cannot be used.
    #[error("{}", .path.display())] // the cause follows through `source()`
    Tokenizer { path: PathBuf, source: TokenizerError },

    /// Tokens cannot become text.
    #[error("the tokenizer cannot turn tokens into text")]
    Decode { source: TokenizerError },

    /// The graph that makes tokens cannot be read or run.
    #[error("the graph that makes tokens of texts")]
    Graph(#[source] GraphError),

    /// The graph makes something else than tokens.
    #[error("{}: the graph makes {found}, expected one list of token ids", .dir.display())]
    GraphOutput { dir: PathBuf, found: String },

    /// Examples have no text.
    #[error("no column `{column}` of texts among the examples, which has {found}")]
    NoText { column: String, found: String },

    /// A token id that is none.
    #[error("token id {id}, expected 0 to 4294967295")]
    TokenId { id: i64 },

    /// Nothing to go on from, and no token that begins a text.
    #[error("the prompt is empty, and the model has no token that begins a text")]
    EmptyPrompt,

    /// Columns do not make a batch.
    #[error("predictions do not make a batch")]
    Batch { source: arrow::error::ArrowError },
}

impl Classify for TextModelError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Language(error) => error.kind(),
            Self::Graph(error) => error.kind(),
            Self::NoTokenizer { .. } => ErrorKind::NotFound,
            Self::Tokenizer { .. }
            | Self::Decode { .. }
            | Self::GraphOutput { .. }
            | Self::TokenId { .. }
            | Self::NoText { .. } => ErrorKind::Data,
            Self::EmptyPrompt => ErrorKind::Usage,
            Self::Batch { .. } => ErrorKind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Language(error) => error.hint(),
            Self::Graph(error) => error.hint(),
            Self::Tokenizer { source, .. } => source.hint(),
            Self::NoTokenizer { .. } => Some(
                "LanguageTrainer writes one where `transform_graph` is among its inputs; of other models, \
                 `AutoTokenizer.from_pretrained(...).save_pretrained(dir)` does"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
