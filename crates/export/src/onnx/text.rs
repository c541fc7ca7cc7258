//! Functions of text.

use formats::onnx::tensor_proto::DataType;
use graph::{Literal, Op, TrimSide};

use super::Refused;
use super::chars::{self, SHORT, for_texts};
use super::column::{Column, both};
use super::emit::{Attribute, Emitter, Tensor};
use super::logic::label;

/// A longer text is not searched for: regular expressions have a limit.
const MOST_SEARCHED: usize = 10_000;

/// Lowers a text with another behind it.
pub(super) fn concat(e: &mut Emitter, [a, b]: [&Column; 2]) -> Column {
    let present = both(e, a.present.as_ref(), b.present.as_ref());
    Column { values: e.op("StringConcat", &[&a.values, &b.values]), present }
}

/// Lowers the search for a text at the start, at the end, or anywhere; anywhere it has to be a constant.
pub(super) fn search(
    e: &mut Emitter,
    op: &Op,
    [a, b]: [&Column; 2],
    wanted: Option<&Literal>,
) -> Result<Column, Refused> {
    let present = both(e, a.present.as_ref(), b.present.as_ref());
    let wanted = match (wanted, op) {
        (Some(Literal::String(wanted)), _) if wanted.len() <= MOST_SEARCHED => quote(wanted),
        (Some(Literal::Null(_)), _) => return Ok(Column { values: e.bool(false), present }),
        (_, Op::StartsWith | Op::EndsWith) => {
            return Ok(Column { values: search_at_end(e, op, [a, b]), present });
        }
        _ => return Err(Refused::new(NOT_CONSTANT)),
    };
    let pattern = match op {
        Op::StartsWith => format!("(?s){wanted}.*"),
        Op::EndsWith => format!("(?s).*{wanted}"),
        _ => format!("(?s).*{wanted}.*"),
    };
    Ok(Column { values: e.matches(&a.values, &pattern), present })
}

/// Why a text is not searched for another that is not constant.
pub(super) const NOT_CONSTANT: &str = "its regular expressions are constants, so the text that is searched for has to \
                                       be one, of at most 10000 bytes";

/// Compares as many characters of `a` as `b` has with `b`.
fn search_at_end(e: &mut Emitter, op: &Op, [a, b]: [&Column; 2]) -> Tensor {
    let (a, b) = (e.expand(&a.values), e.expand(&b.values));
    for_texts(e, &[&a, &b], SHORT, DataType::Bool, &|e, texts| {
        let a = chars::split(e, &texts[0]);
        let b = chars::split(e, &texts[1]);
        let (len_a, len_b) = (count(e, &a), count(e, &b));
        let place = chars::positions(e, &a);
        let is_wanted = match op {
            Op::StartsWith => e.op("Less", &[&place, &len_b]),
            _ => {
                let start = e.op("Sub", &[&len_a, &len_b]);
                e.op("GreaterOrEqual", &[&place, &start])
            }
        };
        let part = kept(e, &a, &is_wanted);
        let is_equal = e.op("Equal", &[&part, &texts[1]]);
        let fits = e.op("GreaterOrEqual", &[&len_a, &len_b]);
        e.op("And", &[&is_equal, &fits])
    })
}

/// Returns the number of characters, shape `[M, 1]`.
pub(super) fn count(e: &mut Emitter, characters: &Tensor) -> Tensor {
    let empty = e.text("");
    let is_none = e.op("Equal", &[characters, &empty]);
    let is_some = e.op("Not", &[&is_none]);
    let ones = e.cast(&is_some, DataType::Int64);
    let axis = e.list(&[1]);
    e.with("ReduceSum", &[&ones, &axis], vec![("keepdims", Attribute::Int(1))])
}

/// Returns the texts of some of the characters.
pub(super) fn kept(e: &mut Emitter, characters: &Tensor, is_kept: &Tensor) -> Tensor {
    let empty = e.text("");
    let kept = e.choose(is_kept, characters, &empty);
    let kept = chars::with_empty_column(e, &kept);
    chars::join(e, &kept)
}

