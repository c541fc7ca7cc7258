//! Why raw data did not become examples.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind, IoError};
use dataflow::EngineError;
use dataset::{
    CsvError, DatasetError, FeatureType, JsonError, RowError, TfExampleError, TfRecordError,
};

use crate::list_spans;

/// Why raw data did not become examples.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum IngestError {
    /// No pattern was given.
    #[error("no files are named, expected at least one pattern such as `data/*.csv`")]
    NoPatterns,

    /// Nothing is there.
    #[error("no file matches `{pattern}` in {}", .dir.display())]
    NoFiles { pattern: String, dir: PathBuf, hint: Option<String> },

    /// A pattern that is none.
    #[error("pattern `{pattern}`, character {position}: {reason}")]
    BadPattern { pattern: String, position: usize, reason: &'static str },

    /// Numbers in a pattern that do not go together.
    #[error("pattern `{pattern}`: {reason}")]
    BadSpecs { pattern: String, reason: &'static str },

    /// Patterns of which some tell spans and others do not.
    #[error(
        "`{first}` and `{second}`: expected {{SPAN}}, {{VERSION}} or a date in all patterns or in none"
    )]
    MixedSpecs { first: String, second: String },

    /// Patterns that lead to different spans.
    #[error("`{first}` leads to {found}, but `{second}` to {other}: expected the same for all")]
    SpansDiffer { first: String, found: String, second: String, other: String },

    /// Spans that are not there.
    #[error("no file of {} matches `{pattern}`, found the spans {}", wanted(*.first, *.last), listed(.found))]
    NoSuchSpan { key: &'static str, pattern: String, first: i64, last: i64, found: Vec<i64> },

    /// Spans where patterns have none.
    #[error(
        "`{key}`: no pattern has {{SPAN}} or {{YYYY}}, {{MM}} and {{DD}}, expected one of these in all"
    )]
    NoSpans { key: &'static str },

    /// One span and several.
    #[error("found both, expected one of `span` and `range_config`")]
    SpanAndRange,

    /// A range that ends before it begins.
    #[error(
        "`range_config`: found the spans from {start} to {end}, expected the first not to be behind the last"
    )]
    EmptyRange { start: i64, end: i64 },

    /// A file whose date is none.
    #[error("{}: {year:04}-{month:02}-{day:02} is no date", .path.display())]
    BadDate { path: PathBuf, year: i64, month: i64, day: i64 },

    /// A file that two splits want.
    #[error("{}: is in the splits `{first}` and `{second}`, expected one", .path.display())]
    FileInTwoSplits { path: PathBuf, first: String, second: String },

    /// The splits are those of the files.
    #[error("`{key}`: the source has files for each split, expected no `{key}`")]
    SplitsOfFiles { key: &'static str },

    /// Patterns are text, so the folder that they start from has to be.
    #[error("{}: the folder's name is not UTF-8, expected a name that patterns can be put behind", .dir.display())]
    FolderNotUtf8 { dir: PathBuf },

    /// A file or folder cannot be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// Comma-separated text cannot be read.
    #[error(transparent)]
    Csv(#[from] CsvError),

    /// Parquet, Avro or Arrow IPC cannot be read, or Parquet written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),

    /// TFRecord files cannot be read.
    #[error(transparent)]
    TfRecord(#[from] TfRecordError),

    /// Records are not examples, or do not go together.
    #[error(transparent)]
    TfExample(#[from] TfExampleError),

    /// The records have no features at all.
    #[error("{}: no record has a feature, expected at least one", .path.display())]
    NoFeatures { path: PathBuf },

    /// A feature that one file has and another has not.
    #[error("{}: no record has a feature `{feature}`, which those of {} have", .path.display(), .other.display())]
    FeatureNotInFile { path: PathBuf, feature: String, other: PathBuf },

    /// A feature that was asked for and that no record has a value of.
    #[error("{}: feature `{feature}`: no record has a value", .path.display())]
    FeatureNotFound { path: PathBuf, feature: String },

    /// The table or list of features is empty.
    #[error("no features are named, expected at least one")]
    NoFeaturesNamed { format: &'static str },

    /// A feature that is named twice.
    #[error("feature `{feature}`: stands twice in the list")]
    FeatureTwice { feature: String },

    /// A field that the lines of one file name, and those of another do not.
    #[error("{}: no line has a field `{feature}`, which those of {} have", .path.display(), .other.display())]
    FieldNotInFile { path: PathBuf, feature: String, other: PathBuf },

    /// JSON Lines cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),

    /// The features of sequences cannot be named.
    #[error("features of tf.SequenceExample cannot be named yet, expected them to be found")]
    FeaturesOfSequences,

    /// All files together have no row.
    #[error("{}: no rows found, expected at least one", .path.display())]
    NoRows { path: PathBuf },

    /// More rows cannot be read than may be set aside.
    #[error("{first} ({num_rejected} of {}{num_rows} rows rejected, the limit is {limit})", if *.is_complete { "" } else { "the first " })]
    TooManyRejected {
        first: Box<RowError>,
        num_rejected: u64,
        num_rows: u64,
        limit: u64,
        is_complete: bool,
    },

    /// A column holds what features do not.
    #[error("{}: column `{column}`: values of type {data_type} are not supported, expected numbers, booleans, strings, bytes, or lists or structs of them", .path.display())]
    UnsupportedType { path: PathBuf, column: String, data_type: DataType },

    /// Two columns of a file have one name.
    #[error("{}: column `{column}`: stands twice in the schema", .path.display())]
    DuplicateColumn { path: PathBuf, column: String },

    /// The splits are an empty table.
    #[error("no splits are named, expected shares such as {{ train = 2, eval = 1 }}")]
    NoSplits,

    /// A split's name cannot be a folder's.
    #[error("split `{split}`: expected a name of letters, digits, `_` and `-`")]
    SplitName { split: String },

    /// A delimiter that is none.
    #[error(
        "`delimiter`: found {found:?}, expected one ASCII character that is neither a quote nor an end of line"
    )]
    Delimiter { found: String },

    /// The list of columns is empty.
    #[error("`columns`: found an empty list, expected the names of all columns")]
    NoColumns,

    /// More columns than anybody means.
    #[error("`columns`: found {found} names, expected at most {limit}")]
    TooManyColumns { found: usize, limit: usize },

    /// A column without a name.
    #[error("`columns`: column {position} has no name")]
    UnnamedColumn { position: usize },

    /// A name that stands twice among the columns.
    #[error("`columns`: column `{column}`: stands twice")]
    ColumnTwice { column: String },

    /// TFX has no reader that would give the same rows.
    #[error(
        "`hash`: TFX's splits are those of comma-separated text and of TFRecord files alone, expected `content`"
    )]
    HashOfSource,

    /// The feature that decides about splits is not there.
    #[error("`partition_feature`: there is no feature `{feature}`")]
    NoPartitionFeature { feature: String, hint: Option<String> },

    /// The feature that decides about splits is of a kind that does not tell rows apart.
    #[error("`partition_feature`: feature `{feature}` holds {found} values, expected INT or BYTES")]
    PartitionFeatureType { feature: String, found: FeatureType },

    /// The budget for rejected rows is too large.
    #[error("`max_rejected_rows`: found {found}, expected at most {limit}")]
    BudgetTooLarge { found: u64, limit: u64 },

    /// There were other rows when the data was read again.
    #[error("{}: the data changed while it was read: found {found} rows, expected {expected}", .path.display())]
    Changed { path: PathBuf, found: u64, expected: u64 },

    /// Two states are not of one pass, or bytes are no state.
    #[error("not inferred types that this version can continue: {reason}")]
    BadState { reason: &'static str },

    /// A pass over the data stopped.
    #[error("{0}")]
    Engine(EngineError),
}

/// How many spans a message lists, the latest ones.
const LISTED: usize = 10;

fn listed(spans: &[i64]) -> String {
    let latest = &spans[spans.len().saturating_sub(LISTED)..];
    let beginning = if latest.len() < spans.len() { "…, " } else { "" };
    format!("{beginning}{}", list_spans(latest))
}

fn wanted(first: i64, last: i64) -> String {
    if first == last { format!("span {first}") } else { format!("the spans {first} to {last}") }
}

impl IngestError {
    /// Returns the key of the configuration that the error is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NoSplits | Self::SplitName { .. } => "splits",
            Self::SplitsOfFiles { key } => key,
            Self::NoSuchSpan { key, .. } | Self::NoSpans { key } => key,
            Self::SpanAndRange | Self::EmptyRange { .. } => "range_config",
            Self::BudgetTooLarge { .. } => "max_rejected_rows",
            Self::HashOfSource => "hash",
            Self::Delimiter { .. } => "source.csv.delimiter",
            Self::NoColumns
            | Self::TooManyColumns { .. }
            | Self::UnnamedColumn { .. }
            | Self::ColumnTwice { .. } => "source.csv.columns",
            Self::NoPartitionFeature { .. } | Self::PartitionFeatureType { .. } => {
                "partition_feature"
            }
            Self::FeatureTwice { .. } | Self::NoFeaturesNamed { format: "json" } => {
                "source.json.features"
            }
            Self::NoFeaturesNamed { .. } | Self::FeaturesOfSequences => "source.tfrecord.features",
            _ => "source",
        }
    }
}

