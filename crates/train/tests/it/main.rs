//! Trainings as their callers see them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod docs;
mod heads;
mod interrupted;
mod scene;
mod trees;
