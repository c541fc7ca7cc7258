//! Lists of a fixed length, and what is made into them.

use std::sync::Arc;

use arrow::array::{Array, Float64Array, UInt32Array};
use arrow::compute::interleave;

use super::CHECKED;
use super::many::{Many, Rows, from_column, index, pick};
use crate::evaluate::{Values, repeat};
use crate::{GraphError, Literal, Matrix, Shape};

/// Returns the rows of vectors of which some are missing, and refuses more items than a column holds.
fn rows_of(
    length: usize,
    is_missing: impl Fn(usize) -> bool,
    num_rows: usize,
) -> Result<Rows, GraphError> {
    Rows::new((0..num_rows).map(|row| (!is_missing(row)).then_some(length)))
}

fn floats(rows: Rows, values: Vec<f64>) -> Values {
    Values::lists(rows, Values::floats(Float64Array::from(values)))
}

pub(super) fn pad(many: &Many, length: u32, value: &Literal) -> Result<Values, GraphError> {
    let length = length as usize;
    let rows = rows_of(length, |row| many.rows.is_missing(row), many.rows.len())?;
    // The constant is one more item, behind all others.
    let end = many.rows.num_items();
    let one = Many { rows: Rows::new([Some(1)].into_iter())?, items: Arc::new(repeat(value, 1)?) };
    let all = super::many::joined(many, &one)?;
    let places: UInt32Array = (0..many.rows.len())
        .filter(|row| !many.rows.is_missing(*row))
        .flat_map(|row| {
            let items = many.rows.items(row);
            let num_items = items.len();
            items.take(length).chain(std::iter::repeat_n(end, length.saturating_sub(num_items)))
        })
        .map(|place| Some(index(place)))
        .collect();
    Ok(Values::lists(rows, pick(&all, &places)))
}

pub(super) fn make(operands: &[&Values], num_rows: usize) -> Result<Values, GraphError> {
    let rows = rows_of(operands.len(), |_| false, num_rows)?;
    let columns = operands
        .iter()
        .map(|operand| Values::clone(operand).into_column(num_rows, Shape::One))
        .collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<&dyn Array> = columns.iter().map(|column| &**column).collect();
    let places: Vec<(usize, usize)> =
        (0..num_rows).flat_map(|row| (0..columns.len()).map(move |nth| (nth, row))).collect();
    // Types are equal, so all that can go wrong is 32 bits for the length of text.
    let items = interleave(&columns, &places).map_err(|_| GraphError::TooMuchText)?;
    Ok(Values::lists(rows, from_column(&items)))
}

pub(super) fn one_hot(ids: &Values, depth: u32, num_rows: usize) -> Result<Values, GraphError> {
    let ids = match ids {
        Values::Constant(literal) => repeat(literal, num_rows)?,
        values => values.clone(),
    };
    let Values::Int(ids) = ids else { unreachable!("{CHECKED}") };
    let depth = depth as usize;
    let rows = rows_of(depth, |row| ids.is_null(row), num_rows)?;
    let mut values = vec![0.0; rows.num_items()];
    for (row, id) in ids.iter().enumerate() {
        mark(&mut values[rows.items(row)], id);
    }
    Ok(floats(rows, values))
}

pub(super) fn multi_hot(many: &Many, depth: u32) -> Result<Values, GraphError> {
    let Values::Int(ids) = many.items()? else { unreachable!("{CHECKED}") };
    let rows = rows_of(depth as usize, |row| many.rows.is_missing(row), many.rows.len())?;
    let mut values = vec![0.0; rows.num_items()];
    for row in 0..many.rows.len() {
        let places = many.rows.items(row).filter(|at| ids.is_valid(*at));
        let values = &mut values[rows.items(row)];
        places.for_each(|at| mark(values, Some(ids.value(at))));
    }
    Ok(floats(rows, values))
}

/// Puts 1 at a place, if it is there.
fn mark(values: &mut [f64], id: Option<i64>) {
    let place = id.and_then(|id| usize::try_from(id).ok());
    if let Some(value) = place.and_then(|place| values.get_mut(place)) {
        *value = 1.0;
    }
}

pub(super) fn multiply(many: &Many, matrix: &Matrix) -> Result<Values, GraphError> {
    let Values::Float(items) = many.items()? else { unreachable!("{CHECKED}") };
    let is_missing =
        |row: usize| many.rows.is_missing(row) || many.rows.items(row).any(|at| items.is_null(at));
    let num_columns = matrix.num_columns() as usize;
    let rows = rows_of(num_columns, is_missing, many.rows.len())?;
    let mut values = vec![0.0; rows.num_items()];
    for row in (0..many.rows.len()).filter(|row| !is_missing(*row)) {
        let sums = &mut values[rows.items(row)];
        let factors = matrix.values().chunks_exact(num_columns);
        for (at, factors) in many.rows.items(row).zip(factors) {
            let value = items.value(at);
            sums.iter_mut().zip(factors).for_each(|(sum, factor)| *sum += value * factor);
        }
    }
    Ok(floats(rows, values))
}
