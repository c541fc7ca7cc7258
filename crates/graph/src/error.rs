//! Why a graph could not be built, loaded, saved or applied.

use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};

use crate::{NodeType, TokenizerError, ValueType};

/// Why something is not a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum BuildError {
    /// An operation does not take operands of these types, or not so many.
    #[error("`{op}` of {}, expected {expected}", list(.found))]
    Operands { op: &'static str, found: Vec<NodeType>, expected: &'static str },

    /// An operand is not a node that comes before its user, or an output not a node.
    #[error("no node {node} among the {num_nodes} nodes so far")]
    UnknownNode { node: u32, num_nodes: usize },

    /// There is no such vocabulary.
    #[error("no vocabulary {vocabulary} among the {num_vocabularies} vocabularies")]
    UnknownVocabulary { vocabulary: u32, num_vocabularies: usize },

    /// Boundaries of buckets have to ascend.
    #[error("boundary {place} {reason}")]
    Boundaries { place: usize, reason: &'static str },

    /// A list of constants is not one.
    #[error("list of constants: {reason}")]
    Literals { reason: &'static str },

    /// A number of buckets that ids cannot have.
    #[error("`{op}` into {found} buckets, expected {least} to {most}")]
    NumBuckets { op: &'static str, found: u64, least: u64, most: u64 },

    /// Constants that an operation cannot have.
    #[error("`{op}`: {reason}")]
    Constants { op: &'static str, reason: &'static str },

    /// Numbers that are not the full rows of a matrix.
    #[error("a matrix of {num_values} numbers with {num_columns} columns")]
    Matrix { num_values: usize, num_columns: u32 },
    /// A text is no regular expression, or one that is too large.
    #[error("pattern, character {}: {reason}", .at + 1)]
    Pattern { at: usize, reason: String },

    /// What is to replace a match has a backslash where nothing is meant by one.
    #[error("replacement, character {}: found {}, expected `\\0` to `\\9` or `\\\\`", .at + 1, escape(*.found))]
    Replacement { at: usize, found: Option<char> },

    /// A pattern has no such group.
    #[error("group {group} of a pattern that has {num_groups}")]
    Group { group: u32, num_groups: u32 },

    /// A format in which no points in time can be read or written.
    #[error("time format {format:?}: {reason}")]
    TimeFormat { format: String, reason: String },

    /// There is no such time zone.
    #[error("no time zone `{zone}`, expected a name as `Europe/Berlin` or an offset as `+05:30`")]
    Zone { zone: String, nearest: Option<String> },

    /// A text is no path into JSON.
    #[error("path, character {}: found {}, expected {expected}", .at + 1, character(*.found))]
    JsonPath { at: usize, found: Option<char>, expected: &'static str },

    /// One raw feature was read as two types.
    #[error("feature `{feature}` is read as {first} and as {second}")]
    InputTypes { feature: String, first: NodeType, second: NodeType },

    /// Two outputs have one name.
    #[error("two outputs are named `{output}`")]
    DuplicateOutput { output: String },

    /// Two vocabularies have one name.
    #[error("two vocabularies are named `{vocabulary}`")]
    DuplicateVocabulary { vocabulary: String },

    /// A text that a vocabulary cannot hold, because its file has one token a line.
    #[error("vocabulary token {place} {reason}")]
    Token { place: usize, reason: &'static str },

    /// More nodes, tokens or bytes than a graph can hold.
    #[error("more {what} than a graph can hold")]
    TooLarge { what: &'static str },
}

fn escape(found: Option<char>) -> String {
    found.map_or_else(|| "`\\` at the end".to_owned(), |found| format!("`\\{found}`"))
}

fn character(found: Option<char>) -> String {
    found.map_or_else(|| "the end".to_owned(), |found| format!("`{found}`"))
}

fn list(types: &[NodeType]) -> String {
    match types {
        [] => "nothing".to_owned(),
        types => types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Returns enough of a digest to tell it from another on a screen.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

impl Classify for BuildError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Zone { nearest, .. } => {
                nearest.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            _ => None,
        }
    }
}

/// Why a graph could not be loaded, saved or applied.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum GraphError {
    /// A file of the graph could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The description is there but is not what it should be.
    #[error("{}: not a graph description", .path.display())]
    Description { path: PathBuf, source: serde_json::Error },

    /// The description was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// A node's operation is not one that this version knows.
    #[error("{}: node {node}: unknown operation `{op}`", .path.display())]
    UnknownOp { path: PathBuf, node: usize, op: String },

    /// A node's constants are not those of its operation.
    #[error("{}: node {node}: not the constants of `{op}`", .path.display())]
    Constants { path: PathBuf, node: usize, op: String, source: serde_json::Error },

    /// A node contradicts the rest of the graph.
    #[error("{}: node {node}", .path.display())]
    Node { path: PathBuf, node: usize, source: BuildError },

    /// The description contradicts itself elsewhere.
    #[error("{}: not a graph", .path.display())]
    Invalid { path: PathBuf, source: BuildError },

    /// A vocabulary's file is not named by a plain file name.
    #[error("{}: vocabulary `{vocabulary}`: {file:?} is not a file name", .path.display())]
    FileName { path: PathBuf, vocabulary: String, file: String },

    /// A vocabulary file is not the one that was saved with the graph: cut, edited or exchanged.
    #[error(
        "{}: not the vocabulary saved with the graph: {found_tokens} tokens with digest {}, expected {expected_tokens} with {}",
        .path.display(), short(.found), short(.expected)
    )]
    OtherVocabulary {
        path: PathBuf,
        found_tokens: usize,
        expected_tokens: usize,
        found: String,
        expected: String,
    },

    /// A vocabulary file holds what no vocabulary holds.
    #[error("{}: not a vocabulary", .path.display())]
    Vocabulary { path: PathBuf, source: BuildError },

    /// A vocabulary file is not UTF-8.
    #[error("{}: not UTF-8", .path.display())]
    VocabularyText { path: PathBuf, source: std::str::Utf8Error },

    /// A tokenizer's file is not the one that was saved with the graph: cut, edited or exchanged.
    #[error("{}: not the tokenizer saved with the graph: digest {}, expected {}", .path.display(), short(.found), short(.expected))]
    OtherTokenizer { path: PathBuf, found: String, expected: String },

    /// A tokenizer's file is none that this version knows.
    #[error("{}", .path.display())]
    Tokenizer { path: PathBuf, source: TokenizerError },

    /// A tokenizer's file is not named by a plain file name.
    #[error("{}: node {node}: {file:?} is not a file name", .path.display())]
    TokenizerName { path: PathBuf, node: usize, file: String },

    /// The graph does not make such a feature.
    #[error("the graph does not make a feature `{output}`")]
    UnknownOutput { output: String, nearest: Option<String> },

    /// A raw feature that the graph reads is not there.
    #[error("feature `{feature}` is missing, which the transform graph reads as {expected}")]
    MissingInput { feature: String, expected: NodeType, nearest: Option<String> },

    /// A raw feature has another type than when the graph was made.
    #[error("feature `{feature}` is {found}, the transform graph expects {expected}")]
    InputType { feature: String, found: String, expected: NodeType },

    /// A raw feature has many values per example.
    #[error(
        "feature `{feature}` is {found}, the transform graph expects at most one {expected} per example"
    )]
    ListInput { feature: String, found: String, expected: ValueType },

    /// A raw feature holds bytes that are not text.
    #[error("feature `{feature}`: row {row} of the batch is not UTF-8 text")]
    NotText { feature: String, row: usize },

    /// A raw feature holds a value that its type in the graph does not hold.
    #[error("feature `{feature}`: a value that is not {expected}")]
    InputValue { feature: String, expected: ValueType, source: ArrowError },

    /// A raw feature has another number of values than when the graph was made.
    #[error("feature `{feature}`: row {row} of the batch has {found} values, expected {expected}")]
    InputLength { feature: String, row: usize, found: usize, expected: u32 },

    /// Two lists that are computed with value by value are not of one length.
    #[error(
        "`{op}` of lists: row {row} of the batch has {first} values in one and {second} in another"
    )]
    Lengths { op: &'static str, row: usize, first: usize, second: usize },

    /// A batch makes more values than one column of lists holds.
    #[error("a column of lists with more than 2^31 values in one batch")]
    TooManyItems,

    /// A batch makes more text than one column holds.
    #[error("a text column of more than 2 GiB in one batch")]
    TooMuchText,
}

impl Classify for GraphError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::UnknownOutput { .. } => ErrorKind::NotFound,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Version { .. } | Self::UnknownOp { .. } => {
                Some("load it with the version of cupola that wrote it".to_owned())
            }
            Self::OtherVocabulary { .. } | Self::OtherTokenizer { .. } => {
                Some("make the graph again, or put the file back as it was saved".to_owned())
            }
            Self::UnknownOutput { nearest, .. } | Self::MissingInput { nearest, .. } => {
                nearest.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::TooMuchText | Self::TooManyItems => Some("use smaller batches".to_owned()),
            _ => None,
        }
    }
}
