//! Regular expressions of tokenizer files, in linear time.

use std::ops::Range;

use regex::Regex;

use crate::TokenizerError;
use crate::file::PatternFile;

/// What a file looks for.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// The group of whitespace that was written as `\s+(?!\S)`: all but the last character before something else.
    has_trailing_space: bool,
}

/// The one look ahead that tokenizers have: whitespace, of which the last character goes with what follows.
const TRAILING: &str = r"\s+(?!\S)|\s+";

const GROUP: &str = "trailing";

impl Pattern {
    pub(crate) fn of_file(pattern: &PatternFile) -> Result<Self, TokenizerError> {
        match pattern {
            PatternFile::String(text) => Self::new(&regex_syntax::escape(text)),
            PatternFile::Regex(source) => Self::new(source),
        }
    }

    /// Takes a regular expression, which may end in `\s+(?!\S)|\s+`.
    pub(crate) fn new(source: &str) -> Result<Self, TokenizerError> {
        let front = source.strip_suffix(TRAILING).filter(|front| front.ends_with('|'));
        let regex = match front {
            Some(front) => Regex::new(&format!(r"{front}(?P<{GROUP}>\s+)")),
            None => Regex::new(source),
        };
        let regex = regex.map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default();
            let reason = last.strip_prefix("error: ").unwrap_or(last).to_owned();
            TokenizerError::Pattern { pattern: source.to_owned(), reason }
        })?;
        Ok(Self { regex, has_trailing_space: front.is_some() })
    }

    /// Returns where the matches are, from left to right; empty ones are left out.
    pub(crate) fn matches(&self, text: &str) -> Vec<Range<usize>> {
        if !self.has_trailing_space {
            let found = self.regex.find_iter(text).map(|found| found.range());
            return found.filter(|range| !range.is_empty()).collect();
        }
        let mut found = Vec::new();
        let mut start = 0;
        while let Some(captures) = self.regex.captures_at(text, start) {
            let Some(whole) = captures.get(0) else { break };
            let mut end = whole.end();
            // Whitespace that does not end the text gives its last character back, unless it is one only.
            if captures.name(GROUP).is_some()
                && end < text.len()
                && let Some((last, _)) = whole.as_str().char_indices().next_back()
                && last > 0
            {
                end = whole.start() + last;
            }
            if end == whole.start() {
                break;
            }
            found.push(whole.start()..end);
            start = end;
        }
        found
    }

    /// Replaces all matches by a text.
    pub(crate) fn replace(&self, text: &str, by: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for found in self.matches(text) {
            replaced.push_str(&text[end..found.start]);
            replaced.push_str(by);
            end = found.end;
        }
        replaced.push_str(&text[end..]);
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_gives_its_last_character_back() {
        let pattern = Pattern::new(r" ?\w+|\s+(?!\S)|\s+").unwrap();
        let cut = |text: &'static str| {
            let found = pattern.matches(text).into_iter();
            found.map(|range| &text[range]).collect::<Vec<_>>()
        };
        assert_eq!(cut("a  b \n c\n"), ["a", " ", " b", " \n", " c", "\n"]);
        assert_eq!(cut("\u{3000}\u{3000}x  "), ["\u{3000}", "\u{3000}", "x", "  "]);
    }

    #[test]
    fn what_linear_time_does_not_allow_is_refused() {
        let error = Pattern::new(r"a(?=b)").unwrap_err();
        assert!(error.to_string().contains("look-around"), "{error}");
        assert!(Pattern::new(r"\s+(?!\S)").is_err());
        assert!(Pattern::new("(").is_err());
    }
}
