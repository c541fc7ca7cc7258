//! Models: loading, prediction and saving of trained weights with their signature.
//!
//! Entry types: [`Model`] (signature, architecture and weights), [`Signature`], and [`Predictor`], the one
//! trait through which evaluation, push and serving see anything that predicts. [`network`] is the seam for
//! trainers: the weights, the rows they read and the forward pass. **Invariants:** there is one forward pass,
//! used for training and prediction alike; what a missing value, a NaN or an unknown category means is decided
//! in one place ([`network::Encoder`]); the same model gives the same bytes on disk.
//! [`foreign`] has models that others trained: ONNX files, in the process, and programs, over pipes.
//! Not here: how weights come about (`train`), raw features (`servable`), transforms (`graph`).

mod error;
pub mod foreign;
mod forest;
mod model;
pub mod network;
mod predictor;
mod serialize;
mod signature;

pub use error::ModelError;
pub use foreign::{ForeignError, ForeignModel};
pub use forest::{Forest, Node, Tree};
pub use model::Model;
pub use network::Architecture;
pub use predictor::{LOGIT, PREDICTION, Predictor};
pub use signature::{Combiner, FeatureKind, FeatureSpec, OutputSpec, Signature, Task};
