//! ONNX models of others, run in the process.
//!
//! Entry types: [`OnnxFile`], what a file says that its model takes and gives; [`OnnxModel`], the same with a plan that
//! runs it for any number of rows. It stands on `tract`, a runtime in Rust: no library has to be there. **Invariants:** a
//! file that is no model, or one that contradicts itself, is an error and never a panic; a model is run by any number
//! of threads at once.
//! Not here: which features are a model's inputs (`model`), writing ONNX (`export`).

mod error;
mod file;
mod model;

pub use error::OnnxError;
pub use file::{Element, OnnxFile, Port};
pub use model::{OnnxModel, Values};
