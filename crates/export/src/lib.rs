//! Graphs, with or without a model behind them, as files that other runtimes run.
//!
//! Entry points: [`onnx()`], which gives an [`OnnxModel`], and [`saved_model()`]; [`onnx_support`] and
//! [`saved_model_support`] tell of an operation whether it can be exported. **Invariants:** what is exported gives
//! the numbers of the one evaluator (integers and texts equal, floats within 1e-5), or is not exported:
//! [`ExportError::Unsupported`] names the feature; the same graph and model give the same bytes. Not here: evaluation
//! of anything but constants, and the folder of a servable.

mod error;
mod forest;
mod onnx;
mod saved_model;
mod support;

pub use error::{ExportError, Target};
pub use onnx::{OnnxModel, check_onnx, onnx, onnx_support};
pub use saved_model::{check_saved_model, saved_model, saved_model_support};
pub use support::Support;
