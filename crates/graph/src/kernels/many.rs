//! Many values for a row: how they are kept, and operations of single values carried over to them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};

use crate::evaluate::{Values, repeat};
use crate::shape::arrow_length;
use crate::{GraphError, Literal, Op, Shape, ValueType, Vocabulary};

/// Which items are whose: the rows of a list without its values.
///
/// The first offset is 0, and rows that are missing have no items.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) offsets: OffsetBuffer<i32>,
    pub(crate) nulls: Option<NullBuffer>,
}

/// The values of a node that has many for each row.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    pub(crate) rows: Rows,
    pub(crate) items: Arc<Values>,
}

impl Rows {
    /// Takes the number of items of each row, none for what is missing.
    pub(crate) fn new(lengths: impl Iterator<Item = Option<usize>>) -> Result<Self, GraphError> {
        let mut offsets = vec![0i32];
        let mut is_valid = Vec::new();
        let mut end = 0i32;
        for length in lengths {
            let more = i32::try_from(length.unwrap_or(0)).map_err(|_| GraphError::TooManyItems)?;
            end = end.checked_add(more).ok_or(GraphError::TooManyItems)?;
            offsets.push(end);
            is_valid.push(length.is_some());
        }
        let nulls = Some(NullBuffer::from(is_valid)).filter(|nulls| nulls.null_count() > 0);
        Ok(Self { offsets: OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls })
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn num_items(&self) -> usize {
        usize::try_from(self.offsets[self.len()]).unwrap_or(0)
    }

    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Returns the places of a row's items.
    pub(crate) fn items(&self, row: usize) -> std::ops::Range<usize> {
        let at = |row: usize| usize::try_from(self.offsets[row]).unwrap_or(0);
        at(row)..at(row + 1)
    }

    /// Returns the number of items of each row, none for what is missing.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = Option<usize>> {
        (0..self.len()).map(|row| (!self.is_missing(row)).then(|| self.items(row).len()))
    }

    fn is_same(&self, other: &Self) -> bool {
        let same = |a: &ScalarBuffer<i32>, b: &ScalarBuffer<i32>| a.ptr_eq(b) || a == b;
        same(self.offsets.inner(), other.offsets.inner()) && self.nulls == other.nulls
    }
}

impl Many {
    /// Returns the lists as an Arrow column.
    pub(crate) fn to_column(&self, shape: Shape) -> Result<ArrayRef, GraphError> {
        let num_items = self.rows.num_items();
        let items = Values::clone(&self.items).into_column(num_items, Shape::One)?;
        let Rows { offsets, nulls } = self.rows.clone();
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let Shape::Vector(length) = shape else {
            return Ok(Arc::new(ListArray::new(field, offsets, items, nulls)));
        };
        // A missing row has no items here, and as many as every other there.
        let items = match &nulls {
            None => items,
            Some(nulls) => {
                let length = length as usize;
                let place = |row: usize, nth: usize| {
                    nulls.is_valid(row).then(|| index(self.rows.items(row).start + nth))
                };
                let places: UInt32Array = (0..self.rows.len())
                    .flat_map(|row| (0..length).map(move |nth| place(row, nth)))
                    .collect();
                take(&items, &places, None).expect("places are of items")
            }
        };
        let len = self.rows.len();
        let column = match length {
            0 => FixedSizeListArray::try_new_with_length(field, 0, items, nulls, len),
            length => FixedSizeListArray::try_new(field, arrow_length(length), items, nulls),
        };
        Ok(Arc::new(column.expect("every row has as many items as the type says")))
    }

    /// Returns the items as one value each.
    pub(crate) fn items(&self) -> Result<Values, GraphError> {
        match &*self.items {
            Values::Constant(literal) => repeat(literal, self.rows.num_items()),
            items => Ok(items.clone()),
        }
    }
}

/// Returns a place among items, of which there are at most as many as `i32` counts.
pub(crate) fn index(place: usize) -> u32 {
    u32::try_from(place).expect("offsets are 32 bits")
}

/// Returns some of the values, by their places; no place gives a missing one.
pub(crate) fn pick(values: &Values, places: &UInt32Array) -> Values {
    let column: &dyn Array = match values {
        Values::Int(values) => &**values,
        Values::Float(values) => &**values,
        Values::String(values) => &**values,
        Values::Bool(values) => &**values,
        Values::Constant(_) | Values::Many(_) => unreachable!("items are columns"),
    };
    from_column(&take(column, places, None).expect("places are of values"))
}

