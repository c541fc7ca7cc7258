//! Lower and upper case.
//!
//! TensorFlow's own stop at the first zero byte, know the letters of another version of Unicode than ours, and ask the
//! process for its language. So that only ASCII is left to them; other texts are taken apart into characters, for
//! which our own tables go along, and put together again.

use std::sync::LazyLock;

use formats::tensorflow::DataType;

use super::{BOOL, INT, Lowering, STRING};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// Letters, by code point, that another text replaces.
struct Letters {
    codes: Vec<i32>,
    replacements: Vec<String>,
}

const SIGMA: char = 'Σ';
const FINAL_SIGMA: &str = "ς";

static LOWER: LazyLock<Letters> = LazyLock::new(|| Letters::new(|c| c.to_lowercase().collect()));
static UPPER: LazyLock<Letters> = LazyLock::new(|| Letters::new(|c| c.to_uppercase().collect()));

/// What the rule for a sigma at the end of a word asks of characters: the bounds of the ranges of those that have case,
/// and of those that are looked through.
static CASED: LazyLock<(Vec<i32>, Vec<i32>)> = LazyLock::new(|| {
    let is_final = |text: String| text.to_lowercase().ends_with(FINAL_SIGMA);
    let is_cased = |c: char| is_final(format!("{c}{SIGMA}"));
    let is_ignored = |c: char| !is_cased(c) && is_final(format!("A{c}{SIGMA}"));
    (ranges(is_cased), ranges(is_ignored))
});

/// Returns all characters that could have case or be part of such a rule: not the planes of ideographs and of private
/// use.
fn characters() -> impl Iterator<Item = char> {
    ('\0'..='\u{1ffff}').chain('\u{e0000}'..='\u{effff}')
}

fn code(c: char) -> i32 {
    i32::try_from(u32::from(c)).expect("21 bits")
}

impl Letters {
    fn new(replacement: impl Fn(char) -> String) -> Self {
        let mut letters = Self { codes: Vec::new(), replacements: Vec::new() };
        for c in characters() {
            let replacement = replacement(c);
            if !replacement.chars().eq([c]) {
                letters.codes.push(code(c));
                letters.replacements.push(replacement);
            }
        }
        letters
    }
}

/// Returns where ranges of characters begin and end, in turn.
fn ranges(holds: impl Fn(char) -> bool) -> Vec<i32> {
    let mut bounds: Vec<i32> = Vec::new();
    for c in characters() {
        let is_within = bounds.len() % 2 == 1;
        if holds(c) != is_within {
            bounds.push(code(c));
        }
    }
    bounds
}

/// The characters of all texts, one after the other.
struct Text {
    /// The code points as `DT_INT32`.
    codes: Tensor,
    /// The text of each.
    rows: Tensor,
    /// Each as a text.
    letters: Tensor,
}

