//! The rows of one piece of a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use base::IoError;

use super::records::{Cursor, Record};
use super::{CsvError, RowError, RowReason};

/// Some whole rows of a file: the unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which file, counted from 0.
    pub file: usize,
    /// Where the piece begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// The number of its first line.
    pub line: u64,
}

/// The rows of one piece of a file, in order.
pub struct CsvRows<'a> {
    path: &'a Path,
    columns: &'a [String],
    offset: u64,
    text: Vec<u8>,
    /// Whether all of the text is known to be UTF-8: cells begin and end at ASCII, so they are too.
    is_utf8: bool,
    cursor: Cursor,
}

impl<'a> CsvRows<'a> {
    /// Reads a piece of the file at `path`, whose header is `columns`, into memory.
    ///
    /// # Errors
    ///
    /// [`CsvError::Io`] when the file cannot be read, [`CsvError::Changed`] when it ends before the piece does.
    pub fn open(path: &'a Path, columns: &'a [String], piece: Piece) -> Result<Self, CsvError> {
        let mut file = File::open(path).map_err(IoError::at("read", path))?;
        file.seek(SeekFrom::Start(piece.offset)).map_err(IoError::at("read", path))?;
        let mut text = Vec::with_capacity(usize::try_from(piece.length).unwrap_or(0));
        file.take(piece.length).read_to_end(&mut text).map_err(IoError::at("read", path))?;
        if text.len() as u64 != piece.length {
            return Err(CsvError::Changed { path: path.to_path_buf() });
        }
        Ok(Self {
            path,
            columns,
            offset: piece.offset,
            is_utf8: std::str::from_utf8(&text).is_ok(),
            text,
            cursor: Cursor::new(piece.line),
        })
    }

    /// Returns the next row, or why it does not fit, or `None` after the last.
    pub fn next_row(&mut self) -> Option<Result<CsvRow<'_>, RowError>> {
        let record = self.cursor.next(&self.text)?;
        let row = CsvRow { record, path: self.path, offset: self.offset };
        Some(match misfit(&row.record, self.columns, self.is_utf8) {
            None => Ok(row),
            Some(reason) => Err(row.error(reason)),
        })
    }
}

/// Returns why a record is no row under a header, if it is none.
fn misfit(record: &Record<'_>, columns: &[String], is_utf8: bool) -> Option<RowReason> {
    if record.is_unclosed {
        return Some(RowReason::UnclosedQuote);
    }
    let (found, expected) = (record.num_cells(), columns.len());
    if found != expected {
        return Some(RowReason::Ragged { found, expected });
    }
    if is_utf8 {
        return None;
    }
    let bad = record.cells().position(|cell| std::str::from_utf8(cell).is_err())?;
    Some(RowReason::NotUtf8 { column: columns[bad].clone() })
}

/// One row, until the next is asked for: as many cells as there are columns, all of them UTF-8.
pub struct CsvRow<'r> {
    record: Record<'r>,
    path: &'r Path,
    offset: u64,
}

impl<'r> CsvRow<'r> {
    /// Returns the number of the line where the row begins.
    #[inline]
    pub fn line(&self) -> u64 {
        self.record.line
    }

    /// Returns a cell's bytes, its quotes taken off. An empty cell is a missing value.
    ///
    /// # Panics
    ///
    /// When there are not so many columns.
    #[inline]
    pub fn cell(&self, column: usize) -> &'r [u8] {
        self.record.cell(column)
    }

    /// Returns the bytes of every cell, in the order of the columns.
    #[inline]
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        self.record.cells()
    }

    /// Returns the error that says why this row cannot be used.
    pub fn error(&self, reason: RowReason) -> RowError {
        RowError {
            path: self.path.to_path_buf(),
            line: self.record.line,
            offset: self.offset + self.record.start as u64,
            length: (self.record.end - self.record.start) as u64,
            reason,
        }
    }
}
