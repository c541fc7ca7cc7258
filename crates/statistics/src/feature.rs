//! What is known of one feature: how many examples have it, with how many values, and which.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, GenericByteViewArray,
    GenericListArray, OffsetSizeTrait, PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ByteArrayType, ByteViewType, DataType, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::Config;
use crate::pass::{Kind, Shape};
use crate::strings::StringCounts;
use sketch::Distribution;
use sketch::StateError;
use sketch::bytes::{Reader, Stored};

/// What was seen of one feature.
#[derive(Clone, Debug)]
pub(crate) struct FeatureState {
    /// Examples that have the feature, those with an empty list included.
    pub(crate) num_non_missing: u64,
    /// How many values they have; empty for features that are not lists, which have one each.
    pub(crate) lengths: Distribution,
    /// Values in all examples together, NaN included.
    pub(crate) tot_num_values: u64,
    pub(crate) values: Values,
}

/// The values themselves.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    None,
    Numbers { num_nan: u64, numbers: Distribution },
    Strings { num_bytes: u64, num_invalid_utf8: u64, strings: StringCounts },
}

impl FeatureState {
    pub(crate) fn new(shape: Shape, config: &Config) -> Self {
        let max_numbers = config.max_exact_numbers.get() as usize;
        let max_strings = config.max_exact_strings.get() as usize;
        let values = match shape.kind {
            Kind::Unknown => Values::None,
            Kind::Int | Kind::Float => {
                Values::Numbers { num_nan: 0, numbers: Distribution::new(max_numbers) }
            }
            Kind::String => Values::Strings {
                num_bytes: 0,
                num_invalid_utf8: 0,
                strings: StringCounts::new(max_strings),
            },
        };
        let lengths = Distribution::new(max_numbers);
        Self { num_non_missing: 0, lengths, tot_num_values: 0, values }
    }

