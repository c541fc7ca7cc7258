//! The folder of a SavedModel.

use std::fs;
use std::path::Path;

use base::IoError;
use base::publish::{publish_dir, temporary_beside};
use formats::Message;
use formats::tensorflow::SavedModel;
use graph::Graph;

use crate::{ExportError, Target};

/// No message can be longer.
const MOST_BYTES: usize = i32::MAX as usize;

/// Returns the name of each vocabulary's file: the vocabulary's own, where that is a plain name.
///
/// A vocabulary without tokens has none, because TensorFlow refuses to read one.
pub(super) fn asset_files(graph: &Graph) -> Vec<Option<String>> {
    const LONGEST: usize = 100;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut taken: Vec<String> = Vec::new();
    let mut file = |name: &str| {
        let stem: String =
            name.chars().take(LONGEST).map(|c| if is_plain(c) { c } else { '_' }).collect();
        let stem = if stem.is_empty() { "vocabulary".to_owned() } else { stem };
        let mut file = stem.clone();
        let mut serial = 1;
        while taken.iter().any(|other| other.eq_ignore_ascii_case(&file)) {
            serial += 1;
            file = format!("{stem}-{serial}");
        }
        taken.push(file.clone());
        file
    };
    graph.vocabularies().map(|(name, v)| (!v.is_empty()).then(|| file(name))).collect()
}

/// Writes the folder beside its place, and moves it there when it is whole.
pub(super) fn publish(
    saved_model: &SavedModel,
    graph: &Graph,
    files: &[Option<String>],
    dir: &Path,
) -> Result<(), ExportError> {
    let num_bytes = saved_model.encoded_len();
    if num_bytes > MOST_BYTES {
        return Err(ExportError::TooLarge { target: Target::SavedModel, num_bytes });
    }
    let staged = temporary_beside(dir);
    let publish = || {
        write(saved_model, graph, files, &staged)?;
        Ok(publish_dir(&staged, dir)?)
    };
    publish().inspect_err(|_: &ExportError| {
        // The error says more than a failure to tidy up would.
        let _ = fs::remove_dir_all(&staged);
    })
}

fn write(
    saved_model: &SavedModel,
    graph: &Graph,
    files: &[Option<String>],
    dir: &Path,
) -> Result<(), ExportError> {
    let assets = dir.join("assets");
    fs::create_dir_all(&assets).map_err(IoError::at("create", &assets))?;
    for ((_, vocabulary), file) in graph.vocabularies().zip(files) {
        let Some(file) = file else { continue };
        let mut text = String::new();
        for token in vocabulary.tokens() {
            text.push_str(token);
            text.push('\n');
        }
        let path = assets.join(file);
        fs::write(&path, text).map_err(IoError::at("write", &path))?;
    }
    let path = dir.join("saved_model.pb");
    fs::write(&path, saved_model.encode_to_vec()).map_err(IoError::at("write", &path))?;
    Ok(())
}
