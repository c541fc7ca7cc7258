//! The standard components: the one place where stages meet artifacts.
//!
//! Entry point: [`registry`]. Each file is one component: its ports, its configuration, its check and its
//! run, which opens the input artifacts, calls one stage and writes the output artifacts.
//! **Invariants:** what a component writes depends on its configuration, its inputs' content and its declared
//! files alone; raise its version when the same inputs would give another output.
//! Not here: what the stages compute; when and whether a node runs (`pipeline`).

mod anomalies;
mod bulk_inferrer;
mod completion_config;
mod config;
mod curated;
mod custom;
mod distances;
mod distribution_validator;
mod error;
mod evaluated;
mod evaluator;
mod example_diff;
mod example_gen;
mod example_validator;
mod examples_window;
mod explanations;
mod features;
mod import_schema_gen;
mod infra_validator;
mod joined;
mod language_trainer;
mod latest;
mod latest_model;
mod pairs;
mod ports;
mod pusher;
mod pusher_config;
mod run_dir;
mod samples;
mod schema_gen;
mod scored_texts;
mod scoring;
mod statistics_gen;
mod trainer;
mod trainer_program;
mod transform;
mod transform_exports;
mod transform_learn;
mod transform_outputs;
mod transform_pack;
mod tuner;
mod tuner_check;
mod tuner_trials;
mod view;

use std::sync::Arc;

use artifact::Registry;

pub use anomalies::count_findings;
pub use bulk_inferrer::BulkInferrer;
pub use distances::{distance_json, json_number};
pub use distribution_validator::DistributionValidator;
pub use error::ComponentError;
pub use evaluator::Evaluator;
pub use example_diff::ExampleDiff;
pub use example_gen::ExampleGen;
pub use example_validator::ExampleValidator;
pub use examples_window::ExamplesWindow;
pub use import_schema_gen::ImportSchemaGen;
pub use infra_validator::InfraValidator;
pub use language_trainer::LanguageTrainer;
pub use latest::{LATEST_EXAMPLES, LATEST_STATISTICS, Latest};
pub use latest_model::{LATEST_BLESSED_MODEL, LATEST_MODEL};
pub use pusher::Pusher;
pub use schema_gen::SchemaGen;
pub use statistics_gen::StatisticsGen;
pub use trainer::Trainer;
pub use transform::Transform;
pub use tuner::Tuner;
pub use view::{read_distances, read_findings, read_schema, read_statistics};

/// Returns the standard components, in the order of their stages.
pub fn registry() -> Registry {
    Registry::new(vec![
        Arc::new(ExampleGen),
        Arc::new(StatisticsGen),
        Arc::new(SchemaGen),
        Arc::new(ImportSchemaGen),
        Arc::new(ExampleValidator),
        Arc::new(LATEST_STATISTICS),
        Arc::new(DistributionValidator),
        Arc::new(LATEST_EXAMPLES),
        Arc::new(ExamplesWindow),
        Arc::new(ExampleDiff),
        Arc::new(Transform),
        Arc::new(LATEST_MODEL),
        Arc::new(Tuner),
        Arc::new(Trainer),
        Arc::new(LanguageTrainer),
        Arc::new(LATEST_BLESSED_MODEL),
        Arc::new(Evaluator),
        Arc::new(InfraValidator),
        Arc::new(Pusher),
        Arc::new(BulkInferrer),
    ])
}
