//! Files of stores, from servers that the tests start themselves.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and talk")]

mod clouds;
mod folder;
mod http;
mod s3;
mod server;
