//! The parts of a cache key.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use artifact::{Artifact, RemoteFile};
use base::{DigestBuilder, IoError, digest_file, digest_tree};
use serde_json::Value;

use crate::error::NodeError;
use crate::pipeline::Node;

/// Everything that a node's outputs depend on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) component: String,
    pub(crate) version: u32,
    /// The node's own keys, sorted. Below them the order of the file is kept: in a table of features it is the
    /// order of the columns.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// The content digests of the inputs, by key.
    pub(crate) inputs: BTreeMap<String, Vec<String>>,
    /// The content digests of the files that the node declares, by path; of files elsewhere, by URL, what their store
    /// says of their content.
    pub(crate) files: BTreeMap<String, String>,
}

impl Parts {
    /// Reads what a node depends on; the stamps tell later whether a file changed meanwhile.
    pub(crate) fn read(
        node: &Node,
        inputs: &BTreeMap<String, Vec<Artifact>>,
        base_dir: &Path,
    ) -> Result<(Self, FileStamps), NodeError> {
        let config = node.config.as_object();
        let parameters =
            config.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
        let mut digests = BTreeMap::new();
        for (key, artifacts) in inputs {
            let all: Result<Vec<String>, IoError> = artifacts.iter().map(digest).collect();
            digests.insert(key.clone(), all?);
        }
        let paths = node.component.files(&node.config, base_dir).map_err(NodeError::Component)?;
        let remote = node.component.remote_files(&node.config, base_dir);
        let remote = remote.map_err(NodeError::Component)?;
        let untold = remote.iter().find(|file| file.identity.is_none());
        let untold =
            untold.map(|file| format!("{}: the server does not tell whether it changed", file.url));
        let why_always_run = node.component.why_always_run(&node.config).or(untold);
        let mut stamps = FileStamps { files: Vec::new(), remote, why_always_run };
        let mut files = BTreeMap::new();
        for path in paths {
            let stamp = std::fs::metadata(&path).map_err(IoError::at("read", &path))?;
            let digest = digest_file(&path)?.to_string();
            let shown = path.strip_prefix(base_dir).unwrap_or(&path).display().to_string();
            files.insert(shown, digest.clone());
            stamps.files.push((path, stamp, digest));
        }
        for file in &stamps.remote {
            files.insert(file.url.clone(), file.identity.clone().unwrap_or_default());
        }
        let parts = Self {
            component: node.component.name().to_owned(),
            version: node.component.version(),
            parameters: parameters.collect(),
            inputs: digests,
            files,
        };
        Ok((parts, stamps))
    }

    /// Returns the cache key: equal exactly where all parts are.
    pub(crate) fn key(&self) -> String {
        let mut builder = DigestBuilder::default()
            .part("cache key", b"1")
            .part("component", self.component.as_bytes())
            .part("version", &self.version.to_le_bytes());
        for (key, value) in &self.parameters {
            builder = builder
                .part("parameter", key.as_bytes())
                .part("value", value.to_string().as_bytes());
        }
        for (key, digests) in &self.inputs {
            builder = builder.part("input", key.as_bytes());
            for digest in digests {
                builder = builder.part("digest", digest.as_bytes());
            }
        }
        for (path, digest) in &self.files {
            builder = builder.part("file", path.as_bytes()).part("digest", digest.as_bytes());
        }
        builder.finish().to_string()
    }
}

/// The content digest that was written down with an artifact, or else that of its folder.
fn digest(artifact: &Artifact) -> Result<String, IoError> {
    match artifact.digest() {
        Some(digest) => Ok(digest.to_owned()),
        None => Ok(digest_tree(&artifact.uri)?.to_string()),
    }
}

/// What files looked like before a node read them.
pub(crate) struct FileStamps {
    files: Vec<(PathBuf, Metadata, String)>,
    remote: Vec<RemoteFile>,
    why_always_run: Option<String>,
}

impl FileStamps {
    /// Returns why the node has to run whatever the cache has.
    pub(crate) fn why_always_run(&self) -> Option<&str> {
        self.why_always_run.as_deref()
    }

    /// Returns the first file that is not any more what it was when its digest was taken.
    pub(crate) fn changed(
        &self,
        node: &Node,
        base_dir: &Path,
    ) -> Result<Option<PathBuf>, NodeError> {
        for (path, stamp, digest) in &self.files {
            let now = std::fs::metadata(path).map_err(IoError::at("read", path))?;
            let is_untouched = now.len() == stamp.len()
                && matches!((now.modified(), stamp.modified()), (Ok(now), Ok(then)) if now == then);
            if !is_untouched && digest_file(path)?.to_string() != *digest {
                return Ok(Some(path.clone()));
            }
        }
        if self.remote.is_empty() {
            return Ok(None);
        }
        let now = node.component.remote_files(&node.config, base_dir);
        let now = now.map_err(NodeError::Component)?;
        let mut files = self.remote.iter().chain(&now);
        let changed = files.find(|file| !self.remote.contains(file) || !now.contains(file));
        Ok(changed.map(|file| PathBuf::from(&file.url)))
    }
}
