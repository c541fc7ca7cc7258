//! The pipeline file with the place of every value, its check and its JSON Schema, the wiring of nodes, the
//! cache, and the runner.
//!
//! Entry points: [`Pipeline::load`] reads and checks a file, [`run`] runs it, [`explain`] says what would
//! run and why, [`json_schema`] describes the file to editors. Components and ledgers are known by their
//! traits (`artifact`) alone.
//! **Invariants:** all mistakes of a file are reported together, each with its place, before anything runs;
//! checking and explaining write nothing; an artifact is there whole or not at all, and only together with
//! its row in the ledger; a node is done again exactly when what it is made from changed.
//! Not here: the clock, the environment, the current folder (all are arguments), what nodes do
//! (`components`), how the ledger stores (`metadata`).

mod cache;
mod check;
mod definition;
mod document;
mod error;
mod explain;
mod json_schema;
mod lock;
mod mistake;
mod pipeline;
mod recover;
mod report;
mod run;
mod schema;
mod wiring;

pub use error::{LoadError, NodeError, RunError};
pub use explain::{ExplainOptions, Explanation, Verdict, explain};
pub use json_schema::json_schema;
pub use mistake::{Excerpt, Location, Mistake, Mistakes};
pub use pipeline::{Node, Pipeline, Wire};
pub use report::{NodeResult, NodeState, Observer, RunReport};
pub use run::{RunOptions, run};

/// The custom property of an execution that holds its summary, one line for people.
pub const SUMMARY: &str = "summary";

/// The custom property of an execution that holds why it failed or was stopped.
pub const ERROR: &str = artifact::Execution::ERROR;
