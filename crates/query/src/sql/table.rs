//! A source as a table: what is asked for is read by threads outside of the query, in order, a few batches ahead.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use async_trait::async_trait;
use base::BoxError;
use dataflow::{Engine, EngineError, Stage, map};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Table;

/// Batches that wait for the query.
const AHEAD: usize = 4;

/// Some columns of a table, asked for.
pub(super) struct Request {
    table: usize,
    /// What batches have to look like.
    schema: SchemaRef,
    batches: mpsc::Sender<Result<RecordBatch>>,
}

/// What went wrong with tables, in the order in which it happened.
#[derive(Default)]
pub(super) struct Failures(Mutex<Vec<(String, EngineError)>>);

impl Failures {
    fn add(&self, table: &str, error: EngineError) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push((table.to_owned(), error));
    }

    /// Takes the first failure.
    pub(super) fn first(&self) -> Option<(String, BoxError)> {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = (!failures.is_empty()).then(|| failures.remove(0));
        first.map(|(table, error)| (table, BoxError::from(error)))
    }
}

/// Answers requests until nobody can ask any more, each with a thread of its own.
pub(super) fn serve<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    inbox: Receiver<Request>,
    tables: &'scope [Table<'scope>],
    engine: &'scope dyn Engine,
    failures: &'scope Failures,
) {
    for request in inbox {
        let table = tables[request.table];
        scope.spawn(move || {
            if let Err(error) = read(&table, &request, engine) {
                // The query learns that there is an error; which one it is, the caller finds with the failures.
                failures.add(table.name, error);
                let stopped = DataFusionError::Execution("a table cannot be read".to_owned());
                let _ = request.batches.blocking_send(Err(stopped));
            }
        });
    }
}

/// Reads what is asked for; that nobody waits for it any more is no error.
fn read(table: &Table<'_>, request: &Request, engine: &dyn Engine) -> Result<(), EngineError> {
    let mut is_wanted = true;
    let all = table.source.schema();
    let mut columns: Vec<String> =
        request.schema.fields().iter().map(|field| field.name().clone()).collect();
    if let (true, Some(first)) = (columns.is_empty(), all.fields().first()) {
        // Only the number of rows is asked for, and rows are not counted without a column.
        columns.push(first.name().clone());
    }
    let read = map(engine, table.source, &Columns { columns }, &mut |batch| {
        let batch = shape(&batch, &request.schema)
            .map_err(|error| DataFusionError::ArrowError(Box::new(error), None));
        is_wanted = request.batches.blocking_send(batch).is_ok();
        if is_wanted { Ok(()) } else { Err(EngineError::Cancelled.into()) }
    });
    if is_wanted { read } else { Ok(()) }
}

/// Returns the columns of a schema, in its order.
fn shape(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let found = batch.schema();
    let columns = schema.fields().iter().map(|field| {
        let column = found.index_of(field.name())?;
        Ok(Arc::clone(batch.column(column)))
    });
    let columns: Result<Vec<_>, ArrowError> = columns.collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
}

/// Batches as they are read, of some columns.
#[derive(Serialize, Deserialize)]
struct Columns {
    columns: Vec<String>,
}

impl Stage for Columns {
    fn columns(&self) -> Option<Vec<String>> {
        Some(self.columns.clone())
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(batch.clone())
    }
}

/// A table as the query sees it.
#[derive(Debug)]
pub(super) struct ScanTable {
    index: usize,
    schema: SchemaRef,
    requests: Sender<Request>,
}

impl ScanTable {
    pub(super) fn new(index: usize, schema: SchemaRef, requests: Sender<Request>) -> Self {
        Self { index, schema, requests }
    }
}

#[async_trait]
impl TableProvider for ScanTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            None => Arc::clone(&self.schema),
            Some(columns) => Arc::new(self.schema.project(columns)?),
        };
        let partition: Arc<dyn PartitionStream> = Arc::new(Scan {
            table: self.index,
            schema: Arc::clone(&schema),
            requests: self.requests.clone(),
        });
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![partition], None, [], false, limit)?))
    }
}

/// Some columns of a table, to be read once the query gets there.
struct Scan {
    table: usize,
    schema: SchemaRef,
    requests: Sender<Request>,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("table", &self.table).finish_non_exhaustive()
    }
}

impl PartitionStream for Scan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (batches, mut inbox) = mpsc::channel(AHEAD);
        let schema = Arc::clone(&self.schema);
        // Where nobody answers, the stream ends with an error rather than without rows.
        let request = Request { table: self.table, schema: Arc::clone(&schema), batches };
        let mut refused = self
            .requests
            .send(request)
            .err()
            .map(|_| DataFusionError::Execution("the tables are no longer read".to_owned()));
        let rows = futures::stream::poll_fn(move |context| match refused.take() {
            Some(error) => std::task::Poll::Ready(Some(Err(error))),
            None => inbox.poll_recv(context),
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
