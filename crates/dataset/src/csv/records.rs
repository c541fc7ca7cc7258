//! Cuts delimited text into records and cells.
//!
//! A record ends at LF, CRLF or a lone CR; blank lines are no records.

use memchr::memchr;

/// Walks over the records of some text, which is given anew with every step.
pub(crate) struct Cursor {
    position: usize,
    line: u64,
    delimiter: u8,
    cells: Vec<Cell>,
    unescaped: Vec<u8>,
}

/// Where the bytes of one cell are.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    start: usize,
    end: usize,
    is_unescaped: bool,
}

/// One record, until the next is asked for.
pub(crate) struct Record<'r> {
    /// The number of the physical line where it starts.
    pub(crate) line: u64,
    /// Where its bytes are in the text, without the end of the line.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether its last cell is quoted and the text ended before the closing quote.
    pub(crate) is_unclosed: bool,
    text: &'r [u8],
    unescaped: &'r [u8],
    cells: &'r [Cell],
}

impl<'r> Record<'r> {
    /// Puts the cells into another order, by way of `buffer`; a place without a cell gets an empty one.
    pub(crate) fn reorder(&mut self, order: &[Option<usize>], buffer: &'r mut Vec<Cell>) {
        let empty = Cell { start: 0, end: 0, is_unescaped: false };
        buffer.clear();
        buffer.extend(order.iter().map(|cell| cell.map_or(empty, |cell| self.cells[cell])));
        self.cells = buffer;
    }

    pub(crate) fn num_cells(&self) -> usize {
        self.cells.len()
    }

    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &'r [u8] {
        self.bytes(self.cells[index])
    }

    #[inline]
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        self.cells.iter().map(|cell| self.bytes(*cell))
    }

    #[inline]
    fn bytes(&self, Cell { start, end, is_unescaped }: Cell) -> &'r [u8] {
        let bytes = if is_unescaped { self.unescaped } else { self.text };
        &bytes[start..end]
    }
}

/// How a cell ended.
enum End {
    Cell,
    Record,
    Unclosed,
}

impl Cursor {
    /// Returns a cursor before the first record of a text whose first line is number `line`.
    pub(crate) fn new(line: u64, delimiter: u8) -> Self {
        Self { position: 0, line, delimiter, cells: Vec::new(), unescaped: Vec::new() }
    }

    /// Returns whether there is another record.
    pub(crate) fn has_next(&mut self, text: &[u8]) -> bool {
        while let Some(b'\n' | b'\r') = text.get(self.position) {
            self.end_line(text);
        }
        self.position < text.len()
    }

    /// Returns the position after the record read last, its end of line included.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Returns the number of the line at the position.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the next record, or `None` at the end of the text.
    pub(crate) fn next<'r>(&'r mut self, text: &'r [u8]) -> Option<Record<'r>> {
        if !self.has_next(text) {
            return None;
        }
        self.cells.clear();
        self.unescaped.clear();
        let (start, line) = (self.position, self.line);
        let is_unclosed = loop {
            match self.read_cell(text) {
                End::Cell => {}
                End::Record => break false,
                End::Unclosed => break true,
            }
        };
        let end = self.position;
        self.end_line(text);
        let (unescaped, cells) = (&self.unescaped, &self.cells);
        Some(Record { line, start, end, is_unclosed, text, unescaped, cells })
    }

    /// Steps over one end of line, if there is one.
    fn end_line(&mut self, text: &[u8]) {
        let length = match &text[self.position..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return,
        };
        self.position += length;
        self.line += 1;
    }

    fn read_cell(&mut self, text: &[u8]) -> End {
        let start = self.position;
        if text.get(start) == Some(&b'"') {
            return self.read_quoted(text);
        }
        let end = start + plain_length(&text[start..], self.delimiter);
        self.cells.push(Cell { start, end, is_unescaped: false });
        self.end_cell(text, end)
    }

    fn end_cell(&mut self, text: &[u8], end: usize) -> End {
        self.position = end;
        if text.get(end) == Some(&self.delimiter) {
            self.position += 1;
            return End::Cell;
        }
        End::Record
    }

    fn read_quoted(&mut self, text: &[u8]) -> End {
        let start = self.position + 1;
        let mut from = start;
        let first = self.unescaped.len();
        let mut is_unescaped = false;
        let (end, is_closed) = loop {
            let Some(offset) = memchr(b'"', &text[from..]) else {
                break (text.len(), false);
            };
            let quote = from + offset;
            if text.get(quote + 1) != Some(&b'"') {
                break (quote, true);
            }
            self.unescaped.extend_from_slice(&text[from..=quote]);
            is_unescaped = true;
            from = quote + 2;
        };
        self.line += count_lines(&text[start..end]);
        let after = if is_closed { end + 1 } else { end };
        let tail = after + plain_length(&text[after..], self.delimiter);
        if is_unescaped || tail > after {
            self.unescaped.extend_from_slice(&text[from..end]);
            self.unescaped.extend_from_slice(&text[after..tail]);
            let end = self.unescaped.len();
            self.cells.push(Cell { start: first, end, is_unescaped: true });
        } else {
            self.cells.push(Cell { start, end, is_unescaped: false });
        }
        let end = self.end_cell(text, tail);
        if is_closed { end } else { End::Unclosed }
    }
}

/// Returns how many bytes come before the next delimiter or end of line.
///
/// Eight bytes at a time: cells are short and of all lengths, so a loop over bytes would be mispredicted at the
/// end of almost every one.
fn plain_length(text: &[u8], delimiter: u8) -> usize {
    let mut at = 0;
    while let Some(chunk) = text[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let ends = zero_bytes(word ^ every(delimiter)) | zero_bytes(word ^ every(b'\n'));
        let ends = ends | zero_bytes(word ^ every(b'\r'));
        if ends != 0 {
            return at + (ends.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let is_end = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
    at + text[at..].iter().position(is_end).unwrap_or(text.len() - at)
}

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the top bit of the lowest byte that is zero (and perhaps of bytes above it), or none.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(every(0x01)) & !word & every(0x80)
}

/// Returns how many line ends there are: LF, CRLF or a lone CR.
pub(crate) fn count_lines(text: &[u8]) -> u64 {
    let count = |wanted: u8| text.iter().filter(|&&byte| byte == wanted).count();
    let mut lines = count(b'\n');
    if memchr(b'\r', text).is_some() {
        lines += count(b'\r');
        lines -= text.windows(2).filter(|pair| pair == b"\r\n").count();
    }
    lines as u64
}

#[cfg(test)]
pub(crate) mod tests;
