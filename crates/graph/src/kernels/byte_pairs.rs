//! Byte pair encoding: texts cut into words, and words into tokens of a vocabulary.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;

use arrow::array::{Array, Int64Array};
use regex::Regex;

use super::Texts;
use super::lists_of_text::{list, strings};
use super::many::{Many, Rows};
use super::text::TextBuilder;
use crate::evaluate::Values;
use crate::{GraphError, Vocabulary};

/// What GPT-2 takes for a word, but for whitespace before another word, of which the last character is not part.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    const WORDS: &str = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
    Regex::new(WORDS).expect("a constant pattern, which tests compile")
});

/// Returns the character that stands for a byte: itself where it is printable in Latin-1, else one from U+0100 on.
pub(crate) fn byte_char(byte: u8) -> char {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if is_plain(byte) {
        return char::from(byte);
    }
    let num_before = (0..byte).filter(|other| !is_plain(*other)).count();
    u32::try_from(num_before).ok().and_then(|n| char::from_u32(0x100 + n)).unwrap_or('\u{100}')
}

/// Returns the 256 tokens that stand for one byte each, in the order of their characters: those with which a vocabulary
/// of [`crate::ListOp::BytePairs`] begins.
pub fn byte_tokens() -> Vec<String> {
    let mut chars: Vec<char> = (0..=u8::MAX).map(byte_char).collect();
    chars.sort_unstable();
    chars.into_iter().map(String::from).collect()
}

/// The characters that stand for bytes, as texts.
static BYTES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..=u8::MAX).map(|byte| byte_char(byte).to_string()).collect());

/// Cuts texts into words, and writes each byte as the character that stands for it.
pub(super) fn words(texts: Texts<'_>, num_rows: usize) -> Result<Values, GraphError> {
    let mut items = TextBuilder::with_rows(num_rows);
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            lengths.push(None);
            continue;
        };
        let (mut length, mut end) = (0, 0);
        while let Some(word) = next_word(&text[end..]) {
            for byte in word.bytes() {
                items.push(&BYTES[usize::from(byte)])?;
            }
            items.end_row(true);
            length += 1;
            end += word.len();
        }
        lengths.push(Some(length));
    }
    list(lengths, items)
}

/// Returns the word at the front; every character is part of one.
fn next_word(text: &str) -> Option<&str> {
    let word = WORD.find(text)?.as_str();
    let is_at_end = word.len() == text.len();
    let (last, _) = word.char_indices().next_back()?;
    // Of whitespace before something else the last character goes with that, or is a word of its own.
    let is_space = word.chars().next().is_some_and(char::is_whitespace)
        && word[last..].starts_with(char::is_whitespace);
    if is_space && !is_at_end && last > 0 { Some(&word[..last]) } else { Some(word) }
}

/// Gives the ids of the tokens that the words of lists are made of.
pub(super) fn encode(many: &Many, vocabulary: &Vocabulary) -> Result<Values, GraphError> {
    let words = strings(many)?;
    let mut encoder = Encoder::default();
    let mut ids: Vec<i64> = Vec::with_capacity(words.len());
    let mut lengths = Vec::with_capacity(many.rows.len());
    for row in 0..many.rows.len() {
        let start = ids.len();
        for at in many.rows.items(row).filter(|at| words.is_valid(*at)) {
            encoder.encode(words.value(at), vocabulary, &mut ids);
        }
        lengths.push((!many.rows.is_missing(row)).then_some(ids.len() - start));
    }
    let rows = Rows::new(lengths.into_iter())?;
    Ok(Values::lists(rows, Values::ints(Int64Array::from(ids))))
}

/// A piece of a word, and its neighbours; those that became part of another one are empty.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    end: usize,
    before: Option<usize>,
    after: Option<usize>,
}

/// What is needed to encode a word, kept for the next one.
#[derive(Default)]
struct Encoder {
    pieces: Vec<Piece>,
    /// Pairs that are a token: its id, the place of the left piece, and where the right one ends.
    pairs: BinaryHeap<Reverse<(usize, usize, usize)>>,
}

