//! A folder with a program that predicts: `predict.json` says how it is started.

use std::path::Path;
use std::time::Duration;

use arrow::array::RecordBatch;
use base::IoError;
use program::{Program, Protocol, Talk, TalkLimits, Wanted};
use serde::{Deserialize, Serialize};

use crate::Signature;
use crate::foreign::ForeignError;

/// The file that says how the program is started.
pub(super) const PREDICT: &str = "predict.json";
/// The file that a SavedModel has.
pub(super) const SAVED_MODEL: &str = "saved_model.pb";

/// The program that asks a SavedModel.
const SAVED_MODEL_PROGRAM: &str = include_str!("predict_saved_model.py");
const SAVED_MODEL_PROGRAM_FILE: &str = "predict_saved_model.py";

/// `predict.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// The program and its arguments; it runs in the folder of this file.
    command: Vec<String>,
    #[serde(default)]
    protocol: StoredProtocol,
    /// How many seconds it has until it says that it is ready.
    #[serde(default = "default_start")]
    start_timeout_seconds: u64,
    /// How many seconds it has to answer a question.
    #[serde(default = "default_answer")]
    answer_timeout_seconds: u64,
    /// How many processes answer side by side.
    #[serde(default = "default_processes")]
    processes: usize,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredProtocol {
    #[default]
    JsonLines,
    Arrow,
}

fn default_start() -> u64 {
    120
}

fn default_answer() -> u64 {
    60
}

fn default_processes() -> usize {
    1
}

/// A program that predicts.
pub(super) struct PredictProgram(Talk);

impl PredictProgram {
    pub(super) fn load(files: &Path) -> Result<Self, ForeignError> {
        let path = files.join(PREDICT);
        let text = std::fs::read(&path).map_err(IoError::at("read", &path))?;
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|source| ForeignError::Malformed {
                path,
                expected: "a description of a program that predicts",
                source,
            })?;
        let dir = std::path::absolute(files).map_err(IoError::at("read", files))?;
        // Compiled files of Python would make another folder of the one that was pushed.
        let env = vec![("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned())];
        let program = Program { command: stored.command, dir, env };
        let protocol = match stored.protocol {
            StoredProtocol::JsonLines => Protocol::JsonLines,
            StoredProtocol::Arrow => Protocol::Arrow,
        };
        let limits = TalkLimits {
            start: Duration::from_secs(stored.start_timeout_seconds),
            answer: Duration::from_secs(stored.answer_timeout_seconds),
            processes: stored.processes.clamp(1, 64),
        };
        Ok(Self(Talk::new(program, protocol, limits)))
    }

    pub(super) fn predict(
        &self,
        examples: &RecordBatch,
        signature: &Signature,
    ) -> Result<RecordBatch, ForeignError> {
        let wanted: Vec<Wanted<'_>> = signature
            .outputs
            .iter()
            .map(|output| Wanted { name: &output.name, width: output.width })
            .collect();
        Ok(self.0.ask(examples, &wanted)?)
    }
}

/// Writes into the folder of a SavedModel what asks it.
pub(super) fn write_for_saved_model(dir: &Path, python: &str) -> Result<(), ForeignError> {
    let program = dir.join(SAVED_MODEL_PROGRAM_FILE);
    std::fs::write(&program, SAVED_MODEL_PROGRAM).map_err(IoError::at("write", &program))?;
    let stored = Stored {
        command: vec![python.to_owned(), SAVED_MODEL_PROGRAM_FILE.to_owned()],
        protocol: StoredProtocol::JsonLines,
        start_timeout_seconds: default_start(),
        answer_timeout_seconds: default_answer(),
        processes: 1,
    };
    let path = dir.join(PREDICT);
    let text = serde_json::to_string_pretty(&stored).map_err(|source| ForeignError::Malformed {
        path: path.clone(),
        expected: "a description of a program that predicts",
        source,
    })?;
    std::fs::write(&path, text).map_err(IoError::at("write", &path))?;
    Ok(())
}
