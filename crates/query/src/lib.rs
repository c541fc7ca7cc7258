//! Rows of a query, as record batches: SQL over any source, and what databases answer.
//!
//! Entry points: [`sql::run`], [`postgres::run`], [`bigquery::run`]; [`expression`] for conditions on single values
//! and keys of examples. Batches come in order, a few at a time, with plain types ([`plain`]): integers of 64
//! bits, floats, booleans, text, bytes, lists and structs. **Invariants:** the same tables and query give the same
//! rows in the same order, whatever the number of threads; a query reads and never writes; no error shows a
//! password. Not here: what the rows become (`ingest`), the readers of files (`dataset`).

pub mod bigquery;
mod error;
pub mod expression;
mod place;
pub mod plain;
pub mod postgres;
pub mod sql;

pub use error::{Mistake, QueryError};
pub use place::Place;
