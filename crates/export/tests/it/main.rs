//! What is exported, run by its runtime, against the one evaluator.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod agree;
mod onnx;
mod page;
mod random_graphs;
mod tensorflow;
