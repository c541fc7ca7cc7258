//! What DataFusion says, told with the place in the query and the names that there are.

use arrow::datatypes::SchemaRef;
use base::nearest;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::Limits;
use crate::{Mistake, Place, QueryError};

/// How many names a hint lists.
const LISTED: usize = 5;

/// Turns an error of planning or running an expression into one of ours.
pub(crate) fn translate_error(text: &str, error: &DataFusionError) -> QueryError {
    translate(text, error, &[], Limits::default())
}

/// Turns an error of reading a text into one of ours.
pub(crate) fn parse_mistake(text: &str, error: &ParserError) -> Mistake {
    let (message, place) = parse_error(text, error);
    Mistake { place, message, hint: None, may_be_of_types: false }
}

/// Turns an error of planning or running into one of ours.
pub(super) fn translate(
    query: &str,
    error: &DataFusionError,
    tables: &[(&str, SchemaRef)],
    limits: Limits,
) -> QueryError {
    let place = place_of(query, error).or_else(|| place_of_name(query, error));
    let mistake = |message: String, hint| {
        let place = place.clone();
        QueryError::Mistake(Mistake { place, message, hint, may_be_of_types: false })
    };
    let of_types = |message: String| {
        let place = place.clone();
        QueryError::Mistake(Mistake { place, message, hint: None, may_be_of_types: true })
    };
    match error.find_root() {
        DataFusionError::SQL(error, _) => QueryError::Mistake(parse_mistake(query, error)),
        DataFusionError::SchemaError(error, _) => schema_error(error, tables, mistake),
        DataFusionError::Plan(message) => match missing_table(message) {
            Some(name) => {
                let hint = near(&name, tables.iter().map(|(name, _)| *name), "tables are");
                mistake(format!("there is no table `{name}`"), hint)
            }
            None => of_types(said(message)),
        },
        DataFusionError::NotImplemented(message) => {
            of_types(format!("this is not supported: {}", said(message)))
        }
        DataFusionError::ResourcesExhausted(message) => {
            QueryError::Memory { limit_bytes: limits.memory_bytes, message: said(message) }
        }
        DataFusionError::IoError(error) => {
            QueryError::Unavailable { action: "use a temporary file", message: error.to_string() }
        }
        DataFusionError::ArrowError(error, _) => QueryError::Stopped { message: error.to_string() },
        other => QueryError::Stopped { message: said(&other.message()) },
    }
}

fn place_of(query: &str, error: &DataFusionError) -> Option<Place> {
    let span = error.diagnostic()?.span?;
    Place::at(query, span.start.line, span.start.column)
}

/// Returns where the name of a missing column stands, if it stands once: not every clause tells places.
fn place_of_name(query: &str, error: &DataFusionError) -> Option<Place> {
    let DataFusionError::SchemaError(error, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, .. } = error.as_ref() else { return None };
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = query.match_indices(&field.name).filter(|(at, name)| {
        let (before, behind) = (&query[..*at], &query[at + name.len()..]);
        !before.ends_with(is_of_name) && !behind.starts_with(is_of_name)
    });
    let (at, _) = found.next()?;
    if found.next().is_some() { None } else { Place::after(query, query[..at].chars().count()) }
}

fn schema_error(
    error: &SchemaError,
    tables: &[(&str, SchemaRef)],
    mistake: impl Fn(String, Option<String>) -> QueryError,
) -> QueryError {
    let names = |columns: &[Column]| -> Vec<String> {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let valid = names(valid_fields);
            if let Some(table) = &field.relation {
                let known = tables.iter().find(|(name, _)| *name == table.table());
                let message = format!("there is no column `{}` in `{table}`", field.name);
                let columns: Vec<&str> = match known {
                    Some((_, schema)) => {
                        schema.fields().iter().map(|f| f.name().as_str()).collect()
                    }
                    None => valid.iter().map(String::as_str).collect(),
                };
                return mistake(message, near(&field.name, columns, "columns are"));
            }
            let hint = near(&field.name, valid.iter().map(String::as_str), "columns are");
            mistake(format!("there is no column `{}`", field.name), hint)
        }
        SchemaError::AmbiguousReference { field } => mistake(
            format!("column `{}` is in several tables", field.name),
            Some(format!("write the table's name before it, such as `rides.{}`", field.name)),
        ),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            QueryError::ColumnTwice { column: name.clone() }
        }
    }
}

/// Returns the nearest name, or else the names that there are.
fn near<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    what: &str,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, candidates.iter().copied()) {
        return Some(match near.eq_ignore_ascii_case(name) {
            true => format!("did you mean `{near}`? upper and lower case are told apart"),
            false => format!("did you mean `{near}`?"),
        });
    }
    let mut names: Vec<String> =
        candidates.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if candidates.len() > LISTED {
        names.push(format!("{} more", candidates.len() - LISTED));
    }
    (!names.is_empty()).then(|| format!("the {what} {}", names.join(", ")))
}

/// Reads the name in `table 'datafusion.public.x' not found`.
fn missing_table(message: &str) -> Option<String> {
    let name = message.strip_prefix("table '")?.split_once("' not found")?.0;
    Some(name.strip_prefix("datafusion.public.").unwrap_or(name).to_owned())
}

/// Takes the place out of `…, found: FORM at Line: 1, Column: 10`.
fn parse_error(query: &str, error: &ParserError) -> (String, Option<Place>) {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            message.as_str()
        }
        ParserError::RecursionLimitExceeded => "it is nested too deeply",
    };
    let split = message.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
        Some((message, Place::at(query, line.trim().parse().ok()?, digits.parse().ok()?)))
    });
    match split {
        Some((message, place)) => (said(message), place),
        None => (said(message), None),
    }
}

/// Returns a message in our manner: one line, no capital, no full stop.
fn said(message: &str) -> String {
    let message = message.split("\n\nbacktrace").next().unwrap_or(message);
    let message = message.trim().trim_end_matches('.').replace('\n', " ");
    let mut chars = message.chars();
    let is_word = message.chars().nth(1).is_some_and(char::is_lowercase);
    match chars.next() {
        Some(first) if is_word => first.to_lowercase().chain(chars).collect(),
        _ => message,
    }
}
