//! Functions of text.

use arrow::array::{BooleanArray, Int64Array, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::{CHECKED, Texts};
use crate::evaluate::Values;
use crate::{GraphError, Literal, Op, TrimSide, ValueType};

/// Builds a column of text, and says so when it gets too large for one.
pub(crate) struct TextBuilder {
    offsets: Vec<i32>,
    text: String,
    is_valid: Vec<bool>,
    has_missing: bool,
}

impl TextBuilder {
    /// Returns a builder with room for some rows.
    pub(crate) fn with_rows(num_rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(num_rows + 1);
        offsets.push(0);
        let is_valid = Vec::with_capacity(num_rows);
        Self { offsets, text: String::new(), is_valid, has_missing: false }
    }

    /// Returns a builder of one text alone, which no row is ended for.
    fn for_one() -> Self {
        let (offsets, is_valid) = (Vec::new(), Vec::new());
        Self { offsets, text: String::new(), is_valid, has_missing: false }
    }

    /// Makes sure that so many bytes more still fit a column, before they take up memory.
    pub(super) fn check_room(&self, num_bytes: usize) -> Result<(), GraphError> {
        match i32::try_from(self.text.len().saturating_add(num_bytes)) {
            Ok(_) => Ok(()),
            Err(_) => Err(GraphError::TooMuchText),
        }
    }

    /// Adds a piece to the row that is being written.
    pub(super) fn push(&mut self, piece: &str) -> Result<(), GraphError> {
        self.check_room(piece.len())?;
        self.text.push_str(piece);
        Ok(())
    }

    /// Ends the row that was being written.
    pub(super) fn end_row(&mut self, is_valid: bool) {
        let end = i32::try_from(self.text.len()).expect("tested with each piece");
        self.offsets.push(end);
        self.is_valid.push(is_valid);
        self.has_missing |= !is_valid;
    }

    /// Adds a row.
    pub(crate) fn push_row(&mut self, text: Option<&str>) -> Result<(), GraphError> {
        self.push(text.unwrap_or_default())?;
        self.end_row(text.is_some());
        Ok(())
    }

    /// Returns the column.
    pub(crate) fn finish(self) -> StringArray {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let nulls = self.has_missing.then(|| NullBuffer::from(self.is_valid));
        StringArray::new(offsets, Buffer::from_vec(self.text.into_bytes()), nulls)
    }
}

/// Returns one text, once per row.
pub(crate) fn repeat(text: &str, num_rows: usize) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(num_rows);
    builder.check_room(text.len().saturating_mul(num_rows))?;
    for _ in 0..num_rows {
        builder.push_row(Some(text))?;
    }
    Ok(builder.finish())
}

/// Computes an operation of one text that gives a text.
pub(super) fn unary(op: &Op, texts: Texts<'_>, num_rows: usize) -> Result<Values, GraphError> {
    if let Texts::Constant(None) = texts {
        return Ok(Values::Constant(Literal::Null(ValueType::String)));
    }
    if let Texts::Constant(Some(text)) = texts {
        let mut builder = TextBuilder::for_one();
        write(&mut builder, op, text)?;
        return Ok(Values::Constant(Literal::String(builder.text)));
    }
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        match texts.at(row) {
            Some(text) => {
                write(&mut builder, op, text)?;
                builder.end_row(true);
            }
            None => builder.push_row(None)?,
        }
    }
    Ok(Values::texts(builder.finish()))
}

/// Writes what an operation makes of a text to the row that is being written.
fn write(builder: &mut TextBuilder, op: &Op, text: &str) -> Result<(), GraphError> {
    match op {
        Op::Lower if text.is_ascii() => {
            let start = builder.text.len();
            builder.push(text)?;
            builder.text[start..].make_ascii_lowercase();
        }
        Op::Upper if text.is_ascii() => {
            let start = builder.text.len();
            builder.push(text)?;
            builder.text[start..].make_ascii_uppercase();
        }
        Op::Lower => builder.push(&text.to_lowercase())?,
        Op::Upper => builder.push(&text.to_uppercase())?,
        Op::Trim(side) => builder.push(trim_ascii(text, *side))?,
        Op::Substring { start, length } => builder.push(substring(text, *start, *length))?,
        Op::Replace { from, to } => replace(builder, text, from, to)?,
        _ => unreachable!("{CHECKED}"),
    }
    Ok(())
}

/// Returns a text without the ASCII whitespace at its ends, as C's `isspace` has it.
pub(super) fn trim_ascii(text: &str, side: TrimSide) -> &str {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
    match side {
        TrimSide::Both => text.trim_matches(is_space),
        TrimSide::Left => text.trim_start_matches(is_space),
        TrimSide::Right => text.trim_end_matches(is_space),
    }
}

/// Returns the characters of a text from position `start` on, which counts from 1.
fn substring(text: &str, start: i64, length: Option<u64>) -> &str {
    // Positions before the first count towards the length.
    let num_before = u64::try_from(start.saturating_sub(1)).unwrap_or(0);
    let num_virtual = if start < 1 { start.abs_diff(1) } else { 0 };
    let num_kept = length.map(|length| length.saturating_sub(num_virtual));
    let rest = &text[position(text, num_before)..];
    match num_kept {
        None => rest,
        Some(num_kept) => &rest[..position(rest, num_kept)],
    }
}

/// Returns where a character starts, by its number from 0, or the end of the text.
pub(super) fn position(text: &str, character: u64) -> usize {
    match usize::try_from(character) {
        Ok(0) => 0,
        Ok(n) if n < text.len() => text.char_indices().nth(n).map_or(text.len(), |(at, _)| at),
        _ => text.len(),
    }
}

fn replace(builder: &mut TextBuilder, text: &str, from: &str, to: &str) -> Result<(), GraphError> {
    if from.is_empty() {
        return builder.push(text);
    }
    // A short text can be made to grow beyond all memory.
    let num_found = text.matches(from).count();
    builder.check_room(text.len() - num_found * from.len() + num_found.saturating_mul(to.len()))?;
    for (place, piece) in text.split(from).enumerate() {
        if place > 0 {
            builder.push(to)?;
        }
        builder.push(piece)?;
    }
    Ok(())
}

/// Puts texts one behind the other.
pub(super) fn concat(
    a: Texts<'_>,
    b: Texts<'_>,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        match (a.at(row), b.at(row)) {
            (Some(a), Some(b)) => {
                builder.push(a)?;
                builder.push(b)?;
                builder.end_row(true);
            }
            _ => builder.push_row(None)?,
        }
    }
    Ok(builder.finish())
}

/// Counts the characters of texts.
pub(super) fn length(texts: Texts<'_>, num_rows: usize) -> Int64Array {
    let length = |text: &str| i64::try_from(text.chars().count()).expect("memory is smaller");
    (0..num_rows).map(|row| texts.at(row).map(length)).collect()
}

/// Tells of each text whether another is at its start, at its end, or anywhere in it.
pub(super) fn search(op: &Op, a: Texts<'_>, b: Texts<'_>, num_rows: usize) -> BooleanArray {
    let holds = |a: &str, b: &str| match op {
        Op::StartsWith => a.starts_with(b),
        Op::EndsWith => a.ends_with(b),
        Op::Contains => a.contains(b),
        _ => unreachable!("{CHECKED}"),
    };
    (0..num_rows).map(|row| Some(holds(a.at(row)?, b.at(row)?))).collect()
}
