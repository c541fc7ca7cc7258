//! Single rows compared with a schema: which examples break it, and how.
//!
//! Entry type: [`RowValidator`]. A schema is compiled once for the columns of some data, and then looks at
//! any number of batches, a column at a time; it keeps nothing between them, so that data of any size
//! streams through. What only a whole dataset can break is not looked at here: the fraction of examples that
//! have a feature (unless all of them must), the number of distinct values, distances to other data. Sparse and
//! weighted features, and domains of language, time, addresses and the like, are not looked at either.

mod check;
mod compile;
mod levels;
mod values;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use formats::metadata::Schema;
use formats::metadata::anomaly_info::Type;

use crate::options::ValidateOptions;
use crate::{Finding, SchemaError};

use check::Compiled;
use compile::compile;
use levels::Levels;

/// A schema, compiled for the columns of some data.
#[derive(Debug)]
pub struct RowValidator {
    columns: SchemaRef,
    features: Vec<(usize, Compiled)>,
    findings: Vec<Finding>,
}

/// One way in which one example breaks a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowViolation {
    /// The example's place in its batch, from 0.
    pub row: usize,
    /// The feature's path as anomalies are keyed by it.
    pub feature: Arc<str>,
    /// The type of anomaly that it is.
    pub kind: Type,
    /// What it is, in a few words.
    pub short_description: &'static str,
    /// What was found and expected.
    pub message: String,
}

impl RowValidator {
    /// Returns a validator of batches with these columns.
    ///
    /// # Errors
    ///
    /// [`SchemaError::UnknownEnvironment`].
    pub fn new(
        schema: &Schema,
        columns: &SchemaRef,
        environment: Option<&str>,
    ) -> Result<Self, SchemaError> {
        let options = ValidateOptions { environment, ..ValidateOptions::default() };
        options.check_environment(schema)?;
        let (features, findings) = compile(schema, columns, environment);
        Ok(Self { columns: Arc::clone(columns), features, findings })
    }

    /// Returns what is wrong with the columns themselves, whatever their rows hold: those that are missing,
    /// new, of another type or depth of nesting than the schema's, and what the schema says of them but
    /// cannot mean. Rows are not compared with a column that has such a finding, unless only its
    /// specification had to be repaired.
    pub fn column_findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns what is wrong with the rows of one batch, ordered by row and then by the schema's features;
    /// at most one violation of one type for each feature of a row.
    ///
    /// A row that lacks a feature (null) breaks only what asks for the feature in every example; in a list,
    /// nulls are no values. A `min_domain_mass` is asked of the values of each row. Numbers are compared with
    /// the limits of a `float_domain` in single precision, which limits are written in.
    ///
    /// # Errors
    ///
    /// [`SchemaError::OtherColumns`] when the batch does not have the columns of this validator.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use schema::rows::RowValidator;
    /// let schema = formats::text::parse(
    ///     "feature { name: 'fare' type: INT int_domain { max: 500 } presence { min_fraction: 1 } }",
    /// )?;
    /// let fare: ArrayRef = Arc::new(Int64Array::from(vec![Some(12), Some(900), None]));
    /// let batch = RecordBatch::try_from_iter([("fare", fare)])?;
    /// let validator = RowValidator::new(&schema, &batch.schema(), None)?;
    /// let found: Vec<String> = validator
    ///     .validate(&batch)?
    ///     .iter()
    ///     .map(|it| format!("{}: {}: {}", it.row, it.feature, it.message))
    ///     .collect();
    /// let missing = "2: fare: missing, expected in every example";
    /// assert_eq!(found, ["1: fare: unexpectedly high value: 900 > 500", missing]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn validate(&self, batch: &RecordBatch) -> Result<Vec<RowViolation>, SchemaError> {
        let columns = batch.schema_ref();
        let is_same = |(index, _): &(usize, Compiled)| {
            let (found, expected) = (columns.fields().get(*index), &self.columns.fields()[*index]);
            found.is_some_and(|found| {
                found.name() == expected.name() && found.data_type() == expected.data_type()
            })
        };
        if !self.features.iter().all(is_same) {
            let names = |schema: &SchemaRef| {
                schema.fields().iter().map(|field| field.name().clone()).collect()
            };
            return Err(SchemaError::OtherColumns {
                found: names(columns),
                expected: names(&self.columns),
            });
        }
        let mut violations = Vec::new();
        for (index, feature) in &self.features {
            feature.check(batch.column(*index).as_ref(), &Levels::default(), &mut violations);
        }
        violations.sort_by_key(|violation| violation.row);
        Ok(violations)
    }
}
