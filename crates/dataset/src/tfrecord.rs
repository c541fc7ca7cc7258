//! TFRecord files: records of bytes, as a source and written in shards.
//!
//! What is in a record is not looked at here; `tf_example` does that.

mod error;
mod files;
mod records;
mod shards;

pub use error::TfRecordError;
pub use files::{PartitionReader, TfRecordFiles};
pub(crate) use records::{BATCH_BYTES, BATCH_ROWS, RecordColumns};
pub use shards::{TFRECORD_SHARD_ROWS, TfRecordShardWriter};

#[cfg(test)]
mod tests;
