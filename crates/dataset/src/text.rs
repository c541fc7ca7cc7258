//! A file's text from its beginning on, decompressed where it is compressed.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind as IoKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base::{Classify, ErrorKind, IoError};
use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

/// Why text could not be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TextError {
    /// The file could not be opened or read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// Compressed data that is cut off or spoiled; so much of the text can be had.
    #[error("{}: the {compression} data is damaged or cut off after {offset} bytes of text", .path.display())]
    Damaged { path: PathBuf, compression: &'static str, offset: u64, source: io::Error },

    /// A file became shorter after it was looked at.
    #[error("{}: the file changed while it was read", .path.display())]
    Changed { path: PathBuf },
}

impl Classify for TextError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Damaged { .. } => ErrorKind::Data,
            Self::Changed { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Damaged { .. } => Some("was the file copied whole?".to_owned()),
            Self::Changed { .. } => Some("run again once the file is complete".to_owned()),
        }
    }
}

/// Reads a file's text. How it is compressed (gzip, zstd, bzip2 or not at all) is told by its content.
///
/// Offsets are those of the text, after decompression. Going forward in compressed text reads what lies between;
/// going back reads from the beginning.
pub struct TextReader {
    path: PathBuf,
    input: Input,
    position: u64,
}

enum Input {
    Plain(File),
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<File>>>),
    Bzip2(Box<MultiBzDecoder<BufReader<File>>>),
}

/// Enough to tell how a file is compressed.
const HEAD_BYTES: u64 = 10;

/// Large enough that reads are few.
const BUFFER_BYTES: usize = 256 << 10;

impl Input {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        file.rewind()?;
        let buffered = |file| BufReader::with_capacity(BUFFER_BYTES, file);
        // A block, or the end where there is none.
        let is_bzip2 = matches!(
            head.as_slice(),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
                | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90]
        );
        Ok(if head.starts_with(b"\x1f\x8b\x08") {
            Self::Gzip(Box::new(MultiGzDecoder::new(buffered(file))))
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
            Self::Zstd(Box::new(zstd::Decoder::with_buffer(buffered(file))?))
        } else if is_bzip2 {
            Self::Bzip2(Box::new(MultiBzDecoder::new(buffered(file))))
        } else {
            Self::Plain(file)
        })
    }

    /// Returns the name of the compression, or `None` where there is none.
    fn compression(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
            Self::Bzip2(_) => Some("bzip2"),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
        }
    }
}

