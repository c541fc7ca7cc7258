//! Pushing to every kind of destination; when the process is killed, and when the disk is full.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and talk")]

mod crash;
mod full_disk;
mod kserve;
mod scene;
mod server;
mod store;
mod webhook;
