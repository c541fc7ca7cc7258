//! Bulk inference: examples in, predictions out.
//!
//! Entry types: [`Inference`], the stage that puts predictions beside columns that are kept; [`Sink`], which writes its
//! batches in a [`Format`]; and [`run`], which fills a folder with shards and goes on where an earlier run stopped.
//! **Invariants:** there is a row for every example, in the order of the source; the same examples and model give the
//! same bytes, whatever the number of threads and however often the work was interrupted; a shard is there whole or
//! not at all, and a folder never holds shards of two runs that differ.
//! Not here: how examples are found and read (`dataset`, `ingest`), what predicts (`servable`).

mod cells;
mod error;
mod format;
mod serialize;
mod shards;
mod sink;
mod stage;

pub use error::InferError;
pub use format::Format;
pub use shards::{Job, Written, run};
pub use sink::Sink;
pub use stage::{Inference, Keep, Outputs};
