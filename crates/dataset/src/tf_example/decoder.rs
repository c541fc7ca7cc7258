//! Records to columns.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use base::{Classify, ErrorKind};
use formats::example::{
    ExampleVisitor, FeatureReader, StepsReader, visit_example, visit_sequence_example,
};

use super::column::{Column, Refusal, Shape, Unfinished};
use super::names::Names;
use super::plan::Plan;
use super::{ExampleProblem, Payload, TfExampleError};

/// The offsets of a column count values and bytes with 32 bits. Every value takes a byte of a record at least.
const MAX_BATCH_BYTES: usize = i32::MAX as usize;

/// Turns records into batches, reading each record's bytes once.
///
/// Features that the schema does not name are stepped over unread. A record that is refused leaves no trace,
/// so a caller may go on with the next.
#[derive(Debug)]
pub struct ExampleDecoder {
    payload: Payload,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// Context features by name.
    context: Targets,
    /// Feature lists by name.
    lists: Targets,
    /// What the next record is expected to have; of sequence examples nothing.
    plan: Plan,
    num_rows: usize,
    num_bytes: usize,
}

/// Why a batch could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum ExampleBatchError {
    /// The record in this row, counted from 0, is to blame.
    #[error("row {row} of the batch: {problem}")]
    Row {
        /// The row.
        row: usize,
        /// What is wrong with its record.
        problem: ExampleProblem,
    },

    /// The columns do not make a batch of the schema.
    #[error("examples do not fit their schema")]
    Arrow(#[from] ArrowError),
}

impl Classify for ExampleBatchError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

