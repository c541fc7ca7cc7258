//! Why a foreign model could not be loaded, saved or asked.

use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};
use onnx::OnnxError;
use program::ProgramError;

/// Why a foreign model could not be loaded, saved or asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ForeignError {
    /// A file of the model could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The ONNX file cannot be used.
    #[error(transparent)]
    Onnx(#[from] OnnxError),

    /// The program cannot be asked, or gives no answer.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// A file that says something of the model is not what it should be.
    #[error("{}: not {expected}", .path.display())]
    Malformed { path: PathBuf, expected: &'static str, source: serde_json::Error },

    /// The description was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// A folder holds nothing that is known as a model.
    #[error(
        "{}: no model, expected an ONNX file, a SavedModel, `model.json` with weights, or `predict.json`; found {found}",
        .dir.display()
    )]
    NoModel { dir: PathBuf, found: String },

    /// A folder holds several ONNX files, none of which is `model.onnx`.
    #[error("{}: several ONNX files ({found}), expected one or `model.onnx`", .dir.display())]
    SeveralModels { dir: PathBuf, found: String },

    /// The inputs of an ONNX model are not the features.
    #[error("the inputs of the ONNX model are {ports}; the features are {features}; {reason}")]
    Inputs { ports: String, features: String, reason: String },

    /// The outputs of an ONNX model do not tell which one is the prediction.
    #[error("the outputs of the ONNX model are {ports}; {reason}")]
    Outputs { ports: String, reason: String },

    /// A column that the model reads is not there.
    #[error("no column `{column}` among the transformed features")]
    MissingColumn { column: String },

    /// A column does not have a type that the model reads.
    #[error("column `{column}` is {found}, expected {expected}")]
    ColumnType { column: String, found: String, expected: String },

    /// Columns do not make a batch.
    #[error("columns do not make a batch")]
    Arrow(#[from] ArrowError),
}

impl Classify for ForeignError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Onnx(error) => error.kind(),
            Self::Program(error) => error.kind(),
            Self::MissingColumn { .. } | Self::NoModel { .. } => ErrorKind::NotFound,
            Self::Arrow(_) => ErrorKind::Bug,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Onnx(error) => error.hint(),
            Self::Program(error) => error.hint(),
            Self::Version { .. } => {
                Some("load it with the version of cupola that wrote it".to_owned())
            }
            Self::Inputs { .. } => Some(
                "say which features each input is, such as `onnx = { inputs = { float_input = [\"fare\", \"hour\"] } }`"
                    .to_owned(),
            ),
            Self::Outputs { .. } => Some(
                "say which one is the prediction, such as `onnx = { prediction = \"probabilities\" }`; of scikit-learn's classifiers, convert with `options={\"zipmap\": False}`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