/// Computes an operation of single values for each value of lists; operands with one value a row go with each of the
/// row's items.
pub(crate) fn map(
    op: &Op,
    operands: &[&Values],
    vocabularies: &[(String, Arc<Vocabulary>)],
) -> Result<Values, GraphError> {
    let lists = operands.iter().filter_map(|operand| match operand {
        Values::Many(many) => Some(&many.rows),
        _ => None,
    });
    let rows = common(op, lists.collect())?;
    let num_items = rows.num_items();
    let mut items = Vec::with_capacity(operands.len());
    for operand in operands {
        items.push(match operand {
            Values::Constant(literal) => Values::Constant(literal.clone()),
            Values::Many(many) if many.rows.is_same(&rows) => Values::clone(&many.items),
            Values::Many(many) => {
                let places: UInt32Array = (0..rows.len())
                    .filter(|row| !rows.is_missing(*row))
                    .flat_map(|row| many.rows.items(row))
                    .map(|place| Some(index(place)))
                    .collect();
                pick(&many.items()?, &places)
            }
            values => {
                let places: UInt32Array = (0..rows.len())
                    .flat_map(|row| rows.items(row).map(move |_| Some(index(row))))
                    .collect();
                pick(values, &places)
            }
        });
    }
    let items: Vec<&Values> = items.iter().collect();
    let computed = super::compute(op, &items, num_items, vocabularies)?.into_rows(num_items)?;
    Ok(Values::lists(rows, computed))
}

/// Returns the rows of lists that go together value by value. A row is missing where one list is.
fn common(op: &Op, lists: Vec<&Rows>) -> Result<Rows, GraphError> {
    let Some((first, others)) = lists.split_first() else { unreachable!("one operand is a list") };
    if others.iter().all(|other| other.is_same(first)) {
        return Ok((*first).clone());
    }
    let mut lengths = Vec::with_capacity(first.len());
    for row in 0..first.len() {
        if lists.iter().any(|list| list.is_missing(row)) {
            lengths.push(None);
            continue;
        }
        let found = first.items(row).len();
        if let Some(other) = others.iter().find(|other| other.items(row).len() != found) {
            let other = other.items(row).len();
            return Err(GraphError::Lengths { op: op.name(), row, first: found, second: other });
        }
        lengths.push(Some(found));
    }
    Rows::new(lengths.into_iter())
}

/// Returns the rows of `a`, or those of `b` where it is not their turn.
pub(crate) fn choose(is_first: &BooleanBuffer, a: &Many, b: &Many) -> Result<Values, GraphError> {
    let source = |row: usize| if is_first.value(row) { &a.rows } else { &b.rows };
    let lengths = (0..is_first.len()).map(|row| {
        let rows = source(row);
        (!rows.is_missing(row)).then(|| rows.items(row).len())
    });
    let rows = Rows::new(lengths)?;
    let num_first = a.rows.num_items();
    let places: UInt32Array = (0..is_first.len())
        .flat_map(|row| {
            let shift = if is_first.value(row) { 0 } else { num_first };
            source(row).items(row).map(move |place| Some(index(place + shift)))
        })
        .collect();
    let items = pick(&joined(a, b)?, &places);
    Ok(Values::lists(rows, items))
}

/// Returns all items of `a`, and behind them those of `b`.
pub(crate) fn joined(a: &Many, b: &Many) -> Result<Values, GraphError> {
    if i32::try_from(a.rows.num_items() + b.rows.num_items()).is_err() {
        return Err(GraphError::TooManyItems);
    }
    let column = |many: &Many| many.items()?.into_column(many.rows.num_items(), Shape::One);
    let (a, b) = (column(a)?, column(b)?);
    // Types are equal, so all that can go wrong is 32 bits for the length of text.
    let all = arrow::compute::concat(&[&a, &b]).map_err(|_| GraphError::TooMuchText)?;
    Ok(from_column(&all))
}

/// Takes a column of a type in which values are computed.
pub(crate) fn from_column(column: &ArrayRef) -> Values {
    match column.data_type() {
        DataType::Int64 => Values::ints(column.as_primitive::<Int64Type>().clone()),
        DataType::Float64 => Values::floats(column.as_primitive::<Float64Type>().clone()),
        DataType::Boolean => Values::bools(column.as_boolean().clone()),
        _ => Values::texts(column.as_string::<i32>().clone()),
    }
}

/// Returns lists that are all missing.
pub(crate) fn missing(value_type: ValueType, num_rows: usize) -> Result<Many, GraphError> {
    let rows = Rows::new((0..num_rows).map(|_| None))?;
    Ok(Many { rows, items: Arc::new(repeat(&Literal::Null(value_type), 0)?) })
}
