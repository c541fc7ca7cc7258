//! What is exported, run by its runtime, against the one evaluator.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod onnx_runtime;
mod random_graphs;
mod servables;
mod skew;
mod taxi;
mod texts;