impl ExampleDecoder {
    /// Returns a decoder into columns of `schema`.
    ///
    /// Columns are `Int64`, `Float32`, `Utf8`, `Binary` (missing or exactly one value), lists of these (missing or
    /// any number of values), `Null` (never a value), and for feature lists of sequence examples lists of lists.
    ///
    /// # Errors
    ///
    /// [`TfExampleError::UnsupportedType`] for any other type, [`TfExampleError::DuplicateColumn`] for a name
    /// that comes twice.
    pub fn new(payload: Payload, schema: SchemaRef) -> Result<Self, TfExampleError> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        let (mut context, mut lists) = (Targets::default(), Targets::default());
        for (index, field) in schema.fields().iter().enumerate() {
            let column = Column::new(field).filter(|column| {
                payload == Payload::TfSequenceExample || column.shape() != Shape::Steps
            });
            let Some(column) = column else {
                let (column, data_type) = (field.name().clone(), field.data_type().clone());
                return Err(TfExampleError::UnsupportedType { column, data_type, payload });
            };
            let name = field.name().as_bytes();
            let is_known = context.names.find(name).is_some() || lists.names.find(name).is_some();
            if is_known {
                return Err(TfExampleError::DuplicateColumn { column: field.name().clone() });
            }
            let targets = if column.shape() == Shape::Steps { &mut lists } else { &mut context };
            targets.add(name, Some(index));
            columns.push(column);
        }
        let plan = Plan::default();
        Ok(Self { payload, schema, columns, context, lists, plan, num_rows: 0, num_bytes: 0 })
    }

    /// Returns the schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows since the last batch.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Returns how many bytes the records of these rows have.
    pub fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    /// Appends a record as a row.
    ///
    /// # Errors
    ///
    /// [`ExampleProblem`] when the record is not such a message or does not fit the columns. Rows from before
    /// stay. That text is UTF-8 is checked by [`finish`](Self::finish), for all rows at once.
    pub fn push(&mut self, record: &[u8]) -> Result<(), ExampleProblem> {
        let num_bytes = self.num_bytes.saturating_add(record.len());
        if num_bytes > MAX_BATCH_BYTES {
            return Err(ExampleProblem::BatchFull { found: record.len() });
        }
        if !(self.payload == Payload::TfExample && self.push_expected(record)) {
            self.push_any(record)?;
        }
        self.num_rows += 1;
        self.num_bytes = num_bytes;
        Ok(())
    }

    /// Appends a record that is as the ones before made expect, and returns whether it is.
    #[inline]
    fn push_expected(&mut self, record: &[u8]) -> bool {
        if !self.plan.is_due() {
            return false;
        }
        let is_done = match self.plan.follow(record, &mut self.columns) {
            Some(num_found) => {
                num_found == self.columns.len() || fill(&mut self.columns, self.num_rows).is_ok()
            }
            None => false,
        };
        if !is_done {
            self.columns.iter_mut().for_each(|column| column.truncate(self.num_rows));
        }
        is_done
    }

    /// Appends any record, and learns what to expect of the next.
    fn push_any(&mut self, record: &[u8]) -> Result<(), ExampleProblem> {
        self.context.names.begin();
        self.lists.names.begin();
        let mut row = Row {
            columns: &mut self.columns,
            context: &mut self.context,
            lists: &mut self.lists,
            number: self.num_rows,
            num_found: 0,
            misfits: Vec::new(),
        };
        let walked = match self.payload {
            Payload::TfExample => visit_example(record, &mut row),
            Payload::TfSequenceExample => visit_sequence_example(record, &mut row),
        };
        if let Err(problem) = walked.and_then(|()| row.fill()) {
            self.columns.iter_mut().for_each(|column| column.truncate(self.num_rows));
            return Err(*problem);
        }
        if self.payload == Payload::TfExample
            && let Some(order) = self.context.names.order()
        {
            self.plan.learn(order, &self.context.names, &self.context.columns);
        }
        Ok(())
    }

    /// Returns the rows since the last batch and begins the next.
    ///
    /// # Errors
    ///
    /// [`ExampleBatchError::Row`] where a text is not UTF-8, [`ExampleBatchError::Arrow`] where the schema says that the values
    /// of lists are never missing and a step is. The rows are dropped then.
    pub fn finish(&mut self) -> Result<RecordBatch, ExampleBatchError> {
        let finished = self.finish_columns();
        if finished.is_err() {
            let fields = self.schema.fields().iter();
            self.columns = fields.filter_map(Column::new).collect();
        }
        (self.num_rows, self.num_bytes) = (0, 0);
        finished
    }

    fn finish_columns(&mut self) -> Result<RecordBatch, ExampleBatchError> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            arrays.push(column.finish().map_err(|unfinished| match unfinished {
                Unfinished::NotUtf8 { row } => {
                    let feature = column.field().name().clone();
                    ExampleBatchError::Row { row, problem: ExampleProblem::NotUtf8 { feature } }
                }
                Unfinished::Arrow(error) => ExampleBatchError::Arrow(error),
            })?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.num_rows));
        let schema = SchemaRef::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }
}

/// Where features go, by name.
#[derive(Debug, Default)]
struct Targets {
    names: Names,
    /// The column of each name, or none for features that are not asked for.
    columns: Vec<Option<usize>>,
}

/// Names that are not asked for are remembered up to here, so that they need not be hashed in each record.
const MAX_NAMES_UNASKED: usize = 4096;

impl Targets {
    fn add(&mut self, name: &[u8], column: Option<usize>) {
        self.names.add(name);
        self.columns.push(column);
    }

    /// Returns the column of a feature, if it is asked for.
    #[inline]
    fn find(&mut self, name: &[u8]) -> Result<Option<usize>, Box<ExampleProblem>> {
        match self.names.find(name) {
            Some(number) => Ok(self.columns[number]),
            None => self.meet(name),
        }
    }

    /// Takes note of a name that is not asked for.
    #[cold]
    fn meet(&mut self, name: &[u8]) -> Result<Option<usize>, Box<ExampleProblem>> {
        check_name(name)?;
        if self.names.len() < MAX_NAMES_UNASKED {
            self.add(name, None);
        }
        Ok(None)
    }
}

