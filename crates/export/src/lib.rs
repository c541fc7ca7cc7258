//! Graphs, with or without a model behind them, as files that other runtimes run.
//!
//! **Invariants:** what is exported gives the numbers of the one evaluator (integers and texts equal, floats within
//! 1e-5), or is not exported: [`ExportError::Unsupported`] names the feature. Not here: evaluation, and the folder of
//! a servable.

mod error;
mod saved_model;
mod support;

pub use error::{ExportError, Target};
pub use saved_model::{check_saved_model, saved_model, saved_model_support};
pub use support::Support;
