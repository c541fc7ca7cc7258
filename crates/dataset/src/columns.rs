//! One schema for several files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::DatasetError;
use crate::difference::ColumnDifference;

/// The schema that files share: the same names and types, in the same order. What may be missing in one of them
/// may be missing in all.
#[derive(Default)]
pub(crate) struct SharedSchema {
    /// The schema, and the file that it comes from.
    first: Option<(SchemaRef, PathBuf)>,
}

impl SharedSchema {
    /// Takes in a file's schema.
    pub(crate) fn add(&mut self, path: &Path, schema: &SchemaRef) -> Result<(), DatasetError> {
        let Some((shared, first)) = &mut self.first else {
            self.first = Some((SchemaRef::clone(schema), path.to_path_buf()));
            return Ok(());
        };
        let difference = ColumnDifference::between(
            &columns_of(schema),
            &columns_of(shared),
            |(name, data_type)| format!("`{name}` of type {data_type}"),
        );
        if let Some(difference) = difference {
            let (path, first) = (path.to_path_buf(), first.clone());
            return Err(DatasetError::SchemaMismatch { path, first, difference });
        }
        *shared = with_nulls_of(shared, schema);
        Ok(())
    }

    /// Returns the schema; one without columns where there is no file.
    pub(crate) fn finish(self) -> SchemaRef {
        self.first.map_or_else(|| SchemaRef::new(Schema::empty()), |(schema, _)| schema)
    }
}

/// Returns what columns of several files have to share.
fn columns_of(schema: &Schema) -> Vec<(&str, &DataType)> {
    schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect()
}

/// Returns the schema whose columns may be missing where they may be in either of two.
fn with_nulls_of(schema: &SchemaRef, other: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().zip(other.fields()).map(|(field, other)| {
        field.as_ref().clone().with_nullable(field.is_nullable() || other.is_nullable())
    });
    let fields: Vec<Field> = fields.collect();
    SchemaRef::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns the positions of the columns to read, in the schema's order.
pub(crate) fn kept(schema: &Schema, columns: Option<&[String]>) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    let fields =
        fields.filter(|(_, field)| columns.is_none_or(|names| names.contains(field.name())));
    fields.map(|(index, _)| index).collect()
}

/// Returns a batch of some of a schema's columns, in its order, with that schema's fields.
pub(crate) fn under(schema: &SchemaRef, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    if *schema == batch.schema() {
        return Ok(batch);
    }
    let found = batch.schema();
    let fields = schema.fields().iter().filter(|field| found.index_of(field.name()).is_ok());
    let fields = fields.map(Arc::clone).collect::<Vec<_>>();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::new(schema), batch.columns().to_vec(), &options)
}
