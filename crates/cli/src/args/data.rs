//! The flags of the verbs that look at data: `stats`, `schema`, `validate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ShowArgs;

/// Files that are one dataset together.
#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    /// Files of CSV, JSON Lines, Parquet, Avro, Arrow IPC or TFRecord, one dataset together, or a file of statistics
    /// such as `FeatureStats.pb`; patterns such as 'data/*.csv' are looked up here too.
    #[arg(value_name = "FILES", required = true)]
    pub(crate) files: Vec<String>,

    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// How files are read.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadArgs {
    /// How many rows that cannot be read may be left out: with too many or too few cells, not UTF-8, or no JSON.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) max_rejected_rows: u64,

    /// What stands between the cells of CSV files, such as ';'; '\t' is a tabulator, which `.tsv` files have anyway
    /// [default: a comma, or what the header has instead].
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<String>,
}

pub(super) fn delimiter(text: &str) -> Result<String, String> {
    match text {
        "\\t" => Ok("\t".to_owned()),
        "\"" | "\n" | "\r" | "\0" => Err(NO_DELIMITER.to_owned()),
        other if other.len() == 1 && other.is_ascii() => Ok(other.to_owned()),
        _ => Err(NO_DELIMITER.to_owned()),
    }
}

const NO_DELIMITER: &str =
    "expected one ASCII character that is neither a quote nor an end of line";

/// `cupola stats`.
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true, subcommand_negates_reqs = true)]
pub(crate) struct StatsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<StatsCommand>,
    #[command(flatten)]
    pub(crate) files: StatsFilesArgs,
}

/// `cupola stats FILES`.
#[derive(Debug, Args)]
pub(crate) struct StatsFilesArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// Files of another dataset to see this one beside, such as the data of the day before.
    #[arg(long, visible_alias = "baseline", value_name = "FILES", num_args = 1..)]
    pub(crate) against: Vec<String>,

    /// Show where the data does not fit this schema.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,

    /// The schema's environment that the data comes from, such as `SERVING`.
    #[arg(long, value_name = "NAME", requires = "schema")]
    pub(crate) environment: Option<String>,

    /// Show each value of a feature, or combination of values of several, as a slice of its own; may be given several
    /// times.
    #[arg(long, value_name = "FEATURE[,FEATURE]")]
    pub(crate) slice: Vec<String>,

    /// Show slices by a query that sees one example at a time, such as
    /// 'SELECT STRUCT(payment_type) FROM example.payment_type'; may be given several times.
    #[arg(long, value_name = "QUERY")]
    pub(crate) slice_sql: Vec<String>,

    /// Write a page with everything in it but the slices, for a browser; written over if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Write the statistics as the message that TensorFlow Data Validation reads; written over if it is there.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The other ways of `cupola stats`.
#[derive(Debug, Subcommand)]
pub(crate) enum StatsCommand {
    /// Show the statistics of an artifact.
    Show(ShowArgs),
    /// Show how far apart two datasets are; exits with 1 when that is farther than `--threshold`.
    Diff(StatsDiffArgs),
}

/// `cupola stats diff`.
#[derive(Debug, Args)]
pub(crate) struct StatsDiffArgs {
    /// The dataset before: a file, or a quoted pattern of several.
    pub(crate) before: String,
    /// The dataset after.
    pub(crate) after: String,
    /// The distance from which on two distributions are too far apart, from 0 to 1; so are features that only
    /// one dataset has.
    #[arg(long, value_name = "DISTANCE", value_parser = distance)]
    pub(crate) threshold: Option<f64>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

fn distance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(distance) if (0.0..=1.0).contains(&distance) => Ok(distance),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

/// `cupola schema`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Infer a schema from data.
    Infer(SchemaInferArgs),
    /// Show the differences between two schemas; exits with 1 when there are any.
    Diff {
        /// The schema before.
        before: PathBuf,
        /// The schema after.
        after: PathBuf,
    },
    /// Show the schema of an artifact.
    Show(ShowArgs),
    /// Print the JSON Schema of pipeline files, for editors.
    Pipeline,
}

/// `cupola schema infer`.
#[derive(Debug, Args)]
pub(crate) struct SchemaInferArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// Where the schema goes, such as `schema.pbtxt` [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,

    /// The largest number of distinct values of a text feature that become its domain.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_string_domain_size: u32,
}

/// `cupola validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// The schema that the data has to fit.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: PathBuf,

    /// The schema's environment that the data comes from, such as `SERVING`.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,

    /// Files of the dataset before, for the schema's drift comparators.
    #[arg(long, value_name = "FILES", num_args = 1..)]
    pub(crate) previous: Vec<String>,

    /// Files of the data in serving, for the schema's skew comparators.
    #[arg(long, value_name = "FILES", num_args = 1..)]
    pub(crate) serving: Vec<String>,

    /// Conditions of your own on the statistics of features, such as `feature.num_stats.max < 100`: a file of TensorFlow
    /// Data Validation's `CustomValidationConfig` as text. Those of pairs compare with `--previous`.
    #[arg(long, value_name = "FILE")]
    pub(crate) custom_validations: Option<PathBuf>,

    /// List every row that breaks the schema and not only the first, with its file, its line and why; also rows that
    /// cannot be read.
    #[arg(long)]
    pub(crate) rows: bool,

    /// Write the anomalies as the message that TensorFlow Data Validation reads, in text form; written over if
    /// it is there.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
