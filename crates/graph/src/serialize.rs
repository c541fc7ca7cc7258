//! Graphs on disk: `graph.json`, versioned, and in `assets/` the vocabularies, one token a line, and tokenizer files.
//!
//! A node names its operation, its operands by their places, and its constants. What follows from these (types,
//! inputs, numbers of buckets) is not stored but worked out again. Floats are stored as the shortest decimal that
//! reads back as the same bits, NaN and the infinities as words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base::{Digest, IoError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{BuildError, Graph, GraphBuilder, GraphError, NodeId, Op, Tokenizer, Vocabulary};

mod constants;
mod list_constants;
mod tokenizers;

use tokenizers::TokenizeV2;

const DESCRIPTION: &str = "graph.json";
const ASSETS: &str = "assets";
/// Version 2 has lists, which are inputs with a shape and operations of their own; all of version 1 is as it was.
const VERSION: u64 = 2;
const OLDEST_VERSION: u64 = 1;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    vocabularies: Vec<VocabularyV1>,
    nodes: Vec<NodeV1>,
    outputs: Vec<OutputV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VocabularyV1 {
    name: String,
    file: String,
    num_tokens: usize,
    digest: String,
    /// Whether each line has a frequency before the token.
    #[serde(default, skip_serializing_if = "is_false")]
    has_frequencies: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeV1 {
    op: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operands: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    constants: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputV1 {
    name: String,
    node: u32,
}

/// A graph as one value, its vocabularies' files inside.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeV1 {
    graph: V1,
    texts: Vec<String>,
    /// The files of tokenizers, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tokenizers: BTreeMap<String, String>,
}

impl V1 {
    fn new(graph: &Graph) -> Result<Self, serde_json::Error> {
        let mut files = Vec::new();
        let vocabularies = graph.vocabularies().map(|(name, vocabulary)| VocabularyV1 {
            name: name.to_owned(),
            file: file_name(name, &mut files),
            num_tokens: vocabulary.len(),
            digest: Digest::of(vocabulary.text().as_bytes()).to_string(),
            has_frequencies: vocabulary.frequencies().is_some(),
        });
        let vocabularies = vocabularies.collect();
        let nodes = graph.nodes().iter().map(|node| {
            Ok(NodeV1 {
                op: node.op.name().to_owned(),
                operands: node.operands.iter().map(|operand| operand.0).collect(),
                constants: constants::encode(&node.op)?,
            })
        });
        let outputs = graph.outputs().iter().zip(graph.output_nodes());
        Ok(Self {
            version: VERSION,
            vocabularies,
            nodes: nodes.collect::<Result<_, _>>()?,
            outputs: outputs
                .map(|(output, node)| OutputV1 { name: output.name.clone(), node: node.0 })
                .collect(),
        })
    }

    /// Builds the graph anew, with everything checked that a builder checks.
    fn into_graph(
        self,
        path: &Path,
        mut vocabulary: impl FnMut(usize, &VocabularyV1) -> Result<Vocabulary, GraphError>,
        tokenizer: impl Fn(usize, &TokenizeV2) -> Result<Tokenizer, GraphError>,
    ) -> Result<Graph, GraphError> {
        let invalid = |source| GraphError::Invalid { path: path.to_path_buf(), source };
        let mut builder = GraphBuilder::new();
        for (place, stored) in self.vocabularies.iter().enumerate() {
            let vocabulary = vocabulary(place, stored)?;
            builder.vocabulary(&stored.name, vocabulary).map_err(invalid)?;
        }
        // A file may hold a node twice; the builder does not.
        let mut ids: Vec<NodeId> = Vec::new();
        for (place, stored) in self.nodes.into_iter().enumerate() {
            let op = match stored.op.as_str() {
                tokenizers::NAME => tokenizers::decode(path, place, stored.constants, &tokenizer)?,
                _ => constants::decode(path, place, stored.op, stored.constants)?,
            };
            let operands: Result<Vec<_>, _> =
                stored.operands.into_iter().map(|operand| known(&ids, operand)).collect();
            let id = operands.and_then(|operands| builder.typed_node(op, &operands)).map_err(
                |source| GraphError::Node { path: path.to_path_buf(), node: place, source },
            )?;
            ids.push(id);
        }
        for output in self.outputs {
            known(&ids, output.node)
                .and_then(|node| builder.output(&output.name, node))
                .map_err(invalid)?;
        }
        Ok(builder.build())
    }
}

/// Returns what is stored of an operation beside its name.
pub(crate) fn constants(op: &Op) -> Option<Value> {
    constants::encode(op).expect("constants are names, numbers and texts")
}

/// Returns the node of a stored number, which has to be one of those read so far.
fn known(ids: &[NodeId], node: u32) -> Result<NodeId, BuildError> {
    let unknown = BuildError::UnknownNode { node, num_nodes: ids.len() };
    ids.get(node as usize).copied().ok_or(unknown)
}

/// Returns a file name that resembles a name and is not among those taken, whatever the file system makes of case.
fn file_name(name: &str, taken: &mut Vec<String>) -> String {
    const LONGEST: usize = 100;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let stem: String =
        name.chars().take(LONGEST).map(|c| if is_plain(c) { c } else { '_' }).collect();
    let stem = if stem.is_empty() { "vocabulary".to_owned() } else { stem };
    let is_taken = |file: &str| taken.iter().any(|other| other.eq_ignore_ascii_case(file));
    let mut file = format!("{stem}.txt");
    let mut serial = 1;
    while is_taken(&file) {
        serial += 1;
        file = format!("{stem}-{serial}.txt");
    }
    taken.push(file.clone());
    file
}

pub(crate) fn save(graph: &Graph, dir: &Path) -> Result<(), GraphError> {
    let path = dir.join(DESCRIPTION);
    let description = |source| GraphError::Description { path: path.clone(), source };
    let stored = V1::new(graph).map_err(description)?;
    let mut text = serde_json::to_string_pretty(&stored).map_err(description)?;
    text.push('\n');

    let assets = dir.join(ASSETS);
    fs::create_dir_all(&assets).map_err(IoError::at("create", &assets))?;
    for ((_, vocabulary), stored) in graph.vocabularies().zip(&stored.vocabularies) {
        base::publish::write_file(&assets.join(&stored.file), vocabulary.text().as_bytes())?;
    }
    for (file, tokenizer) in tokenizers::files(graph) {
        base::publish::write_file(&assets.join(file), tokenizer.text().as_bytes())?;
    }
    Ok(base::publish::write_file(&path, text.as_bytes())?)
}

pub(crate) fn load(dir: &Path) -> Result<Graph, GraphError> {
    let path = dir.join(DESCRIPTION);
    let text = fs::read(&path).map_err(IoError::at("read", &path))?;
    let description = |source| GraphError::Description { path: path.clone(), source };
    let AnyVersion { version } = serde_json::from_slice(&text).map_err(description)?;
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        return Err(GraphError::Version { path, found: version, newest: VERSION });
    }
    let stored: V1 = serde_json::from_slice(&text).map_err(description)?;
    let assets = dir.join(ASSETS);
    stored.into_graph(
        &path,
        |_, vocabulary| load_vocabulary(dir, &path, vocabulary),
        |node, stored| tokenizers::load(&assets, &path, node, stored),
    )
}

