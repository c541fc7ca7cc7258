//! Queries that a real server answers, where there is one.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and talk")]

mod postgres;
mod server;
