//! The rows of some pieces of a file.

use std::path::Path;

use memchr::memchr;
use serde_json::{Map, Value};

use super::JsonError;
use crate::text::TextReader;
use crate::{Piece, RowError, RowReason};

/// One row: the fields of an object.
#[derive(Clone, Debug)]
pub struct JsonRow {
    /// The number of its line.
    pub line: u64,
    /// Where it is in the text, after decompression, and how many bytes it has.
    pub offset: u64,
    /// How many bytes it has, without the end of the line.
    pub length: u64,
    /// The fields.
    pub object: Map<String, Value>,
}

/// The rows of some pieces of a file, in order.
pub struct JsonRows<'a> {
    path: &'a Path,
    reader: TextReader,
    /// The pieces that are not read yet.
    pieces: std::vec::IntoIter<Piece>,
    /// The piece in hand: where it begins, its text, and how far it was read.
    offset: u64,
    text: Vec<u8>,
    position: usize,
    line: u64,
}

impl<'a> JsonRows<'a> {
    /// Opens pieces of the file at `path`. One piece at a time is in memory.
    ///
    /// # Errors
    ///
    /// [`JsonError::Text`] when the file cannot be opened.
    pub fn open(path: &'a Path, pieces: Vec<Piece>) -> Result<Self, JsonError> {
        Ok(Self {
            path,
            reader: TextReader::open(path)?,
            pieces: pieces.into_iter(),
            offset: 0,
            text: Vec::new(),
            position: 0,
            line: 1,
        })
    }

    /// Returns the next row, or why it is none, or `None` after the last.
    ///
    /// # Errors
    ///
    /// [`JsonError::Text`] when the file cannot be read on, or ends before the piece does.
    pub fn next_row(&mut self) -> Result<Option<Result<JsonRow, RowError>>, JsonError> {
        loop {
            if self.position == self.text.len() {
                let Some(piece) = self.pieces.next() else { return Ok(None) };
                self.text = self.reader.read_at(piece.offset, piece.length)?;
                (self.offset, self.position, self.line) = (piece.offset, 0, piece.line);
            }
            let rest = &self.text[self.position..];
            let (text, length) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], end + 1),
                None => (rest, rest.len()),
            };
            let (offset, line) = (self.offset + self.position as u64, self.line);
            self.position += length;
            self.line += 1;
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let length = text.len() as u64;
            return Ok(Some(match parse(text) {
                Ok(object) => Ok(JsonRow { line, offset, length, object }),
                Err(reason) => {
                    Err(RowError { path: self.path.to_path_buf(), line, offset, length, reason })
                }
            }));
        }
    }
}

fn parse(text: &[u8]) -> Result<Map<String, Value>, RowReason> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(value) => Err(RowReason::NotObject { found: kind_of(&value).to_owned() }),
        Err(error) => {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = error.to_string();
            let reason = message.strip_suffix(&place).unwrap_or(&message).to_owned();
            Err(RowReason::NotJson { byte: error.column(), reason })
        }
    }
}

/// Returns what a value is, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
