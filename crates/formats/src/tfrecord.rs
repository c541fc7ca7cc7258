//! TFRecord files: records one after the other, each framed by its length and two checksums.
//!
//! A record is `length: u64`, `checksum of length: u32`, `data`, `checksum of data: u32`, all little-endian;
//! checksums are CRC-32C, masked. Entry types: [`RecordReader`], [`RecordWriter`], [`Compression`],
//! [`partition_starts`]. **Invariants:** no length is believed before bytes have arrived; every record handed
//! out passed both checksums.
//! Not here: what the records hold ([`crate::example`]).
//!
//! # Source
//!
//! `tensorflow/core/lib/io/record_writer.h`

mod compression;
mod error;
mod partitions;
mod reader;
mod writer;

pub use compression::{Compression, CompressionError, Decoder, Encoder};
pub use error::{RecordError, RecordPart};
pub use partitions::{PartitionStart, partition_starts};
pub use reader::{MAX_RECORD_BYTES, Record, RecordReader};
pub use writer::RecordWriter;

/// Bytes before a record's data: the length and its checksum.
const HEADER_BYTES: usize = 12;
/// Bytes after a record's data: the checksum of the data.
const FOOTER_BYTES: usize = 4;

/// Returns the checksum as it is stored: rotated and moved, so that checksums of data with checksums in it
/// stay meaningful.
#[inline]
fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Returns whether bytes begin as a record does: with a length that has the checksum behind it.
pub fn begins_record(bytes: &[u8]) -> bool {
    bytes.first_chunk::<HEADER_BYTES>().is_some_and(|header| read_header(header).is_ok())
}

/// Returns the length that a header states, or the checksum stored and the one computed where they differ.
#[inline]
fn read_header(header: &[u8; HEADER_BYTES]) -> Result<u64, (u32, u32)> {
    let (length, stored) = header.split_at(8);
    let computed = masked_crc32c(length);
    let stored = u32::from_le_bytes(stored.try_into().expect("twelve less eight are four"));
    if stored != computed {
        return Err((stored, computed));
    }
    Ok(u64::from_le_bytes(length.try_into().expect("split at eight")))
}

#[cfg(test)]
mod tests;