fn load_vocabulary(
    dir: &Path,
    description: &Path,
    stored: &VocabularyV1,
) -> Result<Vocabulary, GraphError> {
    if !is_plain(&stored.file) {
        return Err(GraphError::FileName {
            path: description.to_path_buf(),
            vocabulary: stored.name.clone(),
            file: stored.file.clone(),
        });
    }
    let path = dir.join(ASSETS).join(&stored.file);
    let bytes = fs::read(&path).map_err(IoError::at("read", &path))?;
    check_vocabulary(&path, bytes, stored)
}

/// Returns whether a name is that of a file, and of no folder.
fn is_plain(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', ':', '\0'])
}

/// Takes a vocabulary's file if it is the one that was saved.
fn check_vocabulary(
    path: &Path,
    bytes: Vec<u8>,
    stored: &VocabularyV1,
) -> Result<Vocabulary, GraphError> {
    let digest = Digest::of(&bytes).to_string();
    let num_tokens = bytes.iter().filter(|byte| **byte == b'\n').count();
    if (num_tokens, &digest) != (stored.num_tokens, &stored.digest) {
        return Err(GraphError::OtherVocabulary {
            path: path.to_path_buf(),
            found_tokens: num_tokens,
            expected_tokens: stored.num_tokens,
            found: digest,
            expected: stored.digest.clone(),
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| GraphError::VocabularyText {
        path: path.to_path_buf(),
        source: error.utf8_error(),
    })?;
    let path = path.to_path_buf();
    Vocabulary::from_file(text, stored.has_frequencies)
        .map_err(|source| GraphError::Vocabulary { path, source })
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = V1::new(self).map_err(serde::ser::Error::custom)?;
        let texts = self.vocabularies().map(|(_, vocabulary)| vocabulary.text().into_owned());
        let tokenizers = tokenizers::files(self).into_iter();
        let tokenizers = tokenizers.map(|(file, found)| (file, found.text().to_owned())).collect();
        WholeV1 { graph, texts: texts.collect(), tokenizers }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WholeV1 { graph, mut texts, tokenizers } = WholeV1::deserialize(deserializer)?;
        if graph.version != VERSION {
            let found = graph.version;
            return Err(D::Error::custom(format_args!(
                "graph: format version {found}, expected at most {VERSION}"
            )));
        }
        if texts.len() != graph.vocabularies.len() {
            return Err(D::Error::invalid_length(texts.len(), &"a text for each vocabulary"));
        }
        let take = |place: usize, stored: &VocabularyV1| {
            let bytes = std::mem::take(&mut texts[place]).into_bytes();
            check_vocabulary(Path::new(&stored.file), bytes, stored)
        };
        let tokenizer = |_, stored: &TokenizeV2| {
            let bytes = tokenizers.get(&stored.file).cloned().unwrap_or_default().into_bytes();
            tokenizers::check(Path::new(&stored.file), bytes, stored)
        };
        let graph = graph.into_graph(Path::new("graph"), take, tokenizer);
        graph.map_err(|error| D::Error::custom(base::render_chain(&error)))
    }
}
