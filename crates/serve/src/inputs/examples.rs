//! Requests that are serialized `tf.Example`s.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dataset::{ExampleDecoder, Payload};

use super::Inputs;
use crate::failure::Failure;

impl Inputs {
    /// Decodes serialized `tf.Example`s, one row each. What one does not have is missing; features that the model does
    /// not read are stepped over, as every reader of examples does.
    pub(crate) fn decode_examples<'r>(
        &self,
        records: impl Iterator<Item = &'r [u8]>,
    ) -> Result<RecordBatch, Failure> {
        let decoder =
            ExampleDecoder::new(Payload::TfExample, SchemaRef::clone(&self.example_schema));
        let mut decoder = decoder.map_err(|error| Failure::from(base::BoxError::from(error)))?;
        for (row, record) in records.enumerate() {
            decoder
                .push(record)
                .map_err(|problem| Failure::invalid(format!("example {row}: {problem}")))?;
        }
        let batch = decoder.finish().map_err(|problem| Failure::invalid(problem.to_string()))?;
        if self.example_schema == self.schema {
            return Ok(batch);
        }
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        columns
            .and_then(|columns| {
                RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
            })
            .map_err(|error| Failure::invalid(error.to_string()))
    }
}

/// Returns the types in which features stand in `tf.Example`s: truth values are integers there.
pub(super) fn schema(schema: &SchemaRef) -> SchemaRef {
    fn plain(data_type: &DataType) -> DataType {
        match data_type {
            DataType::Boolean => DataType::Int64,
            DataType::List(item) => {
                DataType::List(Arc::new(Field::new_list_field(plain(item.data_type()), true)))
            }
            other => other.clone(),
        }
    }
    let field = |field: &Arc<Field>| Field::new(field.name(), plain(field.data_type()), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
