//! Schemas: inference from statistics, updates, and validation of statistics into anomalies.
//!
//! Entry types: [`infer_schema`], [`update_schema`], [`validate_statistics`], [`check_schema`], and
//! [`findings`] for showing anomalies. Everything works on the messages of `formats::metadata`, and says
//! what TensorFlow Data Validation says about them. **Invariants:** validating is updating: an anomaly is
//! one edit that the schema would need, so statistics are clean against a schema updated with them; an
//! update only ever relaxes; a measured distance is recorded whether or not it is too large.
//! Not here: computing statistics (`statistics`), artifacts, splits and reports (`components`).

mod check;
mod compare;
mod dataset;
mod domain;
mod error;
mod file;
mod findings;
mod infer;
mod lookup;
mod relax;
mod text;
mod update;
mod validate;
mod view;

pub use check::{SchemaProblem, check_schema};
pub use error::SchemaError;
pub use file::{read_schema, write_schema};
pub use findings::{Finding, feature_types, findings};
pub use infer::{InferConfig, infer_schema};
pub use update::update_schema;
pub use validate::{ValidateOptions, validate_statistics};
