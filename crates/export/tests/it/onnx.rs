//! ONNX Runtime runs what is exported for it.

mod onnx_runtime;
mod random_graphs;
mod servables;
mod skew;
mod taxi;
mod texts;
mod times;
mod vectors;
