//! ONNX Runtime runs what is exported for it.

pub(crate) mod onnx_runtime;
pub(crate) mod random_graphs;
mod servables;
mod skew;
mod taxi;
mod texts;
mod times;
mod vectors;
