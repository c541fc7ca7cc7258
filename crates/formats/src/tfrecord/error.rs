//! Why a file could not be read as TFRecords.

use std::fmt;
use std::io;

use base::{Classify, ErrorKind};

use super::CompressionError;

/// Why bytes could not be read as TFRecords.
///
/// Records count from 1. Offsets count from 0, in the bytes after decompression, and are where the record (not
/// the part of it that is wrong) begins.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum RecordError {
    /// The bytes could not be had, or could not be decompressed.
    #[error("record {number} at byte {offset}: cannot read on")]
    Io { number: u64, offset: u64, source: io::Error },

    /// The bytes end within a record.
    #[error(
        "record {number} at byte {offset}: the file ends within the {part}: found {found} bytes of it, expected {expected}"
    )]
    Truncated { number: u64, offset: u64, part: RecordPart, found: u64, expected: u64 },

    /// The checksum does not match.
    #[error(
        "record {number} at byte {offset}: wrong checksum of the {part}: found {stored:#010x}, expected {computed:#010x}"
    )]
    Checksum { number: u64, offset: u64, part: RecordPart, stored: u32, computed: u32 },

    /// A record that is longer than the reader takes.
    #[error("record {number} at byte {offset}: has {length} bytes, expected at most {limit}")]
    TooLarge { number: u64, offset: u64, length: u64, limit: u64 },
}

/// A part of a record's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPart {
    /// The length, with its checksum.
    Length,
    /// The data, with its checksum.
    Data,
}

impl fmt::Display for RecordPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "length",
            Self::Data => "data",
        })
    }
}

impl Classify for RecordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => match CompressionError::within(source) {
                Some(_) => ErrorKind::Data,
                None => ErrorKind::Unavailable,
            },
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Checksum { number: 1, offset: 0, part: RecordPart::Length, .. } => {
                Some("is this a TFRecord file? its first bytes do not look like one".to_owned())
            }
            Self::Io { source, .. } if CompressionError::within(source).is_some() => {
                Some("was the file copied whole?".to_owned())
            }
            Self::Truncated { .. } => Some("was the file copied whole?".to_owned()),
            _ => None,
        }
    }
}
