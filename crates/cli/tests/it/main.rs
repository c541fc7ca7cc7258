//! The binary, as a user runs it.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod bad_input;
mod bare_files;
mod cache;
mod crash;
mod custom;
mod docs;
mod eval;
mod explain;
mod gates;
mod graph;
mod language;
mod main_road;
mod models;
mod onnx_runtime;
mod predict;
mod programs;
mod scene;
mod serve;
mod served_log;
mod sources;
mod together;
mod training;
mod tuner;
