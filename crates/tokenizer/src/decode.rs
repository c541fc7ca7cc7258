//! How tokens become text again.
//!
//! Each step takes the texts of tokens and gives others; in the end they are joined. The results are those of
//! HuggingFace's `tokenizers`, which tests compare.

use serde::Deserialize;
use serde_json::Value;

use crate::cut::byte_of;
use crate::file::{PatternFile, PrependScheme};
use crate::pattern::Pattern;

/// A decoder, as it is written.
#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum DecoderFile {
    Sequence {
        decoders: Vec<DecoderFile>,
    },
    ByteLevel {
        #[serde(default, rename = "add_prefix_space")]
        _add_prefix_space: bool,
        #[serde(default, rename = "trim_offsets")]
        _trim_offsets: bool,
        #[serde(default, rename = "use_regex")]
        _use_regex: bool,
    },
    WordPiece {
        prefix: String,
        cleanup: bool,
    },
    Metaspace {
        replacement: char,
        add_prefix_space: Option<bool>,
        prepend_scheme: Option<PrependScheme>,
        #[serde(default, rename = "split")]
        _split: Option<bool>,
        #[serde(default, rename = "str_rep")]
        _str_rep: Option<String>,
    },
    #[serde(rename = "BPEDecoder")]
    Bpe {
        suffix: String,
    },
    Replace {
        pattern: PatternFile,
        content: String,
    },
    ByteFallback {},
    Fuse {},
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
}

/// A step from tokens to text.
enum Step {
    /// Characters that stand for bytes become these.
    Bytes,
    /// A space before each token that does not go on with a word; and none before punctuation.
    WordPieces {
        prefix: String,
        is_tidied: bool,
    },
    /// A character that stands for a space becomes one; those of the first token vanish.
    Metaspace {
        replacement: char,
        keeps_first: bool,
    },
    /// What ends a word becomes a space, but at the end.
    Suffix(String),
    Replace(Pattern, String),
    /// `<0xE4>` and the like become bytes.
    NamedBytes,
    /// All tokens become one.
    Fuse,
    /// So many of a character go away from the front and the end of each token.
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
}

/// How tokens become text: the steps of a file, or nothing where it does not say.
pub(crate) struct Decoder(Option<Vec<Step>>);

/// What stands for bytes that are no text.
const REPLACEMENT: &str = "\u{fffd}";

impl Decoder {
    /// Takes the decoder of a file; what is not known here is an error of those who decode alone.
    pub(crate) fn of_file(file: Option<Value>) -> Result<Self, String> {
        let Some(file) = file.filter(|file| !file.is_null()) else { return Ok(Self(None)) };
        let file = DecoderFile::deserialize(file).map_err(|error| error.to_string())?;
        let mut steps = Vec::new();
        push(file, &mut steps)?;
        Ok(Self(Some(steps)))
    }

    /// Returns the text of tokens.
    pub(crate) fn decode(&self, tokens: Vec<String>) -> String {
        match &self.0 {
            None => tokens.join(" "),
            Some(steps) => steps.iter().fold(tokens, |tokens, step| step.apply(tokens)).concat(),
        }
    }

    /// Returns the bytes that a token stands for by itself, where it stands for bytes.
    pub(crate) fn bytes_of(&self, token: &str) -> Option<Vec<u8>> {
        let steps = self.0.as_deref().unwrap_or_default();
        if steps.iter().any(|step| matches!(step, Step::Bytes)) {
            return Some(bytes_of_chars(token));
        }
        let has_names = steps.iter().any(|step| matches!(step, Step::NamedBytes));
        has_names.then(|| named_byte(token).map(|byte| vec![byte]))?
    }
}

