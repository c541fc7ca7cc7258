//! The file around the values: a header, and blocks with a marker behind each.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::IoError;

use super::codec::Codec;
use super::cursor::{Varint, non_negative};
use super::schema::parse;
use super::types::Record;
use super::{AvroError, AvroProblem};

/// No block is larger, packed or not: writers end a block after some KiB or MiB.
pub const MAX_BLOCK_BYTES: u64 = 64 << 20;

/// No header is larger; it is the schema, in the main.
const MAX_HEADER_BYTES: u64 = 16 << 20;

const MAGIC: &[u8] = b"Obj\x01";

const BUFFER_BYTES: usize = 64 << 10;

/// A file, opened and closed again.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) path: PathBuf,
    codec: Codec,
    marker: [u8; 16],
    pub(super) record: Arc<Record>,
    num_bytes: u64,
    /// Where the blocks begin.
    first: Place,
}

/// Where a block begins, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) number: u64,
}

/// A block's place, its rows and how many bytes it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) place: Place,
    pub(super) num_rows: u64,
    num_bytes: u64,
}

impl Container {
    /// Reads the header of a file.
    pub(super) fn open(path: &Path) -> Result<Self, AvroError> {
        let open = || {
            let file = File::open(path)?;
            let num_bytes = file.metadata()?.len();
            Ok::<_, io::Error>((file, num_bytes))
        };
        let (file, num_bytes) = open().map_err(IoError::at("read", path))?;
        let mut header = Bytes::new(file, path, 0, num_bytes.min(MAX_HEADER_BYTES));
        let header = header.header().map_err(|failure| match failure {
            Failure::Io(error) => AvroError::Io(error),
            Failure::Problem(problem) => {
                let (path, offset) = (path.to_path_buf(), header.offset);
                AvroError::Header { path, offset, problem }
            }
        })?;
        let Some(header) = header else {
            return Err(AvroError::NotAvro { path: path.to_path_buf() });
        };
        let Some(codec) = Codec::named(header.codec.as_deref().unwrap_or(b"null")) else {
            let codec = header.codec.unwrap_or_default();
            let codec = String::from_utf8_lossy(&codec[..codec.len().min(60)]).into_owned();
            return Err(AvroError::Codec { path: path.to_path_buf(), codec });
        };
        let Some(schema) = header.schema else {
            let (path, problem) = (path.to_path_buf(), super::AvroSchemaProblem::Missing);
            return Err(AvroError::Schema { path, column: String::new(), problem });
        };
        let schema = serde_json::from_slice(&schema);
        let schema =
            schema.map_err(|source| AvroError::SchemaJson { path: path.to_path_buf(), source })?;
        let record = parse(&schema).map_err(|(column, problem)| {
            let path = path.to_path_buf();
            AvroError::Schema { path, column, problem }
        })?;
        let first = Place { offset: header.num_bytes, number: 1 };
        let path = path.to_path_buf();
        Ok(Self { path, codec, marker: header.marker, record, num_bytes, first })
    }

    /// Returns where the parts of the file begin: each at the first block that begins `part_bytes` or more after
    /// the part before, and none where there is no block. Goes from block to block where there may be several.
    pub(super) fn parts(&self, part_bytes: u64) -> Result<Vec<Place>, AvroError> {
        if self.first.offset >= self.num_bytes {
            return Ok(Vec::new());
        }
        let mut parts = vec![self.first];
        if self.num_bytes - self.first.offset <= part_bytes {
            return Ok(parts);
        }
        let mut last = self.first.offset;
        let mut blocks = self.blocks(self.first, self.num_bytes)?;
        while let Some(head) = blocks.next_head()? {
            if head.place.offset - last >= part_bytes {
                last = head.place.offset;
                parts.push(head.place);
            }
            blocks.pass(head)?;
        }
        Ok(parts)
    }

    /// Returns how many bytes the file has.
    pub(super) fn num_bytes(&self) -> u64 {
        self.num_bytes
    }

    /// Opens the blocks from one place to another.
    pub(super) fn blocks(&self, from: Place, end: u64) -> Result<Blocks<'_>, AvroError> {
        let open = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from.offset))?;
            Ok(file)
        };
        let file = open().map_err(IoError::at("read", &self.path))?;
        let bytes = Bytes::new(file, &self.path, from.offset, end);
        Ok(Blocks { container: self, bytes, number: from.number, packed: Vec::new() })
    }

    /// Makes the error of a block, or of the file that changed since it was opened: what looks like damage may be
    /// a file that somebody still writes to.
    pub(super) fn block_error(&self, place: Place, problem: AvroProblem) -> AvroError {
        let path = self.path.clone();
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() != self.num_bytes => {
                AvroError::Changed { path, found: metadata.len(), expected: self.num_bytes }
            }
            _ => AvroError::Block { path, number: place.number, offset: place.offset, problem },
        }
    }
}

/// The blocks of a part of a file.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    container: &'a Container,
    bytes: Bytes<'a>,
    number: u64,
    packed: Vec<u8>,
}

