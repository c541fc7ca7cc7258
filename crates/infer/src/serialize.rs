//! `inference.json`: what predictions a folder holds. All versions are read, the newest is written.

use std::fs;
use std::path::Path;

use base::{IoError, publish};
use serde::{Deserialize, Serialize};

use crate::InferError;

/// The name of the record.
pub(crate) const MANIFEST: &str = "inference.json";
const VERSION: u64 = 1;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

/// What predictions a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct V1 {
    version: u64,
    /// What tells the model from others.
    model: String,
    /// What tells the examples from others.
    examples: String,
    format: String,
    /// The columns with their types.
    columns: Vec<String>,
    num_shards: usize,
}

impl V1 {
    pub(crate) fn new(
        model: &str,
        examples: &str,
        format: String,
        columns: Vec<String>,
        num_shards: usize,
    ) -> Self {
        let (model, examples) = (model.to_owned(), examples.to_owned());
        Self { version: VERSION, model, examples, format, columns, num_shards }
    }

    /// Reads the record of a folder, if there is one.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>, InferError> {
        let path = dir.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(IoError::at("read", &path)(error).into()),
        };
        let malformed = |source| InferError::Manifest { path: path.clone(), source };
        let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
        if version > VERSION {
            return Err(InferError::Version { path, found: version, newest: VERSION });
        }
        serde_json::from_slice(&text).map(Some).map_err(malformed)
    }

    pub(crate) fn save(&self, dir: &Path) -> Result<(), InferError> {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers print") + "\n";
        Ok(publish::write_file(&dir.join(MANIFEST), text.as_bytes())?)
    }

    /// Returns what is different in a folder: what it is, as it is there and as it is here.
    pub(crate) fn difference(&self, there: &Self) -> Option<(&'static str, String, String)> {
        let columns = |of: &Self| of.columns.join(", ");
        let all = [
            ("the model", there.model.clone(), self.model.clone()),
            ("the examples", there.examples.clone(), self.examples.clone()),
            ("the format", there.format.clone(), self.format.clone()),
            ("the columns", columns(there), columns(self)),
            ("the number of shards", there.num_shards.to_string(), self.num_shards.to_string()),
        ];
        all.into_iter().find(|(_, there, here)| there != here)
    }
}
