//! Ingesting whole folders of files.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is not as it should be"
)]

mod bad_files;
mod bad_input;
mod csv_forms;
mod drift;
mod elsewhere;
mod json;
mod output;
mod queries;
mod real_data;
mod scene;
mod spans;
mod splits;
mod tfrecord;
mod tfx_splits;
mod typed_files;
