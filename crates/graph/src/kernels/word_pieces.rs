//! WordPiece: texts cut into words as BERT does, and words into the longest pieces of a vocabulary.

use std::sync::LazyLock;

use arrow::array::{Array, Int64Array};
use regex::Regex;

use super::Texts;
use super::lists_of_text::{list, strings};
use super::many::{Many, Rows};
use super::text::TextBuilder;
use crate::evaluate::Values;
use crate::{GraphError, Vocabulary};

/// What words that the vocabulary cannot make are.
pub(crate) const UNKNOWN: &str = "[UNK]";

/// What stands before a piece that is not the first of its word.
const CONTINUED: &str = "##";

/// BERT takes longer words for unknown ones.
const LONGEST_WORD: usize = 100;

/// A punctuation mark, an ideograph, or a run of anything else but whitespace.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    const ALONE: &str = r"\p{P}$+<=>^`|~\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}";
    Regex::new(&format!(r"[{ALONE}]|[^\s{ALONE}]+"))
        .expect("a constant pattern, which tests compile")
});

/// Cuts texts into words.
pub(super) fn words(texts: Texts<'_>, num_rows: usize) -> Result<Values, GraphError> {
    let mut items = TextBuilder::with_rows(num_rows);
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            lengths.push(None);
            continue;
        };
        let mut length = 0;
        for word in WORD.find_iter(text) {
            items.push_row(Some(word.as_str()))?;
            length += 1;
        }
        lengths.push(Some(length));
    }
    list(lengths, items)
}

/// Gives the ids of the pieces that the words of lists are made of.
pub(super) fn encode(many: &Many, vocabulary: &Vocabulary) -> Result<Values, GraphError> {
    let words = strings(many)?;
    let mut ids: Vec<i64> = Vec::with_capacity(words.len());
    let mut lengths = Vec::with_capacity(many.rows.len());
    let mut piece = String::new();
    for row in 0..many.rows.len() {
        let start = ids.len();
        for at in many.rows.items(row).filter(|at| words.is_valid(*at)) {
            pieces(words.value(at), vocabulary, &mut piece, &mut ids);
        }
        lengths.push((!many.rows.is_missing(row)).then_some(ids.len() - start));
    }
    let rows = Rows::new(lengths.into_iter())?;
    Ok(Values::lists(rows, Values::ints(Int64Array::from(ids))))
}

/// Takes the longest piece that is in the vocabulary from the front of a word, again and again.
fn pieces(word: &str, vocabulary: &Vocabulary, piece: &mut String, ids: &mut Vec<i64>) {
    let before = ids.len();
    let mut found_all = word.chars().nth(LONGEST_WORD).is_none();
    let mut start = 0;
    while found_all && start < word.len() {
        let ends = word[start..].char_indices().map(|(at, c)| start + at + c.len_utf8()).rev();
        let longest = ends.into_iter().find_map(|end| {
            piece.clear();
            piece.push_str(if start > 0 { CONTINUED } else { "" });
            piece.push_str(&word[start..end]);
            Some((end, vocabulary.id(piece)?))
        });
        match longest {
            Some((end, id)) => {
                ids.extend(i64::try_from(id));
                start = end;
            }
            None => found_all = false,
        }
    }
    if !found_all {
        ids.truncate(before);
        ids.extend(vocabulary.id(UNKNOWN).and_then(|id| i64::try_from(id).ok()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_and_ideographs_are_words_of_their_own() {
        let cut =
            |text: &'static str| WORD.find_iter(text).map(|word| word.as_str()).collect::<Vec<_>>();
        assert_eq!(cut("Don't  pay $5.\n"), ["Don", "'", "t", "pay", "$", "5", "."]);
        assert_eq!(cut("東京タワー «ä»"), ["東", "京", "タワー", "«", "ä", "»"]);
        assert_eq!(cut(" \u{a0}"), [""; 0]);
    }

    #[test]
    fn the_longest_piece_comes_first() {
        let tokens = ["[UNK]", "un", "##aff", "##able", "##a", "una", "##ffable", "ä"];
        let vocabulary = Vocabulary::new(tokens).unwrap();
        let of = |word: &str| {
            let mut ids = Vec::new();
            pieces(word, &vocabulary, &mut String::new(), &mut ids);
            ids
        };
        assert_eq!(of("unaffable"), [5, 6]);
        assert_eq!(of("unaff"), [0]);
        assert_eq!(of("una"), [5]);
        assert_eq!(of("unaa"), [5, 4]);
        assert_eq!(of("äa"), [7, 4]);
        assert_eq!(of(""), [0; 0]);
        assert_eq!(of(&"a".repeat(101)), [0]);
        assert_eq!(of(&format!("una{}", "a".repeat(97))).len(), 98);
    }
}
