//! The built-in trainers: networks by streamed, shuffled mini-batches, and boosted trees.
//!
//! Entry types: [`train`], [`Config`], [`check`], [`plan`], [`Trained`], [`Checkpoints`]. Models are [`model::Model`]s,
//! and training runs their own forward pass. **Invariants:** the same seed, data and configuration give the same
//! weights bit for bit, whatever the number of threads and however often the training was interrupted and went on, on
//! machines with the same vector instructions (matrix products choose their kernel by them); each epoch sees every
//! labelled example once; memory is bounded by [`BUFFER_BYTES`] of examples per split, whatever the split holds (trees
//! keep one byte for each feature of each example).
//! Not here: prediction and files (`model`), transforms, artifacts, metrics of finished models.

mod check;
mod checkpoint;
mod config;
mod error;
mod examples;
mod init;
mod loss;
mod metrics;
mod optimizer;
mod random;
mod step;
mod stream;
mod train;
mod trees;

pub use check::{Available, Count, Plan, Problem, ValueKind, check, plan};
pub use checkpoint::Checkpoints;
pub use config::{
    AdamConfig, AdamWConfig, BoostedTreesConfig, ClassWeightRule, ClassWeights, CombinerConfig,
    Config, Decay, DeepConfig, EarlyStopping, LearningRateSchedule, LinearConfig, Metric,
    MissingLabels, ModelConfig, OptimizerConfig, RankingConfig, RankingLoss, SgdConfig, TaskConfig,
    TwoTowerConfig, WideAndDeepConfig,
};
pub use error::{Suspect, TrainError};
pub use examples::BUFFER_BYTES;
pub use train::{LossPoint, Options, Progress, Trained, train};
