//! The flags of `cupola explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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

    /// How predictions are explained.
    #[arg(long, value_enum, default_value_t = MethodName::Shapley)]
    pub(crate) method: MethodName,

    /// How many rows of the background are drawn [default: 50, for LIME 5000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) background_rows: Option<u32>,

    /// How many rows are drawn and explained.
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "row")]
    pub(crate) rows: usize,

    /// A row that is explained and shown by itself, from 0; can be repeated.
    #[arg(long, value_name = "N")]
    pub(crate) row: Vec<usize>,

    /// The output that is explained, such as `logit`.
    #[arg(long, value_name = "NAME", default_value = model::PREDICTION)]
    pub(crate) output: String,

    /// Of outputs with several numbers, which, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) class: usize,

    /// How many coalitions of features are tried for each row [default: 2048 and twice the features], for LIME how many
    /// neighbours are drawn [default: 5000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub(crate) samples: Option<u32>,

    /// For LIME: how many features a local model may have.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) num_features: u32,

    /// For LIME: numbers count in standard deviations, and not by the quartile that they are in.
    #[arg(long)]
    pub(crate) no_discretize: bool,

    /// For LIME: numbers are drawn around the row's rather than around the background's mean.
    #[arg(long, requires = "no_discretize")]
    pub(crate) around_row: bool,

    /// For LIME: a feature of numbers that are names of categories; can be repeated.
    #[arg(long, value_name = "FEATURE")]
    pub(crate) categorical: Vec<String>,

    /// For LIME: how fast neighbours count less with their distance [default: 0.75 · √features]
    #[arg(long, value_name = "WIDTH", value_parser = width)]
    pub(crate) kernel_width: Option<f64>,

    /// For LIME: how the features of a local model are chosen.
    #[arg(long, value_enum, default_value_t = SelectName::Auto)]
    pub(crate) select: SelectName,

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

/// How predictions are explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    /// What each feature adds to the mean prediction of the background (Kernel SHAP).
    Shapley,
    /// A linear model of the predictions near a row.
    Lime,
}

/// How the features of a local model are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SelectName {
    /// One after the other for up to six, else by the highest weights.
    Auto,
    /// One after the other, each time the one that fits best.
    Forward,
    /// Those with the highest weights in a model with all.
    HighestWeights,
    /// Those that the lasso leaves as its penalty falls.
    LassoPath,
    /// All.
    All,
}

fn width(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(width) if width > 0.0 && f64::is_finite(width) => Ok(width),
        _ => Err("expected a number greater than 0".to_owned()),
    }
}
