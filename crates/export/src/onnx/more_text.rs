//! Functions of text that are seldom asked for.

use formats::onnx::tensor_proto::DataType;
use graph::{Side, TextOp};

use super::Refused;
use super::chars::{self, SHORT, for_texts};
use super::column::Column;
use super::emit::{Attribute, Emitter, Tensor};
use super::text::{count, kept};

/// What is repeated or filled up further is refused: every row would take as much memory.
pub(super) const MOST: u64 = 1000;

/// Why other functions of text are refused.
pub(super) const OTHER_TEXTS: &str = "its operators cannot do this to text";

const TOO_LONG: &str = "it does not fill up or repeat texts more than 1000 times";

/// Lowers a function of text.
pub(super) fn lower(e: &mut Emitter, op: &TextOp, operand: &Column) -> Result<Column, Refused> {
    match op {
        TextOp::Pad { length: number, .. } | TextOp::Repeat { count: number } if *number > MOST => {
            return Err(Refused::new(TOO_LONG));
        }
        TextOp::Reverse
        | TextOp::Pad { .. }
        | TextOp::Right { .. }
        | TextOp::SplitPart { .. }
        | TextOp::Repeat { .. } => {}
        _ => return Err(Refused::new(OTHER_TEXTS)),
    }
    let values = match op {
        TextOp::Repeat { count } => repeated(e, &operand.values, *count),
        op => for_texts(e, &[&operand.values], SHORT, DataType::String, &|e, texts| match op {
            TextOp::SplitPart { separator, place } => {
                split_part(e, &texts[0], separator, place.get())
            }
            op => {
                let characters = chars::split(e, &texts[0]);
                of_characters(e, op, &characters)
            }
        }),
    };
    Ok(Column::like(values, operand))
}

/// Doubles the text as often as it takes, and puts the halves that are asked for together.
fn repeated(e: &mut Emitter, text: &Tensor, count: u64) -> Tensor {
    let empty = e.text("");
    let mut result = e.op("StringConcat", &[text, &empty]);
    for place in (0..count.checked_ilog2().unwrap_or(0)).rev() {
        result = e.op("StringConcat", &[&result, &result]);
        if count >> place & 1 == 1 {
            result = e.op("StringConcat", &[&result, text]);
        }
    }
    if count > 0 {
        return result;
    }
    e.expand(&empty)
}

fn of_characters(e: &mut Emitter, op: &TextOp, characters: &Tensor) -> Tensor {
    let axis = e.list(&[1]);
    match op {
        TextOp::Reverse => {
            let (start, end, step) = (e.list(&[-1]), e.list(&[i64::MIN]), e.list(&[-1]));
            let reversed = e.op("Slice", &[characters, &start, &end, &axis, &step]);
            chars::join(e, &reversed)
        }
        TextOp::Right { length } => {
            let length = i64::try_from(*length).unwrap_or(i64::MAX);
            let (len, place, length) =
                (count(e, characters), chars::positions(e, characters), e.int(length));
            let start = e.op("Sub", &[&len, &length]);
            let is_kept = e.op("GreaterOrEqual", &[&place, &start]);
            kept(e, characters, &is_kept)
        }
        TextOp::Pad { side, length, fill } => {
            let length = i64::try_from(*length).unwrap_or(i64::MAX);
            let (start, end) = (e.list(&[0]), e.list(&[length]));
            let cut = e.op("Slice", &[characters, &start, &end, &axis]);
            let cut = chars::with_empty_column(e, &cut);
            let filled: Vec<String> = fill
                .chars()
                .cycle()
                .take(usize::try_from(length).unwrap_or(0))
                .map(String::from)
                .collect();
            if filled.is_empty() {
                return chars::join(e, &cut);
            }
            let filled: Vec<&str> = filled.iter().map(String::as_str).collect();
            let filled = e.texts(&filled);
            let row = e.list(&[1, -1]);
            let filled = e.op("Reshape", &[&filled, &row]);
            let (len, length, empty) = (count(e, &cut), e.int(length), e.text(""));
            let missing = e.op("Sub", &[&length, &len]);
            let place = chars::positions(e, &filled);
            let is_needed = e.op("Less", &[&place, &missing]);
            let filled = e.choose(&is_needed, &filled, &empty);
            let both = match side {
                Side::Left => [&filled, &cut],
                Side::Right => [&cut, &filled],
            };
            let both = both.map(|pieces| chars::join(e, pieces));
            e.op("StringConcat", &both.each_ref())
        }
        _ => unreachable!("others were refused"),
    }
}

/// Returns the piece between two separators: from 1, or from the end when negative.
fn split_part(e: &mut Emitter, texts: &Tensor, separator: &str, place: i64) -> Tensor {
    if separator.is_empty() {
        let whole = e.op("Identity", &[texts]);
        if place == 1 || place == -1 {
            return whole;
        }
        let empty = e.text("");
        let shape = e.op("Shape", &[texts]);
        return e.op("Expand", &[&empty, &shape]);
    }
    let (flat, column) = (e.list(&[-1]), e.list(&[-1, 1]));
    let texts = e.op("Reshape", &[texts, &flat]);
    let (pieces, num_pieces) = (e.fresh(), e.fresh());
    let attributes = vec![("delimiter", Attribute::Text(separator))];
    e.node("", "StringSplit", &[&texts], &[&pieces, &num_pieces], attributes);
    let number = chars::positions(e, &pieces);
    let wanted = if place > 0 {
        e.int(place - 1)
    } else {
        let num_pieces = e.op("Reshape", &[&num_pieces, &column]);
        let place = e.int(place);
        e.op("Add", &[&num_pieces, &place])
    };
    let is_wanted = e.op("Equal", &[&number, &wanted]);
    kept(e, &pieces, &is_wanted)
}
