//! Why a model predicts what it does: Shapley values of single examples, and permutation importance of features.
//!
//! Entry types: [`Explainer`], whose [`Explainer::shapley`] explains one example against a background of others, and
//! [`permutation_importance`]. Both work over [`model::Predictor`], whatever is behind it, and over raw features of any
//! type: an absent feature has the value of a background example. **Invariants:** the values of one example and the
//! base value add up to its prediction; the same seed gives the same values.
//! Not here: choosing examples (`cli`), metrics by slice (`evaluate`), pages (`report`).

mod coalitions;
mod error;
mod importance;
mod predictions;
mod random;
mod shapley;
mod solve;

pub use error::ExplainError;
pub use importance::{Importance, permutation_importance};
pub use random::sample;
pub use shapley::{Explainer, Explanation};
