//! Metrics of a model, overall and by slices, and whether they are good enough: thresholds and the blessing.
//!
//! Entry points: [`Config`] and [`check`]; [`EvaluatePass`] for an engine, whose state gives an
//! [`Evaluation`]; [`validate`], which gives a [`Blessing`]. Definitions and blessing rules are TensorFlow
//! Model Analysis's; where we differ on purpose, the item says so. **Invariants:** candidate and baseline are
//! evaluated in one pass over the same rows; all sums are exact, so batches, partitions and threads never
//! show, not in the last bit; replicates, for confidence intervals, are drawn by the place of an example in the
//! data ([`Numbered`]), so that threads do not show in them either; memory is bounded, and slices that do not fit
//! are named instead of computed; a metric that cannot be known is NaN, and NaN is never blessed.
//!
//! What has to be counted is planned from the metrics (`plan.rs`), made of rows (`rows.rs`) into sums and sparse
//! tables by slice (`totals.rs`), and computed from these in the end (`compute.rs`, `finish.rs`).
//!
//! Not here: scoring (the pass reads columns of predictions), choosing a baseline, showing what was found.

mod bytes;
mod cells;
mod check;
mod columns;
mod compute;
mod config;
mod error;
mod evaluation;
mod finish;
mod intervals;
mod metrics;
mod numbered;
mod pass;
mod plan;
mod plots;
mod replicates;
mod rows;
mod samples;
mod serialize;
mod slices;
mod state;
mod sums;
mod tables;
mod task;
mod totals;
mod validate;

pub use check::{Problem, check};
pub use config::{
    Bound, ConfidenceIntervals, ConfidenceMethod, Config, CrossSlices, NamedSlices, SampleConfig,
    SampleOf, SliceSpec, SliceValues, Threshold, ThresholdSlices, Wanted,
};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, SliceComparison, SliceKey, SliceResult, slice_name};
pub use intervals::Interval;
pub use metrics::{default_metrics, metric_names, metric_table};
pub use numbered::Numbered;
pub use pass::{Columns, EvaluatePass};
pub use plots::{CalibrationBin, Plots, ThresholdPoint};
pub use samples::DrawnSample;
pub use slices::SliceValue;
pub use state::{EvaluateState, MAX_BUCKETS, MAX_DOCUMENTS, MAX_SLICES};
pub use tables::{ClassTable, LabelTable};
pub use task::Task;
pub use validate::{Blessing, Failure, FailureReason, validate};