    /// Takes in one column of the feature's own shape, or of no values.
    pub(crate) fn update(&mut self, column: &dyn Array) {
        match column.data_type() {
            DataType::Null => {}
            DataType::List(_) => self.update_lists(column.as_list::<i32>()),
            DataType::LargeList(_) => self.update_lists(column.as_list::<i64>()),
            _ => {
                let num_values = (column.len() - column.logical_null_count()) as u64;
                self.num_non_missing += num_values;
                self.tot_num_values += num_values;
                self.values.update(column);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_non_missing += other.num_non_missing;
        self.tot_num_values += other.tot_num_values;
        self.lengths.merge(&other.lengths);
        self.values.merge(&other.values);
    }

    /// Nulls within a list are no values.
    fn update_lists<O: OffsetSizeTrait>(&mut self, lists: &GenericListArray<O>) {
        let offsets = lists.value_offsets();
        let items = lists.values();
        let item_nulls = items.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        for (start, end) in valid_runs(lists.nulls(), lists.len()) {
            for row in start..end {
                let (from, to) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
                let num_nulls = match &item_nulls {
                    Some(nulls) => nulls.slice(from, to - from).null_count(),
                    None => 0,
                };
                let length = (to - from - num_nulls) as u64;
                self.tot_num_values += length;
                self.lengths.add(sketch::as_f64(length), 1);
            }
            self.num_non_missing += (end - start) as u64;
            let (from, to) = (offsets[start].as_usize(), offsets[end].as_usize());
            self.values.update(items.slice(from, to - from).as_ref());
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_non_missing.write(out);
        self.tot_num_values.write(out);
        self.lengths.write(out);
        match &self.values {
            Values::None => {}
            Values::Numbers { num_nan, numbers } => {
                num_nan.write(out);
                numbers.write(out);
            }
            Values::Strings { num_bytes, num_invalid_utf8, strings } => {
                num_bytes.write(out);
                num_invalid_utf8.write(out);
                strings.write(out);
            }
        }
    }

    pub(crate) fn read(input: &mut Reader<'_>, shape: Shape) -> Result<Self, StateError> {
        Ok(Self {
            num_non_missing: input.take_total()?,
            tot_num_values: input.take_total()?,
            lengths: Distribution::read(input)?,
            values: match shape.kind {
                Kind::Unknown => Values::None,
                Kind::Int | Kind::Float => Values::Numbers {
                    num_nan: input.take_total()?,
                    numbers: Distribution::read(input)?,
                },
                Kind::String => Values::Strings {
                    num_bytes: input.take_total()?,
                    num_invalid_utf8: input.take_total()?,
                    strings: StringCounts::read(input)?,
                },
            },
        })
    }
}

impl Values {
    fn update(&mut self, array: &dyn Array) {
        match self {
            Self::None => {}
            Self::Numbers { num_nan, numbers } => add_numbers(array, numbers, num_nan),
            Self::Strings { num_bytes, num_invalid_utf8, strings } => {
                let mut add = |bytes: &[u8], is_utf8: bool| {
                    *num_bytes += bytes.len() as u64;
                    *num_invalid_utf8 += u64::from(!strings.add(bytes, is_utf8));
                };
                add_strings(array, &mut add);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::None, Self::None) => {}
            (
                Self::Numbers { num_nan, numbers },
                Self::Numbers { num_nan: other_nan, numbers: other_numbers },
            ) => {
                *num_nan += other_nan;
                numbers.merge(other_numbers);
            }
            (
                Self::Strings { num_bytes, num_invalid_utf8, strings },
                Self::Strings {
                    num_bytes: other_bytes,
                    num_invalid_utf8: other_invalid,
                    strings: other_strings,
                },
            ) => {
                *num_bytes += other_bytes;
                *num_invalid_utf8 += other_invalid;
                strings.merge(other_strings);
            }
            _ => unreachable!("states of one pass have values of one kind"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "statistics of integers are computed with floats")]
fn add_numbers(array: &dyn Array, numbers: &mut Distribution, num_nan: &mut u64) {
    match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            for (value, count) in [(1.0, array.true_count()), (0.0, array.false_count())] {
                if count > 0 {
                    numbers.add(value, count as u64);
                }
            }
        }
        DataType::Int8 => add_all(array.as_primitive::<Int8Type>(), numbers, num_nan, f64::from),
        DataType::Int16 => add_all(array.as_primitive::<Int16Type>(), numbers, num_nan, f64::from),
        DataType::Int32 => add_all(array.as_primitive::<Int32Type>(), numbers, num_nan, f64::from),
        DataType::Int64 => {
            add_all(array.as_primitive::<Int64Type>(), numbers, num_nan, |value| value as f64);
        }
        DataType::UInt8 => add_all(array.as_primitive::<UInt8Type>(), numbers, num_nan, f64::from),
        DataType::UInt16 => {
            add_all(array.as_primitive::<UInt16Type>(), numbers, num_nan, f64::from);
        }
        DataType::UInt32 => {
            add_all(array.as_primitive::<UInt32Type>(), numbers, num_nan, f64::from);
        }
        DataType::UInt64 => {
            add_all(array.as_primitive::<UInt64Type>(), numbers, num_nan, |value| value as f64);
        }
        DataType::Float16 => {
            add_all(array.as_primitive::<Float16Type>(), numbers, num_nan, f64::from);
        }
        DataType::Float32 => {
            add_all(array.as_primitive::<Float32Type>(), numbers, num_nan, f64::from);
        }
        DataType::Float64 => {
            add_all(array.as_primitive::<Float64Type>(), numbers, num_nan, |value| value);
        }
        DataType::Null => {}
        DataType::Dictionary(..) => add_numbers(&expanded(array), numbers, num_nan),
        other => unreachable!("the shape of {other} was checked"),
    }
}

fn add_all<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    numbers: &mut Distribution,
    num_nan: &mut u64,
    to_f64: impl Fn(T::Native) -> f64,
) {
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        for &value in &array.values()[start..end] {
            let value = to_f64(value);
            if value.is_nan() {
                *num_nan += 1;
            } else {
                numbers.add(value, 1);
            }
        }
    }
}

fn add_strings(array: &dyn Array, add: &mut impl FnMut(&[u8], bool)) {
    match array.data_type() {
        DataType::Utf8 => add_bytes(array.as_string::<i32>(), true, add),
        DataType::LargeUtf8 => add_bytes(array.as_string::<i64>(), true, add),
        DataType::Binary => add_bytes(array.as_binary::<i32>(), false, add),
        DataType::LargeBinary => add_bytes(array.as_binary::<i64>(), false, add),
        DataType::Utf8View => add_views(array.as_string_view(), true, add),
        DataType::BinaryView => add_views(array.as_binary_view(), false, add),
        DataType::Null => {}
        DataType::Dictionary(..) => add_strings(&expanded(array), add),
        other => unreachable!("the shape of {other} was checked"),
    }
}

fn add_bytes<T: ByteArrayType>(
    array: &GenericByteArray<T>,
    is_utf8: bool,
    add: &mut impl FnMut(&[u8], bool),
) {
    let (offsets, text) = (array.value_offsets(), array.value_data());
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        for ends in offsets[start..=end].windows(2) {
            add(&text[ends[0].as_usize()..ends[1].as_usize()], is_utf8);
        }
    }
}

fn add_views<T: ByteViewType>(
    array: &GenericByteViewArray<T>,
    is_utf8: bool,
    add: &mut impl FnMut(&[u8], bool),
) {
    for (start, end) in valid_runs(array.nulls(), array.len()) {
        (start..end).for_each(|row| add(array.value(row).as_ref(), is_utf8));
    }
}

/// Returns a dictionary column's values row by row.
fn expanded(array: &dyn Array) -> ArrayRef {
    let dictionary = array.as_any_dictionary();
    arrow::compute::take(dictionary.values().as_ref(), dictionary.keys(), None)
        .expect("a dictionary's keys are indices of its values")
}

/// Yields the runs of rows that are not null, as start and end.
fn valid_runs(nulls: Option<&NullBuffer>, len: usize) -> impl Iterator<Item = (usize, usize)> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    let all = (nulls.is_none() && len > 0).then_some((0, len));
    all.into_iter().chain(nulls.into_iter().flat_map(NullBuffer::valid_slices))
}
