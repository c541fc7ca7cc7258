//! Raw columns as a graph reads them.

use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, SchemaRef};

use crate::evaluate::{Values, repeat};
use crate::kernels::logic;
use crate::kernels::text::TextBuilder;
use crate::{GraphError, GraphInput, Literal, NodeType, Shape, ValueType};

mod many;

/// Where the raw features are in batches of the schema that came first, and most likely comes always.
///
/// It saves comparing names for every batch, which is much of what a single row takes. It is no part of what a graph is.
#[derive(Debug, Default)]
pub(crate) struct Places(OnceLock<(SchemaRef, Vec<Option<usize>>)>);

impl PartialEq for Places {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Places {
    /// Returns the column of each input, if they are known for the schema of a batch.
    pub(crate) fn of(
        &self,
        examples: &RecordBatch,
        inputs: &[GraphInput],
    ) -> Option<&[Option<usize>]> {
        let schema = examples.schema_ref();
        let (known, places) = self.0.get_or_init(|| {
            let places = inputs.iter().map(|input| schema.index_of(&input.name).ok());
            (SchemaRef::clone(schema), places.collect())
        });
        SchemaRef::ptr_eq(known, schema).then_some(places)
    }
}

/// Finds a raw feature, at a place where that is known, and brings it to the type in which it is computed.
pub(crate) fn read(
    examples: &RecordBatch,
    feature: &str,
    place: Option<usize>,
    expected: NodeType,
) -> Result<Values, GraphError> {
    let column = find(examples, feature, place, expected)?;
    let NodeType { value_type, shape } = expected;
    let reader = Reader { feature, expected: value_type };
    match shape {
        Shape::One => reader.read(column),
        shape => many::read(&reader, column, shape),
    }
}

/// Finds a raw feature with one value in one row, and brings it to the type in which it is computed.
pub(crate) fn read_one(
    examples: &RecordBatch,
    feature: &str,
    place: Option<usize>,
    expected: ValueType,
) -> Result<Values, GraphError> {
    let column = find(examples, feature, place, expected.into())?;
    let reader = Reader { feature, expected };
    // The most frequent types, without making a column of them.
    let literal = match (expected, column.data_type()) {
        (ValueType::Int, DataType::Int64) => {
            Some(Literal::Int(column.as_primitive::<Int64Type>().value(0)))
        }
        (ValueType::Float, DataType::Float64) => {
            Some(Literal::Float(column.as_primitive::<Float64Type>().value(0)))
        }
        (ValueType::Float, DataType::Float32) => {
            Some(Literal::Float(f64::from(column.as_primitive::<Float32Type>().value(0))))
        }
        (ValueType::String, DataType::Utf8) => {
            Some(Literal::String(column.as_string::<i32>().value(0).to_owned()))
        }
        _ => None,
    };
    match literal {
        Some(_) if column.is_null(0) => Ok(Values::Constant(Literal::Null(expected))),
        Some(literal) => Ok(Values::Constant(literal)),
        None => Ok(reader.read(column)?.into_constant()),
    }
}

fn find<'a>(
    examples: &'a RecordBatch,
    feature: &str,
    place: Option<usize>,
    expected: NodeType,
) -> Result<&'a ArrayRef, GraphError> {
    if let Some(place) = place {
        return Ok(examples.column(place));
    }
    examples.column_by_name(feature).ok_or_else(|| {
        let schema = examples.schema_ref();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        GraphError::MissingInput {
            feature: feature.to_owned(),
            expected,
            nearest: base::nearest(feature, names).map(str::to_owned),
        }
    })
}

struct Reader<'a> {
    feature: &'a str,
    expected: ValueType,
}

