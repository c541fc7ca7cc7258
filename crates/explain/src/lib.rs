//! Why a model predicts what it does: Shapley values and local linear models of single examples, and permutation
//! importance of features.
//!
//! Entry types: [`Explainer`], whose [`Explainer::shapley`] explains one example against a background of others,
//! [`Lime`], whose [`Lime::explain`] fits a linear model around it, [`permutation_importance`], and [`survey`], which
//! sums them up by slice. All work over [`model::Predictor`], whatever is behind it, and over raw features of any
//! type: an absent feature has the value of a background example. **Invariants:** the Shapley values of one example and
//! the base value add up to its prediction; the same seed gives the same values.
//! Not here: choosing examples (`cli`, `components`), metrics by slice (`evaluate`), pages (`report`).

mod coalitions;
mod error;
mod importance;
mod lime;
mod predictions;
mod random;
mod shapley;
mod solve;
mod survey;

pub use error::ExplainError;
pub use importance::{Importance, permutation_importance};
pub use lime::{FeatureSelection, Lime, LimeOptions, LocalModel};
pub use random::sample;
pub use shapley::{Explainer, Explanation};
pub use survey::{
    Examples, Found, Method, Slice, SliceSurvey, Survey, SurveyOptions, slices_of, survey,
};
