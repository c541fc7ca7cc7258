//! What BigQuery answers, as far as it matters here.

use serde::Deserialize;
use serde_json::Value;

use crate::{Mistake, Place, QueryError};

/// A page of a result, or that there is none yet.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Answer {
    pub(super) job_complete: bool,
    pub(super) job_reference: Option<JobReference>,
    pub(super) schema: Option<TableSchema>,
    pub(super) rows: Vec<Value>,
    pub(super) page_token: Option<String>,
}

/// A job, and where it runs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobReference {
    pub(super) job_id: String,
    pub(super) location: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TableSchema {
    pub(super) fields: Vec<TableField>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TableField {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    #[serde(default)]
    pub(super) mode: Option<String>,
    #[serde(default)]
    pub(super) fields: Vec<TableField>,
}

/// The form of errors.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    error: Problem,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    errors: Vec<Reason>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

/// Returns why the service says no, and whether it may say yes later.
pub(super) fn refusal(status: u16, body: &[u8], query: &str) -> (QueryError, bool) {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let problem = refusal.error;
    let reason = problem.errors.first().map_or("", |first| first.reason.as_str());
    let is_passing = matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
        || matches!(reason, "rateLimitExceeded" | "backendError" | "jobRateLimitExceeded");
    let message = match problem.message.trim().trim_end_matches('.') {
        "" => format!("status {status}"),
        message => message.to_owned(),
    };
    if reason == "invalidQuery" || (status == 400 && reason.is_empty()) {
        let (message, place) = with_place(&message, query);
        return (Mistake { place, message, hint: None, may_be_of_types: false }.into(), false);
    }
    let hint = match status {
        401 | 403 if !is_passing => {
            Some("is the account of the credentials allowed to run jobs and to read the tables?")
        }
        _ => None,
    };
    let message = if reason.is_empty() { message } else { format!("{message} ({reason})") };
    let error = QueryError::Server {
        server: "BigQuery".to_owned(),
        code: code_of(status).to_owned(),
        message,
        hint: hint.map(str::to_owned),
    };
    (error, is_passing)
}

/// Returns the class of SQLSTATE that says the same: who asks is not allowed to, or nothing in particular.
fn code_of(status: u16) -> &'static str {
    match status {
        401 | 403 => "28000",
        400 | 404 => "3D000",
        _ => "08000",
    }
}

/// Takes the place out of `Unrecognized name: fair at [1:8]`.
fn with_place(message: &str, query: &str) -> (String, Option<Place>) {
    let split = message.rsplit_once(" at [").and_then(|(text, place)| {
        let (place, behind) = place.split_once(']')?;
        let (line, column) = place.split_once(':')?;
        let place = Place::at(query, line.parse().ok()?, column.parse().ok()?)?;
        Some((format!("{text}{behind}"), Some(place)))
    });
    split.unwrap_or_else(|| (message.to_owned(), None))
}
