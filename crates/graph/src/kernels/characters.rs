//! Operations of the characters of one text.

use std::num::NonZeroI64;

use arrow::array::{Int64Array, StringArray};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::text::{TextBuilder, position};
use super::{CHECKED, Texts};
use crate::evaluate::Values;
use crate::{GraphError, NormalForm, Side, TextOp};

/// Computes an operation of one text.
pub(super) fn compute(
    op: &TextOp,
    texts: Texts<'_>,
    num_rows: usize,
) -> Result<Values, GraphError> {
    if *op == TextOp::CodePoint {
        let first = |text: &str| text.chars().next().map_or(0, |c| i64::from(u32::from(c)));
        let points: Int64Array = (0..num_rows).map(|row| texts.at(row).map(first)).collect();
        return Ok(Values::ints(points));
    }
    Ok(Values::texts(rewrite(op, texts, num_rows)?))
}

fn rewrite(op: &TextOp, texts: Texts<'_>, num_rows: usize) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            builder.push_row(None)?;
            continue;
        };
        match op {
            // ASCII is in every normal form, and has no accents.
            TextOp::Normalize(_) | TextOp::StripAccents if text.is_ascii() => builder.push(text)?,
            TextOp::Normalize(form) => match form {
                NormalForm::Nfc => push_chars(&mut builder, text.nfc())?,
                NormalForm::Nfd => push_chars(&mut builder, text.nfd())?,
                NormalForm::Nfkc => push_chars(&mut builder, text.nfkc())?,
                NormalForm::Nfkd => push_chars(&mut builder, text.nfkd())?,
            },
            TextOp::StripAccents => {
                let bare = text.nfd().filter(|c| !is_combining_mark(*c));
                push_chars(&mut builder, bare.nfc())?;
            }
            TextOp::Reverse => push_chars(&mut builder, text.chars().rev())?,
            TextOp::Pad { side, length, fill } => pad(&mut builder, text, *side, *length, fill)?,
            TextOp::Right { length } => builder.push(right(text, *length))?,
            TextOp::SplitPart { separator, place } => {
                builder.push(split_part(text, separator, *place).unwrap_or_default())?;
            }
            TextOp::Repeat { count } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                builder.check_room(text.len().saturating_mul(count))?;
                // Nothing, again and again, would take as long as something.
                for _ in 0..if text.is_empty() { 0 } else { count } {
                    builder.push(text)?;
                }
            }
            TextOp::CodePoint => unreachable!("{CHECKED}"),
        }
        builder.end_row(true);
    }
    Ok(builder.finish())
}

fn push_chars(
    builder: &mut TextBuilder,
    chars: impl Iterator<Item = char>,
) -> Result<(), GraphError> {
    let mut bytes = [0; 4];
    for c in chars {
        builder.push(c.encode_utf8(&mut bytes))?;
    }
    Ok(())
}

fn pad(
    builder: &mut TextBuilder,
    text: &str,
    side: Side,
    length: u64,
    fill: &str,
) -> Result<(), GraphError> {
    let kept = &text[..position(text, length)];
    let num_kept = kept.chars().count();
    let wanted = usize::try_from(length).unwrap_or(usize::MAX);
    let num_missing = if fill.is_empty() { 0 } else { wanted - num_kept };
    let num_chars = fill.chars().count().max(1);
    let rest = num_missing % num_chars;
    let rest = &fill[..position(fill, rest as u64)];
    builder.check_room(
        fill.len().saturating_mul(num_missing / num_chars).saturating_add(rest.len()),
    )?;
    if side == Side::Right {
        builder.push(kept)?;
    }
    for _ in 0..num_missing / num_chars {
        builder.push(fill)?;
    }
    builder.push(rest)?;
    if side == Side::Left {
        builder.push(kept)?;
    }
    Ok(())
}

fn right(text: &str, length: u64) -> &str {
    match usize::try_from(length) {
        Ok(0) => "",
        Ok(length) => {
            let start = text.char_indices().rev().nth(length - 1).map_or(0, |(at, _)| at);
            &text[start..]
        }
        Err(_) => text,
    }
}

fn split_part<'a>(text: &'a str, separator: &str, place: NonZeroI64) -> Option<&'a str> {
    let nth = usize::try_from(place.unsigned_abs().get() - 1).ok()?;
    match (separator, place.get() > 0) {
        ("", _) => (nth == 0).then_some(text),
        (_, true) => text.split(separator).nth(nth),
        (_, false) => parts_from_the_end(text, separator, nth),
    }
}

/// Returns a part by its number from the last one on, with separators found from the front, as they are for others.
fn parts_from_the_end<'a>(text: &'a str, separator: &str, nth: usize) -> Option<&'a str> {
    let num_parts = text.matches(separator).count() + 1;
    text.split(separator).nth(num_parts.checked_sub(nth + 1)?)
}
