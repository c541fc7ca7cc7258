//! Evaluations as a caller sees them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::float_cmp, reason = "sums are exact, and small numbers make exact metrics")]

mod bounds;
mod docs;
mod golden;
mod properties;
mod samples;
mod scene;
mod sums;
mod tables;
mod tasks;
mod tfma;
