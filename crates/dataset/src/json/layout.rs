//! Finds where a file of lines can be cut into pieces.

use std::path::Path;

use memchr::{memchr, memchr_iter};

use super::JsonError;
use crate::Piece;
use crate::csv::{BYTE_ORDER_MARK, MAGIC};
use crate::pieces::{Cut, Cutting};
use crate::text::TextReader;

/// Returns the pieces of a file.
pub(super) fn scan(path: &Path, cutting: Cutting) -> Result<Cut, JsonError> {
    let mut text = TextReader::open(path)?;
    let is_compressed = text.is_compressed();
    let mut block = vec![0; cutting.block_bytes.max(16)];
    let mut pieces = Vec::new();
    // The piece in the making.
    let (mut start, mut start_line) = (0, 1);
    // The block, and the line where what was not yet looked at of it begins.
    let (mut offset, mut line) = (0, 1);
    let limit = cutting.limit_bytes;
    loop {
        let length = text.fill(&mut block)?;
        let seen = &block[..length];
        if offset == 0 {
            if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| seen.starts_with(magic)) {
                return Err(JsonError::NotText { path: path.to_path_buf(), found });
            }
            if seen.starts_with(BYTE_ORDER_MARK) {
                start = BYTE_ORDER_MARK.len() as u64;
            }
        }
        if start >= limit {
            return Ok(Cut { pieces, is_complete: length == 0, is_compressed });
        }
        if length == 0 {
            if start < offset {
                let length = offset - start;
                pieces.push(Piece { file: 0, offset: start, length, line: start_line });
            }
            return Ok(Cut { pieces, is_complete: true, is_compressed });
        }
        let mut position = 0;
        loop {
            // A line that ends here or later takes the piece to its size.
            let due = (start + cutting.piece_bytes.saturating_sub(1)).saturating_sub(offset);
            let due = usize::try_from(due).unwrap_or(usize::MAX).clamp(position, length);
            line += memchr_iter(b'\n', &seen[position..due]).count() as u64;
            let Some(found) = memchr(b'\n', &seen[due..]) else { break };
            position = due + found + 1;
            line += 1;
            let end = offset + position as u64;
            pieces.push(Piece { file: 0, offset: start, length: end - start, line: start_line });
            (start, start_line) = (end, line);
            if start >= limit {
                let is_complete = position == length && text.fill(&mut [0])? == 0;
                return Ok(Cut { pieces, is_complete, is_compressed });
            }
        }
        offset += length as u64;
        if offset - start > cutting.piece_bytes.saturating_add(cutting.row_bytes) {
            let (path, limit_bytes) = (path.to_path_buf(), cutting.row_bytes);
            return Err(JsonError::LineTooLong { path, line, limit_bytes });
        }
    }
}
