//! The file around the columns: messages, and in files a footer that says where they are.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::buffer::Buffer;
use arrow_ipc::{Message, MessageHeader, MetadataVersion};
use base::IoError;

use super::schema::{Columns, columns_of};
use super::{ArrowFileError, ArrowFileProblem};

/// No message is longer, and no batch of rows unpacks to more: lengths of most columns count to this.
pub const MAX_MESSAGE_BYTES: u64 = i32::MAX as u64;

/// The description of no message is longer.
const MAX_METADATA_BYTES: u64 = 64 << 20;

/// How files with a footer begin and end; what begins otherwise is a stream.
const MAGIC: &[u8] = b"ARROW1";

/// How files of Feather's first version begin.
const FEATHER_1: &[u8] = b"FEA1";

/// The length of the footer, and the magic bytes behind it.
const TRAILER_BYTES: usize = 10;

/// What comes before the length of a message since version 0.15 of the format.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A file, opened and closed again.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) path: PathBuf,
    pub(super) num_bytes: u64,
    pub(super) columns: Columns,
    pub(super) layout: Layout,
}

/// Where the messages are.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// One after the other from the start; the schema is the first.
    Stream,
    /// As the footer says: the dictionaries, and the batches.
    File { dictionaries: Vec<u64>, batches: Vec<Batch> },
}

/// A batch of rows in a file: where it is, and how many bytes it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) offset: u64,
    pub(super) num_bytes: u64,
}

