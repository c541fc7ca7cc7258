//! Why an ONNX model could not be read or run.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};

/// Why an ONNX model could not be read or run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum OnnxError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file holds no model.
    #[error("{}: not an ONNX model: {reason}", .path.display())]
    NotAModel { path: PathBuf, reason: String },

    /// An input or output is of a type that nothing is made for here.
    #[error("{}: `{port}` is {found}, expected a tensor of numbers or of text", .path.display())]
    PortType { path: PathBuf, port: String, found: String },

    /// The number of rows is fixed.
    #[error(
        "{}: input `{port}` has exactly {size} rows, expected any number of them",
        .path.display()
    )]
    FixedRows { path: PathBuf, port: String, size: usize },

    /// The model has an operation, or a use of one, that cannot be run.
    #[error("{}: cannot be run: {reason}", .path.display())]
    Unsupported { path: PathBuf, runtime: &'static str, reason: String },

    /// The library that `ORT_DYLIB_PATH` names cannot be used.
    #[error("{}: not a library of ONNX Runtime that can be used: {reason}", .path.display())]
    Library { path: PathBuf, reason: String },

    /// The model stopped while running.
    #[error("{}: failed while running: {reason}", .path.display())]
    Failed { path: PathBuf, reason: String },

    /// An output is not what the rows need.
    #[error("{}: output `{port}` has shape {found:?} for {num_rows} rows", .path.display())]
    Shape { path: PathBuf, port: String, found: Vec<usize>, num_rows: usize },
}

impl Classify for OnnxError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Library { .. } => ErrorKind::Usage,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::FixedRows { port, .. } => Some(format!(
                "export it with a free first dimension; PyTorch: `dynamic_axes={{\"{port}\": {{0: \"batch\"}}}}`"
            )),
            Self::Unsupported { runtime: "tract", .. } => Some(
                "ONNX Runtime may run it: set ORT_DYLIB_PATH to its library, such as `onnxruntime/capi/libonnxruntime.so.*` of the Python package; or write a folder with a `predict.json` instead, whose program runs the model with a runtime of its own"
                    .to_owned(),
            ),
            Self::Library { .. } => Some(
                "let ORT_DYLIB_PATH name the shared library of ONNX Runtime 1.17 or newer, such as `onnxruntime/capi/libonnxruntime.so.*` of the Python package; without the variable, tract runs the model"
                    .to_owned(),
            ),
            Self::Unsupported { .. } => Some(
                "write a folder with a `predict.json` instead, whose program runs the model with a runtime of its own"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
