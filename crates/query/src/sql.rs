//! A SELECT over tables that are sources.
//!
//! DataFusion plans and evaluates it, in one stream: operators see the rows in the order of the tables, so groups
//! come in the order of their first rows, and the same tables give the same bytes whatever the number of threads
//! that read them. Names mean what is written: upper and lower case are told apart. Functions whose result is
//! another one each time (`random`, `now`) are refused, so that a result can be kept for as long as the tables stay.
//!
//! Sorting and grouping go to temporary files where memory does not do; a join keeps the smaller side in memory.

mod guard;
mod mistakes;
mod session;
mod table;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use arrow::datatypes::SchemaRef;
use dataflow::{Engine, Sink, Source};
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

pub(crate) use self::guard::{check as check_plan, unsteady_function};
pub(crate) use self::mistakes::{parse_mistake, translate_error};
use self::session::plan;
pub(crate) use self::session::{block_on, new_session};
use self::table::{Failures, Request, ScanTable, serve};
use crate::QueryError;
use crate::plain::Plain;

/// How much memory a query may use if nobody says otherwise.
const MEMORY_BYTES: usize = 1 << 30;

/// A table of a query.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    /// Its name in the query.
    pub name: &'a str,
    /// Its rows.
    pub source: &'a dyn Source,
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a query may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory for sorting, grouping and joining. The batches on their way are a few megabytes besides.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: MEMORY_BYTES }
    }
}

/// Returns the columns of a query's result, without running it; no table is read.
///
/// # Errors
///
/// [`QueryError`]: the query is wrong, or its result holds what features do not.
pub fn result_schema(query: &str, tables: &[(&str, SchemaRef)]) -> Result<SchemaRef, QueryError> {
    let (requests, _) = channel();
    let session = new_session(Limits::default())?;
    let planned = prepare(&session, query, tables, &requests, Limits::default());
    planned.map(|(_, plain)| plain.schema())
}

/// Runs a query and hands its rows to `sink`, in order; returns their schema.
///
/// Of each table just the columns are read that the query needs, by the engine's threads.
///
/// # Errors
///
/// [`QueryError`]: as [`result_schema`], and a table that cannot be read, a value that cannot be cast, too little
/// memory, or what `sink` says.
pub fn run(
    query: &str,
    tables: &[Table<'_>],
    limits: Limits,
    engine: &dyn Engine,
    sink: &mut Sink<'_>,
) -> Result<SchemaRef, QueryError> {
    let (requests, inbox) = channel();
    let failures = Failures::default();
    std::thread::scope(|scope| {
        scope.spawn(|| serve(scope_of(scope), inbox, tables, engine, &failures));
        // All senders are dropped with what is inside, so that the thread above ends.
        let ended = evaluate(query, tables, limits, requests, sink);
        ended.map_err(|error| match failures.first() {
            Some((table, error)) => QueryError::Table { table, error },
            None => error,
        })
    })
}

/// Helps inference along: a thread of a scope spawns into the same scope.
fn scope_of<'scope, 'env>(
    scope: &'scope std::thread::Scope<'scope, 'env>,
) -> &'scope std::thread::Scope<'scope, 'env> {
    scope
}

fn evaluate(
    query: &str,
    tables: &[Table<'_>],
    limits: Limits,
    requests: Sender<Request>,
    sink: &mut Sink<'_>,
) -> Result<SchemaRef, QueryError> {
    let session = new_session(limits)?;
    let schemas: Vec<_> = tables.iter().map(|table| (table.name, table.source.schema())).collect();
    let (logical, plain) = prepare(&session, query, &schemas, &requests, limits)?;
    drop(requests);
    block_on(async {
        let stopped = |error| mistakes::translate(query, &error, &schemas, limits);
        let rows = session.execute_logical_plan(logical).await.map_err(stopped)?;
        let mut batches: SendableRecordBatchStream =
            rows.execute_stream().await.map_err(stopped)?;
        while let Some(batch) = batches.next().await {
            let batch = plain.batch(&batch.map_err(stopped)?)?;
            if batch.num_rows() > 0 {
                sink(batch).map_err(QueryError::Sink)?;
            }
        }
        Ok(plain.schema())
    })?
}

/// Registers the tables and plans the query.
fn prepare(
    session: &SessionContext,
    query: &str,
    tables: &[(&str, SchemaRef)],
    requests: &Sender<Request>,
    limits: Limits,
) -> Result<(LogicalPlan, Plain), QueryError> {
    let translate = |error| mistakes::translate(query, &error, tables, limits);
    for (index, (name, schema)) in tables.iter().enumerate() {
        let table: Arc<dyn TableProvider> =
            Arc::new(ScanTable::new(index, Arc::clone(schema), requests.clone()));
        // A bare reference takes the name as it is: dots and capitals are part of it.
        let name = datafusion::common::TableReference::bare(*name);
        session.register_table(name, table).map_err(translate)?;
    }
    let logical = block_on(plan(session, query))?.map_err(|error| match error {
        session::PlanError::Mistake(mistake) => QueryError::Mistake(*mistake),
        session::PlanError::DataFusion(error) => translate(error),
    })?;
    let plain = Plain::of(logical.schema().as_arrow())?;
    Ok((logical, plain))
}

#[cfg(test)]
mod tests;