impl From<EngineError> for IngestError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl Classify for IngestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPatterns
            | Self::BadPattern { .. }
            | Self::BadSpecs { .. }
            | Self::MixedSpecs { .. }
            | Self::NoSpans { .. }
            | Self::SpanAndRange
            | Self::EmptyRange { .. }
            | Self::FileInTwoSplits { .. }
            | Self::SplitsOfFiles { .. }
            | Self::FolderNotUtf8 { .. }
            | Self::NoSplits
            | Self::SplitName { .. }
            | Self::Delimiter { .. }
            | Self::NoColumns
            | Self::TooManyColumns { .. }
            | Self::UnnamedColumn { .. }
            | Self::ColumnTwice { .. }
            | Self::HashOfSource
            | Self::NoPartitionFeature { .. }
            | Self::PartitionFeatureType { .. }
            | Self::NoFeaturesNamed { .. }
            | Self::FeatureTwice { .. }
            | Self::FeaturesOfSequences
            | Self::BudgetTooLarge { .. } => ErrorKind::Usage,
            Self::NoFiles { .. } | Self::NoSuchSpan { .. } => ErrorKind::NotFound,
            Self::SpansDiffer { .. } | Self::BadDate { .. } => ErrorKind::Data,
            Self::Io(error) => error.kind(),
            Self::Csv(error) => error.kind(),
            Self::Dataset(error) => error.kind(),
            Self::TfRecord(error) => error.kind(),
            Self::TfExample(error) => error.kind(),
            Self::Json(error) => error.kind(),
            Self::NoRows { .. }
            | Self::NoFeatures { .. }
            | Self::FeatureNotInFile { .. }
            | Self::FieldNotInFile { .. }
            | Self::FeatureNotFound { .. }
            | Self::TooManyRejected { .. }
            | Self::UnsupportedType { .. }
            | Self::DuplicateColumn { .. } => ErrorKind::Data,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::BadState { .. } => ErrorKind::Bug,
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoFiles { hint, .. } | Self::NoPartitionFeature { hint, .. } => hint.clone(),
            Self::Io(error) => error.hint(),
            Self::Csv(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::TfRecord(error) => error.hint(),
            Self::TfExample(error) => error.hint(),
            Self::Json(error) => error.hint(),
            Self::FieldNotInFile { .. } => Some(
                "to have it missing there, name the features to read in `source.json.features`"
                    .to_owned(),
            ),
            Self::FeatureNotInFile { .. } => Some(
                "to have it missing there, name the features to read in `source.tfrecord.features`"
                    .to_owned(),
            ),
            Self::FeatureNotFound { .. } => {
                Some("is the name right? leave it out if there are no values yet".to_owned())
            }
            Self::FeaturesOfSequences => Some("leave `features` out".to_owned()),
            Self::TooManyRejected { first, num_rejected, num_rows, .. } => {
                // Where no row fits, setting all of them aside does not help.
                let helps =
                    num_rejected < num_rows && *num_rejected <= crate::config::MAX_REJECTED_ROWS;
                let budget = helps.then(|| {
                    format!(
                        "`max_rejected_rows = {num_rejected}` sets such rows aside in `{}`",
                        crate::REJECTED_FILE
                    )
                });
                first.hint().or(budget)
            }
            Self::UnsupportedType { .. } => {
                Some("write the column as a number or as text, or leave it out".to_owned())
            }
            Self::Changed { .. } => Some("run again once the files are complete".to_owned()),
            Self::Engine(error) => error.hint(),
            _ => None,
        }
    }
}
