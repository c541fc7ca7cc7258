//! What somebody else's training wrote, and how it goes with the features.

use std::collections::BTreeMap;
use std::path::Path;

use base::IoError;
use onnx::{Element, OnnxFile, Port};

use crate::foreign::program_dir::{PREDICT, SAVED_MODEL};
use crate::foreign::{Binding, Description, ForeignError, Kind, program_dir};
use crate::{FeatureSpec, PREDICTION, Task};

/// What a training wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// Weights of a built-in architecture: `model.json` and what [`crate::Model::load`] reads beside it.
    BuiltIn,
    /// An ONNX file, by its name.
    Onnx(String),
    /// A program that predicts: `predict.json` says how it is started.
    Program,
    /// A TensorFlow SavedModel.
    SavedModel,
}

/// A transformed feature, as far as a foreign model has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name, and how many categories there are.
    pub spec: FeatureSpec,
    /// How many values an example has; `None` for lists of any length.
    pub width: Option<usize>,
    /// Whether it is text.
    pub is_text: bool,
}

/// What a user says about an ONNX model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// Each input with its features; without it they are found by their names, or one input takes all.
    pub inputs: Option<BTreeMap<String, Vec<String>>>,
    /// The output that is the prediction.
    pub prediction: Option<String>,
}

/// Returns what is in a folder that a training wrote.
///
/// A `predict.json` goes before all else, since somebody wrote it to say how the rest is to be run.
///
/// # Errors
///
/// [`ForeignError::NoModel`], [`ForeignError::SeveralModels`], [`ForeignError::Io`].
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
    if has("model.onnx") {
        return Ok(Wrote::Onnx("model.onnx".to_owned()));
    }
    let onnx: Vec<&String> = names.iter().filter(|name| name.ends_with(".onnx")).collect();
    let dir = dir.to_path_buf();
    match onnx.as_slice() {
        [one] => Ok(Wrote::Onnx((*one).clone())),
        [] => {
            let found = if names.is_empty() { "nothing".to_owned() } else { quoted(&names) };
            Err(ForeignError::NoModel { dir, found })
        }
        several => {
            let found = quoted(several);
            Err(ForeignError::SeveralModels { dir, found })
        }
    }
}

/// Returns the description of a model that a training wrote, made of some features. A SavedModel becomes a program: what
/// is needed for that is written into the folder, and `python` will run it.
///
/// # Errors
///
/// [`ForeignError::Inputs`] and [`ForeignError::Outputs`] when an ONNX model does not go with the features,
/// [`ForeignError::Onnx`] when it cannot be read, [`ForeignError::Malformed`] for a wrong `predict.json`.
pub fn describe(
    dir: &Path,
    wrote: &Wrote,
    features: &[Feature],
    label: &str,
    task: Task,
    options: &OnnxOptions,
    python: &str,
) -> Result<Description, ForeignError> {
    let kind = match wrote {
        Wrote::Onnx(file) => {
            let onnx = OnnxFile::read(&dir.join(file))?;
            Kind::Onnx(Binding {
                file: file.clone(),
                inputs: bind_inputs(onnx.inputs(), features, options.inputs.as_ref())?,
                prediction: bind_output(onnx.outputs(), task, options.prediction.as_deref())?,
            })
        }
        Wrote::SavedModel => {
            program_dir::write_for_saved_model(dir, python)?;
            Kind::Program
        }
        Wrote::Program | Wrote::BuiltIn => Kind::Program,
    };
    let read: Vec<FeatureSpec> = match &kind {
        Kind::Onnx(binding) => {
            let read = binding.inputs.iter().flat_map(|(_, features)| features);
            let mut specs: Vec<FeatureSpec> = Vec::new();
            for name in read {
                let spec = features.iter().map(|f| &f.spec).find(|spec| spec.name == *name);
                if let Some(spec) = spec.filter(|spec| specs.iter().all(|s| s.name != spec.name)) {
                    specs.push(spec.clone());
                }
            }
            specs
        }
        Kind::Program => features.iter().map(|feature| feature.spec.clone()).collect(),
    };
    Ok(Description::new(read, label.to_owned(), task, kind))
}

