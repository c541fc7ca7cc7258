//! A vocabulary: tokens, their ids, and the way from one to the other.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::BuildError;

/// Distinct tokens in the order of their ids, from 0.
///
/// A token is never empty and holds no line breaks (`\n`, `\r`), because a vocabulary's file, in tf.Transform's text
/// format, has one token a line. (tf.Transform drops such tokens when it makes a vocabulary.)
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// All tokens, each with a line feed behind it: the bytes of the file.
    text: String,
    /// Where each token starts, and where the text ends.
    starts: Vec<usize>,
    /// What the file has before each token, where it has something.
    frequencies: Option<Vec<Box<str>>>,
    /// An open table, a power of two of slots and at most half of them taken.
    slots: Vec<Slot>,
}

/// A token's id plus one, with the upper half of its hash beside it; zero is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    entry: u32,
}

impl Vocabulary {
    /// Takes tokens in the order of their ids. There may be none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] when one is empty, has a line break, or was there before; [`BuildError::TooLarge`] when
    /// there are more than 32 bits can number.
    pub fn new<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Result<Self, BuildError> {
        let mut text = String::new();
        for (place, token) in tokens.into_iter().enumerate() {
            check(place, token.as_ref())?;
            text.push_str(token.as_ref());
            text.push('\n');
        }
        Self::from_text(text)
    }

    /// Takes tokens in the order of their ids, each with its frequency, which the file has before it.
    ///
    /// Frequencies are for people: nothing is computed with them.
    ///
    /// # Errors
    ///
    /// As [`Vocabulary::new`], and [`BuildError::Token`] when a frequency is not one word.
    pub fn with_frequencies<F: AsRef<str>, T: AsRef<str>>(
        tokens: impl IntoIterator<Item = (F, T)>,
    ) -> Result<Self, BuildError> {
        let (mut frequencies, mut texts) = (Vec::new(), Vec::new());
        for (place, (frequency, text)) in tokens.into_iter().enumerate() {
            let frequency = frequency.as_ref();
            if frequency.is_empty() || frequency.contains(char::is_whitespace) {
                return Err(BuildError::Token { place, reason: "has no frequency before it" });
            }
            frequencies.push(frequency.into());
            texts.push(text);
        }
        Ok(Self { frequencies: Some(frequencies), ..Self::new(texts)? })
    }

    /// Takes the text of a vocabulary's file, with frequencies or without.
    pub(crate) fn from_file(text: String, has_frequencies: bool) -> Result<Self, BuildError> {
        if !has_frequencies {
            return Self::from_text(text);
        }
        let lines = text.split_terminator('\n').enumerate().map(|(place, line)| {
            let reason = "has no frequency before it";
            line.split_once(' ').ok_or(BuildError::Token { place, reason })
        });
        Self::with_frequencies(lines.collect::<Result<Vec<_>, _>>()?)
    }

