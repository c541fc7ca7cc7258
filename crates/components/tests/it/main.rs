//! Components as the runner sees them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::float_cmp, reason = "small numbers make exact metrics")]

mod bulk_inferrer;
mod configs;
mod distribution_validator;
mod domains;
mod evaluator;
mod example_diff;
mod example_gen;
mod example_validator;
mod language_models;
mod language_trainer;
mod latest;
mod latest_blessed_model;
mod ledger;
mod scene;
mod schema_gen;
mod stage;
mod statistics_gen;
mod transform;
