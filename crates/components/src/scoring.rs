//! Scores raw examples as they are read, so that one pass evaluates candidate and baseline.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};
use evaluate::Columns;
use model::{OutputSpec, PREDICTION, Predictor};
use servable::Servable;

use crate::ComponentError;

/// Raw examples with their label, as the candidate's graph computes it, and what each model predicts for them.
///
/// The raw features keep their names and places; the columns that are added come behind them. Only the columns
/// that are asked for are computed, and only the raw features that these need are read.
pub(crate) struct Scored<'a> {
    raw: &'a dyn Source,
    candidate: &'a Servable,
    baseline: Option<&'a Servable>,
    columns: &'a Columns,
    schema: SchemaRef,
}

/// Transformed examples with their label and what a model predicts for them.
pub(crate) struct ScoredFeatures<'a> {
    features: &'a dyn Source,
    servable: &'a Servable,
    columns: &'a Columns,
    schema: SchemaRef,
}

impl<'a> ScoredFeatures<'a> {
    /// Returns the scored examples of `features`, which has none of the `columns` itself.
    pub(crate) fn new(
        features: &'a dyn Source,
        servable: &'a Servable,
        columns: &'a Columns,
    ) -> Self {
        let own = features.schema();
        let label = own.field_with_name(&servable.signature().label);
        let label = label.map_or(DataType::Null, |field| field.data_type().clone());
        let mut fields: Vec<_> = own.fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(Field::new(&columns.label, label, true)));
        fields.push(Arc::new(Field::new(&columns.candidate, prediction_type(servable), true)));
        Self { features, servable, columns, schema: Arc::new(Schema::new(fields)) }
    }

    fn score(&self, batch: &RecordBatch, wanted: &[String]) -> Result<RecordBatch, BoxError> {
        let signature = self.servable.signature();
        let is_wanted = |field: &&Arc<Field>| wanted.contains(field.name());
        let fields: Vec<_> = self.schema.fields().iter().filter(is_wanted).cloned().collect();
        let column = |name: &str| {
            let found = batch.column_by_name(name).map(Arc::clone);
            found.ok_or_else(|| ComponentError::MissingColumn { column: name.to_owned() })
        };
        let mut columns = Vec::new();
        for field in &fields {
            columns.push(match field.name() {
                name if *name == self.columns.label => column(&signature.label)?,
                name if *name == self.columns.candidate => {
                    prediction(&self.servable.model().predict(batch)?)?
                }
                name => column(name)?,
            });
        }
        batch_of(fields, columns, batch.num_rows())
    }
}

impl Source for ScoredFeatures<'_> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.features.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let all = || self.schema.fields().iter().map(|field| field.name().clone()).collect();
        let wanted: Vec<String> = columns.map_or_else(all, <[String]>::to_vec);
        let signature = self.servable.signature();
        let mut read = wanted.clone();
        read.push(signature.label.clone());
        read.extend(signature.inputs.iter().map(|input| input.name.clone()));
        let batches = self.features.read(partition, Some(&read))?;
        Ok(Box::new(batches.map(move |batch| self.score(&batch?, &wanted))))
    }
}

/// Returns names for the columns to add that no raw feature has.
pub(crate) fn added_columns(raw: &[SchemaRef], has_baseline: bool) -> Columns {
    let free = |name: &str| {
        let mut name = name.to_owned();
        while raw.iter().any(|schema| schema.column_with_name(&name).is_some()) {
            name.push('_');
        }
        name
    };
    Columns {
        label: free("label"),
        candidate: free("candidate prediction"),
        baseline: has_baseline.then(|| free("baseline prediction")),
        position: Some(free("position")),
        ..Columns::default()
    }
}

