//! Regular expressions over columns of text.

use arrow::array::{BooleanArray, StringArray};

use super::Texts;
use super::text::TextBuilder;
use crate::evaluate::Values;
use crate::op::Piece;
use crate::{GraphError, Pattern, RegexpOp, Replacement};

/// Computes an operation with a regular expression.
pub(super) fn compute(
    op: &RegexpOp,
    texts: Texts<'_>,
    num_rows: usize,
) -> Result<Values, GraphError> {
    Ok(match op {
        RegexpOp::Matches(pattern) => Values::bools(matches(pattern, texts, num_rows)),
        RegexpOp::Extract { pattern, group } => {
            Values::texts(extract(pattern, *group as usize, texts, num_rows)?)
        }
        RegexpOp::Replace { pattern, replacement, is_global } => {
            Values::texts(replace(pattern, replacement, *is_global, texts, num_rows)?)
        }
    })
}

fn matches(pattern: &Pattern, texts: Texts<'_>, num_rows: usize) -> BooleanArray {
    let regex = pattern.regex();
    (0..num_rows).map(|row| Some(regex.is_match(texts.at(row)?))).collect()
}

fn extract(
    pattern: &Pattern,
    group: usize,
    texts: Texts<'_>,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    let regex = pattern.regex();
    let mut groups = regex.capture_locations();
    let mut found = |text| match group {
        0 => regex.find(text).map(|found| found.as_str()),
        _ => {
            regex.captures_read(&mut groups, text)?;
            groups.get(group).map(|(start, end)| &text[start..end])
        }
    };
    let mut builder = TextBuilder::with_rows(num_rows);
    for row in 0..num_rows {
        builder.push_row(texts.at(row).and_then(&mut found))?;
    }
    Ok(builder.finish())
}

fn replace(
    pattern: &Pattern,
    replacement: &Replacement,
    is_global: bool,
    texts: Texts<'_>,
    num_rows: usize,
) -> Result<StringArray, GraphError> {
    let regex = pattern.regex();
    let limit = if is_global { usize::MAX } else { 1 };
    let mut builder = TextBuilder::with_rows(num_rows);
    if replacement.highest_group() == 0 {
        for row in 0..num_rows {
            let Some(text) = texts.at(row) else {
                builder.push_row(None)?;
                continue;
            };
            let mut end = 0;
            for found in regex.find_iter(text).take(limit) {
                builder.push(&text[end..found.start()])?;
                put(&mut builder, replacement, |_| Some(found.as_str()))?;
                end = found.end();
            }
            builder.push(&text[end..])?;
            builder.end_row(true);
        }
        return Ok(builder.finish());
    }
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            builder.push_row(None)?;
            continue;
        };
        let mut end = 0;
        for found in regex.captures_iter(text).take(limit) {
            let whole = found.get_match();
            builder.push(&text[end..whole.start()])?;
            put(&mut builder, replacement, |group| Some(found.get(group)?.as_str()))?;
            end = whole.end();
        }
        builder.push(&text[end..])?;
        builder.end_row(true);
    }
    Ok(builder.finish())
}

/// Writes what takes the place of a match; groups that took no part in it are empty.
fn put<'t>(
    builder: &mut TextBuilder,
    replacement: &Replacement,
    group: impl Fn(usize) -> Option<&'t str>,
) -> Result<(), GraphError> {
    for piece in replacement.pieces() {
        match piece {
            Piece::Text(text) => builder.push(text)?,
            Piece::Group(number) => builder.push(group(*number as usize).unwrap_or_default())?,
        }
    }
    Ok(())
}
