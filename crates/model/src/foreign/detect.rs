//! What somebody else's training wrote.

use std::path::Path;

use base::IoError;

use crate::foreign::program_dir::{PREDICT, SAVED_MODEL};
use crate::foreign::{Description, ForeignError, Kind, program_dir};
use crate::{FeatureSpec, Task};

/// What a training wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Weights of a built-in architecture: `model.json` and what [`crate::Model::load`] reads beside it.
    BuiltIn,
    /// A program that predicts: `predict.json` says how it is started.
    Program,
    /// A TensorFlow SavedModel.
    SavedModel,
}

/// Returns what is in a folder that a training wrote.
///
/// A `predict.json` goes before all else, since somebody wrote it to say how the rest is to be run.
///
/// # Errors
///
/// [`ForeignError::NoModel`], [`ForeignError::Io`].
pub fn detect(dir: &Path) -> Result<Wrote, ForeignError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(IoError::at("read", dir))? {
        let entry = entry.map_err(IoError::at("read", dir))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let has = |name: &str| names.iter().any(|found| found == name);
    if has(PREDICT) {
        return Ok(Wrote::Program);
    }
    if has("model.json") {
        return Ok(Wrote::BuiltIn);
    }
    if has(SAVED_MODEL) {
        return Ok(Wrote::SavedModel);
    }
    let found = if names.is_empty() { "nothing".to_owned() } else { quoted(&names) };
    Err(ForeignError::NoModel { dir: dir.to_path_buf(), found })
}

/// Returns the description of a model that a training wrote, made of some features. A SavedModel becomes a program: what
/// is needed for that is written into the folder, and `python` will run it.
///
/// # Errors
///
/// [`ForeignError::Io`] when that cannot be written.
pub fn describe(
    dir: &Path,
    wrote: &Wrote,
    features: Vec<FeatureSpec>,
    label: &str,
    task: Task,
    python: &str,
) -> Result<Description, ForeignError> {
    if *wrote == Wrote::SavedModel {
        program_dir::write_for_saved_model(dir, python)?;
    }
    Ok(Description::new(features, label.to_owned(), task, Kind::Program))
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}
