//! How blocks are packed, and unpacking them into no more than is allowed.

use std::io::Read;

use super::AvroProblem;

/// How the blocks of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
}

/// Nothing packed with snappy becomes more times its size: three bytes copy 64.
const SNAPPY_EXPANSION: usize = 22;

/// A snappy block ends with the checksum of what was packed.
const CHECKSUM_BYTES: usize = 4;

impl Codec {
    /// Returns the codec of a name in the header; a header without one means null.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"null" => Self::Null,
            b"deflate" => Self::Deflate,
            b"snappy" => Self::Snappy,
            b"zstandard" => Self::Zstandard,
            b"bzip2" => Self::Bzip2,
            _ => return None,
        })
    }

    /// Unpacks a block into `out`, which is emptied before, to at most `limit` bytes.
    pub(super) fn unpack(
        self,
        packed: &mut Vec<u8>,
        out: &mut Vec<u8>,
        limit: u64,
    ) -> Result<(), AvroProblem> {
        out.clear();
        let source = packed.as_slice();
        match self {
            Self::Null => {
                std::mem::swap(packed, out);
                Ok(())
            }
            Self::Deflate => drain(flate2::bufread::DeflateDecoder::new(source), out, limit),
            Self::Bzip2 => drain(bzip2::bufread::BzDecoder::new(source), out, limit),
            Self::Zstandard => {
                let decoder = zstd::Decoder::with_buffer(source).map_err(AvroProblem::Unpack)?;
                drain(decoder, out, limit)
            }
            Self::Snappy => unpack_snappy(source, out, limit),
        }
    }
}

/// Reads all that comes out, which grows with what there is to read.
fn drain(decoder: impl Read, out: &mut Vec<u8>, limit: u64) -> Result<(), AvroProblem> {
    let read = decoder.take(limit + 1).read_to_end(out).map_err(AvroProblem::Unpack)?;
    if read as u64 > limit {
        return Err(AvroProblem::ExpandsTooMuch { limit });
    }
    Ok(())
}

fn unpack_snappy(source: &[u8], out: &mut Vec<u8>, limit: u64) -> Result<(), AvroProblem> {
    let unpack = |error: snap::Error| AvroProblem::Unpack(error.into());
    let (packed, checksum) = source.split_last_chunk().ok_or(AvroProblem::BlockEnds)?;
    let length = snap::raw::decompress_len(packed).map_err(unpack)?;
    if length as u64 > limit {
        return Err(AvroProblem::ExpandsTooMuch { limit });
    }
    if length > packed.len().saturating_mul(SNAPPY_EXPANSION) {
        let (found, left) = (length as u64, packed.len() as u64);
        return Err(AvroProblem::Length { found, left });
    }
    out.resize(length, 0);
    let length = snap::raw::Decoder::new().decompress(packed, out).map_err(unpack)?;
    out.truncate(length);
    let mut found = flate2::Crc::new();
    found.update(out);
    let expected: [u8; CHECKSUM_BYTES] = *checksum;
    if found.sum() != u32::from_be_bytes(expected) {
        return Err(AvroProblem::Checksum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpack(codec: Codec, packed: &[u8], limit: u64) -> Result<Vec<u8>, String> {
        let mut out = vec![9];
        codec.unpack(&mut packed.to_vec(), &mut out, limit).map_err(|e| e.to_string())?;
        Ok(out)
    }

    fn snappy(data: &[u8]) -> Vec<u8> {
        let mut packed = snap::raw::Encoder::new().compress_vec(data).unwrap();
        let mut sum = flate2::Crc::new();
        sum.update(data);
        packed.extend(sum.sum().to_be_bytes());
        packed
    }

    #[test]
    fn small_blocks_that_become_large_are_refused() {
        let data = vec![7; 100_000];
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        deflate.write_all(&data).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&data).unwrap();
        for (codec, packed) in [
            (Codec::Null, data.clone()),
            (Codec::Deflate, deflate.finish().unwrap()),
            (Codec::Bzip2, bzip2.finish().unwrap()),
            (Codec::Zstandard, zstd::encode_all(data.as_slice(), 1).unwrap()),
            (Codec::Snappy, snappy(&data)),
        ] {
            assert_eq!(unpack(codec, &packed, 100_000), Ok(data.clone()), "{codec:?}");
            if codec != Codec::Null {
                let said = unpack(codec, &packed, 99_999).unwrap_err();
                assert_eq!(said, "unpacks to more than 99999 bytes", "{codec:?}");
                assert!(unpack(codec, &packed[..packed.len() / 2], 100_000).is_err(), "{codec:?}");
            }
        }
    }

    #[test]
    fn snappy_blocks_are_checked_before_they_are_unpacked() {
        assert!(unpack(Codec::Snappy, &[1, 2, 3], 10).is_err());
        // Says that it has 2^30 bytes.
        let mut liar = vec![0x80, 0x80, 0x80, 0x80, 4, 0, 7];
        liar.extend([0; 4]);
        let said = unpack(Codec::Snappy, &liar, u64::MAX).unwrap_err();
        assert_eq!(said, "found a length of 1073741824, but 7 bytes are left");
        let mut packed = snappy(b"some text");
        *packed.last_mut().unwrap() ^= 1;
        assert_eq!(unpack(Codec::Snappy, &packed, 100), Err("the checksum is wrong".to_owned()));
    }
}
