//! Why raw data did not become examples.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind, IoError};
use dataflow::EngineError;
use dataset::{
    CsvError, DatasetError, FeatureType, JsonError, RowError, TfExampleError, TfRecordError,
};
use query::{Mistake, QueryError};
use remote::RemoteError;

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
    FeatureTwice { format: &'static str, feature: String },

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

    /// A header that is one cell, and looks like several.
    #[error("{}: found one column, `{header}`, expected several, as {:?} is in its name", .path.display(), .delimiter.to_string())]
    OtherDelimiter { path: PathBuf, header: String, delimiter: char },

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

    /// The names of texts are those of files that are here.
    #[error("{pattern}: texts are read from files here, not from elsewhere")]
    TextElsewhere { pattern: String },

    /// TFX splits by cells that are not read.
    #[error(
        "`hash`: TFX splits rows of text by all of their cells, expected `content` beside `features`"
    )]
    HashOfFeatures,

    /// The feature that decides about splits is not there.
    #[error("`partition_feature`: there is no feature `{feature}`")]
    NoPartitionFeature { feature: String, hint: Option<String> },

    /// The feature that decides about splits is of a kind that does not tell rows apart.
    #[error("`partition_feature`: feature `{feature}` holds {found} values, expected INT or BYTES")]
    PartitionFeatureType { feature: String, found: FeatureType },

    /// A compression where there is nothing to choose.
    #[error("`output.compression`: found it beside `parquet`, expected it for `tfrecord` alone")]
    OutputCompression,

    /// A feature that has no place in the files to write.
    #[error("`output.format`: {problem}")]
    Unwritable { problem: TfExampleError },

    /// The budget for rejected rows is too large.
    #[error("`max_rejected_rows`: found {found}, expected at most {limit}")]
    BudgetTooLarge { found: u64, limit: u64 },

    /// Somebody wrote to a file.
    #[error("{}: the file was written to while it was read: it had {expected} bytes before, {found} now", .path.display())]
    FileChanged { path: PathBuf, found: u64, expected: u64 },

    /// There were other rows when the data was read again.
    #[error("{}: the data changed while it was read: found {found} rows, expected {expected}", .path.display())]
    Changed { path: PathBuf, found: u64, expected: u64 },

    /// Two states are not of one pass, or bytes are no state.
    #[error("not inferred types that this version can continue: {reason}")]
    BadState { reason: &'static str },

    /// A file of a store elsewhere cannot be had.
    #[error(transparent)]
    Remote(#[from] RemoteError),

    /// Something is wrong with files that were brought here, told with their URLs.
    #[error("{message}")]
    Elsewhere { message: String, hint: Option<String>, kind: ErrorKind },

    /// A query gives no rows.
    #[error(transparent)]
    Query(Box<QueryFailure>),

    /// A table of a query cannot be read.
    #[error("table `{table}`: {error}")]
    Table { table: String, error: Box<IngestError> },

    /// A query over nothing.
    #[error(
        "no tables are named, expected at least one such as `rides = {{ csv = \"rides/*.csv\" }}`"
    )]
    NoTables,

    /// A table that is not one.
    #[error("table `{table}`: expected a name, and files that are not those of splits")]
    TableOfSplits { table: String },

    /// A key that says something about files.
    #[error(
        "`{key}`: a query has no spans, no rows that are set aside and no splits of TFX's, expected the key to be left out"
    )]
    KeyOfQuery { key: &'static str },

    /// An answer without rows.
    #[error("the query gives no rows, expected at least one")]
    NoRowsOfQuery,

    /// A pass over the data stopped.
    #[error("{0}")]
    Engine(EngineError),
}

fn name_features(format: &str) -> String {
    format!("to have it missing there, name the features to read in `source.{format}.features`")
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

/// A query that gives no rows, and the kind of source that it is of.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct QueryFailure {
    source_key: &'static str,
    error: QueryError,
}

impl IngestError {
    /// Returns the error of a query of a kind of source, such as `sql`.
    pub(crate) fn query(source_key: &'static str, error: QueryError) -> Self {
        match error {
            // What becomes of the rows is no matter of the query.
            QueryError::Sink(error) => Self::Engine(EngineError::Work(error)),
            error => Self::Query(Box::new(QueryFailure { source_key, error })),
        }
    }

    /// Returns the mistake in the text of a query, if the error is one.
    pub fn mistake(&self) -> Option<&Mistake> {
        match self {
            Self::Query(failure) => failure.error.mistake(),
            _ => None,
        }
    }

