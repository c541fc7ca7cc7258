//! The types that features have, and how the others become them.
//!
//! Integers become those of 64 bits; floats, booleans, text and bytes stay, in their plain layout; lists and structs
//! become plain below. Decimals become 64-bit floats. Dates, times and timestamps become text in ISO 8601, which
//! loses nothing: `2024-01-31`, `12:30:00`, `2024-01-31T12:30:00.5`, with `Z` behind it where they have a time zone.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::util::display::FormatOptions;

use crate::QueryError;

/// A value that does not fit is an error, never missing.
const CAST: CastOptions<'static> = CastOptions { safe: false, format_options: FORMAT };

/// The time zone without a database of zones.
const UTC: &str = "+00:00";

const FORMAT: FormatOptions<'static> = FormatOptions::new();

/// Batches of one schema, made plain.
#[derive(Clone, Debug)]
pub struct Plain {
    schema: SchemaRef,
}

impl Plain {
    /// Returns what makes batches of a schema plain.
    ///
    /// # Errors
    ///
    /// [`QueryError::NoColumns`], [`QueryError::ColumnTwice`] and [`QueryError::UnsupportedType`].
    pub fn of(schema: &Schema) -> Result<Self, QueryError> {
        if schema.fields().is_empty() {
            return Err(QueryError::NoColumns);
        }
        let mut names = HashSet::new();
        let mut fields = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let column = field.name().clone();
            if !names.insert(field.name()) {
                return Err(QueryError::ColumnTwice { column });
            }
            let plain = plain_type(field.data_type()).ok_or_else(|| {
                QueryError::UnsupportedType { column, data_type: field.data_type().clone() }
            })?;
            fields.push(Field::new(field.name(), plain, true));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)) })
    }

    /// Returns the schema of plain batches; any value may be missing.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns a batch, made plain.
    ///
    /// # Errors
    ///
    /// [`QueryError::Value`] for a value that the plain type does not have, such as an integer beyond 64 bits.
    pub fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns: Result<Vec<ArrayRef>, QueryError> = columns
            .map(|(column, field)| {
                // Times of day differ by the zone that they are told in.
                let column = in_utc(column)?;
                cast_with_options(&column, field.data_type(), &CAST)
            })
            .zip(self.schema.fields())
            .map(|(column, field)| {
                column.map_err(|error| QueryError::Value {
                    column: field.name().clone(),
                    message: error.to_string(),
                })
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns?, &options).map_err(|error| {
            QueryError::Value {
                column: self.schema.field(0).name().clone(),
                message: error.to_string(),
            }
        })
    }
}

fn in_utc(column: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let utc = utc_type(column.data_type());
    match utc {
        Some(utc) => cast_with_options(column, &utc, &CAST),
        None => Ok(Arc::clone(column)),
    }
}

/// Returns the type with all its timestamps told in UTC, where it has any in another zone.
fn utc_type(data_type: &DataType) -> Option<DataType> {
    let of = |item: &FieldRef| {
        let utc = utc_type(item.data_type())?;
        Some(Arc::new(item.as_ref().clone().with_data_type(utc)))
    };
    match data_type {
        DataType::Timestamp(unit, Some(zone)) if zone.as_ref() != UTC => {
            Some(DataType::Timestamp(*unit, Some(UTC.into())))
        }
        DataType::List(item) => Some(DataType::List(of(item)?)),
        DataType::LargeList(item) => Some(DataType::LargeList(of(item)?)),
        DataType::Struct(fields) => {
            let changed: Vec<Option<FieldRef>> = fields.iter().map(of).collect();
            changed.iter().any(Option::is_some).then(|| {
                let fields = fields.iter().zip(changed);
                DataType::Struct(
                    fields.map(|(old, new)| new.unwrap_or_else(|| Arc::clone(old))).collect(),
                )
            })
        }
        _ => None,
    }
}

/// Returns the plain type for a type, or `None` where features have none.
fn plain_type(data_type: &DataType) -> Option<DataType> {
    let plain = match data_type {
        DataType::Null | DataType::Boolean | DataType::Float32 | DataType::Float64 => {
            data_type.clone()
        }
        _ if data_type.is_integer() => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        _ if data_type.is_decimal() => DataType::Float64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => DataType::Utf8,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new_list_field(plain_type(item.data_type())?, true)))
        }
        DataType::Struct(fields) => {
            let plain = |field: &FieldRef| {
                Some(Field::new(field.name(), plain_type(field.data_type())?, true))
            };
            DataType::Struct(fields.iter().map(plain).collect::<Option<_>>()?)
        }
        DataType::Dictionary(_, values) => plain_type(values)?,
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type())?,
        _ => return None,
    };
    Some(plain)
}

#[cfg(test)]
mod tests;
