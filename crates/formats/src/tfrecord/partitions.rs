//! Cuts an uncompressed file into parts that can be read side by side.

use std::io::{self, BufReader, Read, Seek};

use super::{FOOTER_BYTES, HEADER_BYTES, RecordError, RecordPart, read_header};

/// A whole number of pages; records longer than that are jumped over, shorter ones are read past.
const BUFFER_BYTES: usize = 64 << 10;

/// Where a part of a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStart {
    /// The offset of its first record.
    pub offset: u64,
    /// How many records come before it.
    pub num_records: u64,
}

/// Returns where parts of at least `partition_bytes` bytes begin, the first at 0; the last part may be smaller.
///
/// Hops from length to length without looking at the data, so it costs little more than reading the file
/// once, and much less where records are long. `num_bytes` is the length of the file.
///
/// # Errors
///
/// [`RecordError`] when the file cannot be read, a length's checksum is wrong, or the last record is not whole.
pub fn partition_starts<R: Read + Seek>(
    input: R,
    num_bytes: u64,
    partition_bytes: u64,
) -> Result<Vec<PartitionStart>, RecordError> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut starts: Vec<PartitionStart> = Vec::new();
    let (mut offset, mut num_records) = (0, 0);
    while offset < num_bytes {
        if starts.last().is_none_or(|start| offset - start.offset >= partition_bytes) {
            starts.push(PartitionStart { offset, num_records });
        }
        let number = num_records + 1;
        let fail = |source| RecordError::Io { number, offset, source };
        let truncated = |part, found, expected| RecordError::Truncated {
            number,
            offset,
            part,
            found,
            expected,
        };
        let left = num_bytes - offset;
        if left < HEADER_BYTES as u64 {
            return Err(truncated(RecordPart::Length, left, HEADER_BYTES as u64));
        }
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header).map_err(fail)?;
        let length = read_header(&header).map_err(|(stored, computed)| RecordError::Checksum {
            number,
            offset,
            part: RecordPart::Length,
            stored,
            computed,
        })?;
        let (left, body) = (left - HEADER_BYTES as u64, length.saturating_add(FOOTER_BYTES as u64));
        if body > left {
            return Err(truncated(RecordPart::Data, left, body));
        }
        let hop = i64::try_from(body).map_err(|error| fail(io::Error::other(error)))?;
        input.seek_relative(hop).map_err(fail)?;
        offset += HEADER_BYTES as u64 + body;
        num_records += 1;
    }
    Ok(starts)
}
