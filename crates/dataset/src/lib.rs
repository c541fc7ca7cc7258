//! Examples as Arrow: the dataset on disk, its sharded writer, and the readers of foreign files.
//!
//! One row is one example, one column one feature. A feature is a scalar column (at most one value), a list
//! column (many values) or a nested struct. Missing (null), present with no values (empty list), empty
//! string and zero are four different things. Entry types: [`Dataset`], [`DatasetWriter`], [`ShardWriter`],
//! [`ParquetFiles`], [`CsvFiles`], [`JsonFiles`], [`AvroFiles`], [`ArrowFiles`], [`FeatureType`]. **Invariants:** shards
//! and row groups have sizes fixed by constants, so partitions depend on the data alone; a shard is never changed after
//! it was closed. Not here: choosing splits or guessing types (`ingest`).

mod avro;
mod common;
mod csv;
mod dataset;
mod difference;
mod documents;
mod error;
mod feature;
mod ipc;
mod json;
mod language;
mod parquet_files;
mod pieces;
mod record_schema;
mod shards;
mod split_files;
mod text;
mod tf_example;
mod tfrecord;
mod writer;

pub use avro::{AvroError, AvroFiles, AvroProblem, AvroSchemaProblem, MAX_BLOCK_BYTES};
pub use csv::{
    CsvError, CsvFiles, CsvFormat, CsvOrder, CsvRow, CsvRows, MAX_COLUMNS, RowError, RowReason,
    cell_type,
};
pub use dataset::{Dataset, Split};
pub use difference::ColumnDifference;
pub use documents::TextFiles;
pub use error::DatasetError;
pub use feature::FeatureType;
pub use ipc::{
    ArrowFileError, ArrowFileProblem, ArrowFiles, ArrowSchemaProblem, MAX_MESSAGE_BYTES,
};
pub use json::{JsonError, JsonFiles, JsonPlace, JsonRow, JsonRows, JsonType};
pub use parquet_files::{ParquetFault, ParquetFiles};
pub use pieces::{MAX_ROW_BYTES, Piece};
pub use shards::{ROW_GROUP_ROWS, SHARD_ROWS, ShardWriter};
pub use split_files::SplitFiles;
pub use text::{TextError, TextReader};
pub use tf_example::{
    DiscoverFeatures, Discovered, Discovery, EncodeExamples, ExampleBatchError, ExampleDecoder,
    ExampleEncoder, ExampleFiles, ExampleProblem, MissingFeature, Payload, TfExampleError,
    discover_schema,
};
pub use tfrecord::{
    PartitionReader, TFRECORD_SHARD_ROWS, TfRecordError, TfRecordFiles, TfRecordShardWriter,
};
pub use writer::{DatasetWriter, Storage};

use tfrecord::BATCH_ROWS;

#[cfg(test)]
mod testing;