/// The row that a record becomes.
struct Row<'d> {
    columns: &'d mut [Column],
    context: &'d mut Targets,
    lists: &'d mut Targets,
    number: usize,
    /// How many columns have the row already.
    num_found: usize,
    /// Columns whose feature did not fit; a later one of the same name may.
    misfits: Vec<(usize, Refusal)>,
}

impl Row<'_> {
    /// Appends to a column, which is cut back where the record had the name before: the last one counts.
    #[inline(always)]
    fn append(
        &mut self,
        index: usize,
        push: impl FnOnce(&mut Column) -> Result<(), Refusal>,
    ) -> Result<(), Box<ExampleProblem>> {
        let column = &mut self.columns[index];
        if column.len() > self.number {
            column.truncate(self.number);
        } else {
            self.num_found += 1;
        }
        let pushed = push(column);
        if pushed.is_err() || !self.misfits.is_empty() {
            return self.set_aside(index, pushed);
        }
        Ok(())
    }

    /// Keeps in mind that a feature does not fit, or forgets that an earlier one of its name did not.
    #[cold]
    fn set_aside(
        &mut self,
        index: usize,
        pushed: Result<(), Refusal>,
    ) -> Result<(), Box<ExampleProblem>> {
        self.misfits.retain(|(misfit, _)| *misfit != index);
        match pushed {
            Ok(()) => {}
            Err(Refusal::Wire(error)) => return Err(error.into()),
            Err(refusal) => {
                self.columns[index].truncate(self.number);
                self.num_found -= 1;
                self.misfits.push((index, refusal));
            }
        }
        Ok(())
    }

    /// Appends to the columns whose features the record does not have.
    fn fill(&mut self) -> Result<(), Box<ExampleProblem>> {
        if let Some((index, refusal)) = self.misfits.first() {
            return Err(explain(&self.columns[*index], refusal));
        }
        if self.num_found == self.columns.len() {
            return Ok(());
        }
        fill(self.columns, self.number)
    }
}

/// Appends to the columns that have only `num_rows` rows.
fn fill(columns: &mut [Column], num_rows: usize) -> Result<(), Box<ExampleProblem>> {
    for column in columns.iter_mut().filter(|column| column.len() == num_rows) {
        column.push_missing().map_err(|refusal| explain(column, &refusal))?;
    }
    Ok(())
}

impl ExampleVisitor for Row<'_> {
    type Error = Box<ExampleProblem>;

    #[inline(always)]
    fn feature(
        &mut self,
        name: &[u8],
        feature: FeatureReader<'_>,
    ) -> Result<(), Box<ExampleProblem>> {
        let Some(index) = self.context.find(name)? else { return Ok(()) };
        self.append(index, |column| feature.read(|feature| column.push(feature)))
    }

    fn feature_list(
        &mut self,
        name: &[u8],
        steps: StepsReader<'_>,
    ) -> Result<(), Box<ExampleProblem>> {
        let Some(index) = self.lists.find(name)? else { return Ok(()) };
        self.append(index, |column| column.push_steps(steps))
    }
}

/// Checks a name that is not a column's; those are text.
pub(super) fn check_name(name: &[u8]) -> Result<(), ExampleProblem> {
    match str::from_utf8(name) {
        Ok(_) => Ok(()),
        Err(_) => {
            let name = String::from_utf8_lossy(name).into_owned();
            Err(ExampleProblem::NameNotUtf8 { name })
        }
    }
}

#[cold]
fn explain(column: &Column, refusal: &Refusal) -> Box<ExampleProblem> {
    let feature = column.field().name().clone();
    Box::new(match *refusal {
        Refusal::Wire(error) => ExampleProblem::Wire(error),
        Refusal::Kind(found) => ExampleProblem::Kind {
            feature,
            found: found.into(),
            expected: column.kind().map(Into::into),
        },
        Refusal::Count(found) => ExampleProblem::Count { feature, found },
        Refusal::Missing => ExampleProblem::Missing { feature },
    })
}
