//! Looking at columns: their values one by one, and lists level by level.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, GenericByteViewArray,
    GenericListArray, OffsetSizeTrait, PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ByteArrayType, ByteViewType, DataType, Field, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use std::sync::Arc;

/// Hands every number that is not null to `visit`, NaN included, with its index.
#[expect(clippy::cast_precision_loss, reason = "statistics of integers are computed with floats")]
pub(crate) fn visit_numbers(array: &dyn Array, visit: &mut impl FnMut(usize, f64)) {
    match array.data_type() {
        DataType::Boolean => {
            let booleans = array.as_boolean();
            for (start, end) in valid_runs(booleans.nulls(), booleans.len()) {
                (start..end).for_each(|row| visit(row, f64::from(u8::from(booleans.value(row)))));
            }
        }
        DataType::Int8 => visit_all(array.as_primitive::<Int8Type>(), visit, f64::from),
        DataType::Int16 => visit_all(array.as_primitive::<Int16Type>(), visit, f64::from),
        DataType::Int32 => visit_all(array.as_primitive::<Int32Type>(), visit, f64::from),
        DataType::Int64 => visit_all(array.as_primitive::<Int64Type>(), visit, |v| v as f64),
        DataType::UInt8 => visit_all(array.as_primitive::<UInt8Type>(), visit, f64::from),
        DataType::UInt16 => visit_all(array.as_primitive::<UInt16Type>(), visit, f64::from),
        DataType::UInt32 => visit_all(array.as_primitive::<UInt32Type>(), visit, f64::from),
        DataType::UInt64 => visit_all(array.as_primitive::<UInt64Type>(), visit, |v| v as f64),
        DataType::Float16 => visit_all(array.as_primitive::<Float16Type>(), visit, f64::from),
        DataType::Float32 => visit_all(array.as_primitive::<Float32Type>(), visit, f64::from),
        DataType::Float64 => visit_all(array.as_primitive::<Float64Type>(), visit, |v| v),
        DataType::Null => {}
        DataType::Dictionary(..) => visit_numbers(&expanded(array), visit),
        other => unreachable!("the shape of {other} was checked"),
    }
}

#[inline]
fn visit_all<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    visit: &mut impl FnMut(usize, f64),
    to_f64: impl Fn(T::Native) -> f64,
) {
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        for (index, &value) in array.values()[start..end].iter().enumerate() {
            visit(start + index, to_f64(value));
        }
    }
}

/// Hands every string that is not null to `visit`, with its index and whether its type says that it is UTF-8.
pub(crate) fn visit_strings(array: &dyn Array, visit: &mut impl FnMut(usize, &[u8], bool)) {
    match array.data_type() {
        DataType::Utf8 => visit_bytes(array.as_string::<i32>(), true, visit),
        DataType::LargeUtf8 => visit_bytes(array.as_string::<i64>(), true, visit),
        DataType::Binary => visit_bytes(array.as_binary::<i32>(), false, visit),
        DataType::LargeBinary => visit_bytes(array.as_binary::<i64>(), false, visit),
        DataType::Utf8View => visit_views(array.as_string_view(), true, visit),
        DataType::BinaryView => visit_views(array.as_binary_view(), false, visit),
        DataType::Null => {}
        DataType::Dictionary(..) => visit_strings(&expanded(array), visit),
        other => unreachable!("the shape of {other} was checked"),
    }
}

#[inline]
fn visit_bytes<T: ByteArrayType>(
    array: &GenericByteArray<T>,
    is_utf8: bool,
    visit: &mut impl FnMut(usize, &[u8], bool),
) {
    let (offsets, text) = (array.value_offsets(), array.value_data());
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        for (index, ends) in offsets[start..=end].windows(2).enumerate() {
            visit(start + index, &text[ends[0].as_usize()..ends[1].as_usize()], is_utf8);
        }
    }
}

#[inline]
fn visit_views<T: ByteViewType>(
    array: &GenericByteViewArray<T>,
    is_utf8: bool,
    visit: &mut impl FnMut(usize, &[u8], bool),
) {
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        (start..end).for_each(|row| visit(row, array.value(row).as_ref(), is_utf8));
    }
}

