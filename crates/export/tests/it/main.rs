//! Exported graphs in the runtimes that they are for.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod tensorflow;
