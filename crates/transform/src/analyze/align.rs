//! Lists beside one another: their values one by one.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::TransformError;

/// Returns columns of one value for each row, or where some are of lists, for each value of these. One value of a row
/// goes with each of the lists' values; a row is left out where one of the lists is missing.
///
/// # Errors
///
/// [`TransformError::Lengths`] when lists of one row have different numbers of values.
pub(crate) fn align(columns: &[&ArrayRef]) -> Result<Vec<ArrayRef>, TransformError> {
    if let [column] = columns {
        return Ok(vec![items(column)]);
    }
    let all = || columns.iter().map(|column| ArrayRef::clone(column)).collect();
    let lists: Vec<Option<List<'_>>> = columns.iter().map(|column| List::new(column)).collect();
    let Some(num_rows) = lists.iter().flatten().map(|list| list.lists.len()).next() else {
        return Ok(all());
    };
    let mut places: Vec<Vec<u32>> = vec![Vec::new(); columns.len()];
    for row in 0..num_rows {
        if lists.iter().flatten().any(|list| list.lists.is_null(row)) {
            continue;
        }
        let mut lengths = lists.iter().flatten().map(|list| list.range(row).len());
        let first = lengths.next().unwrap_or(0);
        if let Some(second) = lengths.find(|&length| length != first) {
            return Err(TransformError::Lengths { row, first, second });
        }
        for (places, list) in places.iter_mut().zip(&lists) {
            let place = |place: usize| u32::try_from(place).expect("offsets are 32 bits");
            match list {
                Some(list) => places.extend(list.range(row).map(place)),
                None => places.extend((0..first).map(|_| place(row))),
            }
        }
    }
    let aligned = columns.iter().zip(&lists).zip(places).map(|((column, list), places)| {
        let values = list.as_ref().map_or(*column, |list| list.values);
        take(values, &UInt32Array::from(places), None)
            .map_err(|_| graph::GraphError::TooMuchText.into())
    });
    aligned.collect()
}

/// Returns the values of lists, or a column of one value each as it is.
pub(crate) fn items(column: &ArrayRef) -> ArrayRef {
    List::new(column).map_or_else(|| ArrayRef::clone(column), |list| ArrayRef::clone(list.values))
}

struct List<'a> {
    lists: &'a dyn Array,
    values: &'a ArrayRef,
}

impl<'a> List<'a> {
    fn new(column: &'a ArrayRef) -> Option<Self> {
        let values = match column.data_type() {
            DataType::List(_) => column.as_list::<i32>().values(),
            DataType::FixedSizeList(..) => column.as_fixed_size_list().values(),
            _ => return None,
        };
        Some(Self { lists: column, values })
    }

    /// Returns the places of a row's values.
    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let place = |offset: i32| usize::try_from(offset).unwrap_or(0);
        match self.lists.data_type() {
            DataType::FixedSizeList(_, length) => place(*length) * row..place(*length) * (row + 1),
            _ => {
                let offsets = self.lists.as_list::<i32>().value_offsets();
                place(offsets[row])..place(offsets[row + 1])
            }
        }
    }
}
