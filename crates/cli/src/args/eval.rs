//! The flags of `cupola eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ReadArgs;

/// `cupola eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Files of rows with labels and predictions: CSV, JSON Lines, Parquet, Avro, Arrow IPC or TFRecord; patterns such
    /// as 'predictions-*.parquet' are looked up here too.
    #[arg(long, value_name = "FILES", required = true, num_args = 1..)]
    pub(crate) predictions: Vec<String>,

    /// The column of labels; of language models, of how many tokens were predicted.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: String,

    /// The column of predictions: probabilities, vectors of them, numbers, scores, or sums of negative log likelihoods.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) prediction: String,

    /// The column of what another model predicts, to compare with.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) baseline: Option<String>,

    /// What the predictions mean [default: multi-class or multi-label where they are vectors, else binary]
    #[arg(long, value_enum)]
    pub(crate) task: Option<TaskName>,

    /// Features by whose values, or crosses of values, to slice, such as `country` or `country,hour`; can be repeated.
    #[arg(long = "slice", value_name = "FEATURES")]
    pub(crate) slices: Vec<String>,

    /// Slices with fewer examples are left out.
    #[arg(long, value_name = "N")]
    pub(crate) min_slice_size: Option<std::num::NonZeroU64>,

    /// The column that says how much a row counts.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,

    /// A metric, such as `auc`, `precision@0.3`, `recall[2]`, `ndcg@10`, `fairness_indicators`; can be repeated
    /// [default: the usual ones of the task]
    #[arg(long = "metric", value_name = "METRIC")]
    pub(crate) metrics: Vec<String>,

    /// What all rows together must reach, such as 'auc>=0.7' or 'log_loss<=0.5'; can be repeated. Exits with 1 when one
    /// does not hold; `--config` can say more.
    #[arg(long = "threshold", value_name = "METRIC>=N", value_parser = threshold)]
    pub(crate) thresholds: Vec<evaluate::Threshold>,

    /// A prediction counts as positive when it is greater than this.
    #[arg(long, value_name = "N")]
    pub(crate) classification_threshold: Option<f64>,

    /// Estimate confidence intervals by leaving out one of 20 parts of the rows after the other.
    #[arg(long, conflicts_with = "bootstrap")]
    pub(crate) jackknife: bool,

    /// Estimate confidence intervals by drawing the rows again, so many times.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub(crate) bootstrap: Option<u32>,

    /// Another number draws other rows.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// For rankings: the column that says which query a row is an answer to.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) query_key: Option<String>,

    /// For language models: the column of how many bytes a text has.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) num_bytes: Option<String>,

    /// For language models: the column of how many tokens were the likeliest.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) num_correct: Option<String>,

    /// The same of `--baseline`.
    #[arg(long, value_name = "COLUMN", requires = "baseline")]
    pub(crate) baseline_num_correct: Option<String>,

    /// A TOML file with the keys of the pipeline's Evaluator: slices, thresholds and more; flags add to it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Write a page with everything in it, for a browser; written over if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Write the evaluation as the JSON file that the pipeline's Evaluator writes; written over if it is there.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// A task by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// Labels of 0 and 1, the probability of 1.
    Binary,
    /// Ids of classes from 0, one probability for each.
    MultiClass,
    /// Vectors of 0 and 1, the probability of each 1.
    MultiLabel,
    /// Numbers.
    Regression,
    /// Relevance, and scores to rank the rows of a query by.
    Ranking,
    /// Numbers of tokens, and sums of negative log likelihoods in nats.
    LanguageModel,
}

fn threshold(text: &str) -> Result<evaluate::Threshold, String> {
    let expected = || "expected a metric, `>=` or `<=`, and a number".to_owned();
    let read = |separator: &str| {
        let (metric, number) = text.split_once(separator)?;
        Some((metric.trim(), number.trim().parse::<f64>().ok()?))
    };
    if let Some((metric, bound)) = read(">=") {
        return Ok(evaluate::Threshold {
            lower_bound: Some(bound),
            ..evaluate::Threshold::new(metric)
        });
    }
    let (metric, bound) = read("<=").ok_or_else(expected)?;
    Ok(evaluate::Threshold { upper_bound: Some(bound), ..evaluate::Threshold::new(metric) })
}
