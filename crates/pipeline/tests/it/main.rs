//! Pipelines of toy components over a ledger in memory.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cache;
mod check;
mod crash;
mod fuzz;
mod memory;
mod run;
mod scene;
mod schema;
mod toys;
mod wiring;
