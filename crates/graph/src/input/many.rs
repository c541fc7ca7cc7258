//! Raw columns of lists as a graph reads them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, Field};

use super::Reader;
use crate::evaluate::Values;
use crate::kernels::many::{Rows, index};
use crate::{GraphError, Shape};

/// Reads a column of lists; one with a value per row is one with lists of one.
pub(super) fn read(
    reader: &Reader<'_>,
    column: &ArrayRef,
    shape: Shape,
) -> Result<Values, GraphError> {
    let (rows, items) = match column.data_type() {
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let is_plain = lists.value_offsets().first() == Some(&0) && lists.null_count() == 0;
            if is_plain {
                // What is behind the last list is nobody's.
                let rows = Rows { offsets: lists.offsets().clone(), nulls: None };
                let items = lists.values().slice(0, rows.num_items());
                (rows, items)
            } else {
                let start = |row: usize| place(lists.value_offsets()[row]);
                gathered(column, lists.values(), &|row| start(row)..start(row + 1))?
            }
        }
        DataType::FixedSizeList(_, length) => {
            let lists = column.as_fixed_size_list();
            let length = place(*length);
            // The values of a slice are sliced too.
            gathered(column, lists.values(), &|row| row * length..(row + 1) * length)?
        }
        DataType::LargeList(field) => {
            let item = Field::new_list_field(field.data_type().clone(), true);
            let plain = DataType::List(Arc::new(item));
            let options = CastOptions { safe: false, ..CastOptions::default() };
            let plain = cast_with_options(column, &plain, &options);
            return read(reader, &plain.map_err(|source| reader.unfit(source))?, shape);
        }
        _ => gathered(column, column, &|row| row..row + 1)?,
    };
    if let Shape::Vector(expected) = shape {
        for (row, found) in rows.lengths().enumerate() {
            if let Some(found) = found.filter(|found| *found != expected as usize) {
                let feature = reader.feature.to_owned();
                return Err(GraphError::InputLength { feature, row, found, expected });
            }
        }
    }
    Ok(Values::lists(rows, reader.read(&items)?))
}

/// Returns the rows and items of lists whose values may lie anywhere, those of missing rows left out.
fn gathered(
    lists: &dyn Array,
    values: &ArrayRef,
    items: &dyn Fn(usize) -> std::ops::Range<usize>,
) -> Result<(Rows, ArrayRef), GraphError> {
    let nulls = lists.logical_nulls();
    let is_valid = |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
    let rows = Rows::new((0..lists.len()).map(|row| is_valid(&row).then(|| items(row).len())))?;
    let places: UInt32Array =
        (0..lists.len()).filter(is_valid).flat_map(items).map(|place| Some(index(place))).collect();
    let items = take(values, &places, None).map_err(|_| GraphError::TooMuchText)?;
    Ok((rows, items))
}

fn place(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}
