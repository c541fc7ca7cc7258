//! Texts to ids of tokens and back, as a HuggingFace tokenizer file says.
//!
//! Entry type: [`Tokenizer`], made of the bytes of a `tokenizer.json`; [`DecodeStream`] gives text as tokens come. A text goes through what the file names, in its
//! order: added tokens (`added`), normalizer (`normalize`), pre-tokenizer (`cut`), model (`model`, `byte_pairs`,
//! `unigram`), truncation, post-processor and padding (`finish`); ids go through the decoder (`decode`). **Invariants:**
//! ids and texts are those of HuggingFace's `tokenizers`, which tests compare; what a file has that is not known here refuses the file, so that no number is
//! wrong; a text's ids depend on that text and the file alone, so a file that draws lots (dropout) is refused, too;
//! no text and no file is a panic.
//! Written here and not taken from the crate `tokenizers`, because that would bring thirty crates and a second engine
//! for regular expressions to every service that embeds a graph, and change the features of crates below all others.
//! Not here: learning vocabularies (`transform`), where files are (`transform`, `graph`).

mod added;
mod byte_pairs;
mod cut;
mod decode;
mod error;
mod file;
mod finish;
mod model;
mod normalize;
mod pattern;
mod stream;
mod unigram;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use base::Digest;

pub use error::TokenizerError;
pub use stream::DecodeStream;

use added::AddedTokens;
use cut::Cut;
use decode::Decoder;
use file::TokenizerFile;
use finish::Finish;
use model::Model;
use normalize::Normalize;

/// No tokenizer is as large; more is another kind of file.
const MAX_BYTES: usize = 256 << 20;

/// A tokenizer and the text of its file. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Tokenizer {
    parts: Arc<Parts>,
}

struct Parts {
    text: String,
    digest: String,
    added: AddedTokens,
    normalizers: Vec<Normalize>,
    cuts: Vec<Cut>,
    model: Model,
    finish: Finish,
    decoder: Result<Decoder, String>,
    /// The texts of the model's tokens, once somebody decodes.
    texts: OnceLock<HashMap<u32, String>>,
    num_ids: u64,
}

/// A piece of a text on its way to tokens.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    /// Whether it begins where the text does.
    is_first: bool,
    /// The id that it is, if it is an added token.
    id: Option<u32>,
}

impl Tokenizer {
    /// Takes the bytes of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// [`TokenizerError`] when they are none, or one with something that is not known here.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, TokenizerError> {
        if bytes.len() > MAX_BYTES {
            return Err(TokenizerError::TooLarge { found: bytes.len(), most: MAX_BYTES });
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| TokenizerError::File { reason: "it is not UTF-8".to_owned() })?;
        let file: TokenizerFile = serde_json::from_str(&text)
            .map_err(|error| TokenizerError::File { reason: error.to_string() })?;
        let normalizers = normalize::of_file(file.normalizer)?;
        let cuts = cut::of_file(file.pre_tokenizer)?;
        let (model, most) = Model::of_file(file.model)?;
        let most = file.added_tokens.iter().map(|token| token.id).max().max(most);
        let added = AddedTokens::of_file(file.added_tokens, &normalizers)?;
        let finish = Finish::of_file(file.post_processor, file.truncation, file.padding)?;
        let most = most.max(finish.most());
        let num_ids = most.map_or(0, |id| u64::from(id) + 1);
        let digest = Digest::of(text.as_bytes()).to_string();
        let decoder = Decoder::of_file(file.decoder);
        let texts = OnceLock::new();
        let parts = Parts {
            text,
            digest,
            added,
            normalizers,
            cuts,
            model,
            finish,
            decoder,
            texts,
            num_ids,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Adds the ids of a text's tokens to some.
    ///
    /// With `add_special_tokens` those that the file's post-processor puts around a text are among them.
    pub fn encode(&self, text: &str, add_special_tokens: bool, ids: &mut Vec<i64>) {
        let parts = &*self.parts;
        let mut found: Vec<u32> = Vec::new();
        for piece in self.pieces(text) {
            match piece.id {
                Some(id) => found.push(id),
                None => parts.model.encode(&piece.text, &mut found),
            }
        }
        let finished = parts.finish.finish(found, add_special_tokens);
        ids.extend(finished.into_iter().map(i64::from));
    }

    /// Cuts a text into added tokens and what the model makes tokens of.
    fn pieces(&self, text: &str) -> Vec<Piece> {
        let parts = &*self.parts;
        let mut pieces = parts.added.cut_raw(text);
        for piece in pieces.iter_mut().filter(|piece| piece.id.is_none()) {
            for normalizer in &parts.normalizers {
                normalizer.apply(&mut piece.text);
            }
        }
        let mut pieces = parts.added.cut_normalized(pieces);
        pieces.retain(|piece| piece.id.is_some() || !piece.text.is_empty());
        for cut in &parts.cuts {
            pieces = cut.apply(pieces);
        }
        pieces
    }

    /// Returns the text of some ids; those that no token has are left out.
    ///
    /// Bytes that are no UTF-8 are replaced by U+FFFD. With `skips_special` special tokens are left out, too.
    ///
    /// # Errors
    ///
    /// [`TokenizerError::Decoder`] where the file's decoder is not known here; texts can be encoded all the same.
    pub fn decode(&self, ids: &[u32], skips_special: bool) -> Result<String, TokenizerError> {
        let decoder = self.decoder()?;
        let is_kept = |token: &&str| !skips_special || !self.parts.added.is_special(token);
        let tokens = ids.iter().filter_map(|id| self.token(*id)).filter(is_kept);
        Ok(decoder.decode(tokens.map(str::to_owned).collect()))
    }

    /// Returns the bytes of the text that a token stands for behind others; a part of a character may be all it is.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn bytes(&self, id: u32) -> Result<Vec<u8>, TokenizerError> {
        let decoder = self.decoder()?;
        let Some(token) = self.token(id) else { return Ok(Vec::new()) };
        if self.parts.added.text(id).is_some() {
            return Ok(token.as_bytes().to_vec());
        }
        if let Some(bytes) = decoder.bytes_of(token) {
            return Ok(bytes);
        }
        // The first one of a text may lose its space.
        let one = decoder.decode(vec![token.to_owned()]);
        let two = decoder.decode(vec![token.to_owned(), token.to_owned()]);
        Ok(two.get(one.len()..).unwrap_or_default().as_bytes().to_vec())
    }

    /// Returns a token as it stands in the vocabulary.
    pub fn token(&self, id: u32) -> Option<&str> {
        let parts = &*self.parts;
        let texts = || parts.texts.get_or_init(|| parts.model.texts());
        parts.added.text(id).or_else(|| texts().get(&id).map(String::as_str))
    }

    fn decoder(&self) -> Result<&Decoder, TokenizerError> {
        let decoder = self.parts.decoder.as_ref();
        decoder.map_err(|reason| TokenizerError::Decoder { reason: reason.clone() })
    }

    /// Returns a number that all ids are below.
    pub fn num_ids(&self) -> u64 {
        self.parts.num_ids
    }

    /// Returns the text of the file.
    pub fn text(&self) -> &str {
        &self.parts.text
    }

    /// Returns the digest of the file, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.parts.digest
    }
}

impl PartialEq for Tokenizer {
    fn eq(&self, other: &Self) -> bool {
        self.parts.digest == other.parts.digest
    }
}

impl Eq for Tokenizer {}

impl Hash for Tokenizer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.digest.hash(state);
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokenizer({})", self.parts.digest)
    }
}

#[cfg(test)]
mod tests;
