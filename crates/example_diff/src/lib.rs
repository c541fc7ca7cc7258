//! Compares the examples of two datasets, pair by pair: paired example skew.
//!
//! Entry points: [`diff_examples`], [`Config`], and [`ExampleDiff`] for what came of it. Examples with the same
//! values of their identifier features make a pair, and of each pair every other feature is compared. The typical
//! question: does what is served equal what was trained on, feature by feature? **Invariants:** an example is
//! seen as a key of 128 bits and a fingerprint of 64 bits for each feature, so memory is bounded by working on one
//! range of keys after another; neither the ranges nor partitions and threads show in the result, and the sample of
//! pairs is the same for the same examples.
//! Not here: distributions without pairs (`schema::validate_distributions`), splits and artifacts (`components`).

mod config;
mod diff;
mod error;
mod fingerprints;
mod join;
mod layout;
mod result;
mod rows;
mod serialize;
mod values;

pub use config::Config;
pub use diff::{Examples, diff_examples};
pub use error::ExampleDiffError;
pub use result::{ConfusionCount, ExampleDiff, FeatureSkew, MatchStats, SkewPair};
