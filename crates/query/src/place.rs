//! Where in a query something is.

use std::fmt;

/// The longest line that is shown around a place, in characters.
const SHOWN: usize = 100;

/// A place in a query, and the line that it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    line: usize,
    column: usize,
    offset: usize,
    text: String,
}

impl Place {
    /// Returns the place at a line and a column, both counted from one and in characters; `None` where the query
    /// does not have it.
    pub fn at(query: &str, line: u64, column: u64) -> Option<Self> {
        let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
        let before = query.split('\n').take(line.checked_sub(1)?);
        let offset: usize = before.map(|text| text.chars().count() + 1).sum();
        let text = query.split('\n').nth(line - 1)?.trim_end_matches('\r').to_owned();
        // Right behind the end is a place too: there something is missing.
        (column >= 1 && column <= text.chars().count() + 1).then(|| Self {
            line,
            column,
            offset: offset + column - 1,
            text,
        })
    }

    /// Returns the place before which there are so many characters.
    pub fn after(query: &str, num_chars: usize) -> Option<Self> {
        let before: String = query.chars().take(num_chars).collect();
        (before.chars().count() == num_chars).then_some(())?;
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Self::at(query, line as u64, column as u64)
    }

    /// Returns the number of characters of the query before the place.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the line with a caret below the place, each after four spaces.
    fn excerpt(&self) -> String {
        let chars: Vec<char> = self.text.chars().collect();
        let from = self.column.saturating_sub(SHOWN / 2);
        let from = if chars.len() <= SHOWN { 0 } else { from.min(chars.len() - SHOWN) };
        let shown: String = chars.iter().skip(from).take(SHOWN).collect();
        let before = chars.iter().take(self.column - 1).skip(from);
        let indent: String = before.map(|&c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("    {shown}\n    {indent}^")
    }
}

/// `line 2, column 8`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Writes what is wrong at a place: the place, the message, the line and a caret.
pub(crate) fn point(
    place: Option<&Place>,
    message: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match place {
        None => write!(f, "the query: {message}"),
        Some(place) => write!(f, "the query, {place}: {message}\n{}", place.excerpt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_from_either_side() {
        let query = "SELECT ä,\n  fair\nFROM rides";
        let place = Place::at(query, 2, 3).unwrap();
        assert_eq!(place.to_string(), "line 2, column 3");
        assert_eq!(place.offset(), 12);
        assert_eq!(place.excerpt(), "      fair\n      ^");
        assert_eq!(Place::after(query, 12), Some(place));
        assert_eq!(Place::after(query, 0).unwrap().to_string(), "line 1, column 1");
        for (line, column) in [(0, 1), (1, 0), (4, 1), (1, 11), (u64::MAX, u64::MAX)] {
            assert_eq!(Place::at(query, line, column), None);
        }
        assert!(Place::at(query, 3, 11).is_some());
        assert_eq!(Place::after(query, 200), None);
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let query = format!("SELECT {} x FROM t", "1 + ".repeat(100));
        let place = Place::at(&query, 1, 407).unwrap();
        let excerpt = place.excerpt();
        let mut lines = excerpt.lines();
        let (text, caret) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(text.chars().count(), 4 + SHOWN);
        let at = caret.chars().count() - 1;
        assert_eq!(text.chars().nth(at), query.chars().nth(406));
    }
}
