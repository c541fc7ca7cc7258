//! A few sequences for a person to look at.

use std::cmp::Ordering;
use std::fmt::Write as _;

use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

use super::asked::Token;

/// How many sequences are kept.
const NUM_KEPT: usize = 5;

/// The sequences with the least of some measure, each once; of equal ones those whose text comes first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reported {
    /// In ascending order.
    kept: Vec<(f64, String)>,
}

impl Reported {
    pub(super) fn add(&mut self, measure: f64, sequence: &[Token<'_>]) {
        let is_out = |greatest: &(f64, String)| measure > greatest.0;
        if self.kept.len() < NUM_KEPT || !self.kept.last().is_some_and(is_out) {
            self.insert(measure, &text_of(sequence));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.kept.iter().for_each(|(measure, text)| self.insert(*measure, text));
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.kept.iter().map(|(_, text)| text.clone())
    }

    fn insert(&mut self, measure: f64, text: &str) {
        let order = |(kept, kept_text): &(f64, String)| {
            kept.total_cmp(&measure).then_with(|| kept_text.as_str().cmp(text))
        };
        let place = self.kept.partition_point(|kept| order(kept) == Ordering::Less);
        if self.kept.get(place).is_none_or(|kept| order(kept) != Ordering::Equal) {
            self.kept.insert(place, (measure, text.to_owned()));
            self.kept.truncate(NUM_KEPT);
        }
    }
}

/// Returns a sequence as Python writes a list, which is what the reference reports.
fn text_of(sequence: &[Token<'_>]) -> String {
    let mut out = String::from("[");
    for (place, token) in sequence.iter().enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        match (token.text, token.number) {
            (Some(text), _) => quote(text, &mut out),
            (None, Some(number)) => {
                let _ = write!(out, "{number}");
            }
            (None, None) => {}
        }
    }
    out.push(']');
    out
}

fn quote(text: &str, out: &mut String) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if char == mark => {
                out.push('\\');
                out.push(char);
            }
            _ if char.is_control() && u32::from(char) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
    out.push(mark);
}

impl Stored for Reported {
    fn write(&self, out: &mut Vec<u8>) {
        self.kept.len().write(out);
        for (measure, text) in &self.kept {
            measure.write(out);
            write_bytes(text.as_bytes(), out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut read = Self::default();
        for _ in 0..usize::read(input)? {
            let measure = f64::read(input)?;
            let text = std::str::from_utf8(input.take_bytes()?)
                .map_err(|_| StateError { reason: "a sequence is not text" })?;
            read.insert(measure, text);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_are_kept_whatever_the_order() {
        let words = ["e", "b", "a", "d", "c", "f", "a", "g"];
        let of = |words: &mut dyn Iterator<Item = &&str>| {
            let mut reported = Reported::default();
            for word in words {
                let token = Token { number: None, text: Some(word) };
                reported.add(if *word == "g" { 0.0 } else { 1.0 }, &[token]);
            }
            reported
        };
        let all = of(&mut words.iter());
        assert_eq!(all, of(&mut words.iter().rev()));
        let expected = ["['g']", "['a']", "['b']", "['c']", "['d']"];
        assert_eq!(all.texts().collect::<Vec<_>>(), expected);
        let mut merged = of(&mut words[5..].iter());
        merged.merge(&of(&mut words[..5].iter()));
        assert_eq!(merged, all);
        let mut bytes = Vec::new();
        all.write(&mut bytes);
        assert_eq!(Reported::read(&mut Reader::new(&bytes)).unwrap(), all);
    }

    #[test]
    fn texts_are_written_as_python_does() {
        let text = |text: &'static str| Token { number: Some(1), text: Some(text) };
        let number = Token { number: Some(-7), text: None };
        let written = text_of(&[text("it's"), text("a\"b'c\n\\"), number, text("")]);
        assert_eq!(written, r#"["it's", 'a"b\'c\n\\', -7, '']"#);
        assert_eq!(text_of(&[]), "[]");
    }
}
