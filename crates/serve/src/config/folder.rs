//! The models of a folder: of one model with its versions, of several models, or one version.

use std::fs;
use std::path::Path;

use base::IoError;

use super::{ModelConfig, VersionPolicy};

/// Returns the models that a folder holds.
///
/// - Folders named by numbers in it are versions of one model, which has the folder's name.
/// - Otherwise, folders in it that hold such versions are models, each by its own name.
/// - A folder that is a version itself is that version of the model that it lies in; where its name is no number, it is
///   version 1 of a model by that name, as when a version alone was brought to a machine.
///
/// A folder without any is a model whose first version is still to come, or, as the loader finds, a model by itself, such
/// as one of HuggingFace's.
///
/// # Errors
///
/// [`IoError`] when the folder cannot be read.
pub fn models_in(dir: &Path) -> Result<Vec<ModelConfig>, IoError> {
    // `.` has no name of its own.
    let dir = fs::canonicalize(dir).map_err(IoError::at("read", dir))?;
    let name = |dir: &Path| {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "model".to_owned())
    };
    if dir.join(push::READY).is_file()
        && let (Some(number), Some(parent)) = (number(&name(&dir)), dir.parent())
    {
        let mut model = ModelConfig::new(name(parent), parent);
        model.policy = VersionPolicy::Specific(vec![number]);
        return Ok(vec![model]);
    }
    if has_versions(&dir)? {
        return Ok(vec![ModelConfig::new(name(&dir), dir)]);
    }
    let mut models = Vec::new();
    for entry in fs::read_dir(&dir).map_err(IoError::at("read", &dir))? {
        let path = entry.map_err(IoError::at("read", &dir))?.path();
        if path.is_dir() && has_versions(&path)? {
            models.push(ModelConfig::new(name(&path), path));
        }
    }
    models.sort_by(|a, b| a.name.cmp(&b.name));
    if models.is_empty() {
        models.push(ModelConfig::new(name(&dir), dir));
    }
    Ok(models)
}

fn has_versions(dir: &Path) -> Result<bool, IoError> {
    for entry in fs::read_dir(dir).map_err(IoError::at("read", dir))? {
        let entry = entry.map_err(IoError::at("read", dir))?;
        let is_version = entry.file_name().to_str().and_then(number).is_some();
        if is_version && entry.path().is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn number(name: &str) -> Option<u64> {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| name.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folders: &[&str], at: &str) -> Vec<(String, VersionPolicy)> {
        let dir = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join(push::READY), "").unwrap();
        }
        fs::create_dir_all(dir.path().join(at)).unwrap();
        let models = models_in(&dir.path().join(at)).unwrap();
        models.into_iter().map(|model| (model.name, model.policy)).collect()
    }

    #[test]
    fn a_folder_is_a_model_or_models_or_a_version() {
        let latest = VersionPolicy::Latest(1);
        let taxi = vec![("taxi".to_owned(), latest.clone())];
        assert_eq!(found(&["taxi/7", "taxi/notes"], "taxi"), taxi);
        assert_eq!(found(&[], "taxi"), taxi);
        assert_eq!(
            found(&["all/taxi/7", "all/bike/1", "all/notes"], "all"),
            [("bike".to_owned(), latest.clone()), ("taxi".to_owned(), latest)]
        );
        let version = VersionPolicy::Specific(vec![7]);
        assert_eq!(found(&["taxi/7", "taxi/8"], "taxi/7"), [("taxi".to_owned(), version)]);
        assert_eq!(found(&["models"], "models"), [("models".to_owned(), VersionPolicy::Latest(1))]);
    }
}
