//! Components as the runner sees them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::float_cmp, reason = "small numbers make exact metrics")]

mod configs;
mod evaluator;
mod example_gen;
mod latest_blessed_model;
mod scene;
