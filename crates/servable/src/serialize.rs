//! `signature.json`: what has to be sent to a servable and what comes back, for people and foreign servers.

use std::fs;
use std::path::Path;

use base::IoError;
use graph::ValueType;
use serde::{Deserialize, Serialize};

use crate::{RawInput, ServableError};

pub(crate) const SIGNATURE: &str = "signature.json";
const VERSION: u64 = 2;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

/// The stored signature. Version 1 had no widths: all its outputs are one number per example.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct V2 {
    version: u64,
    task: String,
    label: String,
    inputs: Vec<InputV2>,
    outputs: Vec<OutputV2>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputV2 {
    name: String,
    #[serde(rename = "type")]
    value_type: TypeV2,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputV2 {
    name: String,
    #[serde(rename = "type")]
    value_type: TypeV2,
    /// How many numbers an example has.
    #[serde(default = "one")]
    width: usize,
}

fn one() -> usize {
    1
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum TypeV2 {
    Int,
    Float,
    Bytes,
    Bool,
}

impl V2 {
    /// Returns the signature of a model over raw inputs.
    pub(crate) fn new(signature: &model::Signature, raw_inputs: &[RawInput]) -> Self {
        let input = |input: &RawInput| InputV2 {
            name: input.name.clone(),
            value_type: match input.value_type {
                ValueType::Int => TypeV2::Int,
                ValueType::Float => TypeV2::Float,
                ValueType::String => TypeV2::Bytes,
                ValueType::Bool => TypeV2::Bool,
            },
        };
        let output = |output: &model::OutputSpec| OutputV2 {
            name: output.name.clone(),
            value_type: TypeV2::Float,
            width: output.width,
        };
        Self {
            version: VERSION,
            task: signature.task.to_string(),
            label: signature.label.clone(),
            inputs: raw_inputs.iter().map(input).collect(),
            outputs: signature.outputs.iter().map(output).collect(),
        }
    }

    pub(crate) fn save(&self, dir: &Path) -> Result<(), ServableError> {
        let path = dir.join(SIGNATURE);
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| ServableError::Signature { path: path.clone(), source })?;
        text.push('\n');
        Ok(base::publish::write_file(&path, text.as_bytes())?)
    }

    pub(crate) fn load(dir: &Path) -> Result<Self, ServableError> {
        let path = dir.join(SIGNATURE);
        let text = fs::read(&path).map_err(IoError::at("read", &path))?;
        let malformed = |source| ServableError::Signature { path: path.clone(), source };
        let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
        if !(1..=VERSION).contains(&version) {
            return Err(ServableError::Version { path, found: version, newest: VERSION });
        }
        let stored: Self = serde_json::from_slice(&text).map_err(malformed)?;
        Ok(Self { version: VERSION, ..stored })
    }
}