    /// Returns the key of the configuration that the error is about.
    pub fn key(&self) -> String {
        match self {
            Self::Query(failure) => {
                let part = match failure.error {
                    QueryError::Connection { .. } | QueryError::PasswordInUrl => "url",
                    _ => "query",
                };
                format!("source.{}.{part}", failure.source_key)
            }
            Self::Table { .. } | Self::NoTables | Self::TableOfSplits { .. } => {
                "source.sql.tables".to_owned()
            }
            other => other.key_of_files().to_owned(),
        }
    }

    fn key_of_files(&self) -> &'static str {
        match self {
            Self::KeyOfQuery { key } => key,
            Self::NoSplits | Self::SplitName { .. } => "splits",
            Self::SplitsOfFiles { key } => key,
            Self::NoSuchSpan { key, .. } | Self::NoSpans { key } => key,
            Self::SpanAndRange | Self::EmptyRange { .. } => "range_config",
            Self::BudgetTooLarge { .. } => "max_rejected_rows",
            Self::TextElsewhere { .. } => "source.text",
            Self::HashOfSource | Self::HashOfFeatures => "hash",
            Self::OutputCompression => "output.compression",
            Self::Unwritable { .. } => "output.format",
            Self::Delimiter { .. } | Self::OtherDelimiter { .. } => "source.csv.delimiter",
            Self::NoColumns
            | Self::TooManyColumns { .. }
            | Self::UnnamedColumn { .. }
            | Self::ColumnTwice { .. } => "source.csv.columns",
            Self::NoPartitionFeature { .. } | Self::PartitionFeatureType { .. } => {
                "partition_feature"
            }
            Self::FeatureTwice { format, .. } | Self::NoFeaturesNamed { format } => match *format {
                "csv" => "source.csv.features",
                "json" => "source.json.features",
                "parquet" => "source.parquet.features",
                _ => "source.tfrecord.features",
            },
            Self::FeaturesOfSequences => "source.tfrecord.features",
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
            Self::Remote(error) => error.kind(),
            Self::Elsewhere { kind, .. } => *kind,
            Self::Query(failure) => failure.error.kind(),
            Self::Table { error, .. } => error.kind(),
            Self::NoRowsOfQuery => ErrorKind::Data,
            Self::NoTables
            | Self::TableOfSplits { .. }
            | Self::KeyOfQuery { .. }
            | Self::NoPatterns
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
            | Self::HashOfFeatures
            | Self::TextElsewhere { .. }
            | Self::OutputCompression
            | Self::Unwritable { .. }
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
            | Self::OtherDelimiter { .. }
            | Self::UnsupportedType { .. }
            | Self::DuplicateColumn { .. } => ErrorKind::Data,
            Self::FileChanged { .. } | Self::Changed { .. } => ErrorKind::Conflict,
            Self::BadState { .. } => ErrorKind::Bug,
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Remote(error) => error.hint(),
            Self::Elsewhere { hint, .. } => hint.clone(),
            Self::Query(failure) => failure.error.hint(),
            Self::Table { error, .. } => error.hint(),
            Self::NoFiles { hint, .. } | Self::NoPartitionFeature { hint, .. } => hint.clone(),
            Self::Io(error) => error.hint(),
            Self::Csv(CsvError::HeaderMismatch { .. }) => Some(name_features("csv")),
            Self::Csv(error) => error.hint(),
            Self::Dataset(DatasetError::SchemaMismatch { .. }) => Some(name_features("parquet")),
            Self::Dataset(error) => error.hint(),
            Self::TfRecord(error) => error.hint(),
            Self::TfExample(error) => error.hint(),
            Self::Json(error) => error.hint(),
            Self::Unwritable { .. } => {
                Some("Parquet holds every feature: leave `output.format` out".to_owned())
            }
            Self::FieldNotInFile { .. } => Some(name_features("json")),
            Self::FeatureNotInFile { .. } => Some(name_features("tfrecord")),
            Self::FeatureNotFound { .. } => {
                Some("is the name right? leave it out if there are no values yet".to_owned())
            }
            Self::FeaturesOfSequences => Some("leave `features` out".to_owned()),
            Self::OtherDelimiter { delimiter, .. } => Some(format!(
                "`delimiter = {:?}` reads several columns, `delimiter = \",\"` this one",
                delimiter.to_string()
            )),
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
            Self::FileChanged { .. } | Self::Changed { .. } => {
                Some("run again once the files are complete".to_owned())
            }
            Self::Engine(error) => error.hint(),
            _ => None,
        }
    }
}