/// Returns the numbers of every row, NaN included.
pub(crate) fn numbers_of_rows(column: &dyn Array) -> Vec<Vec<f64>> {
    if !matches!(
        column.data_type(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
    ) {
        let mut rows = vec![Vec::new(); column.len()];
        visit_numbers(column, &mut |row, value| rows[row].push(value));
        return rows;
    }
    let flat = Flat::of(column).without_nulls();
    let mut values = Vec::with_capacity(flat.values.len());
    visit_numbers(flat.values.as_ref(), &mut |_, value| values.push(value));
    let mut values = values.into_iter();
    let row = |length: &Option<usize>| values.by_ref().take(length.unwrap_or(0)).collect();
    flat.lengths.iter().map(row).collect()
}

/// Returns numbers as the texts that stand for them; booleans are 0 and 1.
pub(crate) fn numbers_as_text(array: &dyn Array) -> ArrayRef {
    let cast = |array: &dyn Array, to: &DataType| {
        arrow::compute::cast(array, to).expect("every number has a text")
    };
    match array.data_type() {
        DataType::Boolean => cast(&cast(array, &DataType::Int8), &DataType::Utf8),
        DataType::Dictionary(..) => numbers_as_text(&expanded(array)),
        _ => cast(array, &DataType::Utf8),
    }
}

/// One level of lists taken away.
pub(crate) struct Flat {
    /// Of every row, how many values its list has; nothing if there is none.
    pub(crate) lengths: Vec<Option<usize>>,
    /// The values of all lists, one after the other.
    pub(crate) values: ArrayRef,
}

impl Flat {
    /// Takes away the outer lists of a column of lists.
    pub(crate) fn of(lists: &dyn Array) -> Self {
        match lists.data_type() {
            DataType::List(_) => Self::of_lists(lists.as_list::<i32>()),
            DataType::LargeList(_) => Self::of_lists(lists.as_list::<i64>()),
            DataType::FixedSizeList(item, _) => {
                Self::of(fixed_as_lists(lists, Arc::clone(item)).as_ref())
            }
            other => unreachable!("{other} are no lists"),
        }
    }

    fn of_lists<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Self {
        let (offsets, items) = (lists.value_offsets(), lists.values());
        let mut lengths = vec![None; lists.len()];
        let mut pieces = Vec::new();
        for (start, end) in valid_runs(lists.nulls(), lists.len()) {
            for (length, ends) in lengths[start..end].iter_mut().zip(offsets[start..].windows(2)) {
                *length = Some(ends[1].as_usize() - ends[0].as_usize());
            }
            let (from, to) = (offsets[start].as_usize(), offsets[end].as_usize());
            pieces.push(items.slice(from, to - from));
        }
        let values = match pieces.len() {
            0 => items.slice(0, 0),
            1 => pieces.swap_remove(0),
            _ => {
                let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                arrow::compute::concat(&pieces).expect("slices of one array have one type")
            }
        };
        Self { lengths, values }
    }

    /// Drops the values that are null, as if the lists had never held them.
    pub(crate) fn without_nulls(self) -> Self {
        let Some(nulls) = self.values.logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
            return self;
        };
        let mut start = 0;
        let lengths = self.lengths.iter().map(|&length| {
            length.map(|length| {
                let num_nulls = nulls.slice(start, length).null_count();
                start += length;
                length - num_nulls
            })
        });
        Self { lengths: lengths.collect(), values: valid_part(&self.values, &nulls) }
    }
}

/// Returns the rows that are not null.
pub(crate) fn valid_part(array: &dyn Array, nulls: &NullBuffer) -> ArrayRef {
    let keep = arrow::array::BooleanArray::new(nulls.inner().clone(), None);
    arrow::compute::filter(array, &keep).expect("there is one bit for every row")
}

/// Returns lists of one length as lists of any.
pub(crate) fn fixed_as_lists(lists: &dyn Array, item: Arc<Field>) -> ArrayRef {
    arrow::compute::cast(lists, &DataType::LargeList(item)).expect("it is a list of the same")
}

/// Returns a dictionary column's values row by row.
pub(crate) fn expanded(array: &dyn Array) -> ArrayRef {
    let dictionary = array.as_any_dictionary();
    arrow::compute::take(dictionary.values().as_ref(), dictionary.keys(), None)
        .expect("a dictionary's keys are indices of its values")
}

/// Yields the runs of rows that are not null, as start and end.
pub(crate) fn valid_runs(
    nulls: Option<&NullBuffer>,
    len: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    let all = (nulls.is_none() && len > 0).then_some((0, len));
    all.into_iter().chain(nulls.into_iter().flat_map(NullBuffer::valid_slices))
}
