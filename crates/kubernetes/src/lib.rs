//! Manifests as YAML, and `kubectl` to apply them.
//!
//! Entry types: [`to_yaml`], [`check_name`], [`Kubectl`]. **Invariants:** what is written reads back, in any YAML 1.1 or
//! 1.2 reader, as the very same value; the cluster is only ever reached through the user's own `kubectl`, under a context
//! that the user named. Not here: what the manifests say (`push`, `launch`).

mod error;
mod kubectl;
mod names;
mod yaml;

pub use error::KubernetesError;
pub use kubectl::Kubectl;
pub use names::check_name;
pub use yaml::{to_yaml, to_yaml_documents};