impl Container {
    /// Reads the schema of a file, and its footer where it has one.
    pub(super) fn open(path: &Path) -> Result<Self, ArrowFileError> {
        let open = || {
            let mut file = File::open(path)?;
            let num_bytes = file.metadata()?.len();
            let mut head = Vec::new();
            file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head)?;
            Ok::<_, io::Error>((file, num_bytes, head))
        };
        let (file, num_bytes, head) = open().map_err(IoError::at("read", path))?;
        if head == MAGIC {
            return Self::open_file(path, file, num_bytes);
        }
        let found = match head.as_slice() {
            [] => Some("nothing"),
            [a, b, c, d, ..] if [*a, *b, *c, *d] == FEATHER_1 => {
                Some("a file of the first version of Feather")
            }
            _ => None,
        };
        if let Some(found) = found {
            return Err(ArrowFileError::NotArrow { path: path.to_path_buf(), found });
        }
        let mut messages = Messages::open(path, 0, num_bytes)?;
        // What is not Arrow at all has no message of a plausible length at its start.
        let not_arrow = || {
            let found = "something else";
            ArrowFileError::NotArrow { path: path.to_path_buf(), found }
        };
        let first = messages.next().map_err(|error| match error {
            ArrowFileError::Message {
                problem:
                    ArrowFileProblem::Length { .. }
                    | ArrowFileProblem::TooLarge { .. }
                    | ArrowFileProblem::Flatbuffer,
                ..
            } => not_arrow(),
            error => error,
        })?;
        let first = first.ok_or_else(not_arrow)?;
        let message = messages.parse(&first)?;
        let Some(schema) = message.header_as_schema() else {
            let found = kind_of(message.header_type());
            let problem = ArrowFileProblem::Kind { found, expected: "a schema" };
            return Err(messages.error(first.offset, problem));
        };
        let columns = columns_of(schema).map_err(|(column, problem)| ArrowFileError::Schema {
            path: path.to_path_buf(),
            column,
            problem,
        })?;
        Ok(Self { path: path.to_path_buf(), num_bytes, columns, layout: Layout::Stream })
    }

    fn open_file(path: &Path, mut file: File, num_bytes: u64) -> Result<Self, ArrowFileError> {
        let footer_error = |problem| ArrowFileError::Footer { path: path.to_path_buf(), problem };
        let io = |error| ArrowFileError::Io(IoError::at("read", path)(error));
        let end = num_bytes.checked_sub(TRAILER_BYTES as u64);
        let end = end.ok_or_else(|| footer_error(ArrowFileProblem::FileEnds))?;
        let mut trailer = [0; TRAILER_BYTES];
        file.seek(SeekFrom::Start(end)).map_err(io)?;
        file.read_exact(&mut trailer).map_err(io)?;
        let [a, b, c, d, magic @ ..] = trailer;
        if magic != MAGIC {
            return Err(footer_error(ArrowFileProblem::FileEnds));
        }
        let found = i64::from(i32::from_le_bytes([a, b, c, d]));
        let left = end.saturating_sub(MAGIC.len() as u64);
        let length = u64::try_from(found).ok().filter(|&length| length <= left);
        let length = length.ok_or(ArrowFileProblem::Length { found, left });
        let length = length.map_err(footer_error)?;
        file.seek(SeekFrom::Start(end - length)).map_err(io)?;
        let mut footer = Vec::new();
        file.take(length).read_to_end(&mut footer).map_err(io)?;
        let footer = arrow_ipc::root_as_footer(&footer);
        let footer = footer.map_err(|_| footer_error(ArrowFileProblem::Flatbuffer))?;
        let missing = |what| footer_error(ArrowFileProblem::Missing { what });
        let schema = footer.schema().ok_or_else(|| missing("schema"))?;
        let columns = columns_of(schema).map_err(|(column, problem)| ArrowFileError::Schema {
            path: path.to_path_buf(),
            column,
            problem,
        })?;
        let batch = |block: &arrow_ipc::Block| {
            let found = block.offset();
            let offset = u64::try_from(found).ok().filter(|&offset| offset < end);
            let offset = offset.ok_or(ArrowFileProblem::Place { found })?;
            let left = end - offset;
            let found = i64::from(block.metaDataLength()).saturating_add(block.bodyLength());
            let num_bytes = u64::try_from(found).ok().filter(|&length| length <= left);
            let num_bytes = num_bytes.ok_or(ArrowFileProblem::Length { found, left })?;
            Ok(Batch { offset, num_bytes })
        };
        let batches = footer.recordBatches().ok_or_else(|| missing("batches"))?;
        let batches: Result<Vec<_>, _> = batches.iter().map(batch).collect();
        let dictionaries = footer.dictionaries().into_iter().flatten();
        let dictionaries: Result<Vec<_>, _> =
            dictionaries.map(|block| batch(block).map(|batch| batch.offset)).collect();
        let layout = Layout::File {
            dictionaries: dictionaries.map_err(footer_error)?,
            batches: batches.map_err(footer_error)?,
        };
        Ok(Self { path: path.to_path_buf(), num_bytes, columns, layout })
    }
}

/// A message: what describes it, and its bytes.
pub(super) struct RawMessage {
    pub(super) offset: u64,
    metadata: Vec<u8>,
    pub(super) body: Buffer,
}

/// The messages of a file from a place on.
#[derive(Debug)]
pub(super) struct Messages<'a> {
    reader: BufReader<File>,
    path: &'a Path,
    offset: u64,
    num_bytes: u64,
}

impl<'a> Messages<'a> {
    pub(super) fn open(
        path: &'a Path,
        offset: u64,
        num_bytes: u64,
    ) -> Result<Self, ArrowFileError> {
        let file = File::open(path).map_err(IoError::at("read", path))?;
        let mut messages = Self { reader: BufReader::new(file), path, offset: 0, num_bytes };
        messages.go_to(offset)?;
        Ok(messages)
    }

    pub(super) fn go_to(&mut self, offset: u64) -> Result<(), ArrowFileError> {
        let moved = self.reader.seek(SeekFrom::Start(offset));
        moved.map_err(IoError::at("read", self.path))?;
        self.offset = offset;
        Ok(())
    }