/// Finds the features of each input.
fn bind_inputs(
    ports: &[Port],
    features: &[Feature],
    given: Option<&BTreeMap<String, Vec<String>>>,
) -> Result<Vec<(String, Vec<String>)>, ForeignError> {
    let names: Vec<String> = features.iter().map(|feature| feature.spec.name.clone()).collect();
    let fail = |reason: String| ForeignError::Inputs {
        ports: listed(ports),
        features: quoted(&names),
        reason,
    };
    let bound: Vec<(String, Vec<String>)> = if let Some(given) = given {
        if let Some(unknown) = given.keys().find(|name| ports.iter().all(|p| p.name != **name)) {
            return Err(fail(format!("`onnx.inputs` has `{unknown}`, which is no input")));
        }
        let of =
            |port: &Port| given.get(&port.name).map(|names| (port.name.clone(), names.clone()));
        let missing = ports.iter().find(|port| !given.contains_key(&port.name));
        if let Some(port) = missing {
            return Err(fail(format!("`onnx.inputs` has no `{}`", port.name)));
        }
        ports.iter().filter_map(of).collect()
    } else if ports.iter().all(|port| names.contains(&port.name)) && !ports.is_empty() {
        ports.iter().map(|port| (port.name.clone(), vec![port.name.clone()])).collect()
    } else if let [port] = ports {
        vec![(port.name.clone(), names.clone())]
    } else {
        let other: Vec<&String> =
            ports.iter().map(|port| &port.name).filter(|name| !names.contains(name)).collect();
        return Err(fail(format!("no features have the names of {}", quoted(&other))));
    };
    for (port, (_, bound)) in ports.iter().zip(&bound) {
        let mut width = 0;
        for name in bound {
            let Some(feature) = features.iter().find(|feature| feature.spec.name == *name) else {
                return Err(fail(format!("there is no feature `{name}`")));
            };
            if feature.is_text != (port.element == Element::Text) {
                let is = if feature.is_text { "text" } else { "numbers" };
                return Err(fail(format!("`{name}` is {is}, unlike `{}`", port.name)));
            }
            let Some(own) = feature.width else {
                let reason = format!(
                    "`{name}` has lists of any length; `list_pad` makes one length of them"
                );
                return Err(fail(reason));
            };
            width += own;
        }
        let fits = port.width().is_none_or(|wanted| wanted == width)
            && (port.shape.len() > 1 || width == 1);
        if !fits {
            let wanted = port.width().unwrap_or(1);
            return Err(fail(format!(
                "input `{}` has {wanted} values in each row, the features have {width}",
                port.name
            )));
        }
    }
    Ok(bound)
}

/// Finds the output that is the prediction.
fn bind_output(ports: &[Port], task: Task, given: Option<&str>) -> Result<String, ForeignError> {
    let fail = |reason: String| ForeignError::Outputs { ports: listed(ports), reason };
    let named = |name: &str| ports.iter().find(|port| port.name == name);
    let port = match given {
        Some(name) => named(name).ok_or_else(|| fail(format!("`onnx.prediction` is `{name}`")))?,
        None => {
            let floats = || {
                let is_float = |p: &&Port| matches!(p.element, Element::Float | Element::Double);
                ports.iter().filter(is_float)
            };
            let probable = || floats().filter(|port| port.name.contains("prob"));
            let only = |mut found: Box<dyn Iterator<Item = &Port> + '_>| match (
                found.next(),
                found.next(),
            ) {
                (Some(port), None) => Some(port.name.clone()),
                _ => None,
            };
            let name = named(PREDICTION).map(|port| port.name.clone());
            let name = name.or_else(|| only(Box::new(floats())));
            let name = name.or_else(|| only(Box::new(probable())));
            let name = name.or_else(|| only(Box::new(ports.iter())));
            let name = name.ok_or_else(|| fail("none is called `prediction`".to_owned()))?;
            named(&name).ok_or_else(|| fail(format!("`{name}` is none of them")))?
        }
    };
    let width = task.width();
    let fits = |found: usize| found == width || (task == Task::BinaryClassification && found == 2);
    match port.width() {
        Some(found) if !fits(found) => Err(fail(format!(
            "`{}` has {found} values in each row, the prediction of {task} has {width}",
            port.name
        ))),
        _ => Ok(port.name.clone()),
    }
}

fn listed(ports: &[Port]) -> String {
    ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ")
}

fn quoted<T: std::fmt::Display>(names: &[T]) -> String {
    const SHOWN: usize = 20;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}
