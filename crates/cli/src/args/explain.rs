//! The flags of `cupola explain`.

use std::path::PathBuf;

use clap::Args;

use super::ReadArgs;

/// `cupola explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A pushed model: its serving directory (the newest version is taken) or one version of it.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,

    /// Files of raw rows, with the columns that the model was trained on; with the label's, also how much the model
    /// needs each feature.
    #[arg(long, value_name = "FILES", required = true, num_args = 1..)]
    pub(crate) input: Vec<String>,

    /// Files of raw rows to compare with [default: rows drawn from `--input`]
    #[arg(long, value_name = "FILES", num_args = 1..)]
    pub(crate) background: Vec<String>,

    /// How many rows of the background are drawn.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) background_rows: usize,

    /// How many rows are drawn and explained.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) rows: usize,

    /// The output that is explained, such as `logit`.
    #[arg(long, value_name = "NAME", default_value = model::PREDICTION)]
    pub(crate) output: String,

    /// Of outputs with several numbers, which, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) class: usize,

    /// How many coalitions of features are tried for each row [default: 2048 and twice the features]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub(crate) samples: Option<u32>,

    /// How often each feature is shuffled.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeats: u32,

    /// A feature by whose values to slice; can be repeated.
    #[arg(long = "slice", value_name = "FEATURE")]
    pub(crate) slices: Vec<String>,

    /// Another number draws other rows.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) read: ReadArgs,
}
