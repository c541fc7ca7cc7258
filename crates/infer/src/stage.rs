//! Predictions beside the columns that are kept.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::ErasedStage;
use model::Predictor;

use crate::InferError;

/// Which columns of the examples stay beside the predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// These, in this order.
    Columns(Vec<String>),
    /// All, in the order of the examples.
    All,
}

/// Which outputs of the model are columns of the result, and what they are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// All, by their own names.
    #[default]
    All,
    /// Pairs of an output and its column, in order.
    Named(Vec<(String, String)>),
}

/// A predictor as a stage: one row for each example, with the columns that are kept and then the predictions.
///
/// It is of this process and never sent anywhere.
pub struct Inference<'p> {
    predictor: &'p dyn Predictor,
    /// The columns to read.
    columns: Vec<String>,
    kept: Vec<String>,
    outputs: Vec<String>,
    schema: SchemaRef,
}

impl<'p> Inference<'p> {
    /// Returns the stage over examples of `schema`, of which the predictor reads the columns `needed`.
    ///
    /// The predictor is asked about no examples first, so that what it does not read is found before any work.
    ///
    /// # Errors
    ///
    /// [`InferError`] where a column or an output is not there, two columns of the result have one name, or the
    /// predictor does not read such examples.
    pub fn new(
        predictor: &'p dyn Predictor,
        needed: &[String],
        schema: &Schema,
        keep: &Keep,
        outputs: &Outputs,
    ) -> Result<Self, InferError> {
        let available: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        if let Some(column) = needed.iter().find(|name| !available.contains(name)) {
            let (column, needed) = (column.clone(), needed.to_vec());
            return Err(InferError::MissingColumn { column, needed });
        }
        let kept = match keep {
            Keep::All => available.clone(),
            Keep::Columns(names) => names.clone(),
        };
        if let Some(column) = kept.iter().find(|name| !available.contains(name)) {
            return Err(InferError::NothingToKeep { column: column.clone(), available });
        }
        let read: HashSet<&String> = needed.iter().chain(&kept).collect();
        let columns: Vec<String> = available.into_iter().filter(|it| read.contains(it)).collect();

        let fields = schema.fields().iter().filter(|field| columns.contains(field.name()));
        let none = Schema::new(fields.cloned().collect::<Vec<_>>());
        let none = predictor.predict(&RecordBatch::new_empty(Arc::new(none)));
        let predicted = none.map_err(InferError::Work)?.schema();
        let outputs = match outputs {
            Outputs::All => {
                let names = predictor.signature().outputs.iter().map(|output| &output.name);
                names.map(|name| (name.clone(), name.clone())).collect()
            }
            Outputs::Named(pairs) => pairs.clone(),
        };

        let mut fields = Vec::with_capacity(kept.len() + outputs.len());
        for name in &kept {
            let (_, field) = schema.fields().find(name).expect("it was looked for above");
            fields.push(Arc::clone(field));
        }
        for (output, column) in &outputs {
            let Some((_, field)) = predicted.fields().find(output) else {
                let available = predicted.fields().iter().map(|f| f.name().clone()).collect();
                return Err(InferError::NoOutput { output: output.clone(), available });
            };
            fields.push(Arc::new(Field::new(column, field.data_type().clone(), true)));
        }
        let mut seen = HashSet::new();
        if let Some(field) = fields.iter().find(|field| !seen.insert(field.name().as_str())) {
            return Err(InferError::NameTaken { column: field.name().clone() });
        }
        let outputs = outputs.into_iter().map(|(output, _)| output).collect();
        Ok(Self { predictor, columns, kept, outputs, schema: Arc::new(Schema::new(fields)) })
    }

    /// Returns the schema of the result.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn infer(&self, examples: &RecordBatch) -> Result<RecordBatch, InferError> {
        let predicted = self.predictor.predict(examples).map_err(InferError::Work)?;
        let column = |batch: &RecordBatch, name: &String| -> Result<ArrayRef, InferError> {
            let found = batch.column_by_name(name).map(Arc::clone);
            let missing = || InferError::MissingColumn { column: name.clone(), needed: Vec::new() };
            found.ok_or_else(missing)
        };
        let kept = self.kept.iter().map(|name| column(examples, name));
        let outputs = self.outputs.iter().map(|name| column(&predicted, name));
        let columns = kept.chain(outputs).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(examples.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|source| InferError::Batch { source })
    }
}

impl ErasedStage for Inference<'_> {
    fn columns(&self) -> Option<Vec<String>> {
        Some(self.columns.clone())
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(self.infer(batch)?)
    }
}
