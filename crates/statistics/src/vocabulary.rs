//! The tokens of a language, and their numbers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Tokens, each with the number of the line that it stands on, from zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Vocabulary {
    tokens: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl Vocabulary {
    /// Reads one token from each line, without the space around it. Of equal tokens the last one's number counts.
    pub fn parse(text: &str) -> Self {
        text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().into()
    }

    /// Returns a token by its number.
    pub(crate) fn token(&self, number: i64) -> Option<&str> {
        self.tokens.get(usize::try_from(number).ok()?).map(String::as_str)
    }

    /// Returns the number of a token.
    pub(crate) fn number(&self, token: &str) -> Option<i64> {
        self.numbers.get(token).copied()
    }
}

impl From<Vec<String>> for Vocabulary {
    fn from(tokens: Vec<String>) -> Self {
        let numbers = tokens.iter().cloned().zip(0..).collect();
        Self { tokens, numbers }
    }
}

impl From<Vocabulary> for Vec<String> {
    fn from(vocabulary: Vocabulary) -> Self {
        vocabulary.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_numbers_lead_to_one_another() {
        let vocabulary = Vocabulary::parse("[CLS]\n the \r\ncat\nthe\n");
        assert_eq!((vocabulary.token(1), vocabulary.token(3)), (Some("the"), Some("the")));
        assert_eq!((vocabulary.token(4), vocabulary.token(-1)), (None, None));
        assert_eq!((vocabulary.number("the"), vocabulary.number("dog")), (Some(3), None));
        let text = serde_json::to_string(&vocabulary).unwrap();
        assert_eq!(text, r#"["[CLS]","the","cat","the"]"#);
        assert_eq!(serde_json::from_str::<Vocabulary>(&text).unwrap(), vocabulary);
    }
}
