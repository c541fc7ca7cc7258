//! Finds the header of a file and where its rows can be cut into pieces.
//!
//! One pass that jumps from quote to quote, so that a file almost without them goes by at the speed of a
//! byte search. A piece begins where a row begins and knows the number of its first line; cutting agrees
//! with [`Cursor`], which is tested.

use std::collections::HashMap;
use std::path::Path;

use memchr::{memchr, memchr3};

use super::records::{Cursor, Record, count_lines};
use super::{CsvError, CsvFormat};
use crate::Piece;
use crate::pieces::{Cut, Cutting};
use crate::text::TextReader;

/// How many columns a header may have: as many as a spreadsheet.
pub const MAX_COLUMNS: usize = 16_384;

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files of other kinds begin.
pub(crate) const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (b"BZh", "bzip2-compressed data"),
    (b"PK\x03\x04", "a Zip archive or spreadsheet"),
    (b"PAR1", "a Parquet file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

/// The columns of a file and the pieces that its rows come in.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) header: Vec<String>,
    pub(crate) header_line: u64,
    pub(crate) cut: Cut,
}

/// Returns the layout of a file.
pub(crate) fn scan(path: &Path, format: &CsvFormat, cutting: Cutting) -> Result<Layout, CsvError> {
    let mut text = TextReader::open(path)?;
    let is_compressed = text.is_compressed();
    let Header { names: header, line: header_line, end, next_line } =
        read_header(path, &mut text, format, cutting.row_bytes)?;
    text.go_to(end)?;
    let mut cutter = Cutter {
        cutting,
        delimiter: format.delimiter,
        limit: end.saturating_add(cutting.limit_bytes),
        state: State::Plain,
        previous: b'\n',
        offset: end,
        line: next_line,
        start: end,
        start_line: next_line,
        opened_line: next_line,
        pieces: Vec::new(),
    };
    let mut block = vec![0; cutting.block_bytes];
    let mut read_end = end;
    let mut is_complete = true;
    loop {
        if cutter.start >= cutter.limit {
            is_complete = cutter.start >= read_end && text.fill(&mut [0])? == 0;
            break;
        }
        let length = text.fill(&mut block)?;
        if length == 0 {
            if cutter.state == State::Quoted {
                let (path, line) = (path.to_path_buf(), cutter.opened_line);
                return Err(CsvError::UnclosedQuote { path, line });
            }
            if cutter.start < cutter.offset {
                cutter.cut(cutter.offset, cutter.line);
            }
            break;
        }
        read_end += length as u64;
        cutter.take(&block[..length]);
        cutter.check_length(path)?;
    }
    let cut = Cut { pieces: cutter.pieces, is_complete, is_compressed };
    Ok(Layout { header, header_line, cut })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of quotes.
    Plain,
    /// Between an opening quote and its closing one.
    Quoted,
    /// After a quote that closes, unless another follows.
    MaybeClosed,
}

struct Cutter {
    cutting: Cutting,
    delimiter: u8,
    /// No piece begins at or after this offset.
    limit: u64,
    state: State,
    /// The byte before the block.
    previous: u8,
    /// Where the block begins, and the number of the line there.
    offset: u64,
    line: u64,
    /// Where the piece begins, and the number of its first line.
    start: u64,
    start_line: u64,
    /// The line of the last opening quote.
    opened_line: u64,
    pieces: Vec<Piece>,
}

impl Cutter {
    fn cut(&mut self, end: u64, line: u64) {
        let (offset, length) = (self.start, end - self.start);
        self.pieces.push(Piece { file: 0, offset, length, line: self.start_line });
        self.start = end;
        self.start_line = line;
    }

    /// Says no to a row that goes on and on: the last piece holds less than `piece_bytes` before it.
    fn check_length(&self, path: &Path) -> Result<(), CsvError> {
        let limit_bytes = self.cutting.row_bytes;
        let longest = self.cutting.piece_bytes.saturating_add(limit_bytes);
        if self.offset.saturating_sub(self.start) <= longest || self.start >= self.limit {
            return Ok(());
        }
        let is_quoted = self.state == State::Quoted;
        let line = if is_quoted { self.opened_line } else { self.line };
        Err(CsvError::RowTooLong { path: path.to_path_buf(), line, limit_bytes, is_quoted })
    }

