//! ONNX models of others, run in the process.
//!
//! Entry types: [`OnnxFile`], what a file says that its model takes and gives; [`OnnxModel`], the same with a plan that
//! runs it for any number of rows; [`Runtime`], what does. That is `tract`, a runtime in Rust that needs no library, unless
//! the environment variable `ORT_DYLIB_PATH` names ONNX Runtime's. **Invariants:** a file that is no model, or one that
//! contradicts itself, is an error and never a panic; a model is run by any number of threads at once; a library is
//! loaded only where it is named, and what is named is never passed over.
//! Not here: which features are a model's inputs (`model`), writing ONNX (`export`).

mod error;
mod file;
mod model;
mod runtime;
mod sessions;
mod tract;

pub use error::OnnxError;
pub use file::{Element, OnnxFile, Port};
pub use model::{OnnxModel, Values};
pub use runtime::Runtime;
