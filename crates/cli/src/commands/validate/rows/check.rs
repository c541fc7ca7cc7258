//! Looks at the rows of one partition, on any thread.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema as Columns, UInt64Type};
use base::BoxError;
use dataflow::{Batches, ErasedStage, Source};
use dataset::{CsvFiles, JsonFiles, RowError, RowReason};
use formats::metadata::anomaly_info::Type;
use schema::rows::{RowValidator, RowViolation};

/// The key of how many rows a partition has, where places count from its beginning.
pub(super) const NUM_ROWS: &str = "num_rows";

/// Returns a source that has a row with its number for each partition.
pub(super) fn partitions(count: usize) -> Batches {
    let columns = Arc::new(Columns::new(vec![Field::new("partition", DataType::UInt64, false)]));
    let batches = (0..count as u64).map(|partition| {
        let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![partition]));
        RecordBatch::try_new(Arc::clone(&columns), vec![numbers])
            .expect("the column is that of the schema")
    });
    let batches = batches.collect();
    Batches::new(columns, batches)
}

fn partition_of(batch: &RecordBatch) -> usize {
    let number = batch.column(0).as_primitive::<UInt64Type>().value(0);
    usize::try_from(number).expect("it was made from a usize")
}

/// Failures of one partition in the making: place, feature, code, short description, message.
#[derive(Default)]
struct Found {
    places: Vec<u64>,
    features: Vec<Option<String>>,
    texts: [Vec<String>; 3],
}

impl Found {
    fn push(&mut self, place: u64, feature: Option<&str>, texts: [&str; 3]) {
        self.places.push(place);
        self.features.push(feature.map(str::to_owned));
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text.to_owned());
        }
    }

    fn violation(&mut self, place: u64, violation: &RowViolation) {
        let RowViolation { feature, kind, short_description, message, .. } = violation;
        self.push(place, Some(feature), [kind.as_str_name(), short_description, message]);
    }

    fn unreadable(&mut self, error: &RowError) {
        match &error.reason {
            RowReason::BadCell { column, value, expected: Some(expected) } => {
                let message = format!("cannot read {value:?} as {expected}");
                let code = Type::UnexpectedDataType.as_str_name();
                self.push(error.line, Some(column), [code, "Unexpected data type", &message]);
            }
            reason => {
                let texts = ["UNREADABLE_ROW", "Unreadable row", &reason.to_string()];
                self.push(error.line, None, texts);
            }
        }
    }

    fn finish(self, num_rows: u64) -> Result<RecordBatch, BoxError> {
        let mut fields = vec![
            Field::new("place", DataType::UInt64, false),
            Field::new("feature", DataType::Utf8, true),
        ];
        let names = ["code", "short_description", "message"];
        fields.extend(names.map(|name| Field::new(name, DataType::Utf8, false)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(self.places)),
            Arc::new(StringArray::from(self.features)),
        ];
        columns.extend(self.texts.map(|texts| Arc::new(StringArray::from(texts)) as ArrayRef));
        let metadata = HashMap::from([(NUM_ROWS.to_owned(), num_rows.to_string())]);
        let schema = Columns::new_with_metadata(fields, metadata);
        Ok(RecordBatch::try_new(Arc::new(schema), columns)
            .expect("the columns are those of the schema"))
    }
}

/// A row of text: its line, or why it was left out.
type Line = Result<u64, Vec<RowError>>;

/// Finds the lines of the violations, which know rows by their numbers among those that were not left out.
fn by_line(
    violations: Vec<(u64, RowViolation)>,
    has_misfits: bool,
    mut next_line: impl FnMut() -> Result<Option<Line>, BoxError>,
) -> Result<RecordBatch, BoxError> {
    let mut found = Found::default();
    let mut violations = violations.into_iter().peekable();
    let mut number = 0;
    // Lines have to be counted only as long as there is something to say.
    while has_misfits || violations.peek().is_some() {
        match next_line()? {
            None => break,
            Some(Err(errors)) => errors.iter().for_each(|error| found.unreadable(error)),
            Some(Ok(line)) => {
                while let Some((_, violation)) = violations.next_if(|(of, _)| *of == number) {
                    found.violation(line, &violation);
                }
                number += 1;
            }
        }
    }
    found.finish(0)
}

/// Rows of comma-separated text.
pub(super) struct CsvCheck<'a> {
    pub(super) files: &'a CsvFiles,
    pub(super) validator: RowValidator,
    pub(super) has_misfits: bool,
}

impl ErasedStage for CsvCheck<'_> {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let Self { files, validator, has_misfits } = self;
        let partition = partition_of(batch);
        let (violations, _) = violations(*files, partition, validator)?;
        let mut rows = files.rows(partition)?;
        by_line(violations, *has_misfits, || {
            Ok(rows.next_row()?.map(|row| {
                let row = row.map_err(|error| vec![error])?;
                let misfits = if *has_misfits { files.misfits(&row) } else { Vec::new() };
                if misfits.is_empty() { Ok(row.line()) } else { Err(misfits) }
            }))
        })
    }
}

/// Rows of JSON Lines.
pub(super) struct JsonCheck<'a> {
    pub(super) files: &'a JsonFiles,
    pub(super) validator: RowValidator,
    pub(super) has_misfits: bool,
}

impl ErasedStage for JsonCheck<'_> {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let Self { files, validator, has_misfits } = self;
        let partition = partition_of(batch);
        let (violations, _) = violations(*files, partition, validator)?;
        let mut rows = files.rows(partition)?;
        // The types are those of all values, so that what cannot be read is no JSON at all.
        by_line(violations, *has_misfits, || {
            let row = rows.next_row()?;
            Ok(row.map(|row| row.map(|row| row.line).map_err(|error| vec![error])))
        })
    }
}

/// Rows of files that have no lines.
pub(super) struct PartitionCheck<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) validator: RowValidator,
}

impl ErasedStage for PartitionCheck<'_> {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let (violations, num_rows) = violations(self.source, partition_of(batch), &self.validator)?;
        let mut found = Found::default();
        for (number, violation) in &violations {
            found.violation(number + 1, violation);
        }
        found.finish(num_rows)
    }
}

/// Returns what is wrong with the rows of a partition, each with its number from 0, and how many there are.
fn violations(
    source: &dyn Source,
    partition: usize,
    validator: &RowValidator,
) -> Result<(Vec<(u64, RowViolation)>, u64), BoxError> {
    let mut found = Vec::new();
    let mut num_rows = 0;
    for batch in source.read(partition, None)? {
        let batch = batch?;
        let violations = validator.validate(&batch)?.into_iter();
        found.extend(violations.map(|violation| (num_rows + violation.row as u64, violation)));
        num_rows += batch.num_rows() as u64;
    }
    Ok((found, num_rows))
}
