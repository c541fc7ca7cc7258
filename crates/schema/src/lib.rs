//! Schemas: inference from statistics, updates, and validation of statistics into anomalies.
//!
//! Entry types: [`infer_schema`], [`update_schema`], [`validate_statistics`], [`check_schema`], [`CustomValidations`], and
//! [`findings`] for showing anomalies. Everything works on the messages of `formats::metadata`, and says
//! what TensorFlow Data Validation says about them. **Invariants:** validating is updating: an anomaly is
//! one edit that the schema would need, so statistics are clean against a schema updated with them; an
//! update only ever relaxes; a measured distance is recorded whether or not it is too large.
//! Not here: computing statistics (`statistics`), artifacts, splits and reports (`components`).

mod check;
mod compare;
mod custom;
mod dataset;
mod diff;
mod distribution;
mod domain;
mod error;
mod file;
mod findings;
mod infer;
mod lookup;
mod options;
mod relax;
pub mod rows;
mod slices;
mod text;
mod update;
mod validate;
mod view;

pub use check::{SchemaProblem, check_schema};
pub use custom::{CustomError, CustomValidations};
pub use diff::{Change, Effect, SchemaChange, diff_schemas};
pub use distribution::{Blessing, DistributionConfig, DistributionReport, validate_distributions};
pub use error::SchemaError;
pub use file::{read_schema, write_schema};
pub use findings::{Comparison, Distance, Finding, distances, feature_types, findings, is_list};
pub use infer::{InferConfig, infer_schema};
pub use options::{SeverityOverride, ValidateOptions, anomaly_type_names};
pub use slices::{ALL_EXAMPLES, SliceControls, default_slice, validate_slices};
pub use update::{add_features, relax_schema, update_schema};
pub use validate::validate_statistics;
