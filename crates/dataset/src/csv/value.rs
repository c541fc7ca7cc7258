//! What a cell's text says: an integer, a float, or just text.

use crate::FeatureType;

/// Returns the narrowest type that holds a cell, or `None` for an empty cell, which is missing.
///
/// Types widen in their order, so a column's type is the maximum over its cells.
///
/// # Source
///
/// TFX's CSV decoder, which asks Python's `int()` and then `float()`: surrounding white space, a sign, `nan`,
/// `inf`, `infinity` and exponents are fine, and an integer outside of 64 bits is text. Differs where Python
/// reads what nobody else takes for a number: `1_000`, and digits and spaces beyond ASCII, are text.
pub fn cell_type(cell: &[u8]) -> Option<FeatureType> {
    if cell.is_empty() {
        return None;
    }
    if let Some(plain) = plain_number(cell) {
        return Some(plain);
    }
    Some(match parse_int(cell) {
        Integer::Value(_) => FeatureType::Int,
        Integer::OutOfRange => FeatureType::Bytes,
        Integer::NotOne if parse_float(cell).is_some() => FeatureType::Float,
        Integer::NotOne => FeatureType::Bytes,
    })
}

/// Returns the type of a number as most are written, in one pass and without reading it: a sign, digits that fit
/// in any case, and perhaps a point among them.
fn plain_number(cell: &[u8]) -> Option<FeatureType> {
    let unsigned = match cell {
        [b'-' | b'+', rest @ ..] => rest,
        rest => rest,
    };
    let (mut num_digits, mut num_points) = (0, 0);
    for byte in unsigned {
        match byte {
            b'0'..=b'9' => num_digits += 1,
            b'.' => num_points += 1,
            _ => return None,
        }
    }
    match (num_digits, num_points) {
        (1..=MAX_PLAIN_DIGITS, 0) => Some(FeatureType::Int),
        (1.., 1) => Some(FeatureType::Float),
        _ => None,
    }
}

/// Integers of so many digits fit in 64 bits.
const MAX_PLAIN_DIGITS: usize = 18;

/// What [`parse_int`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    Value(i64),
    OutOfRange,
    NotOne,
}

/// Reads decimal digits with an optional sign.
pub(crate) fn parse_int(cell: &[u8]) -> Integer {
    let cell = trim(cell);
    let (is_negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Integer::NotOne;
    }
    if digits.len() <= MAX_PLAIN_DIGITS {
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        return Integer::Value(if is_negative { -value } else { value });
    }
    // The negative range is the larger one, so sum up below zero.
    let mut value: i64 = 0;
    for digit in digits {
        let step = value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(digit - b'0')));
        match step {
            Some(next) => value = next,
            None => return Integer::OutOfRange,
        }
    }
    if is_negative {
        return Integer::Value(value);
    }
    value.checked_neg().map_or(Integer::OutOfRange, Integer::Value)
}

/// Returns whether a cell is a whole number that 64 bits do not hold: text, although it can be read as a float.
pub(crate) fn is_large_integer(cell: &[u8]) -> bool {
    cell.len() > MAX_PLAIN_DIGITS && parse_int(cell) == Integer::OutOfRange
}

/// Reads a float in Python's syntax, by way of 64 bits as the reference does.
pub(crate) fn parse_float(cell: &[u8]) -> Option<f32> {
    let value: f64 = std::str::from_utf8(trim(cell)).ok()?.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "features are 32-bit floats")]
    Some(value as f32)
}

/// Drops what Python's `strip` calls white space, of ASCII.
fn trim(mut cell: &[u8]) -> &[u8] {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f);
    while let [first, rest @ ..] = cell
        && is_space(*first)
    {
        cell = rest;
    }
    while let [rest @ .., last] = cell
        && is_space(*last)
    {
        cell = rest;
    }
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_has_the_type_that_python_gives_it() {
        let check = |cells: &[&str], expected: Option<FeatureType>| {
            for cell in cells {
                assert_eq!(cell_type(cell.as_bytes()), expected, "{cell:?}");
            }
        };
        check(&[""], None);
        let ints = ["0", "-1", "+5", "007", " 12 ", "\t3\n", "9223372036854775807"];
        check(&ints, Some(FeatureType::Int));
        check(&["-9223372036854775808"], Some(FeatureType::Int));
        let floats = ["0.5", "1.", ".5", "1e5", "-1E-3", " 2.5 ", "nan", "NaN", "-inf", "Infinity"];
        check(&floats, Some(FeatureType::Float));
        let texts = ["a", " ", "-", ".", "1 2", "0x10", "1_000", "1,5", "e5", "--1", "é", "nan()"];
        check(&texts, Some(FeatureType::Bytes));
        check(&["999999999999999999", "-999999999999999999"], Some(FeatureType::Int));
        check(&["+1.5", "123456789012345678901.5", "-.5"], Some(FeatureType::Float));
        check(&["1.2.3", "+-1", "+", "-.", "..", "1-2"], Some(FeatureType::Bytes));
        let too_large = ["9223372036854775808", "-9223372036854775809", "1234567890123456789012"];
        check(&too_large, Some(FeatureType::Bytes));
        assert_eq!(cell_type(b"\xff"), Some(FeatureType::Bytes));
    }

    proptest! {
        #[test]
        fn the_fast_way_agrees_with_reading(cell in "[ +-]{0,2}[0-9]{0,20}[.e]{0,2}[0-9]{0,3}") {
            let read = match parse_int(cell.as_bytes()) {
                _ if cell.is_empty() => None,
                Integer::Value(_) => Some(FeatureType::Int),
                Integer::NotOne if parse_float(cell.as_bytes()).is_some() => Some(FeatureType::Float),
                Integer::OutOfRange | Integer::NotOne => Some(FeatureType::Bytes),
            };
            prop_assert_eq!(cell_type(cell.as_bytes()), read);
            if let Integer::Value(value) = parse_int(cell.as_bytes()) {
                prop_assert_eq!(Ok(value), cell.trim().parse());
            }
        }
    }

    #[test]
    fn floats_are_rounded_twice_as_the_reference_rounds_them() {
        assert_eq!(parse_float(b"12.45").unwrap().to_bits(), 12.45f32.to_bits());
        assert!(parse_float(b"1e300").unwrap().is_infinite());
        assert!(parse_float(b"nan").unwrap().is_nan());
        // Halfway between two 32-bit floats, and a little more than 64 bits can tell.
        let halfway = b"1.000000059604644775390625000000000000001";
        assert_eq!(parse_float(halfway).unwrap().to_bits(), 1.0f32.to_bits());
    }
}
