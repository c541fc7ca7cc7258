//! The server, as its clients see it.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod challenger;
mod client;
mod clients;
mod clock;
mod completions;
mod foreign;
mod grpc;
mod hostile;
mod lifecycle;
mod mutated;
mod open_inference;
mod reload;
mod request_log;
mod rest;
mod scene;
mod secured;
mod traces;
mod trained;
mod warm_up;
mod watch;