impl Encoder {
    fn encode(&mut self, word: &str, vocabulary: &Vocabulary, ids: &mut Vec<i64>) {
        self.pieces.clear();
        for (place, (start, c)) in word.char_indices().enumerate() {
            let (before, end) = (place.checked_sub(1), start + c.len_utf8());
            let after = (end < word.len()).then_some(place + 1);
            self.pieces.push(Piece { start, end, before, after });
        }
        for place in 0..self.pieces.len() {
            self.look_at(place, word, vocabulary);
        }
        while let Some(Reverse((_, left, end))) = self.pairs.pop() {
            let piece = self.pieces[left];
            let Some(right) = piece.after else { continue };
            // A pair of which one piece has changed is none, or another one.
            if piece.start == piece.end || self.pieces[right].end != end {
                continue;
            }
            let after = self.pieces[right].after;
            self.pieces[left] = Piece { end, after, ..piece };
            self.pieces[right].start = self.pieces[right].end;
            if let Some(after) = after {
                self.pieces[after].before = Some(left);
            }
            self.look_at(left, word, vocabulary);
            if let Some(before) = piece.before {
                self.look_at(before, word, vocabulary);
            }
        }
        let mut place = (!self.pieces.is_empty()).then_some(0);
        while let Some(piece) = place.map(|place| self.pieces[place]) {
            let id = vocabulary.id(&word[piece.start..piece.end]);
            ids.extend(id.and_then(|id| i64::try_from(id).ok()));
            place = piece.after;
        }
    }

    /// Remembers a piece and the one behind it if they are a token together.
    fn look_at(&mut self, place: usize, word: &str, vocabulary: &Vocabulary) {
        let piece = self.pieces[place];
        let Some(after) = piece.after else { return };
        let end = self.pieces[after].end;
        if let Some(id) = vocabulary.id(&word[piece.start..end]) {
            self.pairs.push(Reverse((id, place, end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let (mut words, mut end) = (Vec::new(), 0);
        while let Some(word) = next_word(&text[end..]) {
            words.push(word);
            end += word.len();
        }
        words
    }

    #[test]
    fn a_space_goes_with_the_word_behind_it() {
        assert_eq!(cut("Hello, my dog's 2nd"), ["Hello", ",", " my", " dog", "'s", " 2", "nd"]);
        assert_eq!(cut("a  b\n\nc \n"), ["a", " ", " b", "\n", "\n", "c", " \n"]);
        assert_eq!(cut(" ä1🚕 ("), [" ä", "1", "🚕", " ("]);
        assert_eq!(cut(""), [""; 0]);
        assert_eq!(cut("\u{a0}x\u{3000}\u{3000}y"), ["\u{a0}", "x", "\u{3000}", "\u{3000}", "y"]);
    }

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let chars: std::collections::BTreeSet<char> = (0..=u8::MAX).map(byte_char).collect();
        assert_eq!(chars.len(), 256);
        assert!(chars.iter().all(|c| !c.is_whitespace() && !c.is_control()));
        assert_eq!(
            [b' ', b'\n', b'a', 0xC3, 0, 0xAD].map(byte_char),
            ['Ġ', 'Ċ', 'a', 'Ã', 'Ā', 'Ń']
        );
    }

    fn ids(word: &str, tokens: &[&str]) -> Vec<i64> {
        let mut ids = Vec::new();
        Encoder::default().encode(word, &Vocabulary::new(tokens).unwrap(), &mut ids);
        ids
    }

    #[test]
    fn pairs_go_together_by_the_lowest_id_and_from_the_left() {
        let tokens = ["a", "b", "c", "bc", "ab", "abc", "aa"];
        assert_eq!(ids("abc", &tokens), [5]);
        assert_eq!(ids("abcb", &tokens), [5, 1]);
        assert_eq!(ids("aaa", &tokens), [6, 0]);
        assert_eq!(ids("axb", &tokens), [0, 1]);
        assert_eq!(ids("", &tokens), [0; 0]);
        // A megabyte of one letter.
        let long = "a".repeat(1 << 20);
        assert_eq!(ids(&long, &tokens), vec![6; 1 << 19]);
    }
}
