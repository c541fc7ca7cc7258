//! Any program as the trainer: its workers started, watched, restarted and ended.
//!
//! Entry points: [`Config`], what a user says about a program of theirs; [`FnArgs`], what the program is told;
//! [`launch`], which runs a [`Job`]: one process for each [`Worker`] of a [`Strategy`], with the environment that
//! TensorFlow, PyTorch and JAX look for. **Invariants:** no worker outlives its job; a worker that dies ends the whole
//! attempt, and the next one begins where the program's own checkpoints are; what workers print goes to files, so that
//! no pipe blocks them.
//! [`launch_on_cluster`] has a Kubernetes cluster run the same job, from the manifests of a [`ClusterConfig`].
//! Not here: what a program trains or in what; what becomes of the model that it writes (`model`).

mod cluster;
mod config;
mod duration;
mod error;
mod fn_args;
mod job;
mod manifest;
mod metrics;
mod module;
mod on_cluster;

pub use cluster::{Strategy, Worker, workers};
pub use config::{Config, Problem, TaskConfig, check, check_spans, code_files};
pub use duration::Span;
pub use error::LaunchError;
pub use fn_args::{FeatureArg, FnArgs};
pub use job::{Job, Launched, Limits, Restart, Watch, launch};
pub use manifest::{ClusterConfig, JobKind, VolumeConfig};
pub use metrics::Metrics;
pub use module::module_command;
pub use on_cluster::launch_on_cluster;
