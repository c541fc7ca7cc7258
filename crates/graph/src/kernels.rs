//! What each operation does, over columns.
//!
//! Kernels never fail for a value: they give a missing one instead, where [`crate::Op`] says so. Slots of missing
//! values hold anything, and every kernel can compute on anything.

pub(crate) mod byte_pairs;
mod cast;
mod characters;
mod compare;
mod fingerprint;
mod functions;
mod geohash;
mod ids;
mod json;
pub(crate) mod lists;
mod lists_of_matches;
mod lists_of_numbers;
mod lists_of_text;
pub(crate) mod logic;
pub(crate) mod many;
mod numbers;
mod regexp;
mod similarity;
pub(crate) mod text;
mod time;
mod tokens;
mod vectors;
pub(crate) mod word_pieces;

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, PrimitiveArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int64Type};

use crate::evaluate::{Values, repeat};
use crate::{GraphError, Literal, Op, ValueType, Vocabulary};

/// One operand of numbers: one per row, or one for all rows.
enum Numbers<'a, T: ArrowPrimitiveType> {
    Rows(&'a PrimitiveArray<T>),
    Constant(Option<T::Native>),
}

// A derive would ask for a `T` that can be copied.
impl<T: ArrowPrimitiveType> Clone for Numbers<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ArrowPrimitiveType> Copy for Numbers<'_, T> {}

impl<T: ArrowPrimitiveType> Numbers<'_, T> {
    /// Returns the number of a row.
    fn at(self, row: usize) -> Option<T::Native> {
        match self {
            Self::Rows(rows) => rows.is_valid(row).then(|| rows.value(row)),
            Self::Constant(number) => number,
        }
    }
}

/// One operand of texts: one per row, or one for all rows.
#[derive(Clone, Copy)]
enum Texts<'a> {
    Rows(&'a StringArray),
    Constant(Option<&'a str>),
}

impl<'a> Texts<'a> {
    /// Returns the text of a row.
    fn at(self, row: usize) -> Option<&'a str> {
        match self {
            Self::Rows(rows) => rows.is_valid(row).then(|| rows.value(row)),
            Self::Constant(text) => text,
        }
    }
}

/// Computed numbers: one per row, or one for all rows, where that is so for all operands.
enum Computed<T: ArrowPrimitiveType> {
    Rows(PrimitiveArray<T>),
    Constant(Option<T::Native>),
}

/// Computed conditions: one per row, or one for all rows, where that is so for all operands.
enum Conditions {
    Rows(BooleanArray),
    Constant(Option<bool>),
}

impl From<Computed<Int64Type>> for Values {
    fn from(computed: Computed<Int64Type>) -> Self {
        match computed {
            Computed::Rows(rows) => Self::ints(rows),
            Computed::Constant(value) => {
                Self::Constant(value.map_or(Literal::Null(ValueType::Int), Literal::Int))
            }
        }
    }
}

impl From<Computed<Float64Type>> for Values {
    fn from(computed: Computed<Float64Type>) -> Self {
        match computed {
            Computed::Rows(rows) => Self::floats(rows),
            Computed::Constant(value) => {
                Self::Constant(value.map_or(Literal::Null(ValueType::Float), Literal::Float))
            }
        }
    }
}

impl From<Conditions> for Values {
    fn from(conditions: Conditions) -> Self {
        match conditions {
            Conditions::Rows(rows) => Self::bools(rows),
            Conditions::Constant(value) => {
                Self::Constant(value.map_or(Literal::Null(ValueType::Bool), Literal::Bool))
            }
        }
    }
}

/// Computes `f` of each number, missing where it is or where there is no result.
fn map<T: ArrowPrimitiveType, U: ArrowPrimitiveType>(
    numbers: Numbers<'_, T>,
    f: impl Fn(T::Native) -> U::Native,
) -> Computed<U> {
    match numbers {
        Numbers::Rows(rows) => Computed::Rows(rows.unary(f)),
        Numbers::Constant(value) => Computed::Constant(value.map(f)),
    }
}

