//! What is known of one column: its type, and the cell that made it text.

use dataset::{CsvRow, FeatureType, cell_type};
use serde::{Deserialize, Serialize};

/// One column, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// The widest type of its cells; `None` where there are no values.
    pub(super) feature_type: Option<FeatureType>,
    /// The first cell that is text, by the order of the rows; there exactly where the type is text.
    first_text: Option<TextCell>,
    /// Whether a number came before that cell.
    after_number: bool,
}

/// A cell that is text, and where its row begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TextCell {
    pub(super) file: usize,
    pub(super) line: u64,
    /// What it holds, cut off where that is long.
    pub(super) value: String,
}

impl Column {
    /// Takes a cell of a row of a file. Types widen in their order, and nothing is wider than text.
    #[inline]
    pub(super) fn widen(&mut self, cell: &[u8], row: &CsvRow<'_>, file: usize) {
        if self.feature_type == Some(FeatureType::Bytes) {
            return;
        }
        match cell_type(cell) {
            Some(FeatureType::Bytes) => self.turn_to_text(cell, row, file),
            found => self.feature_type = self.feature_type.max(found),
        }
    }

    /// Once for each column at most.
    #[cold]
    fn turn_to_text(&mut self, cell: &[u8], row: &CsvRow<'_>, file: usize) {
        self.after_number = self.feature_type.is_some();
        self.feature_type = Some(FeatureType::Bytes);
        self.first_text = Some(TextCell { file, line: row.line(), value: beginning(cell) });
    }

    /// Takes what was seen of the rows behind those seen so far.
    pub(super) fn merge(&mut self, later: Self) {
        if self.first_text.is_none() {
            self.after_number =
                later.first_text.is_some() && (self.feature_type.is_some() || later.after_number);
            self.first_text = later.first_text;
        }
        self.feature_type = self.feature_type.max(later.feature_type);
    }

    /// Returns the cell that made text of what were numbers up to there.
    pub(super) fn turned_text(self) -> Option<TextCell> {
        self.first_text.filter(|_| self.after_number)
    }
}

/// So many characters of a cell are enough to find it by.
const MAX_CHARS: usize = 40;

/// Returns the beginning of a cell, with `…` where there is more.
fn beginning(cell: &[u8]) -> String {
    // No character has more than four bytes, so one that is cut in half is none of those that are kept.
    let bytes = &cell[..cell.len().min(4 * (MAX_CHARS + 1))];
    let text = String::from_utf8_lossy(bytes);
    let mut chars = text.chars();
    let mut value: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        value.push('…');
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_are_cut_off_between_characters() {
        assert_eq!(beginning(b"far"), "far");
        for letter in ["a", "é", "漢", "🚕"] {
            let kept = letter.repeat(MAX_CHARS);
            assert_eq!(beginning(kept.as_bytes()), kept);
            for more in [1, 2, 1000] {
                let cell = letter.repeat(MAX_CHARS + more);
                assert_eq!(beginning(cell.as_bytes()), format!("{kept}…"));
            }
        }
    }
}
