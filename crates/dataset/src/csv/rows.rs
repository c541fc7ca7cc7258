//! The rows of some pieces of a file.

use std::path::Path;

use super::records::{Cell, Cursor, Record};
use super::{CsvError, CsvFormat, CsvOrder, RowError, RowReason};
use crate::Piece;
use crate::text::TextReader;

/// The rows of some pieces of a file, in order.
pub struct CsvRows<'a> {
    path: &'a Path,
    format: &'a CsvFormat,
    columns: &'a [String],
    order: Option<&'a CsvOrder>,
    reordered: Vec<Cell>,
    reader: TextReader,
    /// The pieces that are not read yet.
    pieces: std::vec::IntoIter<Piece>,
    /// The piece in hand: where it begins, and its text.
    offset: u64,
    text: Vec<u8>,
    /// Whether all of the text is known to be UTF-8: cells begin and end at ASCII, so they are too.
    is_utf8: bool,
    cursor: Cursor,
}

impl<'a> CsvRows<'a> {
    /// Opens pieces of the file at `path`, whose columns are `columns`, found where `order` says if that is not as they
    /// come. One piece at a time is in memory.
    ///
    /// # Errors
    ///
    /// [`CsvError::Text`] when the file cannot be opened.
    pub fn open(
        path: &'a Path,
        format: &'a CsvFormat,
        columns: &'a [String],
        order: Option<&'a CsvOrder>,
        pieces: Vec<Piece>,
    ) -> Result<Self, CsvError> {
        Ok(Self {
            path,
            format,
            columns,
            order,
            reordered: Vec::new(),
            reader: TextReader::open(path)?,
            pieces: pieces.into_iter(),
            offset: 0,
            is_utf8: true,
            text: Vec::new(),
            cursor: Cursor::new(1, format.delimiter),
        })
    }

    /// Returns the next row, or why it does not fit, or `None` after the last.
    ///
    /// # Errors
    ///
    /// [`CsvError::Text`] when the file cannot be read on, or ends before the piece does.
    pub fn next_row(&mut self) -> Result<Option<Result<CsvRow<'_>, RowError>>, CsvError> {
        while !self.cursor.has_next(&self.text) {
            let Some(piece) = self.pieces.next() else { return Ok(None) };
            self.text = self.reader.read_at(piece.offset, piece.length)?;
            self.offset = piece.offset;
            self.is_utf8 = std::str::from_utf8(&self.text).is_ok();
            self.cursor = Cursor::new(piece.line, self.format.delimiter);
        }
        let Some(record) = self.cursor.next(&self.text) else { return Ok(None) };
        let mut row = CsvRow { record, path: self.path, offset: self.offset };
        let expected = self.order.map_or(self.columns.len(), |order| order.num_cells);
        if let Some(reason) = misfit(&row.record, expected) {
            return Ok(Some(Err(row.error(reason))));
        }
        if let Some(order) = self.order {
            row.record.reorder(&order.cells, &mut self.reordered);
        }
        if self.is_utf8 {
            return Ok(Some(Ok(row)));
        }
        let bad = row.cells().position(|cell| std::str::from_utf8(cell).is_err());
        Ok(Some(match bad {
            None => Ok(row),
            Some(bad) => Err(row.error(RowReason::NotUtf8 { column: self.columns[bad].clone() })),
        }))
    }
}

/// Returns why a record is no row under a header of so many columns, if it is none.
fn misfit(record: &Record<'_>, expected: usize) -> Option<RowReason> {
    if record.is_unclosed {
        return Some(RowReason::UnclosedQuote);
    }
    let found = record.num_cells();
    (found != expected).then_some(RowReason::Ragged { found, expected })
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
