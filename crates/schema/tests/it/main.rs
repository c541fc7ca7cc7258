//! Schemas and anomalies against those of the reference implementation, and rules that always hold.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod build;
mod facts;
mod golden;
mod properties;
mod structure;
mod wording;
