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
    /// What to do, when that is fairly sure.
    pub hint: Option<String>,
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

    /// Returns the lines that a person reads: `error: <place>: <message>`, and `  hint: <hint>` where there is
    /// one.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for mistake in &self.list {
            text.push_str(&format!("error: {mistake}\n"));
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
    found: Vec<(Place, String, Option<String>)>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self { found: Vec::new() }
    }

    pub(crate) fn add(&mut self, place: Place, message: String, hint: Option<String>) {
        self.found.push((place, message, hint));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn finish(mut self, path: &Path, text: &str, overrides: &[String]) -> Mistakes {
        let lines = Lines::new(text);
        self.found.sort_by_key(|(place, _, _)| match place {
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
        let list = self.found.into_iter().map(|(place, message, hint)| {
            let location = locate(place);
            // The name of an override says already which key is meant.
            let message = match &location {
                Location::Override { name } => {
                    let key = format!("`{}`: ", name.trim_start_matches("--set "));
                    message.strip_prefix(&key).map_or(message.clone(), str::to_owned)
                }
                Location::File { .. } => message,
            };
            Mistake { location, message, hint }
        });
        Mistakes { list: list.collect(), num_omitted }
    }
}
