//! What PostgreSQL says, told with the place in the query.

use postgres::Error;
use postgres::error::{DbError, ErrorPosition};

use super::login::Server;
use crate::{Mistake, Place, QueryError};

/// Turns an error of a query into one of ours.
pub(super) fn translate(query: &str, error: &Error, server: &Server) -> QueryError {
    let Some(said) = error.as_db_error() else {
        return unreachable_server(error, server);
    };
    let place = match said.position() {
        Some(ErrorPosition::Original(position)) => {
            let before = usize::try_from(*position).unwrap_or(0).saturating_sub(1);
            Place::after(query, before)
        }
        _ => None,
    };
    let is_mistake = said.code().code().starts_with("42");
    if place.is_some() || is_mistake {
        let hint = said.hint().map(str::to_owned);
        return Mistake { place, message: told(said), hint, may_be_of_types: false }.into();
    }
    QueryError::Server {
        server: server.0.clone(),
        code: said.code().code().to_owned(),
        message: told(said),
        hint: said.hint().map(str::to_owned),
    }
}

/// Turns an error of a connection into one of ours.
pub(super) fn not_connected(error: &Error, server: &Server) -> QueryError {
    let Some(said) = error.as_db_error() else {
        return unreachable_server(error, server);
    };
    let hint = match said.code().code() {
        "28P01" | "28000" => Some("the password is read from `PGPASSWORD`".to_owned()),
        _ => said.hint().map(str::to_owned),
    };
    QueryError::Server {
        server: server.0.clone(),
        code: said.code().code().to_owned(),
        message: told(said),
        hint,
    }
}

fn unreachable_server(error: &Error, server: &Server) -> QueryError {
    let reason = base::render_chain(error);
    let hint = if reason.contains("password missing") {
        Some("the password is read from `PGPASSWORD`")
    } else if reason.contains("certificate") {
        Some(
            "`PGSSLROOTCERT` names the file of the authority that the server's certificate is from",
        )
    } else {
        None
    };
    QueryError::NoServer { server: server.0.clone(), reason, hint: hint.map(str::to_owned) }
}

/// Returns the message with its detail and its code: `column "fair" does not exist (SQLSTATE 42703)`.
fn told(said: &DbError) -> String {
    let detail =
        said.detail().map_or(String::new(), |detail| format!(": {}", detail.trim_end_matches('.')));
    format!("{}{detail} (SQLSTATE {})", said.message(), said.code().code())
}
