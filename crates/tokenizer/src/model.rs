//! What makes tokens of a piece of text.

use std::collections::HashMap;

use crate::TokenizerError;
use crate::byte_pairs::BytePairs;
use crate::file::ModelFile;
use crate::unigram::Unigram;

/// A model with its vocabulary.
pub(crate) enum Model {
    BytePairs(BytePairs),
    WordPieces(WordPieces),
    Words { ids: HashMap<String, u32>, unknown: u32 },
    Unigram(Unigram),
}

/// The longest pieces of words, from the front.
pub(crate) struct WordPieces {
    ids: HashMap<String, u32>,
    unknown: u32,
    /// What stands before a piece that is not the first of its word.
    continued: String,
    /// Longer words, in characters, are unknown.
    longest_word: usize,
    /// The bytes of the longest piece.
    longest_piece: usize,
}

impl Model {
    /// Takes a model, and returns the greatest of its ids, too.
    pub(crate) fn of_file(file: ModelFile) -> Result<(Self, Option<u32>), TokenizerError> {
        let unknown = |ids: &HashMap<String, u32>, token: &str| {
            ids.get(token).copied().ok_or_else(|| TokenizerError::UnknownToken {
                part: "model.unk_token",
                token: token.to_owned(),
            })
        };
        Ok(match file {
            ModelFile::Bpe(file) => {
                let most = file.vocab.values().copied().max();
                (Self::BytePairs(BytePairs::of_file(file)?), most)
            }
            ModelFile::WordPiece {
                unk_token,
                continuing_subword_prefix: continued,
                max_input_chars_per_word: longest_word,
                vocab: ids,
            } => {
                let most = ids.values().copied().max();
                let unknown = unknown(&ids, &unk_token)?;
                let longest_piece = ids.keys().map(String::len).max().unwrap_or(0);
                let pieces = WordPieces { ids, unknown, continued, longest_word, longest_piece };
                (Self::WordPieces(pieces), most)
            }
            ModelFile::WordLevel { vocab: ids, unk_token } => {
                let most = ids.values().copied().max();
                let unknown = unknown(&ids, &unk_token)?;
                (Self::Words { ids, unknown }, most)
            }
            ModelFile::Unigram { unk_id, vocab, byte_fallback } => {
                let model = Unigram::new(vocab, unk_id, byte_fallback)?;
                let most = model.most();
                (Self::Unigram(model), Some(most))
            }
        })
    }

    /// Returns the text of each token.
    pub(crate) fn texts(&self) -> HashMap<u32, String> {
        let (ids, twice) = match self {
            Self::BytePairs(model) => (model.ids(), &[][..]),
            Self::WordPieces(model) => (&model.ids, &[][..]),
            Self::Words { ids, .. } => (ids, &[][..]),
            Self::Unigram(model) => (model.ids(), model.twice()),
        };
        let mut texts: Vec<(u32, &String)> = ids.iter().map(|(text, id)| (*id, text)).collect();
        texts.extend(twice.iter().map(|(id, text)| (*id, text)));
        // Of two texts with one id, which no trainer writes, always the same counts.
        texts.sort_unstable();
        texts.into_iter().map(|(id, text)| (id, text.clone())).collect()
    }

    /// Adds the ids of a piece's tokens to some.
    pub(crate) fn encode(&self, piece: &str, ids: &mut Vec<u32>) {
        if piece.is_empty() {
            return;
        }
        match self {
            Self::BytePairs(model) => model.encode(piece, ids),
            Self::WordPieces(model) => model.encode(piece, ids),
            Self::Words { ids: words, unknown } => {
                ids.push(words.get(piece).copied().unwrap_or(*unknown));
            }
            Self::Unigram(model) => model.encode(piece, ids),
        }
    }
}

impl WordPieces {
    fn encode(&self, word: &str, ids: &mut Vec<u32>) {
        if word.chars().nth(self.longest_word).is_some() {
            ids.push(self.unknown);
            return;
        }
        let before = ids.len();
        let mut start = 0;
        let mut piece = String::new();
        while start < word.len() {
            let rest = &word[start..];
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let mut ends = ends.skip_while(|end| *end > self.longest_piece);
            let longest = ends.find_map(|end| {
                piece.clear();
                if start > 0 {
                    piece.push_str(&self.continued);
                }
                piece.push_str(&rest[..end]);
                self.ids.get(&piece).map(|id| (end, *id))
            });
            let Some((end, id)) = longest else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start += end;
        }
    }
}
