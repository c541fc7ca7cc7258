//! Metrics of a model, overall and by slices, and whether they are good enough: thresholds and the blessing.
//!
//! Entry points: [`Config`] and [`check`]; [`EvaluatePass`] for an engine, whose state gives an
//! [`Evaluation`]; [`validate`], which gives a [`Blessing`]. Definitions and blessing rules are TensorFlow
//! Model Analysis's; where we differ on purpose, the item says so. **Invariants:** candidate and baseline are
//! evaluated in one pass over the same rows; all sums are exact, so batches, partitions and threads never
//! show, not in the last bit; memory is bounded, and slices that do not fit are named instead of computed; a
//! metric that cannot be known is NaN, and NaN is never blessed.
//!
//! Not here: scoring (the pass reads columns of predictions), choosing a baseline, confidence intervals,
//! models with several outputs or classes.

mod bytes;
mod check;
mod config;
mod error;
mod evaluation;
mod examples;
mod metrics;
mod pass;
mod serialize;
mod slices;
mod state;
mod sums;
mod totals;
mod validate;

pub use check::{Problem, check};
pub use config::{Bound, Config, NamedSlices, Threshold, ThresholdSlices};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, SliceKey, SliceResult};
pub use metrics::{default_metrics, metric_names};
pub use pass::{Columns, EvaluatePass};
pub use slices::SliceValue;
pub use state::{EvaluateState, MAX_BUCKETS, MAX_SLICES};
pub use validate::{Blessing, Failure, FailureReason, validate};
