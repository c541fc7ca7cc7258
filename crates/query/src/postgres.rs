//! A query that PostgreSQL answers.
//!
//! It runs in one read-only transaction over one snapshot (`REPEATABLE READ`), with the session's time zone UTC, and
//! its rows come through a portal, some megabytes at a time. PostgreSQL gives rows in an order that it chooses unless
//! the query has an `ORDER BY`.
//!
//! Types: `smallint`, `integer`, `bigint` and `oid` are integers; `real` and `double precision` floats, `numeric` a
//! 64-bit float; `boolean`; text of all kinds, `uuid`, `json`, `jsonb` and enums are text; `bytea` bytes; `date`, `time`
//! and `timestamp` (with or without time zone) text in ISO 8601; arrays of one dimension of these are lists.

mod columns;
mod login;
mod mistakes;
mod tls;
mod values;

use arrow::datatypes::SchemaRef;
use dataflow::Sink;
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, IsolationLevel, Statement, Transaction};

use self::columns::Columns;
pub use self::login::{Environment, check_url};
use self::login::{Server, log_in};
use crate::plain::Plain;
use crate::{Mistake, QueryError};

/// Rows that are asked for at a time, and rows and bytes of a batch at most.
const BATCH_ROWS: i32 = 8192;
const BATCH_BYTES: usize = 8 << 20;

/// Returns the columns of a query's result, without running it.
///
/// # Errors
///
/// [`QueryError`]: the server cannot be reached or refuses, the query is wrong, or it gives what features do not have.
pub fn result_schema(
    query: &str,
    url: &str,
    environment: &Environment,
) -> Result<SchemaRef, QueryError> {
    let (mut client, server) = log_in(url, environment)?;
    let mut transaction = begin(&mut client, &server)?;
    let (_, columns) = prepare(&mut transaction, query, &server)?;
    Ok(Plain::of(&columns.schema())?.schema())
}

/// Runs a query and hands its rows to `sink`, in order; returns their schema.
///
/// `url` is a connection string such as `postgres://reader@db.example.org/rides?sslmode=require`, without a password;
/// what it does not say, and the password, come from the environment.
///
/// # Errors
///
/// [`QueryError`]: as [`result_schema`], and what the server says while the query runs, a value that features do not
/// have, or what `sink` says.
pub fn run(
    query: &str,
    url: &str,
    environment: &Environment,
    sink: &mut Sink<'_>,
) -> Result<SchemaRef, QueryError> {
    let (mut client, server) = log_in(url, environment)?;
    let mut transaction = begin(&mut client, &server)?;
    let (statement, mut columns) = prepare(&mut transaction, query, &server)?;
    let schema = columns.schema();
    let plain = Plain::of(&schema)?;
    let stopped = |error| mistakes::translate(query, &error, &server);
    let portal = transaction.bind(&statement, &[]).map_err(stopped)?;
    loop {
        let mut num_rows = 0;
        let mut num_bytes = 0;
        let mut rows = transaction.query_portal_raw(&portal, BATCH_ROWS).map_err(stopped)?;
        while let Some(row) = rows.next().map_err(stopped)? {
            num_rows += 1;
            num_bytes += columns.take(&row)?;
            if num_bytes >= BATCH_BYTES {
                num_bytes = 0;
                sink(plain.batch(&columns.finish()?)?).map_err(QueryError::Sink)?;
            }
        }
        let batch = columns.finish()?;
        if batch.num_rows() > 0 {
            sink(plain.batch(&batch)?).map_err(QueryError::Sink)?;
        }
        if num_rows < BATCH_ROWS {
            return Ok(plain.schema());
        }
    }
}

/// Begins a transaction that reads, and always the same.
fn begin<'c>(client: &'c mut Client, server: &Server) -> Result<Transaction<'c>, QueryError> {
    // Casts to text depend on these. They are asked for one by one: a server that is only like PostgreSQL may not know
    // all of them. The last one has large tables read from their beginning.
    for setting in [
        "SET TIME ZONE 'UTC'",
        "SET datestyle = 'ISO, YMD'",
        "SET intervalstyle = 'iso_8601'",
        "SET synchronize_seqscans = off",
    ] {
        let _ = client.batch_execute(setting);
    }
    let transaction = client.build_transaction();
    let transaction = transaction.isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    transaction.start().map_err(|error| mistakes::translate("", &error, server))
}

fn prepare(
    transaction: &mut Transaction<'_>,
    query: &str,
    server: &Server,
) -> Result<(Statement, Columns), QueryError> {
    let statement = transaction.prepare(query);
    let statement = statement.map_err(|error| mistakes::translate(query, &error, server))?;
    if !statement.params().is_empty() {
        let message = "it has parameters such as `$1`, expected values in their place".to_owned();
        return Err(Mistake { place: None, message, hint: None, may_be_of_types: false }.into());
    }
    let columns = Columns::of(statement.columns())?;
    Ok((statement, columns))
}