/// Lowers the number of characters.
pub(super) fn length(e: &mut Emitter, operand: &Column) -> Column {
    let values = for_texts(e, &[&operand.values], SHORT, DataType::Int64, &|e, texts| {
        let characters = chars::split(e, &texts[0]);
        count(e, &characters)
    });
    Column::like(values, operand)
}

/// Lowers a text without the ASCII whitespace at its ends.
pub(super) fn trim(e: &mut Emitter, side: TrimSide, operand: &Column) -> Column {
    let values = for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| {
        let characters = chars::split(e, &texts[0]);
        let spaces = vec!["", " ", "\t", "\n", "\u{b}", "\u{c}", "\r"];
        let ones = vec![1; spaces.len()];
        let space = label(e, &characters, spaces, ones, 0);
        let one = e.int(1);
        let content = e.op("Sub", &[&one, &space]);
        // How much is at or before a place, and at or behind it.
        let (axis, zero) = (e.longs(&[1], &[]), e.int(0));
        let so_far = e.op("CumSum", &[&content, &axis]);
        let to_come = e.with("CumSum", &[&content, &axis], vec![("reverse", Attribute::Int(1))]);
        let is_begun = e.op("Greater", &[&so_far, &zero]);
        let is_ahead = e.op("Greater", &[&to_come, &zero]);
        let is_kept = match side {
            TrimSide::Left => is_begun,
            TrimSide::Right => is_ahead,
            TrimSide::Both => e.op("And", &[&is_begun, &is_ahead]),
        };
        kept(e, &characters, &is_kept)
    });
    Column::like(values, operand)
}

/// Lowers the characters from a position on, which counts from 1.
pub(super) fn substring(
    e: &mut Emitter,
    start: i64,
    length: Option<u64>,
    operand: &Column,
) -> Column {
    // Positions before the first count towards the length.
    let first = start.saturating_sub(1).max(0);
    let num_before = if start < 1 { start.abs_diff(1) } else { 0 };
    let end = length.map_or(i64::MAX, |length| {
        let num_kept = i64::try_from(length.saturating_sub(num_before)).unwrap_or(i64::MAX);
        first.saturating_add(num_kept)
    });
    let values = for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| {
        let characters = chars::split(e, &texts[0]);
        let (start, end, axis) = (e.list(&[first]), e.list(&[end]), e.list(&[1]));
        let part = e.op("Slice", &[&characters, &start, &end, &axis]);
        let part = chars::with_empty_column(e, &part);
        chars::join(e, &part)
    });
    Column::like(values, operand)
}

/// Lowers a text with every `from` in it replaced by `to`.
pub(super) fn replace(e: &mut Emitter, from: &str, to: &str, operand: &Column) -> Column {
    if from.is_empty() {
        return operand.clone();
    }
    let values = for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| {
        let (flat, column) = (e.list(&[-1]), e.list(&[-1, 1]));
        let texts = e.op("Reshape", &[&texts[0], &flat]);
        let (pieces, num_pieces) = (e.fresh(), e.fresh());
        let attributes = vec![("delimiter", Attribute::Text(from))];
        e.node("", "StringSplit", &[&texts], &[&pieces, &num_pieces], attributes);
        let num_pieces = e.op("Reshape", &[&num_pieces, &column]);
        let one = e.int(1);
        let last = e.op("Sub", &[&num_pieces, &one]);
        let place = chars::positions(e, &pieces);
        let has_next = e.op("Less", &[&place, &last]);
        let (to, empty) = (e.text(to), e.text(""));
        let between = e.choose(&has_next, &to, &empty);
        let pieces = e.op("StringConcat", &[&pieces, &between]);
        let pieces = chars::with_empty_column(e, &pieces);
        chars::join(e, &pieces)
    });
    Column::like(values, operand)
}

/// Returns the regular expression of one text.
fn quote(text: &str) -> String {
    let quote = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
        _ => format!("\\x{{{:x}}}", u32::from(c)),
    };
    text.chars().map(quote).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_searched_text_means_more_than_itself() {
        assert_eq!(quote("a.b\\E 🚕"), r"a\x{2e}b\x{5c}E\x{20}\x{1f695}");
    }
}