const CHECKED: &str = "types were checked when the graph was made";

fn ints(values: &Values) -> Numbers<'_, Int64Type> {
    match values {
        Values::Int(rows) => Numbers::Rows(rows),
        Values::Constant(Literal::Int(value)) => Numbers::Constant(Some(*value)),
        Values::Constant(Literal::Null(_)) => Numbers::Constant(None),
        _ => unreachable!("{CHECKED}"),
    }
}

fn floats(values: &Values) -> Numbers<'_, Float64Type> {
    match values {
        Values::Float(rows) => Numbers::Rows(rows),
        Values::Constant(Literal::Float(value)) => Numbers::Constant(Some(*value)),
        Values::Constant(Literal::Null(_)) => Numbers::Constant(None),
        _ => unreachable!("{CHECKED}"),
    }
}

fn texts(values: &Values) -> Texts<'_> {
    match values {
        Values::String(rows) => Texts::Rows(rows),
        Values::Constant(Literal::String(text)) => Texts::Constant(Some(text)),
        Values::Constant(Literal::Null(_)) => Texts::Constant(None),
        _ => unreachable!("{CHECKED}"),
    }
}

fn bools(values: &Values, num_rows: usize) -> BooleanArray {
    match values {
        Values::Bool(rows) => BooleanArray::clone(rows),
        Values::Constant(Literal::Bool(value)) => BooleanArray::from(vec![*value; num_rows]),
        Values::Constant(Literal::Null(_)) => BooleanArray::new_null(num_rows),
        _ => unreachable!("{CHECKED}"),
    }
}

/// Computes an operation, neither an input nor a literal, for all rows; once where all operands are constants.
pub(crate) fn compute(
    op: &Op,
    operands: &[&Values],
    num_rows: usize,
    vocabularies: &[(String, Arc<Vocabulary>)],
) -> Result<Values, GraphError> {
    let are_constants = operands.iter().all(|operand| matches!(operand, Values::Constant(_)));
    let computed =
        compute_rows(op, operands, if are_constants { 1 } else { num_rows }, vocabularies);
    match computed {
        // Most kernels give a constant here, which is returned where it is.
        Ok(Values::Constant(_)) | Err(_) => computed,
        Ok(values) if are_constants => Ok(values.into_constant()),
        Ok(_) => computed,
    }
}