fn push(file: DecoderFile, steps: &mut Vec<Step>) -> Result<(), String> {
    steps.push(match file {
        DecoderFile::Sequence { decoders } => {
            return decoders.into_iter().try_for_each(|decoder| push(decoder, steps));
        }
        DecoderFile::ByteLevel { .. } => Step::Bytes,
        DecoderFile::WordPiece { prefix, cleanup } => {
            Step::WordPieces { prefix, is_tidied: cleanup }
        }
        DecoderFile::Metaspace { replacement, add_prefix_space, prepend_scheme, .. } => {
            let is_never = prepend_scheme == Some(PrependScheme::Never);
            Step::Metaspace {
                replacement,
                keeps_first: is_never || add_prefix_space == Some(false),
            }
        }
        DecoderFile::Bpe { suffix } => Step::Suffix(suffix),
        DecoderFile::Replace { pattern, content } => {
            let pattern = Pattern::of_file(&pattern).map_err(|error| error.to_string())?;
            Step::Replace(pattern, content)
        }
        DecoderFile::ByteFallback {} => Step::NamedBytes,
        DecoderFile::Fuse {} => Step::Fuse,
        DecoderFile::Strip { content, start, stop } => Step::Strip { content, start, stop },
    });
    Ok(())
}

impl Step {
    fn apply(&self, mut tokens: Vec<String>) -> Vec<String> {
        match self {
            Self::Bytes => {
                let bytes: Vec<u8> = tokens.iter().flat_map(|it| bytes_of_chars(it)).collect();
                return vec![String::from_utf8_lossy(&bytes).into_owned()];
            }
            Self::WordPieces { prefix, is_tidied } => {
                for (place, token) in tokens.iter_mut().enumerate() {
                    if place > 0 {
                        *token = match token.strip_prefix(prefix.as_str()) {
                            Some(rest) => rest.to_owned(),
                            None => format!(" {token}"),
                        };
                    }
                    if *is_tidied {
                        *token = tidied(token);
                    }
                }
            }
            Self::Metaspace { replacement, keeps_first } => {
                for (place, token) in tokens.iter_mut().enumerate() {
                    let space = if place == 0 && !keeps_first { "" } else { " " };
                    *token = token.replace(*replacement, space);
                }
            }
            Self::Suffix(suffix) => {
                let last = tokens.len().saturating_sub(1);
                for (place, token) in tokens.iter_mut().enumerate() {
                    *token = token.replace(suffix, if place == last { "" } else { " " });
                }
            }
            Self::Replace(pattern, by) => {
                for token in &mut tokens {
                    *token = pattern.replace(token, by);
                }
            }
            Self::NamedBytes => return named_bytes(tokens),
            Self::Fuse => return vec![tokens.concat()],
            Self::Strip { content, start, stop } => {
                for token in &mut tokens {
                    *token = stripped(token, *content, *start, *stop);
                }
            }
        }
        tokens
    }
}

/// Returns the bytes that a token's characters stand for; its own where one of them stands for none.
fn bytes_of_chars(token: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}

/// Returns the byte that `<0xE4>` stands for.
fn named_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    let is_byte = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_byte.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// Joins bytes that follow each other to text; each is a replacement character where they are none together.
fn named_bytes(tokens: Vec<String>) -> Vec<String> {
    let mut texts = Vec::with_capacity(tokens.len());
    let mut bytes: Vec<u8> = Vec::new();
    let end = |bytes: &mut Vec<u8>, texts: &mut Vec<String>| {
        let count = bytes.len();
        match String::from_utf8(std::mem::take(bytes)) {
            Ok(text) => texts.push(text),
            Err(_) => texts.extend((0..count).map(|_| REPLACEMENT.to_owned())),
        }
    };
    for token in tokens {
        match named_byte(&token) {
            Some(byte) => bytes.push(byte),
            None => {
                if !bytes.is_empty() {
                    end(&mut bytes, &mut texts);
                }
                texts.push(token);
            }
        }
    }
    if !bytes.is_empty() {
        end(&mut bytes, &mut texts);
    }
    texts
}

fn stripped(token: &str, content: char, start: usize, stop: usize) -> String {
    let mut rest = token;
    for _ in 0..start {
        let Some(shorter) = rest.strip_prefix(content) else { break };
        rest = shorter;
    }
    for _ in 0..stop {
        let Some(shorter) = rest.strip_suffix(content) else { break };
        rest = shorter;
    }
    rest.to_owned()
}

/// Takes spaces away that English has not before punctuation and within contractions.
fn tidied(token: &str) -> String {
    const RULES: [(&str, &str); 11] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" do not", " don't"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    RULES.iter().fold(token.to_owned(), |text, (from, to)| text.replace(from, to))
}
