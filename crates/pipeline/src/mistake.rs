//! Mistakes of a pipeline file: where, what was found, what was expected, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::document::{Lines, Place, override_label};

/// How many mistakes are kept; the others are counted.
const SHOWN: usize = 25;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub location: Location,
    /// What was found and what was expected: lower case, no full stop.
    pub message: String,
    /// The line of the expression that it is in, if it is within one.
    pub excerpt: Option<Excerpt>,
    /// What to do, when that is fairly sure.
    pub hint: Option<String>,
}

/// A line with a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line.
    pub line: String,
    /// How many characters are before the place.
    pub offset: usize,
}

impl Excerpt {
    /// Returns the line that a byte of a text is in.
    pub(crate) fn of(text: &str, byte: usize) -> Option<Self> {
        let (before, behind) = text.split_at_checked(byte)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = behind.find('\n').map_or(text.len(), |at| byte + at);
        let line = text[start..end].trim_end_matches('\r').to_owned();
        Some(Self { line, offset: before[start..].chars().count() })
    }

    /// Returns the line, or what is around the place where it is long, and below it a caret at the place.
    pub fn shown(&self) -> [String; 2] {
        /// So many characters are shown before the place, and so many in all.
        const BEFORE: usize = 60;
        const WIDTH: usize = 100;
        let start = self.offset.saturating_sub(BEFORE);
        let dots = if start > 0 { "…" } else { "" };
        let is_shown = |c: char| if c.is_control() { ' ' } else { c };
        let mut line: String = dots.to_owned();
        line.extend(self.line.chars().skip(start).take(WIDTH).map(is_shown));
        if self.line.chars().count() > start + WIDTH {
            line.push('…');
        }
        let num_before = dots.chars().count() + self.offset - start;
        [line, format!("{}^", " ".repeat(num_before))]
    }
}

/// Where a mistake is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the file. Lines and columns count from 1, columns in characters.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// In a value that was given beside the file.
    Override {
        /// As it was given, without the value: `--set nodes.trainer.num_steps`.
        name: String,
    },
}

/// All mistakes of a pipeline file, overrides first and then in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    list: Vec<Mistake>,
    num_omitted: usize,
}

impl Mistakes {
    /// Returns the mistakes; the first ones, when there are very many.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.list.iter()
    }

    /// Returns how many mistakes there are, those beyond the first ones included.
    pub fn count(&self) -> usize {
        self.list.len() + self.num_omitted
    }

    /// Returns how many mistakes are not in the list.
    pub fn num_omitted(&self) -> usize {
        self.num_omitted
    }

    /// Returns the lines that a person reads: `error: <place>: <message>`, the expression with a caret below where there
    /// is one, and `  hint: <hint>`.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for mistake in &self.list {
            text.push_str(&format!("error: {mistake}\n"));
            for line in mistake.excerpt.iter().flat_map(Excerpt::shown) {
                text.push_str(&format!("    {line}\n"));
            }
            if let Some(hint) = &mistake.hint {
                text.push_str(&format!("  hint: {hint}\n"));
            }
        }
        if let Some(omitted) = self.render_omitted() {
            text.push_str(&format!("{omitted}\n"));
        }
        text
    }

    /// Returns the line that says that there are more, when there are.
    pub fn render_omitted(&self) -> Option<String> {
        let plural = if self.num_omitted == 1 { "" } else { "s" };
        (self.num_omitted > 0).then(|| format!("and {} more mistake{plural}", self.num_omitted))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Override { name } => f.write_str(name),
        }
    }
}

/// Takes mistakes as they are found, by place in the document.
pub(crate) struct Collector {
    found: Vec<(Place, String, Option<Excerpt>, Option<String>)>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self { found: Vec::new() }
    }

    pub(crate) fn add(&mut self, place: Place, message: String, hint: Option<String>) {
        self.add_shown(place, message, None, hint);
    }

    /// Takes a mistake within an expression.
    pub(crate) fn add_shown(
        &mut self,
        place: Place,
        message: String,
        excerpt: Option<Excerpt>,
        hint: Option<String>,
    ) {
        self.found.push((place, message, excerpt, hint));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn finish(mut self, path: &Path, text: &str, overrides: &[String]) -> Mistakes {
        let lines = Lines::new(text);
        self.found.sort_by_key(|(place, ..)| match place {
            Place::Override(index) => (0, *index),
            Place::File(start, _) => (1, *start),
        });
        self.found.dedup();
        let num_omitted = self.found.len().saturating_sub(SHOWN);
        self.found.truncate(SHOWN);
        let locate = |place| match place {
            Place::Override(index) => {
                let name =
                    overrides.get(index).map_or("--set".to_owned(), |text| override_label(text));
                Location::Override { name }
            }
            Place::File(start, _) => {
                let (line, column) = lines.position(start);
                Location::File { path: path.to_path_buf(), line, column }
            }
        };
        let list = self.found.into_iter().map(|(place, message, excerpt, hint)| {
            let location = locate(place);
            // The name of an override says already which key is meant.
            let message = match &location {
                Location::Override { name } => {
                    let key = format!("`{}`: ", name.trim_start_matches("--set "));
                    message.strip_prefix(&key).map_or(message.clone(), str::to_owned)
                }
                Location::File { .. } => message,
            };
            Mistake { location, message, excerpt, hint }
        });
        Mistakes { list: list.collect(), num_omitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, byte: usize, expected: [&str; 2]) {
        assert_eq!(Excerpt::of(text, byte).unwrap().shown(), expected);
    }

    #[test]
    fn an_excerpt_is_one_line_with_a_caret() {
        check("fare + x", 7, ["fare + x", "       ^"]);
        check("a\r\n\tä + y\r\nz", 9, [" ä + y", "     ^"]);
        check("", 0, ["", "^"]);
        check("a\n", 2, ["", "^"]);
        let long = "x + ".repeat(60);
        let [line, caret] = Excerpt::of(&long, 100).unwrap().shown();
        assert!(line.starts_with('…') && line.ends_with('…'), "{line}");
        assert_eq!((line.chars().count(), caret.len()), (102, 62));
        assert_eq!(line.chars().nth(caret.len() - 1), long.chars().nth(100));
    }
}
