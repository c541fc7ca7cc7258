//! The buffers of a message: found in its bytes, and unpacked to no more than is allowed.

use std::io::Read;

use arrow::buffer::Buffer;
use arrow_ipc::{BodyCompressionMethod, CompressionType, RecordBatch};

use super::ArrowFileProblem;

/// A packed buffer begins with how many bytes it has when unpacked, or with this where it is not packed.
const NOT_PACKED: i64 = -1;

/// Memory is asked for in advance for no more than this many times the packed bytes.
const EXPECTED_EXPANSION: usize = 64;

/// How the buffers of a message are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Lz4,
    Zstd,
}

/// The bytes of a message, and how much may still be unpacked from them.
pub(super) struct Body<'a> {
    bytes: &'a Buffer,
    codec: Option<Codec>,
    left: u64,
    limit: u64,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        bytes: &'a Buffer,
        batch: RecordBatch<'_>,
        limit: u64,
    ) -> Result<Self, ArrowFileProblem> {
        let codec = match batch.compression() {
            None => None,
            Some(compression) if compression.method() != BodyCompressionMethod::BUFFER => {
                return Err(ArrowFileProblem::Codec);
            }
            Some(compression) => Some(match compression.codec() {
                CompressionType::LZ4_FRAME => Codec::Lz4,
                CompressionType::ZSTD => Codec::Zstd,
                _ => return Err(ArrowFileProblem::Codec),
            }),
        };
        Ok(Self { bytes, codec, left: limit, limit })
    }

    /// Returns a buffer, unpacked.
    pub(super) fn buffer(&mut self, of: arrow_ipc::Buffer) -> Result<Buffer, ArrowFileProblem> {
        let (offset, length, body) = (of.offset(), of.length(), self.bytes.len());
        let outside = || ArrowFileProblem::Buffer { offset, length, body };
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let num_bytes = usize::try_from(length).map_err(|_| outside())?;
        if start.checked_add(num_bytes).is_none_or(|end| end > body) {
            return Err(outside());
        }
        let bytes = self.bytes.slice_with_length(start, num_bytes);
        match self.codec {
            Some(codec) if !bytes.is_empty() => self.unpack(codec, &bytes),
            _ => Ok(bytes),
        }
    }

    fn unpack(&mut self, codec: Codec, bytes: &Buffer) -> Result<Buffer, ArrowFileProblem> {
        let Some((length, packed)) = bytes.split_first_chunk() else {
            return Err(ArrowFileProblem::Short { found: bytes.len(), expected: 8 });
        };
        let length = i64::from_le_bytes(*length);
        if length == NOT_PACKED {
            return Ok(bytes.slice(8));
        }
        let what = "bytes to unpack to";
        let expected =
            u64::try_from(length).map_err(|_| ArrowFileProblem::Count { what, found: length })?;
        let left = self.left.checked_sub(expected);
        self.left = left.ok_or(ArrowFileProblem::ExpandsTooMuch { limit: self.limit })?;
        let likely = usize::try_from(expected).unwrap_or(usize::MAX);
        let likely = likely.min(packed.len().saturating_mul(EXPECTED_EXPANSION));
        let mut out = Vec::with_capacity(likely);
        let read = match codec {
            _ if expected == 0 => Ok(0),
            Codec::Lz4 => {
                let decoder = lz4_flex::frame::FrameDecoder::new(packed);
                decoder.take(expected + 1).read_to_end(&mut out)
            }
            Codec::Zstd => zstd::Decoder::with_buffer(packed)
                .and_then(|decoder| decoder.take(expected + 1).read_to_end(&mut out)),
        };
        read.map_err(ArrowFileProblem::Unpack)?;
        let found = out.len() as u64;
        if found != expected {
            return Err(ArrowFileProblem::Unpacked { found, expected });
        }
        Ok(Buffer::from_vec(out))
    }
}
