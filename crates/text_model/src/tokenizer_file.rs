//! The tokenizer that travels with a model, in HuggingFace's files.

use std::collections::BTreeSet;
use std::path::Path;

use base::publish::write_file;
use graph::{Graph, ListOp, Node, NodeId, Op, Vocabulary};
use serde_json::{Map, Value, json};
use tokenizer::Tokenizer;

use crate::TextModelError;
use crate::text_model::GRAPH;

/// The tokenizer's file.
pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";
/// What `transformers` wants to know beside it.
const CONFIG_FILE: &str = "tokenizer_config.json";

/// The text of the token between documents, where it is none of the vocabulary's.
const BOUNDARY: &str = "<|endoftext|>";
/// The most ids between the vocabulary and the boundary that are given texts of their own.
const MAX_UNUSED: u32 = 1 << 16;

/// Where the tokens of a feature come from.
#[derive(Clone, Debug)]
pub enum TokenizerSource {
    /// A tokenizer file, as it is.
    File(Tokenizer),
    /// Byte pairs that were learned here, as the file that says the same.
    BytePairs(Vocabulary),
}

/// What makes tokens of texts, as files beside a model's weights.
#[derive(Clone, Debug)]
pub struct TokenizerFiles {
    graph: Graph,
    source: TokenizerSource,
    boundary: Option<u32>,
}

impl TokenizerFiles {
    /// Returns what makes the tokens of a feature; nothing where no tokenizer file could say the same.
    ///
    /// `boundary` is the token between documents.
    ///
    /// # Errors
    ///
    /// [`TextModelError::Graph`] when the graph has no such feature.
    pub fn of_graph(
        graph: &Graph,
        feature: &str,
        boundary: Option<u32>,
    ) -> Result<Option<Self>, TextModelError> {
        let graph = graph.project(&[feature]).map_err(TextModelError::Graph)?;
        let source = graph.output_nodes().first().and_then(|node| source(&graph, *node));
        let Some(source) = source else { return Ok(None) };
        if let (TokenizerSource::BytePairs(vocabulary), Some(boundary)) = (&source, boundary) {
            let len = u32::try_from(vocabulary.len()).unwrap_or(u32::MAX);
            if boundary.saturating_sub(len) > MAX_UNUSED {
                return Ok(None);
            }
        }
        Ok(Some(Self { graph, source, boundary }))
    }