impl Lowering<'_> {
    pub(super) fn lower_case(&mut self, a: &Tensor) -> Tensor {
        self.other_case(a, "StringLower", |lowering, text| {
            let lower = lowering.replace_letters(text, &LOWER);
            let is_final = lowering.is_final_sigma(text);
            let sigma = lowering.writer.constant(tensor::text(FINAL_SIGMA));
            lowering.writer.select(&is_final, &sigma, &lower)
        })
    }

    pub(super) fn upper_case(&mut self, a: &Tensor) -> Tensor {
        self.other_case(a, "StringUpper", |lowering, text| lowering.replace_letters(text, &UPPER))
    }

    fn other_case(
        &mut self,
        a: &Tensor,
        op: &str,
        replace: impl Fn(&mut Self, &Text) -> Tensor,
    ) -> Tensor {
        let is_ascii = self.is_ascii(a);
        let ascii = self.writer.text(op, a);
        let nothing = self.writer.constant(tensor::text(""));
        let texts = self.writer.select(&is_ascii, &nothing, a);
        let shape = self.writer.shape(&texts);
        let flat = self.writer.constant(tensor::int32s(&[-1]));
        let texts = self.writer.reshape(&texts, &flat);

        let (splits, codes) = self.decode(&texts);
        let rows = self.rows_of(&splits, &codes);
        let size = self.writer.size(&codes);
        let (zero, one) = (self.int(0), self.int(1));
        let end = self.writer.binary("AddV2", &size, &one);
        let each = self.writer.node("Range").input(&zero).input(&end).input(&one);
        let each = each.data_type("Tidx", INT).output(INT);
        let letters = self.writer.node("UnicodeEncode").input(&codes).input(&each);
        let letters = letters.bytes("output_encoding", "UTF-8").data_type("Tsplits", INT);
        let letters = letters.output(STRING);

        let text = Text { codes, rows, letters };
        let letters = replace(self, &text);
        let num_rows = self.writer.size(&texts);
        let joined = self.writer.node("UnsortedSegmentJoin").input(&letters).input(&text.rows);
        let joined = joined.input(&num_rows).data_type("Tindices", INT);
        let joined = joined.data_type("Tnumsegments", INT).output(STRING);
        let joined = self.writer.reshape(&joined, &shape);
        self.writer.select(&is_ascii, &ascii, &joined)
    }

    fn replace_letters(&mut self, text: &Text, letters: &Letters) -> Tensor {
        let codes = self.writer.constant(tensor::int32s(&letters.codes));
        let last = self.int(tensor::len(&letters.codes) - 1);
        let at = self.bound("LowerBound", &codes, &text.codes);
        let at = self.writer.binary("Minimum", &at, &last);
        let found = self.writer.gather(&codes, &at);
        let is_found = self.writer.compare("Equal", &found, &text.codes);
        let replacements: Vec<&str> = letters.replacements.iter().map(String::as_str).collect();
        let replacements = self.writer.constant(tensor::texts(&replacements));
        let replacement = self.writer.gather(&replacements, &at);
        self.writer.select(&is_found, &replacement, &text.letters)
    }

    /// Tells of each character whether it is a sigma at the end of a word: behind one that has case and before none,
    /// looking through others such as apostrophes.
    fn is_final_sigma(&mut self, text: &Text) -> Tensor {
        let (cased, ignored) = &*CASED;
        let is_ignored = self.is_within(&text.codes, ignored);
        let is_kept = self.writer.not(&is_ignored);
        let kept = self.writer.node("Where").input(&is_kept).data_type("T", BOOL).output(INT);
        let flat = self.writer.constant(tensor::int32s(&[-1]));
        let places = self.writer.reshape(&kept, &flat);
        let codes = self.writer.gather(&text.codes, &places);
        let rows = self.writer.gather(&text.rows, &places);
        let is_cased = self.is_within(&codes, cased);

        let no = self.writer.constant(tensor::bools(&[false]));
        let none = self.writer.constant(tensor::ints(&[-1]));
        let [is_before, is_behind] = [true, false].map(|from_before| {
            let is_cased = self.shift(&is_cased, &no, from_before);
            let other_rows = self.shift(&rows, &none, from_before);
            let is_same = self.writer.compare("Equal", &rows, &other_rows);
            self.writer.and(&is_same, &is_cased)
        });
        let sigma = self.writer.constant(tensor::int32(code(SIGMA)));
        let is_sigma = self.writer.compare("Equal", &codes, &sigma);
        let is_last = self.writer.not(&is_behind);
        let is_final = self.writer.and(&is_sigma, &is_before);
        let is_final = self.writer.and(&is_final, &is_last);

        let is_final = self.writer.cast(&is_final, INT);
        let size = self.writer.node("Shape").input(&text.codes);
        let size = size.data_type("T", DataType::DtInt32).data_type("out_type", INT).output(INT);
        let spread = self.writer.node("ScatterNd").input(&kept).input(&is_final).input(&size);
        let spread = spread.data_type("T", INT).data_type("Tindices", INT).output(INT);
        let one = self.int(1);
        self.writer.compare("Equal", &spread, &one)
    }

    /// Returns what is one place before each element, or behind it; `edge` where there is nothing.
    fn shift(&mut self, list: &Tensor, edge: &Tensor, from_before: bool) -> Tensor {
        let (first, second) = if from_before { (edge, list) } else { (list, edge) };
        let longer = self.writer.concat(&[first, second]);
        if from_before { self.slice(&longer, 0, -1) } else { self.slice(&longer, 1, 0) }
    }

    /// Tells of each code whether it is in one of some ranges, whose bounds are given in turn.
    fn is_within(&mut self, codes: &Tensor, bounds: &[i32]) -> Tensor {
        let bounds = self.writer.constant(tensor::int32s(bounds));
        let num_below = self.bound("UpperBound", &bounds, codes);
        let (one, two) = (self.int(1), self.int(2));
        let rest = self.writer.binary("FloorMod", &num_below, &two);
        self.writer.compare("Equal", &rest, &one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lower case by the tables alone, as the nodes compute it.
    fn lower(text: &str) -> String {
        let (cased, ignored) = &*CASED;
        let within =
            |c: char, bounds: &[i32]| bounds.partition_point(|bound| *bound <= code(c)) % 2 == 1;
        let kept: Vec<(usize, char)> =
            text.chars().enumerate().filter(|(_, c)| !within(*c, ignored)).collect();
        let is_cased = |place: Option<usize>| {
            place.and_then(|place| kept.get(place)).is_some_and(|(_, c)| within(*c, cased))
        };
        let is_final = |at: usize| {
            let place = kept.iter().position(|(place, _)| *place == at).unwrap();
            is_cased(place.checked_sub(1)) && !is_cased(Some(place + 1))
        };
        let letter = |(at, c): (usize, char)| match LOWER.codes.binary_search(&code(c)) {
            _ if c == SIGMA && is_final(at) => FINAL_SIGMA.to_owned(),
            Ok(place) => LOWER.replacements[place].clone(),
            Err(_) => c.to_string(),
        };
        text.chars().enumerate().map(letter).collect()
    }

    #[test]
    fn tables_hold_what_unicode_says() {
        for text in ["", "ΑΣ", "ΣΑΣ", "Α'Σ'Σ", "Σ", "Α Σ", "ΑΣ.Σ", "İSTANBUL ÄΣ\u{301}", "ᾼΣ"]
        {
            assert_eq!(lower(text), text.to_lowercase(), "{text:?}");
        }
        for c in characters() {
            let text = format!("A{c}ΣB{c}");
            assert_eq!(lower(&text), text.to_lowercase(), "{text:?}");
        }
        assert_eq!(UPPER.replacements[UPPER.codes.binary_search(&code('ß')).unwrap()], "SS");
    }

    #[test]
    fn characters_outside_of_the_tables_have_no_case() {
        let others = ('\u{20000}'..='\u{dffff}').chain('\u{f0000}'..=char::MAX);
        for c in others.step_by(97) {
            assert!(c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]), "{c:?}");
            assert!(!format!("A{c}Σ").to_lowercase().ends_with(FINAL_SIGMA), "{c:?}");
        }
    }
}
