//! Compressed requests and answers.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::failure::{Code, Failure};

/// Answers that are smaller are not worth it.
const WORTH_IT: usize = 1024;

/// Decompresses at most `limit` bytes; what would be more is refused before it is there.
pub(crate) fn decompress(body: &[u8], limit: usize) -> Result<Bytes, Failure> {
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(limit).min(1 << 20));
    let mut decoder = MultiGzDecoder::new(body).take(limit as u64 + 1);
    match decoder.read_to_end(&mut plain) {
        Ok(_) if plain.len() > limit => Err(too_large(limit)),
        Ok(_) => Ok(plain.into()),
        Err(error) => Err(Failure::invalid(format!("the body is not gzip: {error}"))),
    }
}

/// Says that a request is larger than it may be.
pub(crate) fn too_large(limit: usize) -> Failure {
    Failure::new(Code::ResourceExhausted, format!("the request is larger than {limit} bytes"))
}

/// Compresses an answer, if that is worth it.
pub(crate) fn compress(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTH_IT {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|compressed| compressed.len() < body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_when_the_limit_is_reached() {
        let bomb = compress(&vec![0; 10 << 20]).unwrap();
        assert!(bomb.len() < 100 << 10);
        assert_eq!(decompress(&bomb, 1 << 20).unwrap_err(), too_large(1 << 20));
        assert_eq!(decompress(&bomb, 10 << 20).unwrap().len(), 10 << 20);
        assert!(decompress(b"no gzip", 100).is_err());
        assert!(decompress(&bomb[..bomb.len() / 2], 10 << 20).is_err());
    }

    #[test]
    fn small_answers_stay_as_they_are() {
        assert_eq!(compress(&[b'a'; 100]), None);
    }
}
