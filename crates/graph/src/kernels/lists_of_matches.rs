//! Lists of what a pattern matches in a text, and of what is between.

use super::Texts;
use super::lists_of_text::list;
use super::text::TextBuilder;
use crate::evaluate::Values;
use crate::{GraphError, Pattern};

/// Cuts texts at every match that is not empty.
pub(super) fn split(
    texts: Texts<'_>,
    pattern: &Pattern,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let mut items = TextBuilder::with_rows(num_rows);
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            lengths.push(None);
            continue;
        };
        let (mut length, mut end) = (1, 0);
        for found in pattern.regex().find_iter(text).filter(|found| !found.is_empty()) {
            items.push_row(Some(&text[end..found.start()]))?;
            length += 1;
            end = found.end();
        }
        items.push_row(Some(&text[end..]))?;
        lengths.push(Some(length));
    }
    list(lengths, items)
}

/// Gives what a group holds in every match.
pub(super) fn extract(
    texts: Texts<'_>,
    pattern: &Pattern,
    group: u32,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let mut items = TextBuilder::with_rows(num_rows);
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let Some(text) = texts.at(row) else {
            lengths.push(None);
            continue;
        };
        let mut length = 0;
        if group == 0 {
            for found in pattern.regex().find_iter(text) {
                items.push_row(Some(found.as_str()))?;
                length += 1;
            }
        } else {
            for found in pattern.regex().captures_iter(text) {
                items.push_row(found.get(group as usize).map(|found| found.as_str()))?;
                length += 1;
            }
        }
        lengths.push(Some(length));
    }
    list(lengths, items)
}