fn compute_rows(
    op: &Op,
    operands: &[&Values],
    num_rows: usize,
    vocabularies: &[(String, Arc<Vocabulary>)],
) -> Result<Values, GraphError> {
    let operand = |place: usize| operands[place];
    // A constant where only rows are worth a kernel of their own.
    let rows = |place: usize| match operand(place) {
        Values::Constant(literal) => repeat(literal, num_rows),
        values => Ok(values.clone()),
    };
    Ok(match op {
        Op::Input { .. } | Op::Literal(_) | Op::OfList(_) => {
            unreachable!("the evaluator has these itself")
        }
        Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::Least
        | Op::Greatest
        | Op::Power => numbers::binary(op, operand(0), operand(1), num_rows),
        Op::Negate
        | Op::Abs
        | Op::Sign
        | Op::Ln
        | Op::Log2
        | Op::Log10
        | Op::Exp
        | Op::Sqrt
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::Sin
        | Op::Cos
        | Op::Tanh
        | Op::Sigmoid
        | Op::LambertW => numbers::unary(op, operand(0)),
        Op::Float(op) => functions::float(*op, floats(operand(0))).into(),
        Op::Atan2 => functions::atan2(floats(operand(0)), floats(operand(1)), num_rows).into(),
        Op::Int(op) => functions::int(*op, ints(operand(0)), ints(operand(1)), num_rows).into(),
        Op::Equal
        | Op::NotEqual
        | Op::Less
        | Op::LessOrEqual
        | Op::Greater
        | Op::GreaterOrEqual => compare::compare(op, operand(0), operand(1), num_rows),
        Op::IsIn(literals) => Values::bools(compare::is_in(&rows(0)?, literals)),
        Op::And => {
            Values::bools(logic::and(&bools(operand(0), num_rows), &bools(operand(1), num_rows)))
        }
        Op::Or => {
            Values::bools(logic::or(&bools(operand(0), num_rows), &bools(operand(1), num_rows)))
        }
        Op::Not => Values::bools(logic::not(&bools(operand(0), num_rows))),
        Op::IsNull => Values::bools(logic::is_null(operand(0), num_rows)),
        Op::IsNan => Values::bools(compare::is_nan(&rows(0)?)),
        Op::IsFinite | Op::IsInfinite => Values::bools(functions::test(op, &rows(0)?)),
        Op::Select => match (operand(0), operand(1), operand(2)) {
            (_, Values::Many(_), _) | (_, _, Values::Many(_)) => {
                let conditions = bools(operand(0), num_rows);
                logic::select(&conditions, operand(1), operand(2), num_rows)?
            }
            (Values::Constant(Literal::Bool(true)), a, _) => a.clone(),
            (Values::Constant(_), _, b) => b.clone(),
            (condition, a, b) => logic::select(&bools(condition, num_rows), a, b, num_rows)?,
        },
        Op::Coalesce => logic::coalesce(operand(0), operand(1), num_rows)?,
        Op::Cast { to } => match operand(0) {
            Values::Constant(literal) => match cast::constant(literal, *to) {
                Some(literal) => Values::Constant(literal),
                None => cast::cast(&rows(0)?, *to)?,
            },
            values => cast::cast(values, *to)?,
        },
        Op::Lower | Op::Upper | Op::Trim(_) | Op::Substring { .. } | Op::Replace { .. } => {
            text::unary(op, texts(operand(0)), num_rows)?
        }
        Op::Concat => Values::texts(text::concat(texts(operand(0)), texts(operand(1)), num_rows)?),
        Op::Length => Values::ints(text::length(texts(operand(0)), num_rows)),
        Op::StartsWith | Op::EndsWith | Op::Contains => {
            Values::bools(text::search(op, texts(operand(0)), texts(operand(1)), num_rows))
        }
        Op::Text(op) => characters::compute(op, texts(operand(0)), num_rows)?,
        Op::TextPair(op) => {
            similarity::compute(*op, texts(operand(0)), texts(operand(1)), num_rows)
        }
        Op::Regexp(op) => regexp::compute(op, texts(operand(0)), num_rows)?,
        Op::Json { path, to } => json::extract(path, *to, texts(operand(0)), num_rows)?,
        Op::Time(op) => time::compute(op, operand(0), num_rows)?,
        Op::Geohash { precision } => {
            let (latitudes, longitudes) = (floats(operand(0)), floats(operand(1)));
            Values::texts(geohash::geohash(latitudes, longitudes, precision.get(), num_rows)?)
        }
        Op::Bucketize(boundaries) => ids::bucketize(floats(operand(0)), boundaries).into(),
        Op::BucketizePerKey(boundaries) => {
            Values::ints(ids::bucketize_per_key(&rows(0)?, &rows(1)?, boundaries))
        }
        Op::Gather(table) => ids::gather(operand(0), table),
        Op::Lookup { vocabulary, num_oov_buckets, default_value } => {
            let (_, vocabulary) = &vocabularies[vocabulary.index()];
            let unknown = ids::Unknown::new(vocabulary, *num_oov_buckets, *default_value);
            ids::lookup(texts(operand(0)), vocabulary, unknown).into()
        }
        Op::Hash { num_buckets } => ids::hash(texts(operand(0)), *num_buckets).into(),
        Op::KeyedHash { num_buckets, key } => {
            ids::keyed_hash(texts(operand(0)), *num_buckets, *key).into()
        }
    })
}
