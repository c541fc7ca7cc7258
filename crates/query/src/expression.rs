//! Conditions and keys by expressions in the dialect of ZetaSQL, which TensorFlow Data Validation has them in.
//!
//! DataFusion evaluates them; where its SQL means something else than ZetaSQL's, the expression is rewritten
//! first: `1 / 2` is a half, NaN is equal to nothing, an item of a list is picked by `[OFFSET(0)]`, `UNNEST` of a list
//! is a table, text in double quotes is text. All that is named is looked up before anything is evaluated, so that a
//! mistake is reported with its place.

mod condition;
mod functions;
mod keys;
mod names;
mod number_text;
mod rewrite;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{Expr, Query, Spanned};
use datafusion::sql::sqlparser::dialect::BigQueryDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

pub use self::condition::Condition;
use self::functions::CallError;
pub use self::keys::{KeyQuery, Keys};
use self::rewrite::Uses;
use crate::sql::{parse_mistake, translate_error};
use crate::{Mistake, Place, QueryError};

/// How deeply an expression may be nested.
const MAX_DEPTH: usize = 50;

/// The longest text of an expression: nobody writes a longer one, and one that a program makes should be shorter.
const MAX_BYTES: usize = 1 << 16;

fn parser(text: &str) -> Result<Parser<'static>, QueryError> {
    if text.len() > MAX_BYTES {
        let message = format!("found {} bytes, expected at most {MAX_BYTES}", text.len());
        return Err(QueryError::Mistake(Mistake {
            place: None,
            message,
            hint: None,
            may_be_of_types: false,
        }));
    }
    Parser::new(&BigQueryDialect {})
        .with_recursion_limit(MAX_DEPTH)
        .try_with_sql(text)
        .map_err(|error| of_parser(text, &error))
}

fn of_parser(text: &str, error: &ParserError) -> QueryError {
    let mut mistake = parse_mistake(text, error);
    if mistake.place.is_none() && mistake.message.contains("EOF") {
        mistake.place = Place::after(text, text.chars().count());
    }
    QueryError::Mistake(mistake)
}

/// Reads one expression and nothing behind it.
fn parse_expression(text: &str) -> Result<Expr, QueryError> {
    let mut parser = parser(text)?;
    let expression = parser.parse_expr().map_err(|error| of_parser(text, &error))?;
    at_end(text, &mut parser)?;
    Ok(expression)
}

/// Reads one query and nothing behind it.
fn parse_query(text: &str) -> Result<Query, QueryError> {
    let mut parser = parser(text)?;
    let query = parser.parse_query().map_err(|error| of_parser(text, &error))?;
    let _ = parser.consume_token(&Token::SemiColon);
    at_end(text, &mut parser)?;
    Ok(*query)
}

fn at_end(text: &str, parser: &mut Parser<'_>) -> Result<(), QueryError> {
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(());
    }
    Err(QueryError::Mistake(Mistake {
        place: Place::at(text, next.span.start.line, next.span.start.column),
        message: format!("found `{}`, expected nothing more", next.token),
        hint: None,
        may_be_of_types: false,
    }))
}

/// Turns an error of planning or evaluating into one of ours.
fn translate(text: &str, uses: &Uses, error: &DataFusionError) -> QueryError {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(CallError { index, message, is_of_value }) = inner.downcast_ref()
    {
        let place = uses.calls.get(*index).and_then(|(_, place)| place.clone());
        if *is_of_value {
            let at = place.map_or_else(String::new, |place| format!(", at {place}"));
            return QueryError::Stopped { message: format!("{message}{at}") };
        }
        let (message, hint) = (message.clone(), None);
        return QueryError::Mistake(Mistake { place, message, hint, may_be_of_types: true });
    }
    translate_error(text, error)
}

/// Returns the error of a value that a path does not lead to.
fn stopped((message, place): (String, Option<Place>)) -> QueryError {
    QueryError::Stopped {
        message: match place {
            Some(place) => format!("{message}, at {place}"),
            None => message,
        },
    }
}

/// Returns where a query begins.
fn begin_of(text: &str, query: &Query) -> Option<Place> {
    let start = query.span().start;
    Place::at(text, start.line, start.column)
}

#[cfg(test)]
mod tests;
