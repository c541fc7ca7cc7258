//! Conversions between types.

use std::fmt::Write as _;

use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::buffer::BooleanBuffer;

use super::text::{TextBuilder, trim_ascii};
use super::{CHECKED, logic};
use crate::evaluate::Values;
use crate::{GraphError, Literal, TrimSide, ValueType};

/// Converts a constant, where that takes no column.
pub(super) fn constant(literal: &Literal, to: ValueType) -> Option<Literal> {
    Some(match (literal, to) {
        (Literal::Null(_), to) => Literal::Null(to),
        (Literal::Int(value), ValueType::Float) => Literal::Float(as_float(*value)),
        (Literal::Int(value), ValueType::String) => {
            let mut text = String::new();
            write_int(&mut text, *value);
            Literal::String(text)
        }
        _ => return None,
    })
}

/// Returns the nearest float.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
fn as_float(value: i64) -> f64 {
    value as f64
}

fn write_int(text: &mut String, value: i64) {
    let _ = write!(text, "{value}");
}

/// Converts every value, by the rules of [`crate::Op::Cast`].
pub(super) fn cast(values: &Values, to: ValueType) -> Result<Values, GraphError> {
    Ok(match (values, to) {
        (Values::Int(_), ValueType::Int)
        | (Values::Float(_), ValueType::Float)
        | (Values::String(_), ValueType::String)
        | (Values::Bool(_), ValueType::Bool) => values.clone(),

        (Values::Int(values), ValueType::Float) => Values::floats(values.unary(as_float)),
        (Values::Int(values), ValueType::Bool) => {
            let holds = BooleanBuffer::collect_bool(values.len(), |row| values.value(row) != 0);
            Values::bools(BooleanArray::new(holds, values.nulls().cloned()))
        }
        (Values::Int(values), ValueType::String) => {
            Values::texts(write_all(values.iter(), write_int)?)
        }

        (Values::Float(values), ValueType::Int) => Values::ints(values.unary_opt(to_int)),
        (Values::Float(values), ValueType::Bool) => {
            let holds = BooleanBuffer::collect_bool(values.len(), |row| values.value(row) != 0.0);
            Values::bools(BooleanArray::new(holds, values.nulls().cloned()))
        }
        (Values::Float(values), ValueType::String) => {
            Values::texts(write_all(values.iter(), write_float)?)
        }

        (Values::Bool(values), ValueType::Int) => Values::ints(logic::to_int(values)),
        (Values::Bool(values), ValueType::Float) => Values::floats(logic::to_float(values)),
        (Values::Bool(values), ValueType::String) => {
            Values::texts(write_all(values.iter(), |text, value| {
                text.push_str(if value { "true" } else { "false" });
            })?)
        }

        (Values::String(values), ValueType::Int) => {
            Values::ints(parse::<Int64Array, _>(values, |text| text.parse().ok()))
        }
        (Values::String(values), ValueType::Float) => {
            Values::floats(parse::<Float64Array, _>(values, |text| text.parse().ok()))
        }
        (Values::String(values), ValueType::Bool) => {
            Values::bools(parse::<BooleanArray, _>(values, parse_bool))
        }
        (Values::Constant(_) | Values::Many(_), _) => unreachable!("{CHECKED}"),
    })
}

/// Cuts a float towards 0, when the result fits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cutting is what is asked for, the range is checked"
)]
fn to_int(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    let whole = value.trunc();
    (-LIMIT..LIMIT).contains(&whole).then_some(whole as i64)
}

/// Writes the shortest decimal that reads back as the same 32-bit float, or 64-bit float if it is none.
///
/// Features are stored in 32 bits, and nobody wants to see 0.1 become `0.10000000149011612`. Whole numbers keep
/// all their digits.
fn write_float(text: &mut String, value: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "it is tested whether this loses anything")]
    let narrow = value as f32;
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let is_whole = value.fract() == 0.0 && value.abs() < EXACT;
    let is_narrow = f64::from(narrow).to_bits() == value.to_bits();
    let _ =
        if is_narrow && !is_whole { write!(text, "{narrow:?}") } else { write!(text, "{value:?}") };
}

fn parse_bool(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["true", "t", "yes", "y", "1"]) {
        return Some(true);
    }
    is_one_of(["false", "f", "no", "n", "0"]).then_some(false)
}

fn parse<C: FromIterator<Option<V>>, V>(
    texts: &StringArray,
    parse: impl Fn(&str) -> Option<V>,
) -> C {
    texts.iter().map(|text| parse(trim_ascii(text?, TrimSide::Both))).collect()
}

fn write_all<V>(
    values: impl ExactSizeIterator<Item = Option<V>>,
    write: impl Fn(&mut String, V),
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(values.len());
    let mut text = String::new();
    for value in values {
        match value {
            None => builder.push_row(None)?,
            Some(value) => {
                text.clear();
                write(&mut text, value);
                builder.push_row(Some(&text))?;
            }
        }
    }
    Ok(builder.finish())
}
