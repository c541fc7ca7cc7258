//! Byte pair encoding: neighbours become one token, the pair that comes first in the file first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::TokenizerError;
use crate::file::{BpeFile, MergeFile};

pub(crate) struct BytePairs {
    ids: HashMap<String, u32>,
    /// The place of a pair among all, and the token that it makes.
    merges: HashMap<(u32, u32), (u32, u32)>,
    unknown: Option<u32>,
    /// What stands before a character that is not the first of its word.
    continued: Option<String>,
    /// What stands behind the last character of a word.
    suffix: Option<String>,
    joins_unknown: bool,
    /// The tokens of single bytes, where all of them are there to stand for what is unknown.
    has_bytes: bool,
    takes_whole_words: bool,
}

/// A token of a word and its neighbours.
#[derive(Clone, Copy)]
struct Symbol {
    id: u32,
    before: Option<usize>,
    after: Option<usize>,
    is_gone: bool,
}

impl BytePairs {
    pub(crate) fn of_file(file: BpeFile) -> Result<Self, TokenizerError> {
        if let Some(dropout) = file.dropout.filter(|dropout| *dropout > 0.0) {
            return Err(TokenizerError::Dropout { dropout: dropout.to_string() });
        }
        let ids = file.vocab;
        let id = |token: &str, part: &'static str| {
            let unknown = || TokenizerError::UnknownToken { part, token: token.to_owned() };
            ids.get(token).copied().ok_or_else(unknown)
        };
        let prefix_len = file.continuing_subword_prefix.as_ref().map_or(0, String::len);
        let mut merges = HashMap::with_capacity(file.merges.len());
        for (rank, merge) in (0..).zip(file.merges) {
            let (left, right) = match merge {
                MergeFile::Pair(left, right) => (left, right),
                MergeFile::Text(text) => match text.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => {
                        (left.to_owned(), right.to_owned())
                    }
                    _ => {
                        let reason = "a pair is not two tokens with a space between them";
                        return Err(TokenizerError::Part { part: "model.merges", reason });
                    }
                },
            };
            let pair = (id(&left, "model.merges")?, id(&right, "model.merges")?);
            let Some(rest) = right.get(prefix_len..) else {
                let reason = "a second token of a pair does not begin as tokens within words do";
                return Err(TokenizerError::Part { part: "model.merges", reason });
            };
            merges.insert(pair, (rank, id(&format!("{left}{rest}"), "model.merges")?));
        }
        let unknown = file.unk_token.map(|token| id(&token, "model.unk_token")).transpose()?;
        Ok(Self {
            merges,
            unknown,
            continued: file.continuing_subword_prefix.filter(|prefix| !prefix.is_empty()),
            suffix: file.end_of_word_suffix.filter(|suffix| !suffix.is_empty()),
            joins_unknown: file.fuse_unk,
            has_bytes: file.byte_fallback,
            takes_whole_words: file.ignore_merges,
            ids,
        })
    }

    pub(crate) fn ids(&self) -> &HashMap<String, u32> {
        &self.ids
    }

    pub(crate) fn encode(&self, word: &str, ids: &mut Vec<u32>) {
        if self.takes_whole_words
            && let Some(id) = self.ids.get(word)
        {
            ids.push(*id);
            return;
        }
        let mut symbols = self.symbols(word);
        self.merge(&mut symbols);
        ids.extend(symbols.iter().filter(|symbol| !symbol.is_gone).map(|symbol| symbol.id));
    }

    /// Returns the token of each character.
    fn symbols(&self, word: &str) -> Vec<Symbol> {
        let mut found: Vec<u32> = Vec::with_capacity(word.len());
        // An unknown token that waits for more of its kind.
        let mut waiting: Option<u32> = None;
        let mut token = String::new();
        for (at, c) in word.char_indices() {
            token.clear();
            token.extend(self.continued.as_deref().filter(|_| at > 0));
            token.push(c);
            let is_last = at + c.len_utf8() == word.len();
            token.extend(self.suffix.as_deref().filter(|_| is_last));
            if let Some(id) = self.ids.get(&token) {
                found.extend(waiting.take());
                found.push(*id);
                continue;
            }
            if self.has_bytes
                && let Some(bytes) = bytes(&token, &self.ids)
            {
                found.extend(bytes);
                continue;
            }
            if let Some(unknown) = self.unknown {
                if !self.joins_unknown {
                    found.extend(waiting.take());
                }
                waiting = Some(unknown);
            }
        }
        found.extend(waiting);
        let last = found.len().saturating_sub(1);
        let symbol = |(place, id): (usize, u32)| Symbol {
            id,
            before: place.checked_sub(1),
            after: (place < last).then_some(place + 1),
            is_gone: false,
        };
        found.into_iter().enumerate().map(symbol).collect()
    }

    fn merge(&self, symbols: &mut [Symbol]) {
        let mut queue: BinaryHeap<Reverse<(u32, usize, u32)>> = BinaryHeap::new();
        let look = |symbols: &[Symbol], left: usize, queue: &mut BinaryHeap<_>| {
            let Some(right) = symbols[left].after else { return };
            if let Some((rank, id)) = self.merges.get(&(symbols[left].id, symbols[right].id)) {
                queue.push(Reverse((*rank, left, *id)));
            }
        };
        for left in 0..symbols.len() {
            look(symbols, left, &mut queue);
        }
        while let Some(Reverse((_, left, id))) = queue.pop() {
            let Some(right) = symbols[left].after.filter(|_| !symbols[left].is_gone) else {
                continue;
            };
            // A pair of which one token has changed is another one.
            let pair = (symbols[left].id, symbols[right].id);
            if self.merges.get(&pair).is_none_or(|(_, found)| *found != id) {
                continue;
            }
            let after = symbols[right].after;
            symbols[left].id = id;
            symbols[left].after = after;
            symbols[right].is_gone = true;
            if let Some(after) = after {
                symbols[after].before = Some(left);
            }
            if let Some(before) = symbols[left].before {
                look(symbols, before, &mut queue);
            }
            look(symbols, left, &mut queue);
        }
    }
}

/// Returns the tokens of the bytes of a text, if all are there.
pub(crate) fn bytes(text: &str, ids: &HashMap<String, u32>) -> Option<Vec<u32>> {
    text.bytes().map(|byte| ids.get(&format!("<0x{byte:02X}>")).copied()).collect()
}