impl<'a> Scored<'a> {
    /// Returns the scored examples of `raw`, which has none of the `columns` itself; the baseline is asked if
    /// it has a column.
    pub(crate) fn new(
        raw: &'a dyn Source,
        candidate: &'a Servable,
        baseline: Option<&'a Servable>,
        columns: &'a Columns,
    ) -> Self {
        let label = candidate.signature().label.as_str();
        let outputs = candidate.graph().schema();
        let label =
            outputs.field_with_name(label).map_or(DataType::Null, |f| f.data_type().clone());
        let raw_schema = raw.schema();
        let mut fields: Vec<_> = raw_schema.fields().iter().map(Arc::clone).collect();
        fields.push(Arc::new(Field::new(&columns.label, label, true)));
        let prediction = prediction_type(candidate);
        for name in std::iter::once(&columns.candidate).chain(&columns.baseline) {
            fields.push(Arc::new(Field::new(name, prediction.clone(), true)));
        }
        Self { raw, candidate, baseline, columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// Returns the raw features to read so that some columns can be given.
    fn raw_columns(&self, wanted: &[String]) -> Vec<String> {
        let mut names: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
        let label_inputs = self.candidate.label_inputs();
        let mut need = |column: &str, servable: &'a Servable| {
            if wanted.iter().any(|name| name == column) {
                names.extend(servable.raw_inputs().iter().map(|input| input.name.as_str()));
            }
        };
        need(&self.columns.candidate, self.candidate);
        if let (Some(column), Some(servable)) = (&self.columns.baseline, self.baseline) {
            need(column, servable);
        }
        if wanted.contains(&self.columns.label) {
            names.extend(label_inputs.iter().map(|input| input.name.as_str()));
        }
        features_of(self.raw, &names)
    }

    fn score(&self, raw: &RecordBatch, wanted: Option<&[String]>) -> Result<RecordBatch, BoxError> {
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in self.schema.fields() {
            let name = field.name();
            if wanted.is_some_and(|wanted| !wanted.contains(name)) {
                continue;
            }
            columns.push(if *name == self.columns.label {
                self.candidate.label(raw)?
            } else if *name == self.columns.candidate {
                predictions(self.candidate, raw)?
            } else if let Some(baseline) =
                self.baseline.filter(|_| self.columns.baseline.as_ref() == Some(name))
            {
                predictions(baseline, raw)?
            } else {
                column_of(raw, name)?
            });
            fields.push(Arc::clone(field));
        }
        batch_of(fields, columns, raw.num_rows())
    }
}

fn predictions(servable: &Servable, raw: &RecordBatch) -> Result<ArrayRef, BoxError> {
    prediction(&servable.predict(raw)?)
}

fn prediction(predicted: &RecordBatch) -> Result<ArrayRef, BoxError> {
    Ok(column_of(predicted, PREDICTION)?)
}

fn prediction_type(servable: &Servable) -> DataType {
    let mut outputs = servable.signature().outputs.iter();
    let output = outputs.find(|output| output.name == PREDICTION);
    output.map_or(DataType::Float32, OutputSpec::data_type)
}

/// Returns those of some features that raw examples have, in the examples' order.
pub(crate) fn features_of(raw: &dyn Source, names: &BTreeSet<&str>) -> Vec<String> {
    let raw = raw.schema();
    let fields = raw.fields().iter().map(|field| field.name());
    fields.filter(|name| names.contains(name.as_str())).cloned().collect()
}

/// Reads the first rows of a partition, `count` at most.
pub(crate) fn first_rows(
    source: &dyn Source,
    partition: usize,
    columns: &[String],
    count: usize,
) -> Result<Vec<RecordBatch>, BoxError> {
    let mut left = count;
    let mut batches = Vec::new();
    for batch in source.read(partition, Some(columns))? {
        let batch = batch?;
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        batches.push(batch);
        if left == 0 {
            break;
        }
    }
    Ok(batches)
}

/// Returns a column of a batch.
pub(crate) fn column_of(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ComponentError> {
    let found = batch.column_by_name(name).map(Arc::clone);
    found.ok_or_else(|| ComponentError::MissingColumn { column: name.to_owned() })
}

/// Makes a batch of scored examples.
pub(crate) fn batch_of(
    fields: Vec<Arc<Field>>,
    columns: Vec<ArrayRef>,
    num_rows: usize,
) -> Result<RecordBatch, BoxError> {
    let options = RecordBatchOptions::new().with_row_count(Some(num_rows));
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|source| ComponentError::Scored { source }.into())
}

impl Source for Scored<'_> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.raw.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let wanted = columns.map(<[String]>::to_vec);
        let raw_columns = wanted.as_deref().map(|wanted| self.raw_columns(wanted));
        let batches = self.raw.read(partition, raw_columns.as_deref())?;
        Ok(Box::new(batches.map(move |batch| self.score(&batch?, wanted.as_deref()))))
    }
}
