//! TFRecord files cut into partitions.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use base::IoError;
use formats::tfrecord::{
    Compression, Decoder, PartitionStart, Record, RecordError, RecordReader, partition_starts,
};

use super::TfRecordError;

/// An uncompressed file larger than this is read in parts of this size. Small enough that a few parts per
/// thread fit the memory as columns, large enough that opening a part costs nothing beside reading it.
const PARTITION_BYTES: u64 = 16 << 20;

/// Compressed bytes are read in pieces of this size.
const BUFFER_BYTES: usize = 64 << 10;

/// Enough to tell how a file is compressed.
const HEAD_BYTES: u64 = 12;

/// TFRecord files, in the order given.
///
/// A compressed file is one partition. An uncompressed one is cut at the first record that begins 16 MiB or
/// more after the last cut, so partitions depend on the data alone.
#[derive(Clone, Debug)]
pub struct TfRecordFiles {
    files: Vec<RecordFile>,
    partitions: Vec<Partition>,
}

#[derive(Clone, Debug)]
struct RecordFile {
    path: PathBuf,
    compression: Compression,
    num_bytes: u64,
}

#[derive(Clone, Debug)]
struct Partition {
    file: usize,
    start: PartitionStart,
    /// Where it ends in the file, compressed or not.
    end: u64,
}

impl TfRecordFiles {
    /// Opens the files. How each is compressed is told by its content.
    ///
    /// Large uncompressed files are hopped through once, from length to length.
    ///
    /// # Errors
    ///
    /// [`TfRecordError`] when a file cannot be read, or a large uncompressed file has a wrong checksum of a
    /// length or ends within a record. Other damage is found by reading.
    pub fn open(paths: &[PathBuf]) -> Result<Self, TfRecordError> {
        Self::open_cut(paths, PARTITION_BYTES)
    }

    /// Opens the files, each as one partition, without hopping through any: for looking at their beginnings.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Io`] when a file cannot be read.
    pub fn open_uncut(paths: &[PathBuf]) -> Result<Self, TfRecordError> {
        Self::open_cut(paths, u64::MAX)
    }

    /// As [`open`](Self::open), with parts of another size.
    pub(super) fn open_cut(paths: &[PathBuf], partition_bytes: u64) -> Result<Self, TfRecordError> {
        let mut files = Vec::with_capacity(paths.len());
        let mut partitions = Vec::with_capacity(paths.len());
        for path in paths {
            let (file, starts) = RecordFile::open(path, partition_bytes)?;
            for (index, &start) in starts.iter().enumerate() {
                let end = starts.get(index + 1).map_or(file.num_bytes, |next| next.offset);
                partitions.push(Partition { file: files.len(), start, end });
            }
            files.push(file);
        }
        Ok(Self { files, partitions })
    }

    /// Returns the files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        self.partitions.iter().map(|partition| partition.file)
    }

    /// Returns how many partitions there are.
    pub fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Opens one partition for reading record by record.
    ///
    /// # Errors
    ///
    /// [`TfRecordError::Io`] when the file cannot be opened.
    pub fn records(&self, partition: usize) -> Result<PartitionReader<'_>, TfRecordError> {
        let Partition { file, start, end } = &self.partitions[partition];
        let file = &self.files[*file];
        let open = || {
            let mut handle = File::open(&file.path)?;
            handle.seek(SeekFrom::Start(start.offset))?;
            Ok(handle.take(end - start.offset))
        };
        let handle = open().map_err(IoError::at("read", &file.path))?;
        let decoder = file.compression.decoder(BufReader::with_capacity(BUFFER_BYTES, handle));
        let reader = RecordReader::starting_at(decoder, start.offset, start.num_records);
        Ok(PartitionReader { file, reader, end: *end })
    }
}

impl RecordFile {
    /// Opens a file and returns where its parts begin.
    fn open(
        path: &Path,
        partition_bytes: u64,
    ) -> Result<(Self, Vec<PartitionStart>), TfRecordError> {
        let open = || {
            let mut handle = File::open(path)?;
            let num_bytes = handle.metadata()?.len();
            let mut head = Vec::new();
            handle.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
            handle.rewind()?;
            Ok::<_, io::Error>((handle, num_bytes, head))
        };
        let (handle, num_bytes, head) = open().map_err(IoError::at("read", path))?;
        let is_named_gzip = path.extension().is_some_and(|extension| extension == "gz");
        // A file of no bytes holds no records, but it is not what gzip makes of no records.
        let compression = if head.is_empty() && is_named_gzip {
            Compression::Gzip
        } else {
            Compression::detect(&head)
        };
        let file = Self { path: path.to_path_buf(), compression, num_bytes };
        let starts = if compression == Compression::None && num_bytes > partition_bytes {
            partition_starts(handle, num_bytes, partition_bytes)
                .map_err(|source| file.error(source))?
        } else {
            vec![PartitionStart { offset: 0, num_records: 0 }]
        };
        Ok((file, starts))
    }

    fn error(&self, source: RecordError) -> TfRecordError {
        let path = self.path.clone();
        match self.compression {
            Compression::None => TfRecordError::Record { path, source },
            Compression::Gzip | Compression::Zlib => {
                TfRecordError::DecompressedRecord { path, source }
            }
        }
    }

    /// Tells a file that ended from one that changed.
    fn check_unchanged(&self) -> Result<(), TfRecordError> {
        let metadata = fs::metadata(&self.path).map_err(IoError::at("read", &self.path))?;
        let (found, expected) = (metadata.len(), self.num_bytes);
        if found != expected {
            return Err(TfRecordError::Changed { path: self.path.clone(), found, expected });
        }
        Ok(())
    }
}

/// Reads the records of one partition, one after the other.
#[derive(Debug)]
pub struct PartitionReader<'a> {
    file: &'a RecordFile,
    reader: RecordReader<Decoder<BufReader<Take<File>>>>,
    end: u64,
}

impl<'a> PartitionReader<'a> {
    /// Returns the file.
    pub fn path(&self) -> &'a Path {
        &self.file.path
    }

    /// Returns the next record, or `None` at the end of the partition. Numbers and offsets are those in the
    /// whole file, offsets after decompression.
    ///
    /// # Errors
    ///
    /// [`TfRecordError`] when the file cannot be read on, a checksum is wrong, the file ends within a record
    /// or within its compressed data, or it changed since it was opened.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, TfRecordError> {
        let file = self.file;
        let offset = self.reader.offset();
        match self.reader.next_record() {
            Ok(Some(record)) => Ok(Some(record)),
            Ok(None) => {
                file.check_unchanged()?;
                if file.compression == Compression::None && offset != self.end {
                    // It shrank while it was read, and grew back.
                    let path = file.path.clone();
                    return Err(TfRecordError::Changed { path, found: offset, expected: self.end });
                }
                Ok(None)
            }
            Err(error) => {
                // What looks like damage may be a file that somebody still writes to.
                file.check_unchanged()?;
                Err(file.error(error))
            }
        }
    }
}
