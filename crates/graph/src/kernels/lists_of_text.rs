//! Lists of text: cut, joined, crossed.

use std::sync::Arc;

use arrow::array::{Array, StringArray};

use super::many::{Many, Rows};
use super::text::TextBuilder;
use super::{CHECKED, Texts, texts};
use crate::GraphError;
use crate::evaluate::Values;

pub(super) fn strings(many: &Many) -> Result<Arc<StringArray>, GraphError> {
    match many.items()? {
        Values::String(items) => Ok(items),
        _ => unreachable!("{CHECKED}"),
    }
}

pub(super) fn list(lengths: Vec<Option<usize>>, items: TextBuilder) -> Result<Values, GraphError> {
    let rows = Rows::new(lengths.into_iter())?;
    Ok(Values::lists(rows, Values::texts(items.finish())))
}

pub(super) fn join(many: &Many, separator: &str) -> Result<Values, GraphError> {
    let items = strings(many)?;
    let mut builder = TextBuilder::with_rows(many.rows.len());
    for row in 0..many.rows.len() {
        let present = many.rows.items(row).filter(|at| items.is_valid(*at));
        for (nth, at) in present.enumerate() {
            if nth > 0 {
                builder.push(separator)?;
            }
            builder.push(items.value(at))?;
        }
        builder.end_row(!many.rows.is_missing(row));
    }
    Ok(Values::texts(builder.finish()))
}

pub(super) fn split(
    texts: Texts<'_>,
    separator: &str,
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
        let mut push = |piece: &str| {
            length += 1;
            items.push_row(Some(piece))
        };
        if separator.is_empty() {
            let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
            text.split(is_space).filter(|piece| !piece.is_empty()).try_for_each(&mut push)?;
        } else {
            text.split(separator).try_for_each(&mut push)?;
        }
        lengths.push(Some(length));
    }
    list(lengths, items)
}

pub(super) fn ngrams(
    many: &Many,
    least: u32,
    most: u32,
    separator: &str,
) -> Result<Values, GraphError> {
    let tokens = strings(many)?;
    let mut items = TextBuilder::with_rows(many.rows.num_items());
    let mut lengths = Vec::with_capacity(many.rows.len());
    for row in 0..many.rows.len() {
        let present: Vec<&str> = many
            .rows
            .items(row)
            .filter(|at| tokens.is_valid(*at))
            .map(|at| tokens.value(at))
            .collect();
        let mut length = 0;
        for start in 0..present.len() {
            let longest = (most as usize).min(present.len() - start);
            for size in least as usize..=longest {
                for (nth, token) in present[start..start + size].iter().enumerate() {
                    if nth > 0 {
                        items.push(separator)?;
                    }
                    items.push(token)?;
                }
                items.end_row(true);
                length += 1;
            }
        }
        lengths.push((!many.rows.is_missing(row)).then_some(length));
    }
    list(lengths, items)
}

/// The texts of each row, whether they are a list or one.
enum Side<'a> {
    Many(&'a Rows, Arc<StringArray>),
    One(Texts<'a>),
}

impl<'a> Side<'a> {
    fn of(values: &'a Values) -> Result<Self, GraphError> {
        Ok(match values {
            Values::Many(many) => Self::Many(&many.rows, strings(many)?),
            values => Self::One(texts(values)),
        })
    }

    /// Returns the texts of a row, none where the row is missing. Missing items are left out.
    fn at(&self, row: usize) -> Option<Vec<&str>> {
        match self {
            Self::Many(rows, _) if rows.is_missing(row) => None,
            Self::Many(rows, items) => {
                let present = rows.items(row).filter(|at| items.is_valid(*at));
                Some(present.map(|at| items.value(at)).collect())
            }
            Self::One(texts) => texts.at(row).map(|text| vec![text]),
        }
    }
}

pub(super) fn cross(
    a: &Values,
    b: &Values,
    separator: &str,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let (a, b) = (Side::of(a)?, Side::of(b)?);
    let mut num_items = 0usize;
    let mut items = TextBuilder::with_rows(num_rows);
    let mut lengths = Vec::with_capacity(num_rows);
    for row in 0..num_rows {
        let (Some(firsts), Some(seconds)) = (a.at(row), b.at(row)) else {
            lengths.push(None);
            continue;
        };
        num_items = num_items.saturating_add(firsts.len().saturating_mul(seconds.len()));
        if i32::try_from(num_items).is_err() {
            return Err(GraphError::TooManyItems);
        }
        for first in &firsts {
            for second in &seconds {
                for piece in [first, separator, second] {
                    items.push(piece)?;
                }
                items.end_row(true);
            }
        }
        lengths.push(Some(firsts.len() * seconds.len()));
    }
    list(lengths, items)
}
