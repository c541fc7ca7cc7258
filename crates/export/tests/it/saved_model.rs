//! TensorFlow runs what is exported for it.

mod agree;
mod models;
mod random_graphs;
mod skew;
mod tensorflow;