    /// Returns where the tokens come from.
    pub fn source(&self) -> &TokenizerSource {
        &self.source
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json` and the graph into the folder of a model.
    ///
    /// # Errors
    ///
    /// [`TextModelError`] when the disk refuses.
    pub fn write(&self, dir: &Path, max_positions: usize) -> Result<(), TextModelError> {
        let text = match &self.source {
            TokenizerSource::File(tokenizer) => tokenizer.text().to_owned(),
            TokenizerSource::BytePairs(vocabulary) => {
                format!("{:#}\n", byte_pairs(vocabulary, self.boundary))
            }
        };
        write_file(&dir.join(TOKENIZER_FILE), text.as_bytes())?;
        let config = format!("{:#}\n", self.config(max_positions));
        write_file(&dir.join(CONFIG_FILE), config.as_bytes())?;
        self.graph.save(&dir.join(GRAPH)).map_err(TextModelError::Graph)
    }

    fn config(&self, max_positions: usize) -> Value {
        let mut config = Map::new();
        config.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
        config.insert("clean_up_tokenization_spaces".to_owned(), false.into());
        config.insert("model_max_length".to_owned(), max_positions.into());
        let text = match (&self.source, self.boundary) {
            (_, None) => None,
            (TokenizerSource::File(tokenizer), Some(boundary)) => {
                tokenizer.token(boundary).map(str::to_owned)
            }
            // A token of the vocabulary is not made a special one: it would not be found in texts any more.
            (TokenizerSource::BytePairs(vocabulary), Some(boundary)) => {
                (boundary as usize >= vocabulary.len()).then(|| BOUNDARY.to_owned())
            }
        };
        if let Some(text) = text {
            config.insert("bos_token".to_owned(), text.clone().into());
            config.insert("eos_token".to_owned(), text.into());
        }
        Value::Object(config)
    }
}

/// Returns where the tokens of a node come from, behind what only cuts lists.
fn source(graph: &Graph, node: NodeId) -> Option<TokenizerSource> {
    let node_of = |id: NodeId| -> &Node { &graph.nodes()[id.index()] };
    let mut node = node_of(node);
    loop {
        match &node.op {
            Op::OfList(ListOp::Tokenize { tokenizer, .. }) => {
                return Some(TokenizerSource::File(tokenizer.clone()));
            }
            Op::OfList(ListOp::BytePairs { vocabulary }) => {
                let words = node_of(*node.operands.first()?);
                let (_, vocabulary) = graph.vocabularies().nth(vocabulary.index())?;
                let is_whole = matches!(words.op, Op::OfList(ListOp::ByteWords));
                return is_whole.then(|| TokenizerSource::BytePairs(vocabulary.clone()));
            }
            Op::OfList(ListOp::Slice { .. }) => {
                node = node_of(*node.operands.first()?);
            }
            _ => return None,
        }
    }
}

/// Returns the tokenizer file of a vocabulary of byte pairs.
///
/// There, pairs become one token in the order of a list; here, those of which the lowest id is made. So the list has
/// every pair that makes a token, by the token's id.
fn byte_pairs(vocabulary: &Vocabulary, boundary: Option<u32>) -> Value {
    let vocab: Map<String, Value> = (0_u64..)
        .zip(vocabulary.tokens())
        .map(|(id, token)| (token.to_owned(), id.into()))
        .collect();
    let mut merges: Vec<Value> = Vec::new();
    for token in vocabulary.tokens() {
        let ends = token.char_indices().skip(1).map(|(end, _)| token.split_at(end));
        let mut pairs: Vec<(usize, usize, &str, &str)> = ends
            .filter_map(|(left, right)| {
                Some((vocabulary.id(left)?, vocabulary.id(right)?, left, right))
            })
            .collect();
        pairs.sort_unstable();
        merges.extend(pairs.into_iter().map(|(_, _, left, right)| json!([left, right])));
    }
    let len = u32::try_from(vocabulary.len()).unwrap_or(u32::MAX);
    let added = boundary.map_or(0..0, |boundary| len..boundary.saturating_add(1).max(len));
    let last = added.end.checked_sub(1);
    let known: BTreeSet<&str> = vocabulary.tokens().collect();
    let added: Vec<Value> = added
        .map(|id| {
            let mut content = match Some(id) == last {
                true => BOUNDARY.to_owned(),
                false => format!("<|unused-{id}|>"),
            };
            while known.contains(content.as_str()) {
                content.push('|');
            }
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        })
        .collect();
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    });
    let mut processor = byte_level.clone();
    if let Some(boundary) = boundary {
        let text = match boundary < len {
            true => vocabulary.tokens().nth(boundary as usize).unwrap_or_default().to_owned(),
            false => {
                added.last().and_then(|it| it["content"].as_str()).unwrap_or(BOUNDARY).to_owned()
            }
        };
        let special = json!({ "SpecialToken": { "id": text, "type_id": 0 } });
        let sequence =
            |id: &str, type_id: u32| json!({ "Sequence": { "id": id, "type_id": type_id } });
        let mut named = Map::new();
        named.insert(text.clone(), json!({ "id": text, "ids": [boundary], "tokens": [text] }));
        let template = json!({
            "type": "TemplateProcessing",
            "single": [special, sequence("A", 0)],
            "pair": [special, sequence("A", 0), sequence("B", 1)],
            "special_tokens": named,
        });
        processor = json!({ "type": "Sequence", "processors": [byte_level, template] });
    }
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": byte_level, "post_processor": processor, "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges,
        },
    })
}
