//! Writes the splits of a dataset.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use formats::tfrecord::Compression;

use crate::record_schema::RecordSchema;
use crate::{
    Dataset, DatasetError, ExampleEncoder, MissingFeature, Payload, ShardWriter, TfExampleError,
    TfRecordShardWriter,
};

/// The stem of Parquet shards' names.
const PARQUET_STEM: &str = "data";

/// The stem of record shards' names, which is TFX's.
const RECORD_STEM: &str = "data_tfrecord";

/// How the examples of a dataset are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As Parquet, with the columns as they are.
    Parquet,
    /// As TFRecord files. Missing features are left out of their records; integers and booleans become 64 bits wide,
    /// floats 32 bits. A file `examples.json` beside the splits says which features there are.
    Records {
        /// What the records are.
        payload: Payload,
        /// How files are compressed.
        compression: Compression,
    },
}

/// Writes the splits of a dataset into `Split-<name>/` folders, shard by shard.
///
/// Every split is written, with one shard where it has no rows. Shards have their names once the writer is closed; if it
/// is dropped before, there are none.
pub struct DatasetWriter {
    root: PathBuf,
    splits: Vec<SplitWriter>,
    records: Option<(RecordSchema, ExampleEncoder)>,
}

struct SplitWriter {
    name: String,
    num_rows: u64,
    shards: Shards,
}

enum Shards {
    Parquet(ShardWriter),
    Records(TfRecordShardWriter),
}

impl DatasetWriter {
    /// Creates the folders of the splits and returns a writer of rows of `schema` into them.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`] when a folder cannot be made, [`DatasetError::Records`] for columns that records cannot
    /// hold.
    pub fn create<'n>(
        root: &Path,
        names: impl Iterator<Item = &'n String>,
        schema: &SchemaRef,
        storage: Storage,
    ) -> Result<Self, DatasetError> {
        let records = match storage {
            Storage::Parquet => None,
            Storage::Records { payload, .. } => {
                let encoder = ExampleEncoder::new(payload, MissingFeature::Omitted, schema)?;
                Some((RecordSchema::of(payload, schema), encoder))
            }
        };
        let mut splits = Vec::new();
        for name in names {
            let dir = Dataset::split_dir(root, name);
            let shards = match storage {
                Storage::Parquet => {
                    let schema = SchemaRef::clone(schema);
                    Shards::Parquet(ShardWriter::create(&dir, PARQUET_STEM, schema)?)
                }
                Storage::Records { compression, .. } => Shards::Records(
                    TfRecordShardWriter::create(&dir, RECORD_STEM, compression)
                        .map_err(TfExampleError::from)?,
                ),
            };
            splits.push(SplitWriter { name: name.clone(), num_rows: 0, shards });
        }
        Ok(Self { root: root.to_path_buf(), splits, records })
    }

    /// Writes rows into a split, by its position among the names.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the disk refuses, the batch has another schema, or a value has no place in a record:
    /// [`DatasetError::GapInList`], or an integer beyond 64 bits with a sign.
    pub fn write(&mut self, split: usize, rows: &RecordBatch) -> Result<(), DatasetError> {
        let SplitWriter { name, num_rows, shards } = &mut self.splits[split];
        let before = *num_rows;
        *num_rows += rows.num_rows() as u64;
        match (shards, &self.records) {
            (Shards::Parquet(writer), _) => writer.write(rows),
            (Shards::Records(writer), records) => {
                let (_, encoder) = records.as_ref().expect("records are written by an encoder");
                let written =
                    encoder.encode(rows, |record| Ok::<_, TfExampleError>(writer.write(record)?));
                written.map_err(|error| match error {
                    TfExampleError::MissingInList { column, row, payload } => {
                        let (split, number) = (name.clone(), before + row as u64 + 1);
                        DatasetError::GapInList { split, number, column, payload }
                    }
                    error => error.into(),
                })
            }
        }
    }

    /// Closes all shards and returns the splits with their numbers of rows.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the disk refuses.
    pub fn close(self) -> Result<Vec<(String, u64)>, DatasetError> {
        let mut splits = Vec::with_capacity(self.splits.len());
        for SplitWriter { name, num_rows, shards } in self.splits {
            match shards {
                Shards::Parquet(writer) => _ = writer.close()?,
                Shards::Records(writer) => _ = writer.finish().map_err(TfExampleError::from)?,
            }
            splits.push((name, num_rows));
        }
        if let Some((mut schema, _)) = self.records {
            schema.num_examples = splits.iter().cloned().collect();
            schema.write(&self.root)?;
        }
        Ok(splits)
    }
}
