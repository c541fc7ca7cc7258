//! Tokens that are looked for before the model sees a text.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::file::AddedTokenFile;
use crate::normalize::Normalize;
use crate::{Piece, TokenizerError};

/// The added tokens of a file: those that are looked for in the text as it came, and those in the normalized one.
pub(crate) struct AddedTokens {
    raw: Option<Finder>,
    normalized: Option<Finder>,
    /// The texts of all of them, as they are looked for.
    texts: BTreeMap<u32, String>,
    /// The texts of those that are no text of anybody's.
    special: BTreeSet<String>,
}

struct Finder {
    /// All texts, the longest first, so that the longest is found where several begin.
    regex: Regex,
    by_text: BTreeMap<String, Token>,
}

struct Token {
    id: u32,
    is_single_word: bool,
    takes_space_before: bool,
    takes_space_behind: bool,
}

impl AddedTokens {
    pub(crate) fn of_file(
        tokens: Vec<AddedTokenFile>,
        normalizers: &[Normalize],
    ) -> Result<Self, TokenizerError> {
        let (mut raw, mut normalized) = (BTreeMap::new(), BTreeMap::new());
        let (mut texts, mut special) = (BTreeMap::new(), BTreeSet::new());
        for AddedTokenFile {
            id,
            mut content,
            single_word,
            lstrip,
            rstrip,
            normalized: is_normalized,
            special: is_special,
        } in tokens
        {
            let token = Token {
                id,
                is_single_word: single_word,
                takes_space_before: lstrip,
                takes_space_behind: rstrip,
            };
            if is_normalized {
                normalizers.iter().for_each(|normalizer| normalizer.apply(&mut content));
            }
            if is_special {
                special.insert(content.clone());
            }
            texts.insert(id, content.clone());
            let among = if is_normalized { &mut normalized } else { &mut raw };
            if !content.is_empty() {
                among.insert(content, token);
            }
        }
        Ok(Self { raw: Finder::new(raw)?, normalized: Finder::new(normalized)?, texts, special })
    }

    /// Returns the text of a token, if it is one of these.
    pub(crate) fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(&id).map(String::as_str)
    }

    /// Returns whether a token of this text is special.
    pub(crate) fn is_special(&self, text: &str) -> bool {
        self.special.contains(text)
    }

    /// Cuts a text at the tokens that are looked for in it as it came.
    pub(crate) fn cut_raw(&self, text: &str) -> Vec<Piece> {
        let whole = Piece { text: text.to_owned(), is_first: true, id: None };
        match &self.raw {
            Some(finder) => finder.cut(whole),
            None => vec![whole],
        }
    }

    /// Cuts the pieces that are no tokens yet, after they were normalized.
    pub(crate) fn cut_normalized(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        match &self.normalized {
            Some(finder) => pieces
                .into_iter()
                .flat_map(|piece| match piece.id {
                    Some(_) => vec![piece],
                    None => finder.cut(piece),
                })
                .collect(),
            None => pieces,
        }
    }
}

impl Finder {
    fn new(by_text: BTreeMap<String, Token>) -> Result<Option<Self>, TokenizerError> {
        if by_text.is_empty() {
            return Ok(None);
        }
        let mut texts: Vec<&String> = by_text.keys().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let texts: Vec<String> = texts.into_iter().map(|text| regex_syntax::escape(text)).collect();
        let regex = regex::RegexBuilder::new(&texts.join("|")).size_limit(MAX_REGEX_BYTES).build();
        let regex = regex.map_err(|_| TokenizerError::Part {
            part: "added_tokens",
            reason: "more of them than can be looked for",
        })?;
        Ok(Some(Self { regex, by_text }))
    }

    fn cut(&self, piece: Piece) -> Vec<Piece> {
        let text = &piece.text;
        let mut pieces = Vec::new();
        let part = |start: usize, end: usize, id: Option<u32>| Piece {
            text: text[start..end].to_owned(),
            is_first: piece.is_first && start == 0,
            id,
        };
        let mut last_end = 0;
        for found in self.regex.find_iter(text) {
            let Some(token) = self.by_text.get(found.as_str()) else { continue };
            let (mut start, mut end) = (found.start(), found.end());
            let is_within = |neighbour: Option<char>| neighbour.is_some_and(is_word);
            if token.is_single_word
                && (is_within(text[..start].chars().next_back())
                    || is_within(text[end..].chars().next()))
            {
                continue;
            }
            if token.takes_space_before {
                start = text[..start].trim_end().len().max(last_end);
            }
            if token.takes_space_behind {
                end = text.len() - text[end..].trim_start().len();
            }
            if last_end < start {
                pieces.push(part(last_end, start, None));
            }
            pieces.push(part(start, end, Some(token.id)));
            last_end = end;
        }
        if last_end < text.len() {
            pieces.push(part(last_end, text.len(), None));
        }
        pieces
    }
}

const MAX_REGEX_BYTES: usize = 64 << 20;

/// Returns whether a character is part of a word, as `\w` has it.
fn is_word(c: char) -> bool {
    regex_syntax::is_word_character(c)
}
