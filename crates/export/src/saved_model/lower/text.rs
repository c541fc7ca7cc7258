//! Operations of text.

use formats::tensorflow::DataType;
use graph::{Literal, Op, TrimSide};

use super::{BOOL, CHECKED, INT, Lowering, STRING};
use crate::saved_model::support::{NOT_CONSTANT, is_pattern};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// The characters of texts, all behind each other.
pub(super) struct Characters {
    /// Where each text starts.
    pub(super) starts: Tensor,
    /// How many characters each text has.
    pub(super) lengths: Tensor,
    /// The code points as `DT_INT64`, and a 0 behind them all.
    pub(super) codes: Tensor,
}

impl Lowering<'_> {
    pub(super) fn trim(&mut self, side: TrimSide, a: &Tensor) -> Tensor {
        match side {
            TrimSide::Both => self.writer.text("StringStrip", a),
            TrimSide::Left => self.without(a, r"\A[ \t\n\v\f\r]+"),
            TrimSide::Right => self.without(a, r"[ \t\n\v\f\r]+\z"),
        }
    }

    fn measure(&mut self, a: &Tensor, unit: &str) -> Tensor {
        let length = self.writer.node("StringLength").input(a).bytes("unit", unit);
        let length = length.output(DataType::DtInt32);
        self.writer.cast(&length, INT)
    }

    pub(super) fn num_bytes(&mut self, a: &Tensor) -> Tensor {
        self.measure(a, "BYTE")
    }

    pub(super) fn num_characters(&mut self, a: &Tensor) -> Tensor {
        self.measure(a, "UTF8_CHAR")
    }

    pub(super) fn concat(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        self.writer.node("StringJoin").input(a).input(b).int("N", 2).output(STRING)
    }

    /// Returns a part of each text; it has to start in it or at its end.
    pub(super) fn part(
        &mut self,
        a: &Tensor,
        start: &Tensor,
        length: &Tensor,
        unit: &str,
    ) -> Tensor {
        let node = self.writer.node("Substr").input(a).input(start).input(length);
        node.data_type("T", INT).bytes("unit", unit).output(STRING)
    }

    /// Returns the characters of a text from position `start` on, which counts from 1.
    pub(super) fn substring(&mut self, a: &Tensor, start: i64, length: Option<u64>) -> Tensor {
        let num_before = start.saturating_sub(1).max(0);
        // Positions before the first count towards the length.
        let num_virtual = if start < 1 { start.abs_diff(1) } else { 0 };
        let all = self.num_characters(a);
        let num_before = self.int(num_before);
        let start = self.writer.binary("Minimum", &all, &num_before);
        let length = match length {
            None => all,
            Some(length) => {
                let kept = i64::try_from(length.saturating_sub(num_virtual)).unwrap_or(i64::MAX);
                let kept = self.int(kept);
                self.writer.binary("Minimum", &all, &kept)
            }
        };
        self.part(a, &start, &length, "UTF8_CHAR")
    }

    pub(super) fn replace(&mut self, a: &Tensor, from: &str, to: &str) -> Tensor {
        if from.is_empty() {
            return a.clone();
        }
        let node = self.writer.node("StaticRegexReplace").input(a).bytes("pattern", quote(from));
        node.bytes("rewrite", to.replace('\\', r"\\")).bool("replace_global", true).output(STRING)
    }

    pub(super) fn starts_with(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        let (len_a, len_b) = (self.num_bytes(a), self.num_bytes(b));
        let length = self.writer.binary("Minimum", &len_a, &len_b);
        let start = self.writer.node("ZerosLike").input(&length).data_type("T", INT).output(INT);
        let part = self.part(a, &start, &length, "BYTE");
        self.writer.compare("Equal", &part, b)
    }

    pub(super) fn ends_with(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        let (len_a, len_b) = (self.num_bytes(a), self.num_bytes(b));
        let length = self.writer.binary("Minimum", &len_a, &len_b);
        let start = self.writer.binary("Sub", &len_a, &length);
        let part = self.part(a, &start, &length, "BYTE");
        self.writer.compare("Equal", &part, b)
    }

    /// Tells of each text whether a constant is in it.
    pub(super) fn contains(&mut self, a: &Tensor, constant: &Op) -> Result<Tensor, &'static str> {
        match constant {
            Op::Literal(Literal::String(part)) if is_pattern(part) => {
                Ok(self.matches(a, &format!("(?s).*{}.*", quote(part))))
            }
            Op::Literal(_) => Err("a text of more than 10000 bytes is too long to be looked for"),
            _ => Err(NOT_CONSTANT),
        }
    }

    /// Returns the place of a constant in each text in characters from 1, 0 where it is not in it.
    pub(super) fn position(&mut self, a: &Tensor, constant: &Op) -> Result<Tensor, &'static str> {
        let Op::Literal(Literal::String(part)) = constant else { return Err(NOT_CONSTANT) };
        let is_in = self.contains(a, constant)?;
        let node = self.writer.node("StaticRegexReplace").input(a);
        let node = node.bytes("pattern", format!(r"\A((?s:.*?)){}(?s:.*)\z", quote(part)));
        let node = node.bytes("rewrite", r"\1").bool("replace_global", false);
        let before = node.output(STRING);
        let (zero, one) = (self.int(0), self.int(1));
        let place = self.num_characters(&before);
        let place = self.writer.binary("AddV2", &place, &one);
        Ok(self.writer.select(&is_in, &place, &zero))
    }

    /// Returns the code points of texts, which are flat: where each starts, with the end of all behind them, and the
    /// points.
    pub(super) fn decode(&mut self, texts: &Tensor) -> (Tensor, Tensor) {
        let node = self.writer.node("UnicodeDecode").input(texts).bytes("input_encoding", "UTF-8");
        let node = node.bytes("errors", "strict").data_type("Tsplits", INT);
        let outputs = node.outputs(&[INT, DataType::DtInt32]);
        match <[Tensor; 2]>::try_from(outputs) {
            Ok([splits, codes]) => (splits, codes),
            Err(_) => unreachable!("{CHECKED}"),
        }
    }

    /// Returns the characters of texts of any shape, as if it were flat.
    pub(super) fn characters(&mut self, texts: &Tensor) -> Characters {
        let flat = self.writer.constant(tensor::int32s(&[-1]));
        let texts = self.writer.reshape(texts, &flat);
        let (splits, codes) = self.decode(&texts);
        let codes = self.writer.cast(&codes, INT);
        let end = self.writer.constant(tensor::ints(&[0]));
        let codes = self.writer.concat(&[&codes, &end]);
        let starts = self.slice(&splits, 0, -1);
        let ends = self.slice(&splits, 1, 0);
        let lengths = self.writer.binary("Sub", &ends, &starts);
        Characters { starts, lengths, codes }
    }

    pub(super) fn slice(&mut self, list: &Tensor, begin: i32, end: i32) -> Tensor {
        self.writer.slice(list, begin, end)
    }

    /// Returns the row of each element of ragged rows, which are as many as `elements`.
    pub(super) fn rows_of(&mut self, splits: &Tensor, elements: &Tensor) -> Tensor {
        self.writer.rows_of(splits, elements)
    }

    /// Returns where each of some values would go in a sorted list; both are flat.
    pub(super) fn bound(&mut self, op: &str, sorted: &Tensor, values: &Tensor) -> Tensor {
        self.writer.bound(op, sorted, values)
    }

    /// Tells of each text whether it is of ASCII alone.
    pub(super) fn is_ascii(&mut self, a: &Tensor) -> Tensor {
        let node = self.writer.node("StaticRegexFullMatch").input(a);
        node.bytes("pattern", r"[\x00-\x7F]*").output(BOOL)
    }
}

/// Returns the pattern, in RE2's syntax, that matches a text alone.
pub(super) fn quote(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            '\0' => pattern.push_str(r"\x00"),
            c if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() => pattern.push(c),
            c => pattern.extend(['\\', c]),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_their_text_alone() {
        for (text, pattern) in [
            ("aB_9", "aB_9"),
            ("a.b", r"a\.b"),
            ("\0\n", "\\x00\\\n"),
            ("ä🚕[", r"ä🚕\["),
            ("\\", r"\\"),
        ] {
            assert_eq!(quote(text), pattern);
        }
    }
}
