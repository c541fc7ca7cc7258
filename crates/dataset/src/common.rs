//! One schema for several files of a format that has types.
//!
//! The rule is that of every format: files have the same columns, whatever their order; INT goes with FLOAT, and both
//! become FLOAT; a column without values goes with any; nothing else goes together. Within a type, the wider Arrow
//! type is taken. Where columns are named, only these are read, and a file may lack some of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::DatasetError;
use crate::difference::ColumnDifference;

/// The schema of several files in the making.
pub(crate) struct CommonSchema {
    /// The columns that are named, if they are.
    named: Option<Vec<String>>,
    first: Option<(PathBuf, SchemaRef)>,
    /// Each column with the first file that has it.
    columns: Vec<Option<(Field, PathBuf)>>,
    positions: HashMap<String, usize>,
}

impl CommonSchema {
    /// Returns the schema of no files, with the columns that are named or all.
    pub(crate) fn new(named: Option<&[String]>) -> Self {
        let positions = named.into_iter().flatten().cloned().zip(0..);
        Self {
            named: named.map(<[String]>::to_vec),
            first: None,
            columns: vec![None; named.map_or(0, <[String]>::len)],
            positions: positions.collect(),
        }
    }

    /// Takes in the schema of a file.
    ///
    /// # Errors
    ///
    /// [`DatasetError::SchemaMismatch`], [`DatasetError::TypeMismatch`].
    pub(crate) fn add(&mut self, path: &Path, schema: &SchemaRef) -> Result<(), DatasetError> {
        let Some((first, expected)) = &self.first else {
            self.first = Some((path.to_path_buf(), SchemaRef::clone(schema)));
            if self.named.is_none() {
                // A name that comes twice is somebody else's to complain about.
                let names = schema.fields().iter().map(|field| field.name().clone());
                self.positions = names.zip(0..).collect();
                let columns = schema.fields().iter();
                let column = |field: &Arc<Field>| Some((field.as_ref().clone(), path.into()));
                self.columns = columns.map(column).collect();
                return Ok(());
            }
            return self.merge(path, schema);
        };
        if *schema == *expected {
            return Ok(());
        }
        if self.named.is_none()
            && let Some(difference) =
                ColumnDifference::between(names_of(schema), names_of(expected))
        {
            let (path, first) = (path.to_path_buf(), first.clone());
            return Err(DatasetError::SchemaMismatch { path, first, difference });
        }
        self.merge(path, schema)
    }

    fn merge(&mut self, path: &Path, schema: &SchemaRef) -> Result<(), DatasetError> {
        for field in schema.fields() {
            let Some(&position) = self.positions.get(field.name()) else { continue };
            let Some((common, other)) = &mut self.columns[position] else {
                self.columns[position] = Some((field.as_ref().clone(), path.to_path_buf()));
                continue;
            };
            let (found, expected) = (field.data_type(), common.data_type());
            let Some(data_type) = common_type(expected, found) else {
                return Err(DatasetError::TypeMismatch {
                    path: path.to_path_buf(),
                    column: field.name().clone(),
                    found: Box::new(found.clone()),
                    other: other.clone(),
                    expected: Box::new(expected.clone()),
                });
            };
            let is_nullable = common.is_nullable() || field.is_nullable();
            *common = common.clone().with_data_type(data_type).with_nullable(is_nullable);
        }
        Ok(())
    }

    /// Returns the schema.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NoSuchColumn`] for a column that was named and that no file has.
    pub(crate) fn finish(self) -> Result<SchemaRef, DatasetError> {
        let Some((path, schema)) = self.first else { return Ok(Arc::new(Schema::empty())) };
        let named = self.named.is_some();
        let columns = self.columns.into_iter().enumerate().map(|(position, column)| {
            let column = column.map(|(field, _)| field);
            // Some file may lack it.
            let column = column.map(|field| if named { field.with_nullable(true) } else { field });
            column.ok_or_else(|| DatasetError::NoSuchColumn {
                path: path.clone(),
                column: self.named.as_ref().map_or_else(String::new, |it| it[position].clone()),
                found: names_of(&schema).map(ToOwned::to_owned).collect(),
            })
        });
        let columns: Vec<Field> = columns.collect::<Result<_, _>>()?;
        Ok(Arc::new(Schema::new_with_metadata(columns, schema.metadata().clone())))
    }
}

