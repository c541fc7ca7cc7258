//! Ingesting whole folders of files.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod bad_input;
mod csv_forms;
mod json;
mod real_data;
mod scene;
mod spans;
mod splits;
mod tfrecord;
mod tfx_splits;
mod typed_files;