    /// Takes in the next block of the file; stops early once a piece reached the limit.
    fn take(&mut self, block: &[u8]) {
        let mut opened_at = None;
        let mut position = 0;
        while position < block.len() {
            match self.state {
                State::Quoted => match memchr(b'"', &block[position..]) {
                    None => position = block.len(),
                    Some(found) => {
                        position += found + 1;
                        self.state = State::MaybeClosed;
                    }
                },
                State::MaybeClosed if block[position] == b'"' => {
                    position += 1;
                    self.state = State::Quoted;
                }
                State::MaybeClosed => self.state = State::Plain,
                State::Plain => {
                    // A line that ends here or later takes the piece to its size.
                    let reached = self.start + self.cutting.piece_bytes.saturating_sub(1);
                    let due = reached.saturating_sub(self.offset);
                    let due = usize::try_from(due).unwrap_or(usize::MAX).min(block.len());
                    let found = if position < due {
                        memchr(b'"', &block[position..due]).unwrap_or(due - position)
                    } else {
                        memchr3(b'"', b'\n', b'\r', &block[position..])
                            .unwrap_or(block.len() - position)
                    };
                    let was_due = position >= due;
                    position += found;
                    match block.get(position) {
                        Some(b'"') if self.opens(block, position) => {
                            opened_at = Some(position);
                            self.state = State::Quoted;
                            position += 1;
                        }
                        Some(b'"') => position += 1,
                        // A lone CR ends a row too, but what follows must be seen to know that it is alone.
                        Some(b'\n' | b'\r') if was_due => {
                            let is_end = block[position] == b'\n'
                                || block.get(position + 1).is_some_and(|next| *next != b'\n');
                            position += 1;
                            if is_end {
                                let line = self.line + self.lines_of(&block[..position]);
                                self.cut(self.offset + position as u64, line);
                                if self.start >= self.limit {
                                    return;
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        if let Some(at) = opened_at {
            self.opened_line = self.line + self.lines_of(&block[..at]);
        }
        self.line += self.lines_of(block);
        self.offset += block.len() as u64;
        self.previous = block[block.len() - 1];
    }

    /// Returns whether a quote outside of quotes opens a cell: only its first byte does.
    fn opens(&self, block: &[u8], position: usize) -> bool {
        let before = position.checked_sub(1).map_or(self.previous, |before| block[before]);
        before == self.delimiter || matches!(before, b'\n' | b'\r')
    }

    /// Counts line ends; a CRLF over the edge of a block was counted with its CR.
    fn lines_of(&self, block: &[u8]) -> u64 {
        let is_split = self.previous == b'\r' && block.first() == Some(&b'\n');
        count_lines(block) - u64::from(is_split)
    }
}

/// The first record of a file.
struct Header {
    names: Vec<String>,
    /// The number of its line.
    line: u64,
    /// Where the line after it begins, and that line's number.
    end: u64,
    next_line: u64,
}

fn read_header(
    path: &Path,
    text: &mut TextReader,
    format: &CsvFormat,
    limit_bytes: u64,
) -> Result<Header, CsvError> {
    let mut head = Vec::new();
    let mut wanted: usize = 1 << 12;
    loop {
        let known = head.len();
        head.resize(wanted, 0);
        let length = known + text.fill(&mut head[known..])?;
        head.truncate(length);
        if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(CsvError::NotText { path: path.to_path_buf(), found });
        }
        let is_whole = head.len() < wanted;
        let mark = if head.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if let Some(columns) = &format.columns {
            // The first row is one like all others.
            let names = columns.clone();
            return Ok(Header { names, line: 1, end: mark as u64, next_line: 1 });
        }
        let mut cursor = Cursor::new(1, format.delimiter);
        let rest = &head[mark..];
        match cursor.next(rest) {
            None if is_whole => return Err(CsvError::Empty { path: path.to_path_buf() }),
            Some(record) if record.is_unclosed && is_whole => {
                let (path, line) = (path.to_path_buf(), record.line);
                return Err(CsvError::UnclosedQuote { path, line });
            }
            // Where something follows the end of the header's line, or nothing can, the header is all there.
            Some(record) if is_whole || line_ends_before_end(rest, &record) => {
                let (names, line) = (names(path, &record)?, record.line);
                let end = (mark + cursor.position()) as u64;
                return Ok(Header { names, line, end, next_line: cursor.line() });
            }
            _ if head.len() as u64 > limit_bytes => {
                let path = path.to_path_buf();
                return Err(CsvError::RowTooLong { path, line: 1, limit_bytes, is_quoted: true });
            }
            _ => wanted *= 2,
        }
    }
}

/// Returns whether a record's end of line, perhaps of two bytes, is in the text with something behind it.
fn line_ends_before_end(text: &[u8], record: &Record<'_>) -> bool {
    !record.is_unclosed && record.end + 2 < text.len()
}

fn names(path: &Path, record: &Record<'_>) -> Result<Vec<String>, CsvError> {
    let (path, line) = (path.to_path_buf(), record.line);
    if record.num_cells() > MAX_COLUMNS {
        let (found, limit) = (record.num_cells(), MAX_COLUMNS);
        return Err(CsvError::TooManyColumns { path, line, found, limit });
    }
    let mut names: Vec<String> = Vec::with_capacity(record.num_cells());
    let mut positions = HashMap::with_capacity(record.num_cells());
    for (index, cell) in record.cells().enumerate() {
        let position = index + 1;
        let Ok(name) = std::str::from_utf8(cell) else {
            return Err(CsvError::HeaderNotUtf8 { path, line, position });
        };
        if name.trim().is_empty() {
            return Err(CsvError::UnnamedColumn { path, line, position });
        }
        if let Some(first) = positions.insert(name, position) {
            let column = name.to_owned();
            return Err(CsvError::DuplicateColumn { path, line, column, first, second: position });
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