fn names_of(schema: &Schema) -> impl Iterator<Item = &str> + Clone {
    schema.fields().iter().map(|field| field.name().as_str())
}

/// Returns the type that holds the values of two, if they go together.
fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    let is_text =
        |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_bytes =
        |t: &DataType| matches!(t, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (DataType::Dictionary(_, values), other) | (other, DataType::Dictionary(_, values)) => {
            common_type(values, other)?
        }
        (
            DataType::List(a) | DataType::LargeList(a),
            DataType::List(b) | DataType::LargeList(b),
        ) => {
            let item = common_type(a.data_type(), b.data_type())?;
            DataType::List(Arc::new(Field::new_list_field(item, true)))
        }
        _ if a.is_integer() && b.is_integer() => DataType::Int64,
        _ if (a.is_integer() || a.is_floating()) && (b.is_integer() || b.is_floating()) => {
            DataType::Float64
        }
        _ if is_text(a) && is_text(b) => DataType::Utf8,
        _ if (is_text(a) || is_bytes(a)) && (is_text(b) || is_bytes(b)) => DataType::Binary,
        _ => return None,
    })
}

/// Returns the schema of the columns that are wanted, in its own order.
pub(crate) fn wanted(schema: &SchemaRef, columns: Option<&[String]>) -> SchemaRef {
    let Some(names) = columns else { return SchemaRef::clone(schema) };
    let fields = schema.fields().iter().filter(|field| names.contains(field.name()));
    let fields: Vec<_> = fields.cloned().collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns the positions of a file's columns that `schema` has, in the file's order.
pub(crate) fn kept(found: &Schema, schema: &Schema) -> Vec<usize> {
    let fields = found.fields().iter().enumerate();
    fields.filter(|(_, field)| schema.index_of(field.name()).is_ok()).map(|(i, _)| i).collect()
}

/// Returns a file's batch with the columns of `schema`, in its order and of its types; those that the file lacks are
/// missing.
///
/// # Errors
///
/// [`ArrowError`] where a value does not fit, which is an integer beyond 64 bits with a sign.
pub(crate) fn conform(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if *schema == batch.schema() {
        return Ok(batch);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => cast_with_options(column, field.data_type(), &options),
    });
    let columns = columns.collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_with_numbers_and_texts_with_texts() {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
        let texts = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let check = |a: &DataType, b: &DataType, expected: Option<DataType>| {
            assert_eq!(common_type(a, b), expected, "{a} {b}");
            assert_eq!(common_type(b, a), expected, "{b} {a}");
        };
        check(&DataType::Int32, &DataType::UInt64, Some(DataType::Int64));
        check(&DataType::Int32, &DataType::Float32, Some(DataType::Float64));
        check(&DataType::Float32, &DataType::Float64, Some(DataType::Float64));
        check(&DataType::Float32, &DataType::Float32, Some(DataType::Float32));
        check(&DataType::Null, &texts, Some(texts.clone()));
        check(&DataType::LargeUtf8, &texts, Some(DataType::Utf8));
        check(&DataType::Binary, &DataType::Utf8View, Some(DataType::Binary));
        check(&list(DataType::Int64), &list(DataType::Float32), Some(list(DataType::Float64)));
        check(&DataType::Int64, &DataType::Utf8, None);
        check(&DataType::Int64, &DataType::Boolean, None);
        check(&DataType::Int64, &list(DataType::Int64), None);
    }
}
