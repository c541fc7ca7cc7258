//! Lists of numbers, made into one number, or counted as terms.

use arrow::array::{Array, Float64Array, Int64Array};

use super::CHECKED;
use super::many::{Many, Rows};
use crate::evaluate::Values;
use crate::{GraphError, ListOp};

/// Makes one number of each list.
pub(super) fn reduce(op: &ListOp, many: &Many) -> Result<Values, GraphError> {
    let rows = &many.rows;
    let each = |row: usize| (!rows.is_missing(row)).then(|| rows.items(row));
    Ok(match many.items()? {
        Values::Int(items) => {
            let reduce = |row| {
                let values = each(row)?.filter(|at| items.is_valid(*at)).map(|at| items.value(at));
                match op {
                    ListOp::Sum => Some(values.fold(0, i64::wrapping_add)),
                    ListOp::Least => values.min(),
                    ListOp::Greatest => values.max(),
                    _ => unreachable!("{CHECKED}"),
                }
            };
            Values::ints((0..rows.len()).map(reduce).collect())
        }
        Values::Float(items) => {
            let reduce = |row| {
                let mut values =
                    each(row)?.filter(|at| items.is_valid(*at)).map(|at| items.value(at));
                match op {
                    ListOp::Sum => Some(values.fold(0.0, |sum, value| sum + value)),
                    ListOp::Mean => mean(values),
                    ListOp::Least => values.next().map(|first| values.fold(first, least)),
                    ListOp::Greatest => values.next().map(|first| values.fold(first, greatest)),
                    _ => unreachable!("{CHECKED}"),
                }
            };
            Values::floats((0..rows.len()).map(reduce).collect())
        }
        _ => unreachable!("{CHECKED}"),
    })
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

fn greatest(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// Returns the ids of a list that are below `size`, ascending, with how often each occurs.
fn counted(items: &Int64Array, places: std::ops::Range<usize>, size: usize) -> Vec<(i64, u32)> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let ids = places.filter(|at| items.is_valid(*at)).map(|at| items.value(at));
    let mut ids: Vec<i64> = ids.filter(|id| (0..size).contains(id)).collect();
    ids.sort_unstable();
    let mut counted: Vec<(i64, u32)> = Vec::new();
    for id in ids {
        match counted.last_mut() {
            Some((last, count)) if *last == id => *count += 1,
            _ => counted.push((id, 1)),
        }
    }
    counted
}

/// Calls `make` for each row's terms, and keeps what it makes of them.
fn terms<T>(
    many: &Many,
    size: usize,
    make: impl Fn(&[(i64, u32)], &mut Vec<T>),
) -> Result<(Rows, Vec<T>), GraphError> {
    let Values::Int(items) = many.items()? else { unreachable!("{CHECKED}") };
    let mut made = Vec::new();
    let mut lengths = Vec::with_capacity(many.rows.len());
    for row in 0..many.rows.len() {
        let before = made.len();
        make(&counted(&items, many.rows.items(row), size), &mut made);
        lengths.push((!many.rows.is_missing(row)).then_some(made.len() - before));
    }
    Ok((Rows::new(lengths.into_iter())?, made))
}

pub(super) fn term_ids(many: &Many, size: u32) -> Result<Values, GraphError> {
    let (rows, ids) = terms(many, size as usize, |terms, made| {
        made.extend(terms.iter().map(|(id, _)| *id));
    })?;
    Ok(Values::lists(rows, Values::ints(Int64Array::from(ids))))
}

pub(super) fn term_weights(many: &Many, weights: &[f64]) -> Result<Values, GraphError> {
    let (rows, values) = terms(many, weights.len(), |terms, made| {
        let total: u32 = terms.iter().map(|(_, count)| count).sum();
        made.extend(terms.iter().map(|(id, count)| {
            let weight = usize::try_from(*id).map_or(0.0, |id| weights[id]);
            f64::from(*count) / f64::from(total) * weight
        }));
    })?;
    Ok(Values::lists(rows, Values::floats(Float64Array::from(values))))
}