    /// Takes the text of a vocabulary's file.
    pub(crate) fn from_text(text: String) -> Result<Self, BuildError> {
        let num_tokens = count_lines(&text);
        if u32::try_from(num_tokens).is_err() {
            return Err(BuildError::TooLarge { what: "tokens" });
        }
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(BuildError::Token { place: num_tokens, reason: "does not end its line" });
        }
        let mut starts = Vec::with_capacity(num_tokens + 1);
        let mut start = 0;
        for (place, line) in text.split_terminator('\n').enumerate() {
            check(place, line)?;
            starts.push(start);
            start += line.len() + 1;
        }
        starts.push(start);
        let slots = vec![Slot::default(); (num_tokens * 2).next_power_of_two().max(2)];
        let mut vocabulary = Self { text, starts, frequencies: None, slots };
        for place in 0..num_tokens {
            vocabulary.insert(place)?;
        }
        Ok(vocabulary)
    }

    fn insert(&mut self, place: usize) -> Result<(), BuildError> {
        match self.find(self.token(place)) {
            Ok(_) => Err(BuildError::Token { place, reason: "was there before" }),
            Err((slot, tag)) => {
                let entry = u32::try_from(place + 1)
                    .map_err(|_| BuildError::TooLarge { what: "tokens" })?;
                self.slots[slot] = Slot { tag, entry };
                Ok(())
            }
        }
    }

    /// Returns the id of a token, or the empty slot where it would be, and its tag.
    fn find(&self, token: &str) -> Result<usize, (usize, u32)> {
        let hash = xxh3_64(token.as_bytes());
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "two parts of one hash")]
        let (mut place, tag) = (hash as usize & mask, (hash >> 32) as u32);
        loop {
            let slot = self.slots[place];
            match (slot.entry as usize).checked_sub(1) {
                None => return Err((place, tag)),
                Some(id) if slot.tag == tag && self.token(id) == token => return Ok(id),
                Some(_) => place = (place + 1) & mask,
            }
        }
    }

    fn token(&self, id: usize) -> &str {
        &self.text[self.starts[id]..self.starts[id + 1] - 1]
    }

    /// Returns whether a vocabulary can hold a token: not empty, and no line breaks.
    pub fn can_hold(token: &str) -> bool {
        check(0, token).is_ok()
    }

    /// Returns the number of tokens.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the id of a token, or `None` when it is not in the vocabulary. Allocates nothing.
    pub fn id(&self, token: &str) -> Option<usize> {
        self.find(token).ok()
    }

    /// Returns the tokens in the order of their ids.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|id| self.token(id))
    }

    /// Returns the frequencies in the order of the ids, where they are known.
    pub fn frequencies(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        self.frequencies.as_ref().map(|all| all.iter().map(|frequency| &**frequency))
    }

    /// Returns the bytes of the vocabulary's file.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let Some(frequencies) = &self.frequencies else { return Cow::Borrowed(&self.text) };
        let mut text = String::with_capacity(self.text.len() + 8 * frequencies.len());
        for (frequency, token) in frequencies.iter().zip(self.tokens()) {
            text.extend([&**frequency, " ", token, "\n"]);
        }
        Cow::Owned(text)
    }
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.frequencies == other.frequencies
    }
}

impl Eq for Vocabulary {}

fn check(place: usize, token: &str) -> Result<(), BuildError> {
    let reason = match token {
        "" => "is empty",
        _ if token.contains(['\n', '\r']) => "has a line break",
        _ => return Ok(()),
    };
    Err(BuildError::Token { place, reason })
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_places_and_unknown_tokens_have_none() {
        let tokens: Vec<String> = (0..5000).map(|n| format!("token {n}")).collect();
        let vocabulary = Vocabulary::new(&tokens).unwrap();
        assert_eq!(vocabulary.len(), tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            assert_eq!(vocabulary.id(token), Some(id));
        }
        assert!(vocabulary.tokens().eq(tokens.iter().map(String::as_str)));
        for unknown in ["", "token", "token 5000", "token 1\n", "Token 1"] {
            assert_eq!(vocabulary.id(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn an_empty_vocabulary_knows_nothing() {
        let vocabulary = Vocabulary::new(Vec::<String>::new()).unwrap();
        assert!(vocabulary.is_empty());
        assert_eq!(vocabulary.id(""), None);
        assert_eq!(vocabulary.text(), "");
    }

    #[test]
    fn a_file_with_frequencies_comes_back() {
        let tokens = [("3", "a b"), ("2.5", "c"), ("-1", " ")];
        let vocabulary = Vocabulary::with_frequencies(tokens).unwrap();
        assert_eq!(vocabulary.text(), "3 a b\n2.5 c\n-1  \n");
        assert_eq!(Vocabulary::from_file(vocabulary.text().into(), true).unwrap(), vocabulary);
        assert!(vocabulary != Vocabulary::new(["a b", "c", " "]).unwrap());
        assert_eq!(vocabulary.id("c"), Some(1));
        assert!(vocabulary.frequencies().unwrap().eq(["3", "2.5", "-1"]));
        assert_eq!(
            Vocabulary::from_file("3\n".to_owned(), true).unwrap_err(),
            BuildError::Token { place: 0, reason: "has no frequency before it" }
        );
    }

    #[test]
    fn what_a_file_cannot_hold_is_refused_by_place() {
        for (tokens, place, reason) in [
            (vec!["a", ""], 1, "is empty"),
            (vec!["a\nb"], 0, "has a line break"),
            (vec!["a", "b", "c\r"], 2, "has a line break"),
            (vec!["a", "b", "a"], 2, "was there before"),
        ] {
            assert_eq!(Vocabulary::new(tokens).unwrap_err(), BuildError::Token { place, reason });
        }
        assert_eq!(
            Vocabulary::from_text("a\nb".to_owned()).unwrap_err(),
            BuildError::Token { place: 1, reason: "does not end its line" }
        );
    }
}
