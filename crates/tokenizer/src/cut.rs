//! How a text is cut into what the model makes tokens of, one by one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::file::{Behavior, PreTokenizerFile, PrependScheme};
use crate::pattern::Pattern;
use crate::{Piece, TokenizerError};

/// GPT-2's words.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// A step of cutting.
#[derive(Debug)]
pub(crate) enum Cut {
    /// Where characters of a kind are, one match each.
    Characters(Characters, Behavior),
    /// Where matches are, or everything between them.
    Matches { pattern: Pattern, is_inverted: bool, behavior: Behavior },
    /// A space in front where there is none.
    Spaced,
    /// Each byte as a character that can be seen.
    Bytes,
    /// Spaces as another character, which goes with what follows.
    Metaspace { replacement: char, prepend: PrependScheme, is_cut: bool },
}

/// A kind of characters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Characters {
    Whitespace,
    Punctuation,
    Numeric,
    Only(char),
}

static PUNCTUATION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\p{P}").expect("a constant pattern, which tests compile"));

impl Characters {
    fn have(self, c: char) -> bool {
        match self {
            Self::Whitespace => c.is_whitespace(),
            Self::Punctuation if c.is_ascii() => c.is_ascii_punctuation(),
            Self::Punctuation => PUNCTUATION.is_match(c.encode_utf8(&mut [0; 4])),
            Self::Numeric => c.is_numeric(),
            Self::Only(only) => c == only,
        }
    }
}

/// Returns the steps of a pre-tokenizer, in order.
pub(crate) fn of_file(file: Option<PreTokenizerFile>) -> Result<Vec<Cut>, TokenizerError> {
    let mut steps = Vec::new();
    if let Some(file) = file {
        push(file, &mut steps)?;
    }
    Ok(steps)
}

fn push(file: PreTokenizerFile, steps: &mut Vec<Cut>) -> Result<(), TokenizerError> {
    let matches =
        |pattern: Pattern, is_inverted, behavior| Cut::Matches { pattern, is_inverted, behavior };
    match file {
        PreTokenizerFile::Sequence { pretokenizers } => {
            return pretokenizers.into_iter().try_for_each(|cut| push(cut, steps));
        }
        PreTokenizerFile::ByteLevel { add_prefix_space, use_regex, .. } => {
            steps.extend(add_prefix_space.then_some(Cut::Spaced));
            if use_regex {
                steps.push(matches(Pattern::new(WORDS)?, false, Behavior::Isolated));
            }
            steps.push(Cut::Bytes);
        }
        PreTokenizerFile::BertPreTokenizer {} => {
            steps.push(Cut::Characters(Characters::Whitespace, Behavior::Removed));
            steps.push(Cut::Characters(Characters::Punctuation, Behavior::Isolated));
        }
        PreTokenizerFile::Whitespace {} => {
            let words = Pattern::new(r"\w+|[^\w\s]+")?;
            steps.push(matches(words, true, Behavior::Removed));
        }
        PreTokenizerFile::WhitespaceSplit {} => {
            steps.push(Cut::Characters(Characters::Whitespace, Behavior::Removed));
        }
        PreTokenizerFile::Punctuation { behavior } => {
            steps.push(Cut::Characters(Characters::Punctuation, behavior));
        }
        PreTokenizerFile::Digits { individual_digits } => {
            let behavior =
                if individual_digits { Behavior::Isolated } else { Behavior::Contiguous };
            steps.push(Cut::Characters(Characters::Numeric, behavior));
        }
        PreTokenizerFile::CharDelimiterSplit { delimiter } => {
            steps.push(Cut::Characters(Characters::Only(delimiter), Behavior::Removed));
        }
        PreTokenizerFile::Split { pattern, behavior, invert } => {
            steps.push(matches(Pattern::of_file(&pattern)?, invert, behavior));
        }
        PreTokenizerFile::Metaspace {
            replacement,
            add_prefix_space,
            prepend_scheme,
            split,
            ..
        } => {
            let prepend = match (add_prefix_space, prepend_scheme) {
                (Some(false), None | Some(PrependScheme::Never)) => PrependScheme::Never,
                (Some(false), _) => {
                    let reason = "`add_prefix_space` contradicts `prepend_scheme`";
                    return Err(TokenizerError::Part { part: "pre_tokenizer", reason });
                }
                (_, scheme) => scheme.unwrap_or(PrependScheme::Always),
            };
            let is_cut = split.unwrap_or(true);
            steps.push(Cut::Metaspace { replacement, prepend, is_cut });
        }
    }
    Ok(())
}