impl Blocks<'_> {
    /// Returns the next block's head, or `None` after the last.
    pub(super) fn next_head(&mut self) -> Result<Option<Head>, AvroError> {
        let place = Place { offset: self.bytes.offset, number: self.number };
        if self.bytes.remaining() == 0 {
            return Ok(None);
        }
        self.number += 1;
        let head = self.bytes.head();
        let (num_rows, num_bytes) = head.map_err(|failure| self.error(place, failure))?;
        Ok(Some(Head { place, num_rows, num_bytes }))
    }

    /// Passes over a block.
    fn pass(&mut self, head: Head) -> Result<(), AvroError> {
        let marker = self.container.marker;
        let passed = self.bytes.skip(head.num_bytes).and_then(|()| self.bytes.marker(marker));
        passed.map_err(|failure| self.error(head.place, failure))
    }

    /// Reads a block and unpacks it into `out`.
    pub(super) fn read(&mut self, head: Head, out: &mut Vec<u8>) -> Result<(), AvroError> {
        let marker = self.container.marker;
        let read = self
            .bytes
            .read(head.num_bytes, &mut self.packed)
            .and_then(|()| self.bytes.marker(marker))
            .and_then(|()| {
                let codec = self.container.codec;
                Ok(codec.unpack(&mut self.packed, out, MAX_BLOCK_BYTES)?)
            });
        read.map_err(|failure| self.error(head.place, failure))
    }

    fn error(&self, place: Place, failure: Failure) -> AvroError {
        match failure {
            Failure::Io(error) => AvroError::Io(error),
            Failure::Problem(problem) => self.container.block_error(place, problem),
        }
    }
}

/// Why some bytes were not read.
enum Failure {
    Io(IoError),
    Problem(AvroProblem),
}

impl From<AvroProblem> for Failure {
    fn from(problem: AvroProblem) -> Self {
        Self::Problem(problem)
    }
}

struct Header {
    schema: Option<Vec<u8>>,
    codec: Option<Vec<u8>>,
    marker: [u8; 16],
    num_bytes: u64,
}

/// The bytes of a file from a place on, up to an end.
#[derive(Debug)]
struct Bytes<'a> {
    reader: BufReader<File>,
    path: &'a Path,
    offset: u64,
    end: u64,
}

impl<'a> Bytes<'a> {
    /// Returns the bytes of a file that stands at `offset`.
    fn new(file: File, path: &'a Path, offset: u64, end: u64) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER_BYTES, file), path, offset, end }
    }

    fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.offset)
    }

    fn io(&self, error: io::Error) -> Failure {
        Failure::Io(IoError::at("read", self.path)(error))
    }

    /// Reads the next byte.
    fn byte(&mut self) -> Result<u8, Failure> {
        if self.remaining() == 0 {
            return Err(AvroProblem::FileEnds.into());
        }
        let next = match self.reader.fill_buf() {
            Ok(buffer) => buffer.first().copied(),
            Err(error) => return Err(self.io(error)),
        };
        let next = next.ok_or(AvroProblem::FileEnds)?;
        self.reader.consume(1);
        self.offset += 1;
        Ok(next)
    }

    fn long(&mut self) -> Result<i64, Failure> {
        let mut varint = Varint::default();
        loop {
            let byte = self.byte()?;
            if let Some(value) = varint.push(byte)? {
                return Ok(value);
            }
        }
    }

    /// Reads bytes into an emptied `out`, as many as are there and asked for.
    fn read(&mut self, count: u64, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.clear();
        if count > self.remaining() {
            return Err(AvroProblem::FileEnds.into());
        }
        let read = self.reader.by_ref().take(count).read_to_end(out);
        let read = read.map_err(|error| self.io(error))?;
        self.offset += read as u64;
        if (read as u64) < count {
            return Err(AvroProblem::FileEnds.into());
        }
        Ok(())
    }

    fn skip(&mut self, count: u64) -> Result<(), Failure> {
        if count > self.remaining() {
            return Err(AvroProblem::FileEnds.into());
        }
        let distance = i64::try_from(count).map_err(|_| AvroProblem::FileEnds)?;
        let skipped = self.reader.seek_relative(distance);
        skipped.map_err(|error| self.io(error))?;
        self.offset += count;
        Ok(())
    }

    /// Reads bytes with their length before them.
    fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let found = non_negative(self.long()?)?;
        let left = self.remaining();
        if found > left {
            return Err(AvroProblem::Length { found, left }.into());
        }
        let mut value = Vec::new();
        self.read(found, &mut value)?;
        Ok(value)
    }

    /// Reads the head of a block: rows and bytes.
    fn head(&mut self) -> Result<(u64, u64), Failure> {
        let num_rows = non_negative(self.long()?)?;
        let num_bytes = non_negative(self.long()?)?;
        if num_bytes > MAX_BLOCK_BYTES {
            let (found, limit) = (num_bytes, MAX_BLOCK_BYTES);
            return Err(AvroProblem::BlockTooLarge { found, limit }.into());
        }
        Ok((num_rows, num_bytes))
    }

    /// Reads the marker behind a block.
    fn marker(&mut self, expected: [u8; 16]) -> Result<(), Failure> {
        let mut found = Vec::new();
        self.read(16, &mut found)?;
        if found != expected { Err(AvroProblem::Marker.into()) } else { Ok(()) }
    }

    /// Reads the header, or nothing where the file is something else.
    fn header(&mut self) -> Result<Option<Header>, Failure> {
        let mut magic = Vec::new();
        self.read(self.remaining().min(MAGIC.len() as u64), &mut magic)?;
        if magic != MAGIC {
            return Ok(None);
        }
        let (mut schema, mut codec) = (None, None);
        loop {
            let count = self.long()?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // How many bytes the entries have.
                self.long()?;
            }
            // Each entry has two bytes at least, so the file ends before an endless count does.
            for _ in 0..count.unsigned_abs() {
                let key = self.bytes()?;
                let value = self.bytes()?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Some(value),
                    _ => {}
                }
            }
        }
        let mut marker = Vec::new();
        self.read(16, &mut marker)?;
        let marker = marker.try_into().map_err(|_| AvroProblem::FileEnds)?;
        Ok(Some(Header { schema, codec, marker, num_bytes: self.offset }))
    }
}
