//! Schemas and anomalies against those of the reference implementation, and rules that always hold.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod build;
mod cases;
mod comparisons;
mod custom;
mod diff;
mod facts;
mod golden;
mod properties;
mod relax;
mod rows;
mod structure;
mod wording;
