//! Tokenizers on disk: files in `assets/`, named by their content.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::{Digest, IoError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Graph, GraphError, ListOp, Op, Tokenizer};

/// The name of the operation whose constants are in another file.
pub(super) const NAME: &str = "tokenize";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenizeV2 {
    pub(super) file: String,
    digest: String,
    add_special_tokens: bool,
}

impl TokenizeV2 {
    pub(super) fn new(tokenizer: &Tokenizer, add_special_tokens: bool) -> Self {
        let (file, digest) = (file_name(tokenizer), tokenizer.digest().to_owned());
        Self { file, digest, add_special_tokens }
    }
}

/// Returns the name of a tokenizer's file, which no vocabulary has.
fn file_name(tokenizer: &Tokenizer) -> String {
    let digest: String = tokenizer.digest().chars().take(16).collect();
    format!("tokenizer-{digest}.json")
}

/// Returns the tokenizers of a graph by the names of their files.
pub(super) fn files(graph: &Graph) -> BTreeMap<String, Tokenizer> {
    let tokenizer = |op: &Op| match op {
        Op::OfList(ListOp::Tokenize { tokenizer, .. }) => Some(tokenizer.clone()),
        _ => None,
    };
    let found = graph.nodes().iter().filter_map(|node| tokenizer(&node.op));
    found.map(|tokenizer| (file_name(&tokenizer), tokenizer)).collect()
}

/// Returns the operation of a stored node.
pub(super) fn decode(
    path: &Path,
    node: usize,
    constants: Option<Value>,
    tokenizer: &impl Fn(usize, &TokenizeV2) -> Result<Tokenizer, GraphError>,
) -> Result<Op, GraphError> {
    let stored: TokenizeV2 =
        serde_json::from_value(constants.unwrap_or(Value::Null)).map_err(|source| {
            let (path, op) = (path.to_path_buf(), NAME.to_owned());
            GraphError::Constants { path, node, op, source }
        })?;
    let tokenizer = tokenizer(node, &stored)?;
    let add_special_tokens = stored.add_special_tokens;
    Ok(Op::OfList(ListOp::Tokenize { tokenizer, add_special_tokens }))
}

/// Reads the tokenizer of a node.
pub(super) fn load(
    assets: &Path,
    description: &Path,
    node: usize,
    stored: &TokenizeV2,
) -> Result<Tokenizer, GraphError> {
    if !super::is_plain(&stored.file) {
        let (path, file) = (description.to_path_buf(), stored.file.clone());
        return Err(GraphError::TokenizerName { path, node, file });
    }
    let path = assets.join(&stored.file);
    let bytes = fs::read(&path).map_err(IoError::at("read", &path))?;
    check(&path, bytes, stored)
}

/// Takes a tokenizer's file if it is the one that was saved.
pub(super) fn check(
    path: &Path,
    bytes: Vec<u8>,
    stored: &TokenizeV2,
) -> Result<Tokenizer, GraphError> {
    let found = Digest::of(&bytes).to_string();
    if found != stored.digest {
        let (path, expected) = (path.to_path_buf(), stored.digest.clone());
        return Err(GraphError::OtherTokenizer { path, found, expected });
    }
    let path = path.to_path_buf();
    Tokenizer::from_bytes(bytes).map_err(|source| GraphError::Tokenizer { path, source })
}
