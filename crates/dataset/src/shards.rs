//! Writes one split as Parquet shards of fixed size.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::IoError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::DatasetError;

/// Rows per row group, and so per partition of a pass.
pub const ROW_GROUP_ROWS: usize = 32_768;

/// Rows per shard: a whole number of row groups.
pub const SHARD_ROWS: usize = 32 * ROW_GROUP_ROWS;

/// Writes batches as `<stem>-SSSSS-of-NNNNN.parquet` below a folder.
///
/// A new shard begins every [`SHARD_ROWS`] rows, so the same rows give the same files. The names carry the
/// number of shards and appear when the writer is closed; one that is dropped before leaves no shards behind. A split
/// without rows has one empty shard.
pub struct ShardWriter {
    dir: PathBuf,
    stem: String,
    schema: SchemaRef,
    open: Option<ArrowWriter<File>>,
    open_rows: usize,
    closed: Vec<PathBuf>,
}

impl ShardWriter {
    /// Creates the folder, if need be, and returns a writer into it.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`] when the folder cannot be made.
    pub fn create(dir: &Path, stem: &str, schema: SchemaRef) -> Result<Self, DatasetError> {
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        Ok(Self {
            dir: dir.to_path_buf(),
            stem: stem.to_owned(),
            schema,
            open: None,
            open_rows: 0,
            closed: Vec::new(),
        })
    }

    /// Writes a batch of the writer's schema, over as many shards as it takes.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the disk refuses or the batch has another schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), DatasetError> {
        let mut offset = 0;
        while offset < batch.num_rows() {
            if self.open_rows == SHARD_ROWS {
                self.close_shard()?;
            }
            let rows = (batch.num_rows() - offset).min(SHARD_ROWS - self.open_rows);
            let path = self.open_path();
            let slice = batch.slice(offset, rows);
            self.writer()?.write(&slice).map_err(|error| write_error(&path, error))?;
            self.open_rows += rows;
            offset += rows;
        }
        Ok(())
    }

    /// Closes the last shard, gives all shards their names and returns them.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] when the disk refuses.
    pub fn close(mut self) -> Result<Vec<PathBuf>, DatasetError> {
        if self.closed.is_empty() {
            self.writer()?;
        }
        self.close_shard()?;
        let total = self.closed.len();
        let mut shards = Vec::with_capacity(total);
        for (index, path) in self.closed.iter().enumerate() {
            let name = format!("{}-{index:05}-of-{total:05}.parquet", self.stem);
            let shard = self.dir.join(name);
            fs::rename(path, &shard).map_err(IoError::at("write", &shard))?;
            shards.push(shard);
        }
        Ok(shards)
    }

    fn open_path(&self) -> PathBuf {
        self.dir.join(format!("{}-{:05}.unfinished", self.stem, self.closed.len()))
    }

    fn writer(&mut self) -> Result<&mut ArrowWriter<File>, DatasetError> {
        if self.open.is_none() {
            let path = self.open_path();
            let file = File::create(&path).map_err(IoError::at("write", &path))?;
            let properties = WriterProperties::builder()
                .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_created_by("cupola".to_owned())
                .build();
            let writer =
                ArrowWriter::try_new(file, SchemaRef::clone(&self.schema), Some(properties))
                    .map_err(|error| write_error(&path, error))?;
            self.open = Some(writer);
            self.open_rows = 0;
        }
        Ok(self.open.as_mut().expect("it was just opened"))
    }

    fn close_shard(&mut self) -> Result<(), DatasetError> {
        if let Some(writer) = self.open.take() {
            let path = self.open_path();
            writer.close().map_err(|error| write_error(&path, error))?;
            self.closed.push(path);
            self.open_rows = 0;
        }
        Ok(())
    }
}

impl Drop for ShardWriter {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            self.closed.push(self.open_path());
        }
        // Those that have their names are not there under the old ones any more.
        for path in &self.closed {
            fs::remove_file(path).ok();
        }
    }
}

/// Tells a disk that refuses from a batch that does not fit.
fn write_error(path: &Path, error: parquet::errors::ParquetError) -> DatasetError {
    use parquet::errors::ParquetError;
    if let ParquetError::External(cause) = &error
        && let Some(io) = cause.downcast_ref::<std::io::Error>()
    {
        let io = io.raw_os_error().map_or_else(
            || std::io::Error::new(io.kind(), io.to_string()),
            std::io::Error::from_raw_os_error,
        );
        return IoError::at("write", path)(io).into();
    }
    DatasetError::Parquet { path: path.to_path_buf(), source: error }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn a_writer_that_is_not_closed_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7; SHARD_ROWS + 1]));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        let mut writer = ShardWriter::create(dir.path(), "data", batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        drop(writer);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut writer = ShardWriter::create(dir.path(), "data", batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        assert_eq!(writer.close().unwrap().len(), 2);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
