//! A pipeline that was checked: nodes in an order in which they can run, every input wired.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use artifact::{Component, Registry};
use base::{IoError, nearest};
use dataflow::Engine;
use serde_json::Value;

use crate::check::check;
use crate::document::MAX_BYTES;
use crate::error::LoadError;

/// A pipeline without mistakes.
pub struct Pipeline {
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
}

/// One node of a pipeline.
pub struct Node {
    pub(crate) id: String,
    pub(crate) component: Arc<dyn Component>,
    pub(crate) config: Value,
    pub(crate) cache: bool,
    pub(crate) is_implicit: bool,
    pub(crate) inputs: BTreeMap<&'static str, Wire>,
    /// The gates whose answer it waits for.
    pub(crate) gates: Vec<usize>,
}

/// The output behind an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The node, as an index into [`Pipeline::nodes`]; it comes before.
    pub node: usize,
    /// The key of the node's output.
    pub output: &'static str,
}

impl Pipeline {
    /// Reads and checks a pipeline file.
    ///
    /// `path` is named in messages as it is given; paths in the file are relative to its folder. `overrides`
    /// are `KEY=VALUE` texts such as `nodes.trainer.num_steps=100`, put in before the check. The engine is for
    /// components that look at the data. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`LoadError::Mistakes`] with all mistakes of the file, the overrides and what they name; or why the file
    /// could not be read.
    pub fn load(
        path: &Path,
        overrides: &[String],
        registry: &Registry,
        engine: &dyn Engine,
    ) -> Result<Self, LoadError> {
        let text = read(path)?;
        Self::parse(&text, path, overrides, registry, engine)
    }

    /// Checks the text of a pipeline file; `path` says where it would be.
    ///
    /// # Errors
    ///
    /// [`LoadError::Mistakes`].
    pub fn parse(
        text: &str,
        path: &Path,
        overrides: &[String],
        registry: &Registry,
        engine: &dyn Engine,
    ) -> Result<Self, LoadError> {
        check(text, path, overrides, registry, engine).map_err(LoadError::Mistakes)
    }

    /// Returns the pipeline's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the nodes, each after those it depends on.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

impl Node {
    /// Returns the node's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what the node is.
    pub fn component(&self) -> &dyn Component {
        self.component.as_ref()
    }

    /// Returns the node's own keys, as its component sees them.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// Returns whether the node is not in the file, but was added because another has use for it.
    pub fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    /// Returns the outputs behind the inputs, by input key. Inputs that are not wired are absent.
    pub fn inputs(&self) -> &BTreeMap<&'static str, Wire> {
        &self.inputs
    }

    /// Returns the nodes whose answer this one waits for, though it reads nothing of theirs.
    pub fn gates(&self) -> &[usize] {
        &self.gates
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    // A file that is far too large is not read whole to say so.
    let limit = MAX_BYTES as u64 + 1;
    let bytes = match File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map(|_| bytes)
    }) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::NotFound {
                path: path.to_path_buf(),
                nearest: nearest_file(path),
            });
        }
        Err(error) => return Err(IoError::at("read", path)(error).into()),
    };
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        LoadError::NotText { path: path.to_path_buf(), line, byte: bytes[at] }
    })
}

/// Returns the TOML file in the same folder whose name is nearest.
fn nearest_file(path: &Path) -> Option<String> {
    let parent = path.parent()?;
    let dir = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = fs::read_dir(dir).ok()?.flatten().map(|entry| PathBuf::from(entry.file_name()));
    let mut names: Vec<String> = entries
        .filter(|name| name.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|name| name.to_str().map(str::to_owned))
        .collect();
    names.sort_unstable();
    let wanted = path.file_name()?.to_str()?;
    let near = nearest(wanted, names.iter().map(String::as_str))?;
    Some(parent.join(near).display().to_string())
}
