//! The compressions that TFRecord files come in: none, gzip and zlib.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Decompress, FlushDecompress, Status};

use super::begins_record;

/// How a file is compressed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, of one member or many.
    Gzip,
    /// zlib, of one stream or many.
    Zlib,
}

/// Why compressed bytes could not be decompressed.
#[derive(Debug, thiserror::Error)]
pub enum CompressionError {
    /// The bytes end before the end of the compressed data.
    #[error("the {0} data is cut off: the file ends within it")]
    Truncated(&'static str),

    /// The bytes are not what the compression makes.
    #[error("the {name} data is damaged: {reason}")]
    Corrupt {
        /// The compression.
        name: &'static str,
        /// What the decompressor found.
        reason: String,
    },
}

impl CompressionError {
    /// Returns the error of decompression within an error of reading, where it is one.
    pub fn within(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    fn wrap(name: &'static str, error: io::Error) -> io::Error {
        let wrapped = match error.kind() {
            ErrorKind::UnexpectedEof => Self::Truncated(name),
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                Self::Corrupt { name, reason: error.to_string() }
            }
            _ => return error,
        };
        io::Error::new(error.kind(), wrapped)
    }
}

impl Compression {
    /// Returns how a TFRecord file is compressed by what it begins with; twelve bytes are enough.
    ///
    /// A valid first length means no compression. Anything that is not recognised counts as uncompressed, for
    /// the reader to say what is wrong with it.
    pub fn detect(head: &[u8]) -> Self {
        if begins_record(head) {
            return Self::None;
        }
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // Deflate with a window of up to 32 KiB, the two bytes a multiple of 31. A damaged length would
            // have zeros further on, which compressed data has not.
            [first, second, rest @ ..]
                if first & 0x0f == 8
                    && first >> 4 <= 7
                    && u16::from_be_bytes([*first, *second]) % 31 == 0
                    && rest.get(2..6) != Some(&[0; 4]) =>
            {
                Self::Zlib
            }
            _ => Self::None,
        }
    }

    /// Returns what file names end with, the dot included.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zlib => ".zlib",
        }
    }

    /// Returns a reader of the decompressed bytes.
    pub fn decoder<R: BufRead>(self, input: R) -> Decoder<R> {
        Decoder(match self {
            Self::None => Decode::None(input),
            Self::Gzip => Decode::Gzip(Box::new(MultiGzDecoder::new(input))),
            Self::Zlib => Decode::Zlib(Box::new(ZlibReader::new(input))),
        })
    }

    /// Returns a writer that compresses at the default level; the bytes depend on the input alone.
    pub fn encoder<W: Write>(self, output: W) -> Encoder<W> {
        let level = flate2::Compression::default();
        Encoder(match self {
            Self::None => Encode::None(output),
            Self::Gzip => Encode::Gzip(GzEncoder::new(output, level)),
            Self::Zlib => Encode::Zlib(ZlibEncoder::new(output, level)),
        })
    }
}

/// Reads decompressed bytes. Its errors hold a [`CompressionError`] where the data is to blame.
#[derive(Debug)]
pub struct Decoder<R>(Decode<R>);

#[derive(Debug)]
enum Decode<R> {
    None(R),
    Gzip(Box<MultiGzDecoder<R>>),
    Zlib(Box<ZlibReader<R>>),
}

impl<R: BufRead> Decoder<R> {
    /// Returns the reader of the compressed bytes.
    pub fn get_ref(&self) -> &R {
        match &self.0 {
            Decode::None(input) => input,
            Decode::Gzip(decoder) => decoder.get_ref(),
            Decode::Zlib(decoder) => &decoder.input,
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Decode::None(input) => input.read(buffer),
            Decode::Gzip(decoder) => {
                decoder.read(buffer).map_err(|error| CompressionError::wrap("gzip", error))
            }
            Decode::Zlib(decoder) => {
                decoder.read(buffer).map_err(|error| CompressionError::wrap("zlib", error))
            }
        }
    }
}

/// Reads zlib streams one after the other.
///
/// The library's own reader takes a stream that is cut off for one that ended.
#[derive(Debug)]
struct ZlibReader<R> {
    input: R,
    inflate: Decompress,
    /// Whether a stream began and did not end.
    is_open: bool,
}

impl<R: BufRead> ZlibReader<R> {
    fn new(input: R) -> Self {
        Self { input, inflate: Decompress::new(true), is_open: false }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let chunk = self.input.fill_buf()?;
            let is_end = chunk.is_empty();
            if !self.is_open {
                if is_end {
                    return Ok(0);
                }
                self.inflate.reset(true);
                self.is_open = true;
            }
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(chunk, buffer, FlushDecompress::None)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            let count = |total: u64| usize::try_from(total).expect("no more than one buffer");
            let read = count(self.inflate.total_in() - read);
            let written = count(self.inflate.total_out() - written);
            self.input.consume(read);
            self.is_open = status != Status::StreamEnd;
            if written > 0 {
                return Ok(written);
            }
            if self.is_open && read == 0 {
                let kind = if is_end { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
                return Err(io::Error::new(kind, "the data does not go on"));
            }
        }
    }
}

/// Writes compressed bytes; nothing is whole before [`finish`](Self::finish).
#[derive(Debug)]
pub struct Encoder<W: Write>(Encode<W>);

#[derive(Debug)]
enum Encode<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    Zlib(ZlibEncoder<W>),
}

impl<W: Write> Encoder<W> {
    /// Writes what is left and returns the output.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Encode::None(output) => Ok(output),
            Encode::Gzip(encoder) => encoder.finish(),
            Encode::Zlib(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encode::None(output) => output.write(bytes),
            Encode::Gzip(encoder) => encoder.write(bytes),
            Encode::Zlib(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Encode::None(output) => output.flush(),
            Encode::Gzip(encoder) => encoder.flush(),
            Encode::Zlib(encoder) => encoder.flush(),
        }
    }
}
