//! What a user writes.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The features to make, as expressions over raw columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Features by name, each an SQL expression over raw columns, helpers and other features, such as
    /// `scale_to_z_score(ln(fare + 1))`. These are what comes out, in this order.
    pub features: IndexMap<String, String>,
    /// Helpers by name: expressions that features and other helpers may use, and that do not come out.
    #[serde(default, rename = "let")]
    pub helpers: IndexMap<String, String>,
    /// Where relative paths of files start that expressions name.
    #[serde(skip)]
    pub base_dir: PathBuf,
}

/// A column of the raw examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFeature {
    /// Its name.
    pub name: String,
    /// The type of its values; `None` when the data seen so far does not tell.
    pub feature_type: Option<InputKind>,
    /// Whether an example has one value or many; of no account where the type is not known.
    pub shape: graph::Shape,
    /// What a person should know about its type when it does not fit, such as which cell made it text; a sentence
    /// that the name begins: `reads as numbers up to trips.csv:7, which holds "far"`.
    pub note: Option<String>,
}

/// The type of a raw column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Integers; booleans are 0 and 1.
    Int,
    /// Floats.
    Float,
    /// Text.
    String,
}

/// A feature that comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFeature {
    /// Its name.
    pub name: String,
    /// The type of its values; `None` when it follows from an input of unknown type.
    pub value_type: Option<graph::ValueType>,
    /// How many of them an example has.
    pub shape: graph::Shape,
    /// For ids: all are below this. `None` for a vocabulary, whose size is not known before the data was read.
    pub num_buckets: Option<u64>,
}
