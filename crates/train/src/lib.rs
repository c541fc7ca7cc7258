//! The built-in trainer: streamed, shuffled mini-batches, Adam, early stopping.
//!
//! Entry types: [`train`], [`Config`], [`check`], [`Trained`]. Models are [`model::Model`]s, and training runs
//! their own forward pass. **Invariants:** the same seed, data and configuration give the same weights bit for
//! bit, whatever the number of threads, on machines with the same vector instructions (matrix products choose
//! their kernel by them); each epoch sees every labelled example once; memory is bounded by [`BUFFER_BYTES`] of
//! examples per split, whatever the split holds.
//! Not here: prediction and files (`model`), transforms, artifacts, metrics.

mod adam;
mod check;
mod config;
mod error;
mod examples;
mod init;
mod loss;
mod random;
mod shuffle;
mod step;
mod train;

pub use check::{Available, Problem, ValueKind, check, feature_specs};
pub use config::{Config, EarlyStopping, LinearConfig, ModelConfig, TaskConfig, WideAndDeepConfig};
pub use error::{Suspect, TrainError};
pub use examples::BUFFER_BYTES;
pub use train::{LossPoint, Progress, Trained, train};
