//! Why a file is no tokenizer.

use base::{Classify, ErrorKind};

/// Why a file is no tokenizer, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TokenizerError {
    /// The bytes are no tokenizer file, or one with parts that are not known here.
    #[error("not a HuggingFace tokenizer file (`tokenizer.json`) that can be used: {reason}")]
    File { reason: String },

    /// The file is larger than any tokenizer.
    #[error("a tokenizer file of {found} bytes, expected at most {most}")]
    TooLarge { found: usize, most: usize },

    /// The tokenizer gives other ids each time.
    #[error("`model.dropout` is {dropout}, expected none: ids would be drawn by lot")]
    Dropout { dropout: String },

    /// A regular expression that is none, or has what linear time does not allow.
    #[error("pattern {pattern:?}: {reason}")]
    Pattern { pattern: String, reason: String },

    /// Ids cannot become text again.
    #[error("`decoder`: {reason}")]
    Decoder { reason: String },

    /// A part of the file refers to a token that is not there.
    #[error("`{part}`: there is no token {token:?} in the vocabulary")]
    UnknownToken { part: &'static str, token: String },

    /// Parts of the file contradict each other.
    #[error("`{part}`: {reason}")]
    Part { part: &'static str, reason: &'static str },
}

impl Classify for TokenizerError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Dropout { .. } => {
                Some("set it to `null` in the file: it is for training alone".to_owned())
            }
            Self::File { .. } => Some(
                "`AutoTokenizer.from_pretrained(...).save_pretrained(dir)` writes one; normalizers of the kind \
                 `Precompiled` are not supported"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
