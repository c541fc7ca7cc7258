//! Texts by their characters.

use graph::{Side, TextOp};

use super::text::quote;
use super::{Lowering, STRING};
use crate::Support;
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

/// Constants that are this much text at most are made of a shorter one.
const LONGEST: u64 = 10_000;

/// A pattern with more repetitions would be a large one.
const MOST_PARTS: u64 = 100;

/// Returns what TensorFlow makes of an operation of one text.
pub(crate) fn support(op: &TextOp) -> Support {
    match op {
        TextOp::Normalize(_) | TextOp::StripAccents => {
            Support::None("TensorFlow does not know Unicode's normal forms")
        }
        TextOp::Pad { length, fill, .. } if *length > LONGEST && !fill.is_empty() => {
            Support::None("more than 10000 characters are not filled up in TensorFlow")
        }
        TextOp::Repeat { count } if *count > LONGEST => {
            Support::None("more than 10000 repetitions are not made in TensorFlow")
        }
        TextOp::Reverse
        | TextOp::Pad { .. }
        | TextOp::Right { .. }
        | TextOp::Repeat { .. }
        | TextOp::CodePoint => Support::Full,
        TextOp::SplitPart { place, .. } if place.get().unsigned_abs() > MOST_PARTS => {
            Support::None("TensorFlow counts no more than 100 parts")
        }
        TextOp::SplitPart { separator, place }
            if place.get() < 0 && separator.chars().count() > 1 =>
        {
            Support::None("TensorFlow counts parts from the end at single characters only")
        }
        TextOp::SplitPart { .. } => Support::Full,
    }
}

impl Lowering<'_> {
    pub(super) fn text_op(&mut self, op: &TextOp, a: &Tensor) -> Tensor {
        match op {
            TextOp::Reverse => self.reverse(a),
            TextOp::Pad { side, length, fill } => self.fill_up(a, *side, *length, fill),
            TextOp::Right { length } => {
                let all = self.num_characters(a);
                let length = self.int(i64::try_from(*length).unwrap_or(i64::MAX));
                let length = self.writer.binary("Minimum", &all, &length);
                let start = self.writer.binary("Sub", &all, &length);
                self.part(a, &start, &length, "UTF8_CHAR")
            }
            TextOp::Repeat { count } => self.repeat(a, *count),
            TextOp::CodePoint => self.code_point(a),
            TextOp::SplitPart { separator, place } => self.split_part(a, separator, place.get()),
            _ => unreachable!("{}", super::CHECKED),
        }
    }

    /// Returns a text so many times, by doubling it.
    fn repeat(&mut self, a: &Tensor, count: u64) -> Tensor {
        let zero = self.int(0);
        let mut all = self.part(a, &zero, &zero, "BYTE");
        let mut power = a.clone();
        let mut left = count;
        while left > 0 {
            if left % 2 == 1 {
                all = self.concat(&all, &power);
            }
            left /= 2;
            if left > 0 {
                power = self.concat(&power, &power);
            }
        }
        all
    }

    /// Returns what stands between two separators, the empty text where there are not so many.
    fn split_part(&mut self, a: &Tensor, separator: &str, place: i64) -> Tensor {
        let nothing = self.writer.constant(tensor::text(""));
        let nth = place.unsigned_abs() - 1;
        if separator.is_empty() {
            return match nth {
                0 => a.clone(),
                _ => {
                    let shape = self.writer.shape(a);
                    self.writer.broadcast(&nothing, &shape)
                }
            };
        }
        let cut = quote(separator);
        let pattern = match place {
            1.. => format!(r"\A(?:(?s:.*?){cut}){{{nth}}}((?s:.*?))(?:{cut}(?s:.*))?\z"),
            _ => format!(r"\A(?:(?s:.*){cut})?([^{cut}]*)(?:{cut}[^{cut}]*){{{nth}}}\z"),
        };
        let is_there = self.matches(a, &pattern);
        let node = self.writer.node("StaticRegexReplace").input(a).bytes("pattern", pattern);
        let part = node.bytes("rewrite", r"\1").bool("replace_global", false).output(STRING);
        self.writer.select(&is_there, &part, &nothing)
    }

    fn fill_up(&mut self, a: &Tensor, side: Side, length: u64, fill: &str) -> Tensor {
        let wanted = self.int(i64::try_from(length).unwrap_or(i64::MAX));
        let all = self.num_characters(a);
        let kept = self.writer.binary("Minimum", &all, &wanted);
        let zero = self.writer.unary("ZerosLike", &kept);
        let start = self.part(a, &zero, &kept, "UTF8_CHAR");
        if fill.is_empty() {
            return start;
        }
        let num_characters = usize::try_from(length).unwrap_or(usize::MAX);
        let filler: String = fill.chars().cycle().take(num_characters).collect();
        let filler = self.writer.constant(tensor::text(&filler));
        let missing = self.writer.binary("Sub", &wanted, &kept);
        let filler = self.part(&filler, &zero, &missing, "UTF8_CHAR");
        match side {
            Side::Left => self.concat(&filler, &start),
            Side::Right => self.concat(&start, &filler),
        }
    }

    /// Returns the first character's code point, 0 where there is none.
    fn code_point(&mut self, a: &Tensor) -> Tensor {
        let shape = self.writer.shape(a);
        let text = self.characters(a);
        let found = self.writer.gather(&text.codes, &text.starts);
        let zero = self.int(0);
        let is_empty = self.writer.compare("Equal", &text.lengths, &zero);
        let code = self.writer.select(&is_empty, &zero, &found);
        self.writer.reshape(&code, &shape)
    }

    fn reverse(&mut self, a: &Tensor) -> Tensor {
        let shape = self.writer.shape(a);
        let texts = self.writer.flat(a);
        let (splits, codes) = self.decode(&texts);
        let rows = self.rows_of(&splits, &codes);
        let letters = self.letters(&codes);
        // Of the character at `i` in a text from `start` to `end` the place is `start + end - 1 - i`.
        let starts = self.slice(&splits, 0, -1);
        let ends = self.slice(&splits, 1, 0);
        let sum = self.writer.binary("AddV2", &starts, &ends);
        let sum = self.writer.gather(&sum, &rows);
        let size = self.writer.size(&codes);
        let places = self.writer.range(&size);
        let one = self.int(1);
        let last = self.writer.binary("Sub", &sum, &one);
        let at = self.writer.binary("Sub", &last, &places);
        let letters = self.writer.gather(&letters, &at);
        let num_rows = self.writer.size(&texts);
        let joined = self.segments("UnsortedSegmentJoin", &letters, &rows, &num_rows);
        self.writer.reshape(&joined, &shape)
    }
}
