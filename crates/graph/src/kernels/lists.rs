//! Operations of whole lists.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, UInt32Array};

use super::many::{Many, Rows, index, pick};
use super::{
    CHECKED, byte_pairs, lists_of_matches, lists_of_numbers, lists_of_text, texts, tokens, vectors,
    word_pieces,
};
use crate::evaluate::{Values, repeat};
use crate::{GraphError, ListOp, Vocabulary};

/// Computes an operation of lists for all rows.
pub(crate) fn compute(
    op: &ListOp,
    operands: &[&Values],
    num_rows: usize,
    vocabularies: &[(String, Arc<Vocabulary>)],
) -> Result<Values, GraphError> {
    let list = |place: usize| match operands[place] {
        Values::Many(many) => many,
        _ => unreachable!("{CHECKED}"),
    };
    Ok(match op {
        ListOp::Length => Values::ints(length(&list(0).rows)),
        ListOp::Get { place } => get(list(0), *place)?,
        ListOp::Slice { start, length } => slice(list(0), *start, *length)?,
        ListOp::Pad { length, value } => vectors::pad(list(0), *length, value)?,
        ListOp::Sum | ListOp::Mean | ListOp::Least | ListOp::Greatest => {
            lists_of_numbers::reduce(op, list(0))?
        }
        ListOp::Contains => Values::bools(contains(list(0), operands[1], num_rows)?),
        ListOp::Distinct => distinct(list(0))?,
        ListOp::Sort => sort(list(0))?,
        ListOp::Append => append(list(0), list(1))?,
        ListOp::Join { separator } => lists_of_text::join(list(0), separator)?,
        ListOp::Split { separator } => {
            lists_of_text::split(texts(operands[0]), separator, num_rows)?
        }
        ListOp::RegexpSplit(pattern) => {
            lists_of_matches::split(texts(operands[0]), pattern, num_rows)?
        }
        ListOp::RegexpExtractAll { pattern, group } => {
            lists_of_matches::extract(texts(operands[0]), pattern, *group, num_rows)?
        }
        ListOp::ByteWords => byte_pairs::words(texts(operands[0]), num_rows)?,
        ListOp::BytePairs { vocabulary } => {
            byte_pairs::encode(list(0), &vocabularies[vocabulary.index()].1)?
        }
        ListOp::BertWords => word_pieces::words(texts(operands[0]), num_rows)?,
        ListOp::WordPieces { vocabulary } => {
            word_pieces::encode(list(0), &vocabularies[vocabulary.index()].1)?
        }
        ListOp::Tokenize { tokenizer, add_special_tokens } => {
            tokens::encode(texts(operands[0]), tokenizer, *add_special_tokens, num_rows)?
        }
        ListOp::NGrams { least, most, separator } => {
            lists_of_text::ngrams(list(0), *least, *most, separator)?
        }
        ListOp::Cross { separator } => {
            lists_of_text::cross(operands[0], operands[1], separator, num_rows)?
        }
        ListOp::Make => vectors::make(operands, num_rows)?,
        ListOp::OneHot { depth } => vectors::one_hot(operands[0], *depth, num_rows)?,
        ListOp::MultiHot { depth } => vectors::multi_hot(list(0), *depth)?,
        ListOp::TermIds { size } => lists_of_numbers::term_ids(list(0), *size)?,
        ListOp::TermWeights { weights } => lists_of_numbers::term_weights(list(0), &weights.0)?,
        ListOp::Multiply(matrix) => vectors::multiply(list(0), matrix)?,
    })
}

fn length(rows: &Rows) -> Int64Array {
    rows.lengths().map(|length| length.map(|length| i64::from(index(length)))).collect()
}

/// Returns the place among `length` of a place that counts from 1, or from -1 at the back.
fn resolve(place: i64, length: usize) -> Option<usize> {
    let from_end = || length.checked_sub(usize::try_from(place.unsigned_abs()).ok()?);
    match place {
        1.. => usize::try_from(place - 1).ok().filter(|place| *place < length),
        _ => from_end(),
    }
}

fn get(many: &Many, place: i64) -> Result<Values, GraphError> {
    let found = (0..many.rows.len()).map(|row| {
        let items = many.rows.items(row);
        resolve(place, items.len()).map(|place| index(items.start + place))
    });
    Ok(pick(&many.items()?, &found.collect::<UInt32Array>()))
}

