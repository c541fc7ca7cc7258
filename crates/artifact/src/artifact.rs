//! An artifact as everybody sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The number of an artifact in its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArtifactId(pub i64);

/// The number of an execution in its ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(pub i64);

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum PropertyValue {
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// Text.
    String(String),
}

impl PropertyValue {
    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::String(text) => f.write_str(text),
        }
    }
}

impl From<i64> for PropertyValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for PropertyValue {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// Properties by name.
pub type Properties = BTreeMap<String, PropertyValue>;

/// Where an artifact is in its life; the numbers are ML Metadata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactState {
    /// State not known.
    Unknown = 0,
    /// An execution is writing it.
    Pending = 1,
    /// Whole and usable.
    Live = 2,
    /// To be deleted.
    MarkedForDeletion = 3,
    /// Its data is gone.
    Deleted = 4,
    /// The execution that was to write it failed.
    Abandoned = 5,
    /// A reference to somebody else's data.
    Reference = 6,
}

/// Something that an execution wrote, and that others can read.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Its number.
    pub id: ArtifactId,
    /// The name of its type.
    pub type_name: String,
    /// The folder that it is.
    pub uri: PathBuf,
    /// Where it is in its life.
    pub state: ArtifactState,
    /// The properties that its type declares.
    pub properties: Properties,
    /// All other properties.
    pub custom_properties: Properties,
    /// When it was made, in milliseconds since 1970.
    pub create_time_ms: i64,
}

impl Artifact {
    /// The custom property that holds the digest of the artifact's content.
    pub const DIGEST: &str = "content_digest";

    /// Returns the digest of the artifact's content.
    pub fn digest(&self) -> Option<&str> {
        self.custom_properties.get(Self::DIGEST).and_then(PropertyValue::as_str)
    }

    /// Returns the names in the `split_names` property, in order; none where there is no such property.
    pub fn split_names(&self) -> Vec<String> {
        let text = self.properties.get("split_names").and_then(PropertyValue::as_str);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
