//! Reads records from a stream.

use std::io::{self, ErrorKind, Read};

use super::{FOOTER_BYTES, HEADER_BYTES, RecordError, RecordPart, masked_crc32c, read_header};

/// The longest record that is taken unless the reader is told otherwise: protobuf messages end at 2 GiB, and
/// batches of more than that do not fit Arrow's 32-bit offsets.
pub const MAX_RECORD_BYTES: u64 = 1 << 30;

/// Large enough that small records come without copies and reads are few.
const BUFFER_BYTES: usize = 256 << 10;

/// One record, until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its position among the records, from 1.
    pub number: u64,
    /// Where its frame begins.
    pub offset: u64,
    /// Its data, both checksums passed.
    pub data: &'a [u8],
}

/// Reads records one after the other.
///
/// Memory is bounded by twice the longest record that really came, never by what a length says. After an
/// error there are no more records.
#[derive(Debug)]
pub struct RecordReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// What was read and not yet handed out is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// The stream's offset of `buffer[start]`.
    offset: u64,
    /// The number of the record read last.
    number: u64,
    max_record_bytes: u64,
    has_failed: bool,
}

impl<R: Read> RecordReader<R> {
    /// Returns a reader of a stream from its first record on.
    pub fn new(input: R) -> Self {
        Self::starting_at(input, 0, 0)
    }

    /// Returns a reader of a stream that begins `offset` bytes and `num_records` records into a file.
    pub fn starting_at(input: R, offset: u64, num_records: u64) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset,
            number: num_records,
            max_record_bytes: MAX_RECORD_BYTES,
            has_failed: false,
        }
    }

    /// Sets the longest record that is taken, [`MAX_RECORD_BYTES`] otherwise.
    #[must_use]
    pub fn with_max_record_bytes(mut self, max_record_bytes: u64) -> Self {
        self.max_record_bytes = max_record_bytes;
        self
    }

    /// Returns where the next record begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the stream.
    pub fn get_ref(&self) -> &R {
        &self.input
    }

    /// Returns the next record, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the stream cannot be read, ends within a record, or a checksum is wrong.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if self.has_failed {
            return Ok(None);
        }
        let length = match self.next_length() {
            Ok(Some(length)) => length,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.has_failed = true;
                return Err(error);
            }
        };
        let (start, offset) = (self.start, self.offset);
        let frame = HEADER_BYTES + length + FOOTER_BYTES;
        self.start += frame;
        self.offset += frame as u64;
        self.number += 1;
        let data = &self.buffer[start + HEADER_BYTES..start + HEADER_BYTES + length];
        Ok(Some(Record { number: self.number, offset, data }))
    }

    /// Brings the next record wholly into the buffer, checks it, and returns the length of its data.
    fn next_length(&mut self) -> Result<Option<usize>, RecordError> {
        let (number, offset) = (self.number + 1, self.offset);
        let found = self.fill(HEADER_BYTES)?;
        if found == 0 {
            return Ok(None);
        }
        let part = RecordPart::Length;
        let Some(header) = self.buffer[self.start..self.end].first_chunk() else {
            let (found, expected) = (found as u64, HEADER_BYTES as u64);
            return Err(RecordError::Truncated { number, offset, part, found, expected });
        };
        let length = read_header(header).map_err(|(stored, computed)| RecordError::Checksum {
            number,
            offset,
            part,
            stored,
            computed,
        })?;
        let frame = usize::try_from(length)
            .ok()
            .filter(|_| length <= self.max_record_bytes)
            .and_then(|length| length.checked_add(HEADER_BYTES + FOOTER_BYTES));
        let Some(frame) = frame else {
            let limit = self.max_record_bytes;
            return Err(RecordError::TooLarge { number, offset, length, limit });
        };
        let part = RecordPart::Data;
        let found = self.fill(frame)?;
        if found < frame {
            let (found, expected) = ((found - HEADER_BYTES) as u64, (frame - HEADER_BYTES) as u64);
            return Err(RecordError::Truncated { number, offset, part, found, expected });
        }
        let (data, footer) =
            self.buffer[self.start + HEADER_BYTES..self.start + frame].split_at(frame - 16);
        let stored = u32::from_le_bytes(footer.try_into().expect("the frame ends with four bytes"));
        let computed = masked_crc32c(data);
        if stored != computed {
            return Err(RecordError::Checksum { number, offset, part, stored, computed });
        }
        Ok(Some(data.len()))
    }

    /// Reads until `wanted` bytes are in the buffer or the stream ends; returns how many there are.
    #[inline]
    fn fill(&mut self, wanted: usize) -> Result<usize, RecordError> {
        if self.end - self.start < wanted {
            self.read_more(wanted).map_err(|source| RecordError::Io {
                number: self.number + 1,
                offset: self.offset,
                source,
            })?;
        }
        Ok(self.end - self.start)
    }

    fn read_more(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.is_empty() {
            // The allocator's zeros, which cost nothing even where code is not optimized, as in tests and fuzzing.
            self.buffer = vec![0; BUFFER_BYTES];
        }
        while self.end < wanted {
            if self.end == self.buffer.len() {
                // Doubles as bytes arrive, so that a wrong length cannot ask for more than was there.
                let doubled = self.buffer.len().saturating_mul(2).min(wanted);
                self.buffer.resize(doubled, 0);
            }
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
