//! Scores raw texts as they are read, so that one pass evaluates candidate and baseline.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{BatchIter, Source};
use evaluate::Columns;
use text_model::{TextModel, TextScore};

use crate::scoring::{batch_of, column_of, features_of};

/// Raw examples with how well each model foresaw their texts. A missing text has no label, and is left out.
///
/// The raw features keep their names and places; the columns that are added come behind them. Only the raw features
/// that are needed are read.
pub(crate) struct ScoredTexts<'a> {
    raw: &'a dyn Source,
    candidate: &'a TextModel,
    baseline: Option<&'a TextModel>,
    columns: &'a Columns,
    schema: SchemaRef,
}

/// Adds the columns that language models are measured by, with names that no raw feature has.
pub(crate) fn with_texts(columns: Columns, raw: &[SchemaRef]) -> Columns {
    let free = |name: &str| {
        let mut name = name.to_owned();
        while raw.iter().any(|schema| schema.column_with_name(&name).is_some()) {
            name.push('_');
        }
        name
    };
    Columns {
        num_bytes: Some(free("number of bytes")),
        num_correct: Some(free("candidate likeliest")),
        baseline_num_correct: columns.baseline.as_ref().map(|_| free("baseline likeliest")),
        ..columns
    }
}

impl<'a> ScoredTexts<'a> {
    /// Returns the scored examples of `raw`, which has none of the `columns` itself.
    pub(crate) fn new(
        raw: &'a dyn Source,
        candidate: &'a TextModel,
        baseline: Option<&'a TextModel>,
        columns: &'a Columns,
    ) -> Self {
        let raw_schema = raw.schema();
        let mut fields: Vec<_> = raw_schema.fields().iter().map(Arc::clone).collect();
        let added = [
            Some(&columns.label),
            Some(&columns.candidate),
            columns.baseline.as_ref(),
            columns.num_bytes.as_ref(),
            columns.num_correct.as_ref(),
            columns.baseline_num_correct.as_ref(),
        ];
        let field = |name: &String| Arc::new(Field::new(name, DataType::Float64, true));
        fields.extend(added.into_iter().flatten().map(field));
        Self { raw, candidate, baseline, columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// Returns the raw features to read so that some columns can be given.
    fn raw_columns(&self, wanted: &[String]) -> Vec<String> {
        let mut names: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
        for model in [Some(self.candidate), self.baseline].into_iter().flatten() {
            names.extend(model.inputs().iter().map(|input| input.name.as_str()));
        }
        features_of(self.raw, &names)
    }

    fn score(&self, raw: &RecordBatch, wanted: Option<&[String]>) -> Result<RecordBatch, BoxError> {
        let candidate = scores(self.candidate, raw)?;
        let baseline = self.baseline.map(|model| scores(model, raw)).transpose()?;
        let (mut fields, mut columns) = (Vec::new(), Vec::<ArrayRef>::new());
        for field in self.schema.fields() {
            let name = field.name();
            if wanted.is_some_and(|wanted| !wanted.contains(name)) {
                continue;
            }
            let is = |column: &Option<String>| column.as_ref() == Some(name);
            let of = |scores: &[Option<TextScore>], value: fn(&TextScore) -> f64| -> ArrayRef {
                Arc::new(scores.iter().map(|it| it.as_ref().map(value)).collect::<Float64Array>())
            };
            #[expect(clippy::cast_precision_loss, reason = "texts have less than 2^53 bytes")]
            let column = if *name == self.columns.label {
                of(&candidate, |score| score.num_tokens as f64)
            } else if *name == self.columns.candidate {
                of(&candidate, |score| score.negative_log_likelihood)
            } else if is(&self.columns.num_bytes) {
                of(&candidate, |score| score.num_bytes as f64)
            } else if is(&self.columns.num_correct) {
                of(&candidate, |score| score.num_likeliest as f64)
            } else if let Some(baseline) = baseline.as_ref().filter(|_| is(&self.columns.baseline))
            {
                of(baseline, |score| score.negative_log_likelihood)
            } else if let Some(baseline) =
                baseline.as_ref().filter(|_| is(&self.columns.baseline_num_correct))
            {
                of(baseline, |score| score.num_likeliest as f64)
            } else {
                column_of(raw, name)?
            };
            columns.push(column);
            fields.push(Arc::clone(field));
        }
        batch_of(fields, columns, raw.num_rows())
    }
}

fn scores(model: &TextModel, raw: &RecordBatch) -> Result<Vec<Option<TextScore>>, BoxError> {
    let documents = model.documents(raw)?;
    let score = |tokens: Option<Vec<u32>>| Ok(tokens.map(|it| model.score(&it)).transpose()?);
    documents.into_iter().map(score).collect()
}

impl Source for ScoredTexts<'_> {
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
