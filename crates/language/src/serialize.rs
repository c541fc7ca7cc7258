//! Models on disk, in the HuggingFace Llama layout: `config.json` and `model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base::IoError;
use half::{bf16, f16};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

use crate::config::CONFIG_FILE;
use crate::{LanguageError, LanguageModel, Layout, Shape, WeightType};

/// The weights, when they are one file.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";
/// Which files hold which weights, when they are several.
pub(crate) const INDEX_FILE: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

pub(crate) fn save(
    model: &LanguageModel,
    dir: &Path,
    weight_type: WeightType,
) -> Result<(), LanguageError> {
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let path = dir.join(WEIGHTS_FILE);
    let mut tensors = Vec::new();
    for tensor in model.network().layout.tensors() {
        let mut start = tensor.range.start;
        for part in &tensor.parts {
            let end = start + part.rows * tensor.columns;
            let shape = if tensor.is_matrix() {
                vec![part.rows, tensor.columns]
            } else {
                vec![tensor.columns]
            };
            tensors.push((
                part.name.clone(),
                shape,
                encode(&model.weights()[start..end], weight_type),
            ));
            start = end;
        }
    }
    let dtype = match weight_type {
        WeightType::F32 => Dtype::F32,
        WeightType::Bf16 => Dtype::BF16,
    };
    let weights = |source| LanguageError::Weights { path: path.clone(), source };
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(dtype, shape.clone(), bytes).map(|view| (name.clone(), view))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()
        .map_err(weights)?;
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(weights)?;
    base::publish::write_file(&path, &bytes)?;

    let path = dir.join(CONFIG_FILE);
    let text = format!("{:#}\n", model.shape().to_json(weight_type));
    base::publish::write_file(&path, text.as_bytes())?;
    Ok(())
}

fn encode(values: &[f32], weight_type: WeightType) -> Vec<u8> {
    match weight_type {
        WeightType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        WeightType::Bf16 => {
            values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()
        }
    }
}

pub(crate) fn load(dir: &Path) -> Result<LanguageModel, LanguageError> {
    let shape = Shape::load(dir)?;
    let layout = Layout::new(&shape)?;
    let files = weight_files(dir)?;
    let bytes = files
        .iter()
        .map(|path| Ok((path, fs::read(path).map_err(IoError::at("read", path))?)))
        .collect::<Result<Vec<_>, LanguageError>>()?;
    let files = bytes
        .iter()
        .map(|(path, bytes)| match SafeTensors::deserialize(bytes) {
            Ok(file) => Ok((path.as_path(), file)),
            Err(source) => Err(LanguageError::Weights { path: path.to_path_buf(), source }),
        })
        .collect::<Result<Vec<_>, _>>()?;

    let mut weights = Vec::new();
    for tensor in layout.tensors() {
        for part in &tensor.parts {
            let expected = if tensor.is_matrix() {
                vec![part.rows, tensor.columns]
            } else {
                vec![tensor.columns]
            };
            decode(&files, &part.name, &expected, &mut weights)?;
        }
    }
    LanguageModel::new(shape, weights)
}

/// Returns the files that hold the weights; an index may name files beside it, and none elsewhere.
fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, LanguageError> {
    let path = dir.join(INDEX_FILE);
    if !path.is_file() {
        return Ok(vec![dir.join(WEIGHTS_FILE)]);
    }
    let text = fs::read(&path).map_err(IoError::at("read", &path))?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|source| LanguageError::Json { path: path.clone(), source })?;
    let names: BTreeSet<_> = index.weight_map.into_values().collect();
    if let Some(name) = names.iter().find(|name| name.contains(['/', '\\'])) {
        return Err(LanguageError::Config {
            path,
            what: format!("weights are in {name:?}"),
            expected: "a file beside it".to_owned(),
        });
    }
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// Appends a tensor's values; as many as its file really has.
fn decode(
    files: &[(&Path, SafeTensors<'_>)],
    name: &str,
    expected: &[usize],
    out: &mut Vec<f32>,
) -> Result<(), LanguageError> {
    let found = files.iter().find_map(|(path, file)| Some((*path, file.tensor(name).ok()?)));
    let Some((path, view)) = found else {
        let path = files.first().map_or(Path::new(WEIGHTS_FILE), |(path, _)| path).to_path_buf();
        let tensor = name.to_owned();
        return Err(LanguageError::MissingTensor { path, tensor, expected: expected.to_vec() });
    };
    let mismatch = || LanguageError::TensorMismatch {
        path: path.to_path_buf(),
        tensor: name.to_owned(),
        found: format!("{:?} of shape {:?}", view.dtype(), view.shape()),
        expected: format!("F32, BF16 or F16 of shape {expected:?}"),
    };
    if view.shape() != expected {
        return Err(mismatch());
    }
    match view.dtype() {
        Dtype::F32 => out.extend(view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
        Dtype::BF16 => {
            let values = view.data().as_chunks().0.iter();
            out.extend(values.map(|b| bf16::from_le_bytes(*b).to_f32()));
        }
        Dtype::F16 => {
            let values = view.data().as_chunks().0.iter();
            out.extend(values.map(|b| f16::from_le_bytes(*b).to_f32()));
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}
