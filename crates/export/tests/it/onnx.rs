//! ONNX Runtime runs what is exported for it.

pub(crate) mod onnx_runtime;
mod servables;
pub(crate) mod skew;
mod taxi;
mod texts;
mod times;
mod vectors;
