//! Full passes: what is learned of the arguments of analyzers.
//!
//! A pass evaluates the arguments of its analyzers with a graph, the same that makes features later, and takes the
//! values in. Analyzers over one argument share what is learned of it.

mod byte_pairs;
mod numbers;
mod pass;
mod tokens;

use serde::{Deserialize, Serialize};

pub(crate) use byte_pairs::learn_byte_pairs;
pub(crate) use numbers::{LearnedNumbers, NumbersState};
pub use pass::{AnalyzerPass, AnalyzerState};
pub(crate) use tokens::TokensState;

/// What is learned of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Analysis {
    /// The distribution of numbers.
    Numbers,
    /// How often each text occurs.
    Tokens,
}

/// What was learned of an argument.
#[derive(Clone, Debug)]
pub enum Learned {
    /// The distribution of numbers.
    #[doc(hidden)]
    Numbers(LearnedNumbers),
    /// Texts and how often each occurs, the most frequent first, equally frequent ones in descending order.
    #[doc(hidden)]
    Tokens(Vec<(String, u64)>),
}
