//! Trains language models from token shards: in the process on the CPU, or with PyTorch on GPUs.
//!
//! Entry types: [`train`] (the CPU), [`Config`], [`torch`] (the PyTorch program and its
//! configuration). **Invariants:** both trainers take the same configuration, the same tokens in the same order, the
//! same schedule, and give the same folder; on the CPU the same seed, tokens and configuration give the same weights
//! bit for bit, whatever the number of threads and however often the training was interrupted, on machines with the
//! same vector instructions; a checkpoint is there whole or not at all, and one that was changed is not used.
//! The backward pass is written out, block by block: it needs no tape, recomputes attention's scores instead of
//! keeping them, and never holds the logits of more than a few rows.
//! Not here: the forward pass (`language`), text, artifacts, starting processes.

mod adam;
mod backward;
mod checkpoint;
mod config;
mod cross_entropy;
mod error;
mod init;
mod schedule;
mod step;
pub mod torch;
mod train;

pub use config::{Config, EngineConfig, LoraConfig, Problem, TransformerConfig, check};
pub use error::TrainError;
pub use step::Trainable;
pub use train::{LossPoint, Progress, Trained, evaluate, train};
