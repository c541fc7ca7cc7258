//! Writes one split as TFRecord shards of fixed size.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use base::IoError;
use formats::tfrecord::{Compression, Encoder, RecordWriter};

use super::TfRecordError;
use crate::ROW_GROUP_ROWS;

/// Records per shard. A compressed shard is read by one thread, so shards are smaller than those of Parquet.
pub const TFRECORD_SHARD_ROWS: usize = 4 * ROW_GROUP_ROWS;

type ShardFile = RecordWriter<Encoder<BufWriter<File>>>;

/// Writes records as `<stem>-SSSSS-of-NNNNN` below a folder, with `.gz` behind for gzip.
///
/// A new shard begins every [`TFRECORD_SHARD_ROWS`] records, so the same records give the same files. The names
/// carry the number of shards and appear when the writer is closed; one that is dropped before leaves no shards
/// behind. A split without records has one empty shard. The stem that the field uses is `data_tfrecord`.
pub struct TfRecordShardWriter {
    dir: PathBuf,
    stem: String,
    compression: Compression,
    shard_rows: usize,
    open: Option<(PathBuf, ShardFile)>,
    open_rows: usize,
    closed: Vec<PathBuf>,
}

impl TfRecordShardWriter {
    /// Creates the folder, if need be, and returns a writer into it.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Io`] when the folder cannot be made.
    pub fn create(dir: &Path, stem: &str, compression: Compression) -> Result<Self, TfRecordError> {
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        Ok(Self {
            dir: dir.to_path_buf(),
            stem: stem.to_owned(),
            compression,
            shard_rows: TFRECORD_SHARD_ROWS,
            open: None,
            open_rows: 0,
            closed: Vec::new(),
        })
    }

    /// Sets another number of records per shard.
    #[cfg(test)]
    pub(super) fn with_shard_rows(mut self, shard_rows: usize) -> Self {
        self.shard_rows = shard_rows;
        self
    }

    /// Writes one record.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Io`] when the disk refuses.
    pub fn write(&mut self, record: &[u8]) -> Result<(), TfRecordError> {
        if self.open_rows == self.shard_rows {
            self.close_shard()?;
        }
        self.open_shard()?;
        let (path, shard) = self.open.as_mut().expect("it was just opened");
        shard.write(record).map_err(IoError::at("write", path))?;
        self.open_rows += 1;
        Ok(())
    }

    /// Closes the last shard, gives all shards their names, and returns their paths in order.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Io`] when the disk refuses.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, TfRecordError> {
        if self.closed.is_empty() {
            self.open_shard()?;
        }
        self.close_shard()?;
        let mut shards = Vec::with_capacity(self.closed.len());
        for (index, path) in self.closed.iter().enumerate() {
            let (count, suffix) = (self.closed.len(), self.compression.suffix());
            let shard = self.dir.join(format!("{}-{index:05}-of-{count:05}{suffix}", self.stem));
            fs::rename(path, &shard).map_err(IoError::at("write", &shard))?;
            shards.push(shard);
        }
        Ok(shards)
    }

    fn open_shard(&mut self) -> Result<(), TfRecordError> {
        if self.open.is_none() {
            let path = self.dir.join(format!("{}-{:05}.unfinished", self.stem, self.closed.len()));
            let file = File::create(&path).map_err(IoError::at("write", &path))?;
            let encoder = self.compression.encoder(BufWriter::new(file));
            self.open = Some((path, RecordWriter::new(encoder)));
            self.open_rows = 0;
        }
        Ok(())
    }

    fn close_shard(&mut self) -> Result<(), TfRecordError> {
        if let Some((path, shard)) = self.open.take() {
            let close = || -> io::Result<()> {
                let buffer = shard.into_inner().finish()?;
                buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
                Ok(())
            };
            close().map_err(IoError::at("write", &path))?;
            self.closed.push(path);
        }
        Ok(())
    }
}

impl Drop for TfRecordShardWriter {
    fn drop(&mut self) {
        self.closed.extend(self.open.take().map(|(path, _)| path));
        // Those that have their names are not there under the old ones any more.
        for path in &self.closed {
            fs::remove_file(path).ok();
        }
    }
}
