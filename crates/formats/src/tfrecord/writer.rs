//! Writes records to a stream.

use std::io::{self, Write};

use super::masked_crc32c;

/// Writes records one after the other.
#[derive(Debug)]
pub struct RecordWriter<W> {
    output: W,
}

impl<W: Write> RecordWriter<W> {
    /// Returns a writer of records to a stream.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Writes a record.
    ///
    /// # Errors
    ///
    /// The stream's own.
    pub fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let mut header = [0; 12];
        header[..8].copy_from_slice(&(data.len() as u64).to_le_bytes());
        let checksum = masked_crc32c(&header[..8]);
        header[8..].copy_from_slice(&checksum.to_le_bytes());
        self.output.write_all(&header)?;
        self.output.write_all(data)?;
        self.output.write_all(&masked_crc32c(data).to_le_bytes())
    }

    /// Returns the stream, for it to be finished.
    pub fn into_inner(self) -> W {
        self.output
    }
}
