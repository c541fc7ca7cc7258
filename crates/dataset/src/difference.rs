//! Where the columns of two files part.

use std::fmt;

/// The first column in which a file differs from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDifference {
    /// The column's position, from 1.
    pub position: usize,
    /// What the file has there, if it has as many columns.
    pub found: Option<String>,
    /// What the other has there, if it has as many columns.
    pub expected: Option<String>,
}

impl ColumnDifference {
    /// Returns the first difference of two lists of columns, or `None` where they are equal.
    pub(crate) fn between<T: PartialEq>(
        found: &[T],
        expected: &[T],
        describe: impl Fn(&T) -> String,
    ) -> Option<Self> {
        let index = (0..found.len().max(expected.len()))
            .find(|&index| found.get(index) != expected.get(index))?;
        let describe = |columns: &[T]| columns.get(index).map(&describe);
        Some(Self { position: index + 1, found: describe(found), expected: describe(expected) })
    }
}

impl fmt::Display for ColumnDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position;
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => {
                write!(f, "column {position} is {found}, expected {expected}")
            }
            (None, Some(expected)) => write!(f, "column {position}, {expected}, is missing"),
            (Some(found), None) => {
                write!(f, "column {position}, {found}, is one more than expected")
            }
            (None, None) => f.write_str("no difference"),
        }
    }
}
