//! Numbers beside texts: how often each number occurs with each key.
//!
//! What is learned of a key is made of its numbers in order, so it is the same however the rows were partitioned.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use sketch::StateError;

use super::counts::{Counts, pair, unpair};
use super::numbers::{LearnedNumbers, NumbersState};
use crate::TransformError;

/// A graph holds no more keys of one function: each is a text and some constants in memory, and in the graph's file.
pub(crate) const MAX_KEYS: usize = 1_000_000;

const SIGN: u64 = 1 << 63;

/// Takes in a column of `Int64` or `Float64` beside a column of keys; rows where either is missing are left out.
pub(crate) fn update(
    counts: &mut Counts<u64>,
    numbers: &dyn Array,
    keys: &dyn Array,
) -> Result<(), TransformError> {
    let Some(keys) = keys.as_string_opt::<i32>() else { return Ok(()) };
    let mut bytes = Vec::new();
    let mut add = |row: usize, number: u64| {
        if keys.is_valid(row) {
            pair(Some(keys.value(row).as_bytes()), &number.to_be_bytes(), &mut bytes);
            counts.add(&bytes, 1)?;
        }
        Ok(())
    };
    if numbers.data_type() == &DataType::Int64 {
        let numbers = numbers.as_primitive::<Int64Type>().iter().enumerate();
        numbers
            .filter_map(|(row, value)| Some((row, value?)))
            .try_for_each(|(row, value)| add(row, value.cast_unsigned() ^ SIGN))
    } else if let Some(numbers) = numbers.as_primitive_opt::<Float64Type>() {
        let numbers = numbers.iter().enumerate();
        numbers
            .filter_map(|(row, value)| Some((row, value?)))
            .try_for_each(|(row, value)| add(row, ordered(value)))
    } else {
        Ok(())
    }
}

/// Returns what `learn` makes of each key's numbers, in ascending order of the keys' bytes.
///
/// # Errors
///
/// [`TransformError::TooManyKeys`].
pub(crate) fn learn<T>(
    counts: &Counts<u64>,
    are_ints: bool,
    mut learn: impl FnMut(&LearnedNumbers) -> T,
) -> Result<Vec<(String, T)>, TransformError> {
    let mut learned: Vec<(String, T)> = Vec::new();
    let mut current: Option<(Vec<u8>, NumbersState<u64>)> = None;
    let mut end = |current: Option<(Vec<u8>, NumbersState<u64>)>| {
        let Some((key, numbers)) = current else { return Ok(()) };
        if learned.len() == MAX_KEYS {
            return Err(TransformError::TooManyKeys { limit: MAX_KEYS });
        }
        let key =
            String::from_utf8(key).map_err(|_| StateError { reason: "a text is not UTF-8" })?;
        learned.push((key, learn(&numbers.finish())));
        Ok(())
    };
    counts.for_each(&mut |bytes, count| {
        let (key, number) = unpair(bytes)?;
        let (Some(key), Ok(number)) = (key, <[u8; 8]>::try_from(number)) else {
            return Err(StateError { reason: "a number is not one" }.into());
        };
        if current.as_ref().is_none_or(|(current, _)| current != key) {
            end(current.take())?;
            current = Some((key.to_vec(), NumbersState::new()));
        }
        if let Some((_, numbers)) = &mut current {
            let number = u64::from_be_bytes(number);
            if are_ints {
                numbers.add_int((number ^ SIGN).cast_signed(), count);
            } else {
                let value = from_ordered(number);
                match value.is_nan() {
                    true => numbers.add_nan(count),
                    false => numbers.add(value, count),
                }
            }
        }
        Ok(())
    })?;
    end(current)?;
    learned.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(learned)
}

/// Maps a float to bits whose unsigned order is the floats' order; the zeros are one, and so are all NaN.
fn ordered(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn from_ordered(ordered: u64) -> f64 {
    f64::from_bits(if ordered & SIGN == 0 { !ordered } else { ordered & !SIGN })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;

    fn learned(numbers: ArrayRef, max_bytes: usize, are_ints: bool) -> String {
        let keys = StringArray::from(vec![
            Some("b"),
            Some("a"),
            Some("b"),
            Some("ab"),
            None,
            Some("b"),
            Some(""),
        ]);
        let mut counts = Counts::new(max_bytes);
        update(&mut counts, &numbers, &keys).unwrap();
        let shown = learn(&counts, are_ints, |numbers| {
            let moments = &numbers.distributed.moments;
            format!(
                "{} {} {:?}",
                numbers.size(),
                moments.finite_mean(),
                numbers.ints.map(|ints| ints.max)
            )
        });
        let shown: Vec<_> =
            shown.unwrap().into_iter().map(|(key, shown)| format!("{key}: {shown}")).collect();
        shown.join(", ")
    }

    #[test]
    fn numbers_are_learned_by_key() {
        for max_bytes in [usize::MAX, 1] {
            let floats = vec![
                Some(1.5),
                Some(-0.0),
                Some(f64::NAN),
                None,
                Some(9.0),
                Some(-4.5),
                Some(f64::INFINITY),
            ];
            let floats: ArrayRef = Arc::new(Float64Array::from(floats));
            assert_eq!(
                learned(floats, max_bytes, false),
                ": 1 0 None, a: 1 0 None, b: 3 -1.5 None"
            );
            let ints =
                vec![Some(i64::MAX), Some(-1), Some(i64::MAX - 1), Some(7), Some(9), None, Some(0)];
            let ints: ArrayRef = Arc::new(Int64Array::from(ints));
            let expected = ": 1 0 Some(0), a: 1 -1 Some(-1), ab: 1 7 Some(7), b: 2 9223372036854776000 Some(9223372036854775807)";
            assert_eq!(learned(ints, max_bytes, true), expected);
        }
    }

    #[test]
    fn floats_keep_their_order_as_bits() {
        let floats = [f64::NEG_INFINITY, -2.0, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        assert!(floats.map(ordered).is_sorted());
        assert!(
            floats
                .map(ordered)
                .map(from_ordered)
                .iter()
                .zip(floats)
                .all(|(a, b)| a.total_cmp(&b).is_eq())
        );
        assert_eq!((ordered(-0.0), ordered(-f64::NAN)), (ordered(0.0), ordered(f64::NAN)));
    }
}