fn slice(many: &Many, start: i64, length: Option<u64>) -> Result<Values, GraphError> {
    let kept = |row: usize| {
        let items = many.rows.items(row);
        let len = i128::from(index(items.len()));
        let first = if start > 0 { i128::from(start) - 1 } else { len + i128::from(start) };
        let end = length.map_or(len, |length| first + i128::from(length));
        let clamp = |at: i128| items.start + usize::try_from(at.clamp(0, len)).unwrap_or(0);
        clamp(first)..clamp(end).max(clamp(first))
    };
    let rows = Rows::new(
        (0..many.rows.len()).map(|row| (!many.rows.is_missing(row)).then(|| kept(row).len())),
    )?;
    let places: UInt32Array =
        (0..many.rows.len()).flat_map(kept).map(|place| Some(index(place))).collect();
    let items = pick(&many.items()?, &places);
    Ok(Values::lists(rows, items))
}

/// Orders two values of a column: missing ones last, NaN behind all numbers, and both zeros as one.
fn order(values: &Values, a: usize, b: usize) -> Ordering {
    let plain = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
    let is_null = |place| values.nulls().is_some_and(|nulls| nulls.is_null(place));
    match (is_null(a), is_null(b)) {
        (false, false) => {}
        (a, b) => return a.cmp(&b),
    }
    match values {
        Values::Int(values) => values.value(a).cmp(&values.value(b)),
        Values::Float(values) => plain(values.value(a)).total_cmp(&plain(values.value(b))),
        Values::String(values) => values.value(a).cmp(values.value(b)),
        Values::Bool(values) => values.value(a).cmp(&values.value(b)),
        Values::Constant(_) | Values::Many(_) => unreachable!("items are columns"),
    }
}

fn distinct(many: &Many) -> Result<Values, GraphError> {
    let items = many.items()?;
    let mut kept: Vec<Vec<usize>> = Vec::with_capacity(many.rows.len());
    for row in 0..many.rows.len() {
        let mut places: Vec<usize> = many.rows.items(row).collect();
        places.sort_by(|a, b| order(&items, *a, *b));
        // The sort is stable, so the first of equals is the one that came first.
        places.dedup_by(|b, a| order(&items, *a, *b).is_eq());
        places.sort_unstable();
        kept.push(places);
    }
    rearranged(many, &items, &kept)
}

fn sort(many: &Many) -> Result<Values, GraphError> {
    let items = many.items()?;
    let sorted = (0..many.rows.len()).map(|row| {
        let mut places: Vec<usize> = many.rows.items(row).collect();
        places.sort_by(|a, b| order(&items, *a, *b));
        places
    });
    rearranged(many, &items, &sorted.collect::<Vec<_>>())
}

/// Returns lists with other items in each row.
fn rearranged(many: &Many, items: &Values, kept: &[Vec<usize>]) -> Result<Values, GraphError> {
    let lengths = kept.iter().enumerate();
    let rows = Rows::new(
        lengths.map(|(row, places)| (!many.rows.is_missing(row)).then_some(places.len())),
    )?;
    let places: UInt32Array = kept.iter().flatten().map(|place| Some(index(*place))).collect();
    Ok(Values::lists(rows, pick(items, &places)))
}

fn append(a: &Many, b: &Many) -> Result<Values, GraphError> {
    let both = |row: usize| !a.rows.is_missing(row) && !b.rows.is_missing(row);
    let rows = Rows::new(
        (0..a.rows.len())
            .map(|row| both(row).then(|| a.rows.items(row).len() + b.rows.items(row).len())),
    )?;
    let num_first = a.rows.num_items();
    let places: UInt32Array = (0..a.rows.len())
        .filter(|row| both(*row))
        .flat_map(|row| {
            let second = b.rows.items(row).map(|place| place + num_first);
            a.rows.items(row).chain(second).map(|place| Some(index(place)))
        })
        .collect();
    let items = pick(&super::many::joined(a, b)?, &places);
    Ok(Values::lists(rows, items))
}

fn contains(many: &Many, wanted: &Values, num_rows: usize) -> Result<BooleanArray, GraphError> {
    let wanted = match wanted {
        Values::Constant(literal) => repeat(literal, num_rows)?,
        values => values.clone(),
    };
    let items = many.items()?;
    let is_equal = |place: usize, row: usize| match (&items, &wanted) {
        (Values::Int(a), Values::Int(b)) => a.value(place) == b.value(row),
        #[expect(clippy::float_cmp, reason = "equality is the operation")]
        (Values::Float(a), Values::Float(b)) => a.value(place) == b.value(row),
        (Values::String(a), Values::String(b)) => a.value(place) == b.value(row),
        (Values::Bool(a), Values::Bool(b)) => a.value(place) == b.value(row),
        _ => unreachable!("{CHECKED}"),
    };
    let is_there = |place: usize| items.nulls().is_none_or(|nulls| nulls.is_valid(place));
    let found = (0..num_rows).map(|row| {
        let is_missing = wanted.nulls().is_some_and(|nulls| nulls.is_null(row));
        (!is_missing && !many.rows.is_missing(row))
            .then(|| many.rows.items(row).any(|place| is_there(place) && is_equal(place, row)))
    });
    Ok(found.collect())
}
