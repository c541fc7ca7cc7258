//! The parts of a tokenizer file, as they are written.
//!
//! Keys that are not known are mistakes: they may change what comes out.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenizerFile {
    #[serde(rename = "version")]
    _version: Option<String>,
    pub(crate) truncation: Option<TruncationFile>,
    pub(crate) padding: Option<PaddingFile>,
    #[serde(default)]
    pub(crate) added_tokens: Vec<AddedTokenFile>,
    pub(crate) normalizer: Option<NormalizerFile>,
    pub(crate) pre_tokenizer: Option<PreTokenizerFile>,
    pub(crate) post_processor: Option<PostProcessorFile>,
    /// How ids become text again; whoever only encodes need not know it.
    pub(crate) decoder: Option<Value>,
    pub(crate) model: ModelFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TruncationFile {
    #[serde(default)]
    pub(crate) direction: Direction,
    pub(crate) max_length: usize,
    #[serde(default)]
    pub(crate) strategy: TruncationStrategy,
    /// What is cut off overlaps by so much, which the front does not show.
    #[serde(default)]
    pub(crate) stride: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Direction {
    Left,
    #[default]
    Right,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum TruncationStrategy {
    #[default]
    LongestFirst,
    OnlyFirst,
    OnlySecond,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaddingFile {
    pub(crate) strategy: PaddingStrategy,
    pub(crate) direction: Direction,
    pub(crate) pad_to_multiple_of: Option<usize>,
    pub(crate) pad_id: u32,
    #[serde(rename = "pad_type_id")]
    _pad_type_id: u32,
    #[serde(rename = "pad_token")]
    _pad_token: String,
}

#[derive(Clone, Copy, Deserialize)]
pub(crate) enum PaddingStrategy {
    BatchLongest,
    Fixed(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddedTokenFile {
    pub(crate) id: u32,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) single_word: bool,
    #[serde(default)]
    pub(crate) lstrip: bool,
    #[serde(default)]
    pub(crate) rstrip: bool,
    #[serde(default)]
    pub(crate) normalized: bool,
    #[serde(default)]
    pub(crate) special: bool,
}

#[derive(Deserialize)]
pub(crate) enum PatternFile {
    String(String),
    Regex(String),
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum NormalizerFile {
    Sequence {
        normalizers: Vec<NormalizerFile>,
    },
    #[serde(rename = "NFC")]
    Nfc {},
    #[serde(rename = "NFD")]
    Nfd {},
    #[serde(rename = "NFKC")]
    Nfkc {},
    #[serde(rename = "NFKD")]
    Nfkd {},
    Lowercase {},
    StripAccents {},
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
    Prepend {
        prepend: String,
    },
    Replace {
        pattern: PatternFile,
        content: String,
    },
    BertNormalizer {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Behavior {
    Removed,
    #[default]
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrependScheme {
    First,
    Never,
    Always,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum PreTokenizerFile {
    Sequence {
        pretokenizers: Vec<PreTokenizerFile>,
    },
    ByteLevel {
        #[serde(default = "yes")]
        add_prefix_space: bool,
        #[serde(default = "yes", rename = "trim_offsets")]
        _trim_offsets: bool,
        #[serde(default = "yes")]
        use_regex: bool,
    },
    BertPreTokenizer {},
    Whitespace {},
    WhitespaceSplit {},
    Punctuation {
        #[serde(default)]
        behavior: Behavior,
    },
    Digits {
        individual_digits: bool,
    },
    CharDelimiterSplit {
        delimiter: char,
    },
    Split {
        pattern: PatternFile,
        behavior: Behavior,
        invert: bool,
    },
    Metaspace {
        replacement: char,
        add_prefix_space: Option<bool>,
        prepend_scheme: Option<PrependScheme>,
        split: Option<bool>,
        #[serde(default, rename = "str_rep")]
        _str_rep: Option<String>,
    },
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum PostProcessorFile {
    Sequence {
        processors: Vec<PostProcessorFile>,
    },
    /// It changes where tokens are in the text, not the tokens.
    ByteLevel {
        #[serde(default, rename = "add_prefix_space")]
        _add_prefix_space: bool,
        #[serde(default, rename = "trim_offsets")]
        _trim_offsets: bool,
        #[serde(default, rename = "use_regex")]
        _use_regex: bool,
    },
    BertProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    RobertaProcessing {
        sep: (String, u32),
        cls: (String, u32),
        #[serde(default, rename = "trim_offsets")]
        _trim_offsets: bool,
        #[serde(default, rename = "add_prefix_space")]
        _add_prefix_space: bool,
    },
    TemplateProcessing {
        single: Vec<TemplatePiece>,
        #[serde(default, rename = "pair")]
        _pair: Value,
        special_tokens: HashMap<String, SpecialTokenFile>,
    },
}

#[derive(Deserialize)]
pub(crate) enum TemplatePiece {
    Sequence {
        id: String,
        #[serde(rename = "type_id")]
        _type_id: u32,
    },
    SpecialToken {
        id: String,
        #[serde(rename = "type_id")]
        _type_id: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpecialTokenFile {
    #[serde(rename = "id")]
    _id: String,
    pub(crate) ids: Vec<u32>,
    #[serde(rename = "tokens")]
    _tokens: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum ModelFile {
    #[serde(rename = "BPE")]
    Bpe(BpeFile),
    WordPiece {
        unk_token: String,
        continuing_subword_prefix: String,
        max_input_chars_per_word: usize,
        vocab: HashMap<String, u32>,
    },
    WordLevel {
        vocab: HashMap<String, u32>,
        unk_token: String,
    },
    Unigram {
        unk_id: Option<usize>,
        vocab: Vec<(String, f64)>,
        #[serde(default)]
        byte_fallback: bool,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BpeFile {
    pub(crate) dropout: Option<f64>,
    pub(crate) unk_token: Option<String>,
    pub(crate) continuing_subword_prefix: Option<String>,
    pub(crate) end_of_word_suffix: Option<String>,
    #[serde(default)]
    pub(crate) fuse_unk: bool,
    #[serde(default)]
    pub(crate) byte_fallback: bool,
    #[serde(default)]
    pub(crate) ignore_merges: bool,
    pub(crate) vocab: HashMap<String, u32>,
    pub(crate) merges: Vec<MergeFile>,
}

/// A pair, written as one text in older files.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum MergeFile {
    Pair(String, String),
    Text(String),
}