    /// Reads the next message, or `None` at the end: one marked as such, or that of the file.
    pub(super) fn next(&mut self) -> Result<Option<RawMessage>, ArrowFileError> {
        let offset = self.offset;
        if offset >= self.num_bytes {
            return Ok(None);
        }
        let mut length = self.four(offset)?;
        if length == CONTINUATION {
            length = self.four(offset)?;
        }
        let length = i64::from(i32::from_le_bytes(length));
        if length == 0 {
            return Ok(None);
        }
        let length = self.checked(offset, length, MAX_METADATA_BYTES)?;
        let metadata = self.read(offset, length)?;
        let mut message = RawMessage { offset, metadata, body: Buffer::from([]) };
        let length = self.parse(&message)?.bodyLength();
        let length = self.checked(offset, length, MAX_MESSAGE_BYTES)?;
        message.body = Buffer::from_vec(self.read(offset, length)?);
        Ok(Some(message))
    }

    /// Returns what a message says.
    pub(super) fn parse<'m>(&self, raw: &'m RawMessage) -> Result<Message<'m>, ArrowFileError> {
        let message = arrow_ipc::root_as_message(&raw.metadata);
        let message = message.map_err(|_| self.error(raw.offset, ArrowFileProblem::Flatbuffer))?;
        let version = message.version();
        if ![MetadataVersion::V4, MetadataVersion::V5].contains(&version) {
            let found = version.0.saturating_add(1);
            return Err(self.error(raw.offset, ArrowFileProblem::Version { found }));
        }
        Ok(message)
    }

    /// Makes the error of a message, or of the file that changed since it was opened: what looks like damage may
    /// be a file that somebody still writes to.
    pub(super) fn error(&self, offset: u64, problem: ArrowFileProblem) -> ArrowFileError {
        self.column_error(offset, String::new(), problem)
    }

    pub(super) fn column_error(
        &self,
        offset: u64,
        column: String,
        problem: ArrowFileProblem,
    ) -> ArrowFileError {
        let path = self.path.to_path_buf();
        match fs::metadata(self.path) {
            Ok(metadata) if metadata.len() != self.num_bytes => {
                ArrowFileError::Changed { path, found: metadata.len(), expected: self.num_bytes }
            }
            _ => ArrowFileError::Message { path, offset, column, problem },
        }
    }

    /// Compares a length with what is left, and with what any message has.
    fn checked(&self, offset: u64, found: i64, limit: u64) -> Result<u64, ArrowFileError> {
        let left = self.num_bytes.saturating_sub(self.offset);
        let problem = match u64::try_from(found) {
            Ok(found) if found > limit => ArrowFileProblem::TooLarge { found, limit },
            Ok(length) if length <= left => return Ok(length),
            _ => ArrowFileProblem::Length { found, left },
        };
        Err(self.error(offset, problem))
    }

    fn four(&mut self, offset: u64) -> Result<[u8; 4], ArrowFileError> {
        let read = self.read(offset, 4)?;
        read.try_into().map_err(|_| self.error(offset, ArrowFileProblem::FileEnds))
    }

    /// Reads bytes of which there are as many as the file was long when it was opened.
    fn read(&mut self, offset: u64, count: u64) -> Result<Vec<u8>, ArrowFileError> {
        let mut bytes = Vec::new();
        let left = self.num_bytes.saturating_sub(self.offset);
        if count <= left {
            bytes.reserve_exact(usize::try_from(count).unwrap_or(0));
            let read = self.reader.by_ref().take(count).read_to_end(&mut bytes);
            read.map_err(IoError::at("read", self.path))?;
        }
        self.offset += bytes.len() as u64;
        if (bytes.len() as u64) < count {
            return Err(self.error(offset, ArrowFileProblem::FileEnds));
        }
        Ok(bytes)
    }
}

pub(super) fn kind_of(header: MessageHeader) -> &'static str {
    match header {
        MessageHeader::Schema => "a schema",
        MessageHeader::DictionaryBatch => "a dictionary",
        MessageHeader::RecordBatch => "a batch of rows",
        MessageHeader::Tensor | MessageHeader::SparseTensor => "a tensor",
        _ => "a message of no known kind",
    }
}