impl Cut {
    /// Cuts all pieces that are no added tokens.
    pub(crate) fn apply(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut cut = Vec::with_capacity(pieces.len());
        for mut piece in pieces {
            if piece.id.is_some() {
                cut.push(piece);
                continue;
            }
            match self {
                Self::Characters(characters, behavior) => {
                    let found = piece.text.char_indices().filter(|(_, c)| characters.have(*c));
                    let found = found.map(|(at, c)| at..at + c.len_utf8()).collect();
                    let parts = parts(found, piece.text.len());
                    cut.extend(pieces_of(&piece, parts, *behavior));
                }
                Self::Matches { pattern, is_inverted, behavior } => {
                    let mut parts = parts(pattern.matches(&piece.text), piece.text.len());
                    if *is_inverted {
                        parts.iter_mut().for_each(|(_, is_found)| *is_found = !*is_found);
                    }
                    cut.extend(pieces_of(&piece, parts, *behavior));
                }
                Self::Spaced => {
                    if !piece.text.starts_with(' ') {
                        piece.text.insert(0, ' ');
                    }
                    cut.push(piece);
                }
                Self::Bytes => {
                    piece.text = piece.text.bytes().map(byte_char).collect();
                    cut.push(piece);
                }
                Self::Metaspace { replacement, prepend, is_cut } => {
                    piece.text = piece.text.replace(' ', replacement.encode_utf8(&mut [0; 4]));
                    let is_wanted = match prepend {
                        PrependScheme::Always => true,
                        PrependScheme::First => piece.is_first,
                        PrependScheme::Never => false,
                    };
                    if is_wanted && !piece.text.starts_with(*replacement) {
                        piece.text.insert(0, *replacement);
                    }
                    if *is_cut {
                        let found = piece.text.match_indices(*replacement);
                        let found = found.map(|(at, text)| at..at + text.len()).collect();
                        let parts = parts(found, piece.text.len());
                        cut.extend(pieces_of(&piece, parts, Behavior::MergedWithNext));
                    } else {
                        cut.push(piece);
                    }
                }
            }
        }
        cut.retain(|piece| piece.id.is_some() || !piece.text.is_empty());
        cut
    }
}

/// A part of a piece, and whether it is a delimiter.
type Part = (Range<usize>, bool);

/// Returns delimiters with what lies between them.
fn parts(found: Vec<Range<usize>>, len: usize) -> Vec<Part> {
    let mut all = Vec::with_capacity(found.len() * 2 + 1);
    let mut end = 0;
    for range in found {
        if end < range.start {
            all.push((end..range.start, false));
        }
        end = range.end;
        all.push((range, true));
    }
    if end < len {
        all.push((end..len, false));
    }
    all
}

/// Cuts a piece at delimiters, which go where the behavior says.
fn pieces_of(piece: &Piece, all: Vec<Part>, behavior: Behavior) -> Vec<Piece> {
    let ranges: Vec<Range<usize>> = match behavior {
        Behavior::Removed => {
            all.into_iter().filter(|(_, is_found)| !is_found).map(|(range, _)| range).collect()
        }
        Behavior::Isolated => all.into_iter().map(|(range, _)| range).collect(),
        Behavior::Contiguous => joined(all, |(_, before), (_, is_found)| before == is_found),
        Behavior::MergedWithPrevious => {
            joined(all, |(_, before), (_, is_found)| *is_found && !before)
        }
        Behavior::MergedWithNext => joined(all, |(_, before), (_, is_found)| *before && !is_found),
    };
    let part = |range: Range<usize>| Piece {
        is_first: piece.is_first && range.start == 0,
        text: piece.text[range].to_owned(),
        id: None,
    };
    ranges.into_iter().map(part).collect()
}

/// Joins neighbours that belong together.
fn joined(all: Vec<Part>, together: impl Fn(&Part, &Part) -> bool) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for (place, part) in all.iter().enumerate() {
        match (place.checked_sub(1), ranges.last_mut()) {
            (Some(before), Some(last)) if together(&all[before], part) => last.end = part.0.end,
            _ => ranges.push(part.0.clone()),
        }
    }
    ranges
}

/// Returns the character that stands for a byte: itself where it is printable in Latin-1, else one from U+0100 on.
fn byte_char(byte: u8) -> char {
    BYTE_CHARS[usize::from(byte)]
}

/// Returns the byte that a character stands for, if it does.
pub(crate) fn byte_of(c: char) -> Option<u8> {
    static BYTES: LazyLock<BTreeMap<char, u8>> =
        LazyLock::new(|| (0..=u8::MAX).map(|byte| (byte_char(byte), byte)).collect());
    BYTES.get(&c).copied()
}

static BYTE_CHARS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut others = '\u{100}'..;
    let mut char_of = |byte: u8| match is_plain(byte) {
        true => char::from(byte),
        false => others.next().unwrap_or('\u{100}'),
    };
    (0..=u8::MAX).map(&mut char_of).collect()
});
