//! A query that BigQuery answers, through its REST interface.
//!
//! The query is run as a job; its rows come in pages, in the order that the job gave them. What the service cannot do
//! for now is tried again, after longer and longer times.
//!
//! Types: `INT64` is an integer, `FLOAT64`, `NUMERIC` and `BIGNUMERIC` are 64-bit floats, `BOOL`; `STRING`, `JSON` and
//! `GEOGRAPHY` are text, and so are `DATE`, `TIME`, `DATETIME` and `TIMESTAMP` (in UTC), in ISO 8601; `BYTES`; `REPEATED`
//! fields are lists, records structs. BigQuery keeps no difference between a list that is missing and an empty one.

mod answer;
mod cells;
mod service;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use dataflow::Sink;
use serde_json::{Value, json};

use self::answer::{Answer, JobReference};
use self::cells::{Cells, field_of};
pub use self::service::Service;
use crate::QueryError;
use crate::plain::Plain;

/// Rows of a page at most. The service makes pages smaller so that they have some 10 MB.
const PAGE_ROWS: u32 = 10_000;

/// How long the service may wait before it answers that a job is not complete yet.
const WAIT_MS: u32 = 10_000;

/// A query, and who pays for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The query, in GoogleSQL.
    pub text: String,
    /// The project that runs it, and is billed.
    pub project: String,
    /// Where it runs, such as `EU`; the service finds out by itself in most cases.
    pub location: Option<String>,
    /// A query that would read more bytes fails before it costs anything.
    pub max_bytes_billed: Option<u64>,
}

/// Returns the columns of a query's result, by a dry run, which costs nothing.
///
/// # Errors
///
/// [`QueryError`]: the service cannot be reached or refuses, the query is wrong, or it gives what features do not have.
pub fn result_schema(query: &Query, service: &Service) -> Result<SchemaRef, QueryError> {
    let body = body_of(query, true);
    service.talk(|session| async move {
        let answer = session.post(&queries_of(query), &body, &query.text).await?;
        Ok(Plain::of(&schema_of(&answer)?)?.schema())
    })
}

/// Runs a query and hands its rows to `sink`, in order; returns their schema.
///
/// # Errors
///
/// [`QueryError`]: as [`result_schema`], and what the service says while the job runs, or what `sink` says.
pub fn run(query: &Query, service: &Service, sink: &mut Sink<'_>) -> Result<SchemaRef, QueryError> {
    let body = body_of(query, false);
    service.talk(|session| async move {
        let mut answer = session.post(&queries_of(query), &body, &query.text).await?;
        let job = answer.job_reference.take().ok_or_else(|| QueryError::BadAnswer {
            reason: "it does not name the job".to_owned(),
        })?;
        while !answer.job_complete {
            answer = session.get(&results_of(query, &job, None), &query.text).await?;
        }
        let schema = Arc::new(schema_of(&answer)?);
        let plain = Plain::of(&schema)?;
        loop {
            let batch = batch_of(&schema, &answer)?;
            if batch.num_rows() > 0 {
                sink(plain.batch(&batch)?).map_err(QueryError::Sink)?;
            }
            let Some(token) = answer.page_token.filter(|token| !token.is_empty()) else {
                return Ok(plain.schema());
            };
            answer = session.get(&results_of(query, &job, Some(&token)), &query.text).await?;
        }
    })
}

fn body_of(query: &Query, is_dry: bool) -> Value {
    let mut body = json!({
        "query": query.text,
        "useLegacySql": false,
        "timeoutMs": WAIT_MS,
        "maxResults": PAGE_ROWS,
        "formatOptions": { "useInt64Timestamp": true },
        "dryRun": is_dry,
    });
    if !is_dry {
        // Asked twice with one number, the service runs the query once.
        body["requestId"] = service::request_id().into();
    }
    if let Some(location) = &query.location {
        body["location"] = location.as_str().into();
    }
    if let Some(max) = query.max_bytes_billed {
        body["maximumBytesBilled"] = max.to_string().into();
    }
    body
}

/// Path and parameters of a request.
type Request = (Vec<String>, Vec<(&'static str, String)>);

fn queries_of(query: &Query) -> Request {
    (["projects", &query.project, "queries"].map(str::to_owned).into(), Vec::new())
}

fn results_of(query: &Query, job: &JobReference, token: Option<&str>) -> Request {
    let path = ["projects", &query.project, "queries", &job.job_id].map(str::to_owned);
    let mut parameters = vec![
        ("maxResults", PAGE_ROWS.to_string()),
        ("timeoutMs", WAIT_MS.to_string()),
        ("formatOptions.useInt64Timestamp", "true".to_owned()),
    ];
    let location = job.location.as_ref().or(query.location.as_ref());
    parameters.extend(location.map(|location| ("location", location.clone())));
    parameters.extend(token.map(|token| ("pageToken", token.to_owned())));
    (path.into(), parameters)
}

fn schema_of(answer: &Answer) -> Result<Schema, QueryError> {
    let fields = answer.schema.as_ref().map(|schema| schema.fields.as_slice());
    let fields = fields.unwrap_or_default().iter().map(|field| {
        field_of(field).map_err(|(path, type_name)| QueryError::UnsupportedServerType {
            column: path,
            type_name,
        })
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>, _>>()?))
}

fn batch_of(schema: &SchemaRef, answer: &Answer) -> Result<RecordBatch, QueryError> {
    let fields = schema.fields();
    let mut columns: Vec<Cells> = fields.iter().map(|field| Cells::of(field.data_type())).collect();
    for row in &answer.rows {
        let cells = row.get("f").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if cells.len() != columns.len() {
            let reason = format!("a row has {} cells, expected {}", cells.len(), columns.len());
            return Err(QueryError::BadAnswer { reason });
        }
        for ((column, cell), field) in columns.iter_mut().zip(cells).zip(fields) {
            column
                .push(cell.get("v").unwrap_or(&Value::Null))
                .map_err(|message| QueryError::Value { column: field.name().clone(), message })?;
        }
    }
    let columns = columns.iter_mut().map(Cells::finish).collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| QueryError::BadAnswer { reason: error.to_string() })
}

#[cfg(test)]
mod tests;