impl TextReader {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`TextError::Io`].
    pub fn open(path: &Path) -> Result<Self, TextError> {
        let input = Input::open(path).map_err(IoError::at("read", path))?;
        Ok(Self { path: path.to_path_buf(), input, position: 0 })
    }

    /// Returns whether the file is compressed, so that it can only be read from its beginning on.
    pub fn is_compressed(&self) -> bool {
        self.input.compression().is_some()
    }

    /// Reads until the block is full or the text is at its end, and returns how many bytes were read: where blocks
    /// end does not depend on the disk.
    ///
    /// # Errors
    ///
    /// [`TextError::Io`], [`TextError::Damaged`].
    pub fn fill(&mut self, block: &mut [u8]) -> Result<usize, TextError> {
        let mut length = 0;
        while length < block.len() {
            match self.input.read(&mut block[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) => return Err(self.error(error, length)),
            }
        }
        self.position += length as u64;
        Ok(length)
    }

    /// Goes to an offset; where that is behind the end there is nothing to read.
    ///
    /// # Errors
    ///
    /// [`TextError::Io`], [`TextError::Damaged`].
    pub fn go_to(&mut self, offset: u64) -> Result<(), TextError> {
        if let Input::Plain(file) = &mut self.input {
            file.seek(SeekFrom::Start(offset)).map_err(IoError::at("read", &self.path))?;
            self.position = offset;
            return Ok(());
        }
        if offset < self.position {
            *self = Self::open(&self.path)?;
        }
        let mut skipped = vec![0; 1 << 16];
        while self.position < offset {
            let left = usize::try_from(offset - self.position).unwrap_or(usize::MAX);
            let wanted = left.min(skipped.len());
            if self.fill(&mut skipped[..wanted])? < wanted {
                break;
            }
        }
        Ok(())
    }

    /// Reads `length` bytes at an offset.
    ///
    /// # Errors
    ///
    /// [`TextError::Io`], [`TextError::Damaged`], and [`TextError::Changed`] where there are not so many.
    pub fn read_at(&mut self, offset: u64, length: u64) -> Result<Vec<u8>, TextError> {
        if offset != self.position {
            self.go_to(offset)?;
        }
        let length = usize::try_from(length).expect("pieces fit in memory");
        let mut text = vec![0; length];
        if self.fill(&mut text)? < length {
            return Err(TextError::Changed { path: self.path.clone() });
        }
        Ok(text)
    }

    /// Tells a disk that fails from data that cannot be decompressed.
    fn error(&self, error: io::Error, length: usize) -> TextError {
        match self.input.compression() {
            Some(compression) if error.raw_os_error().is_none() => {
                let (path, offset) = (self.path.clone(), self.position + length as u64);
                TextError::Damaged { path, compression, offset, source: error }
            }
            _ => IoError::at("read", &self.path)(error).into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use bzip2::write::BzEncoder;
    use flate2::write::GzEncoder;

    use super::*;

    /// Returns the bytes in every compression, with their names.
    pub(crate) fn compressed(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text).unwrap();
        // As the command does; without a checksum damage may be text of another kind.
        let mut zstd = zstd::Encoder::new(Vec::new(), 0).unwrap();
        zstd.include_checksum(true).unwrap();
        zstd.write_all(text).unwrap();
        let mut bzip2 = BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(text).unwrap();
        [
            ("gzip", gzip.finish().unwrap()),
            ("zstd", zstd.finish().unwrap()),
            ("bzip2", bzip2.finish().unwrap()),
        ]
    }

    fn numbers() -> Vec<u8> {
        (0..50_000u32)
            .flat_map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    fn write(dir: &Path, bytes: &[u8]) -> PathBuf {
        let path = dir.join("t");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn any_place_is_read_in_any_order_and_compression() {
        let (dir, text) = (tempfile::tempdir().unwrap(), numbers());
        let check = |bytes: &[u8], is_compressed| {
            let mut reader = TextReader::open(&write(dir.path(), bytes)).unwrap();
            assert_eq!(reader.is_compressed(), is_compressed);
            for (offset, length) in [(0, 10), (10, 300_000), (400_000, 7), (5, 100_000), (0, 0)] {
                let found = reader.read_at(offset as u64, length as u64).unwrap();
                assert!(found == text[offset..offset + length], "{offset} {length}");
            }
            let end = text.len() as u64;
            assert_eq!(reader.read_at(end - 3, 3).unwrap(), text[text.len() - 3..]);
            assert!(matches!(reader.read_at(end - 3, 4), Err(TextError::Changed { .. })));
            assert!(matches!(reader.read_at(end + 9, 1), Err(TextError::Changed { .. })));
        };
        check(&text, false);
        compressed(&text).iter().for_each(|(_, bytes)| check(bytes, true));
        // Compressed in parts, one behind the other.
        let (first, second) = text.split_at(100_001);
        for (first, second) in compressed(first).iter().zip(&compressed(second)) {
            check(&[first.1.as_slice(), &second.1].concat(), true);
        }
    }

    #[test]
    fn data_that_is_cut_off_or_damaged_is_named() {
        let (dir, text) = (tempfile::tempdir().unwrap(), numbers());
        // To the end: a checksum comes last.
        let read = |bytes: &[u8]| {
            let mut reader = TextReader::open(&write(dir.path(), bytes)).unwrap();
            let (mut block, mut length) = (vec![0; 1 << 16], 0);
            loop {
                match reader.fill(&mut block)? {
                    0 => return Ok::<_, TextError>(length),
                    more => length += more,
                }
            }
        };
        for (name, bytes) in compressed(&text) {
            assert_eq!(read(&bytes).unwrap(), text.len());
            for end in [11, bytes.len() / 2, bytes.len() - 1] {
                let error = read(&bytes[..end]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Data);
                let said = error.to_string();
                assert!(said.contains(&format!("the {name} data is damaged or cut off")), "{said}");
            }
            let mut wrong = bytes.clone();
            let middle = wrong.len() / 2;
            wrong[middle..middle + 8].iter_mut().for_each(|byte| *byte ^= 0x5a);
            assert!(matches!(read(&wrong), Err(TextError::Damaged { .. })), "{name}");
        }
    }

    #[test]
    fn no_text_compressed_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in compressed(b"") {
            let mut reader = TextReader::open(&write(dir.path(), &bytes)).unwrap();
            assert!(reader.is_compressed(), "{name}");
            assert_eq!(reader.fill(&mut [0; 4]).unwrap(), 0);
        }
    }
}
