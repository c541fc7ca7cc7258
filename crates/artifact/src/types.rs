//! The artifact types, with TFX's names, properties and system base types (REFERENCE: ML Metadata types).

/// The type of a property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyType {
    /// A 64-bit integer.
    Int,
    /// A 64-bit float.
    Double,
    /// Text.
    String,
}

/// What an artifact is, and which properties its type declares.
#[derive(Debug, PartialEq, Eq)]
pub struct ArtifactType {
    /// The type's name, such as `Examples`.
    pub name: &'static str,
    /// Declared properties; anything else is a custom property.
    pub properties: &'static [(&'static str, PropertyType)],
    /// ML Metadata's system type that this one is a kind of, such as `mlmd.Dataset`.
    pub base: Option<&'static str>,
}

const SPAN_AND_SPLITS: &[(&str, PropertyType)] =
    &[("span", PropertyType::Int), ("split_names", PropertyType::String)];

macro_rules! artifact_types {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $properties:expr, $base:expr;)*) => {
        $($(#[$doc])* pub const $constant: &ArtifactType =
            &ArtifactType { name: $name, properties: $properties, base: $base };)*
        /// Every type there is.
        pub const ALL: &[&ArtifactType] = &[$($constant),*];
    };
}

artifact_types! {
    /// Examples, split by split: `Split-<name>/` folders of shards.
    EXAMPLES = "Examples",
        &[
            ("span", PropertyType::Int),
            ("version", PropertyType::Int),
            ("split_names", PropertyType::String),
        ],
        Some("mlmd.Dataset");
    /// Statistics per split: `Split-<name>/FeatureStats.pb`.
    EXAMPLE_STATISTICS = "ExampleStatistics", SPAN_AND_SPLITS, Some("mlmd.Statistics");
    /// Anomalies per split, `Split-<name>/SchemaDiff.pb` and `anomalies.pbtxt`; or of one split compared with
    /// another, `SplitPair-<name>_<baseline>/` with the same files. `distances.json` has what was measured.
    EXAMPLE_ANOMALIES = "ExampleAnomalies", SPAN_AND_SPLITS, None;
    /// What examples of one split differ in from those of another, `SplitPair-<name>_<baseline>/example_diff.json`
    /// and `sample_pairs.jsonl`.
    EXAMPLES_DIFF = "ExamplesDiff", &[], None;
    /// A schema: `schema.pbtxt`.
    SCHEMA = "Schema", &[], None;
    /// A compiled transform.
    TRANSFORM_GRAPH = "TransformGraph", &[], None;
    /// A trained model with the graph in front of it.
    MODEL = "Model", &[], Some("mlmd.Model");
    /// What a training left besides the model: its loss curve; of a program's its metrics and what it printed.
    MODEL_RUN = "ModelRun", &[], None;
    /// The best hyperparameters of a search: `best_hyperparameters.txt`.
    HYPER_PARAMETERS = "HyperParameters", &[], None;
    /// The trials of a search: `tuner_results.json`.
    TUNER_RESULTS = "TunerResults", &[], None;
    /// Metrics of a model, slice by slice.
    MODEL_EVALUATION = "ModelEvaluation", &[], None;
    /// Whether a model passed its thresholds: a file `BLESSED` or `NOT_BLESSED`.
    MODEL_BLESSING = "ModelBlessing", &[], None;
    /// Whether a model loads and answers in a server: a file `INFRA_BLESSED` or `INFRA_NOT_BLESSED`; perhaps the model with
    /// requests to warm up with, `stamped_model/`.
    INFRA_BLESSING = "InfraBlessing", &[], None;
    /// Where a model was pushed to.
    PUSHED_MODEL = "PushedModel", &[], Some("mlmd.Model");
}