impl Reader<'_> {
    fn read(&self, column: &ArrayRef) -> Result<Values, GraphError> {
        let data_type = column.data_type();
        Ok(match (self.expected, data_type) {
            (_, DataType::Null) => repeat(&Literal::Null(self.expected), column.len())?,
            (_, DataType::Dictionary(_, values)) => {
                let options = CastOptions { safe: false, ..CastOptions::default() };
                let plain = cast_with_options(column, values, &options)
                    .map_err(|source| self.unfit(source))?;
                self.read(&plain)?
            }
            (ValueType::Int, DataType::Int64) => Values::ints(column.as_primitive().clone()),
            (ValueType::Int, DataType::Boolean) => Values::ints(logic::to_int(column.as_boolean())),
            (ValueType::Int, found) if found.is_integer() => Values::ints(self.ints(column)?),
            (ValueType::Float, DataType::Float64) => Values::floats(column.as_primitive().clone()),
            (ValueType::Float, DataType::Float32) => {
                Values::floats(column.as_primitive::<Float32Type>().unary(f64::from))
            }
            (ValueType::Float, DataType::Boolean) => {
                Values::floats(logic::to_float(column.as_boolean()))
            }
            (ValueType::Float, found) if found.is_integer() || found.is_floating() => {
                Values::floats(self.floats(column)?)
            }
            (ValueType::String, DataType::Utf8) => Values::texts(column.as_string().clone()),
            (ValueType::String, DataType::LargeUtf8) => {
                Values::texts(texts(column.as_string::<i64>().iter())?)
            }
            (ValueType::String, DataType::Utf8View) => {
                Values::texts(texts(column.as_string_view().iter())?)
            }
            (ValueType::String, DataType::Binary) => {
                Values::texts(self.decode(column.as_binary::<i32>().iter())?)
            }
            (ValueType::String, DataType::LargeBinary) => {
                Values::texts(self.decode(column.as_binary::<i64>().iter())?)
            }
            (ValueType::String, DataType::BinaryView) => {
                Values::texts(self.decode(column.as_binary_view().iter())?)
            }
            (ValueType::Bool, DataType::Boolean) => Values::bools(column.as_boolean().clone()),
            _ => return Err(self.other_type(data_type)),
        })
    }

    fn ints(&self, column: &ArrayRef) -> Result<Int64Array, GraphError> {
        let ints = self.cast(column, &DataType::Int64)?;
        Ok(ints.as_primitive::<Int64Type>().clone())
    }

    fn floats(&self, column: &ArrayRef) -> Result<Float64Array, GraphError> {
        let floats = self.cast(column, &DataType::Float64)?;
        Ok(floats.as_primitive::<Float64Type>().clone())
    }

    fn cast(&self, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, GraphError> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, to, &options).map_err(|source| self.unfit(source))
    }

    fn decode<'b>(
        &self,
        rows: impl ExactSizeIterator<Item = Option<&'b [u8]>>,
    ) -> Result<StringArray, GraphError> {
        let mut builder = TextBuilder::with_rows(rows.len());
        for (row, bytes) in rows.enumerate() {
            match bytes.map(std::str::from_utf8).transpose() {
                Ok(text) => builder.push_row(text)?,
                Err(_) => {
                    return Err(GraphError::NotText { feature: self.feature.to_owned(), row });
                }
            }
        }
        Ok(builder.finish())
    }

    fn unfit(&self, source: arrow::error::ArrowError) -> GraphError {
        let feature = self.feature.to_owned();
        GraphError::InputValue { feature, expected: self.expected, source }
    }

    fn other_type(&self, found: &DataType) -> GraphError {
        let (feature, expected) = (self.feature.to_owned(), NodeType::from(self.expected));
        match found {
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_) => {
                GraphError::ListInput { feature, found: found.to_string(), expected: self.expected }
            }
            _ => GraphError::InputType { feature, found: found.to_string(), expected },
        }
    }
}

fn texts<'a>(
    rows: impl ExactSizeIterator<Item = Option<&'a str>>,
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(rows.len());
    for text in rows {
        builder.push_row(text)?;
    }
    Ok(builder.finish())
}
