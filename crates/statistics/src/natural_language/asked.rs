//! What a schema asks of a language, and the tokens that it means.

use std::collections::BTreeSet;
use std::sync::Arc;

use formats::metadata::NaturalLanguageDomain;
use formats::metadata::sequence_value_constraints::Value;
use serde::{Deserialize, Serialize};

use crate::Vocabulary;
use crate::pass::Kind;

/// What a schema asks of a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Language {
    /// Whether the data has numbers in the place of tokens.
    pub(super) are_numbers: bool,
    #[serde(with = "shared")]
    vocabulary: Option<Arc<Vocabulary>>,
    /// Tokens that do not count.
    pub(super) excluded: Tokens,
    /// Texts that stand for tokens which are in no vocabulary.
    oov: BTreeSet<String>,
    /// Tokens that do not make a sequence longer.
    pub(super) excluded_from_length: Tokens,
    /// Tokens of which single statistics are wanted.
    pub(super) wanted: Vec<Wanted>,
}

/// Some tokens, by number and by text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    numbers: BTreeSet<i64>,
    texts: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Wanted {
    Number(i64),
    Text(String),
}

/// One token of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) number: Option<i64>,
    pub(super) text: Option<&'a str>,
}

impl Language {
    /// Returns what a domain asks for; nothing if it asks for nothing that could be counted.
    pub(crate) fn new(
        domain: &NaturalLanguageDomain,
        kind: Kind,
        vocabulary: Option<Arc<Vocabulary>>,
    ) -> Option<Self> {
        let coverage = domain.coverage.clone().unwrap_or_default();
        let lengths = domain.sequence_length_constraints.clone().unwrap_or_default();
        let tokens = |numbers: Vec<i64>, texts: Vec<String>| Tokens {
            numbers: numbers.into_iter().collect(),
            texts: texts.into_iter().collect(),
        };
        let excluded = tokens(coverage.excluded_int_tokens, coverage.excluded_string_tokens);
        let oov: BTreeSet<String> = coverage.oov_string_tokens.into_iter().collect();
        let mut wanted: Vec<Wanted> = Vec::new();
        for constraints in &domain.token_constraints {
            let token = match &constraints.value {
                Some(Value::IntValue(number)) => Wanted::Number(*number),
                Some(Value::StringValue(text)) => Wanted::Text(text.clone()),
                None => continue,
            };
            if !wanted.contains(&token) {
                wanted.push(token);
            }
        }
        let is_empty = excluded == Tokens::default() && oov.is_empty() && wanted.is_empty();
        (vocabulary.is_some() || !is_empty).then(|| Self {
            are_numbers: kind == Kind::Int,
            vocabulary,
            excluded,
            oov,
            excluded_from_length: tokens(lengths.excluded_int_value, lengths.excluded_string_value),
            wanted,
        })
    }

    pub(super) fn of_number(&self, number: i64) -> Token<'_> {
        let text = self.vocabulary.as_ref().and_then(|vocabulary| vocabulary.token(number));
        Token { number: Some(number), text }
    }

    pub(super) fn of_text<'a>(&self, text: &'a str) -> Token<'a> {
        let number = self.vocabulary.as_ref().and_then(|vocabulary| vocabulary.number(text));
        Token { number, text: Some(text) }
    }

    /// Returns the text of a token that the vocabulary covers.
    pub(super) fn covered<'a>(&self, token: &Token<'a>) -> Option<&'a str> {
        token.text.filter(|&text| !self.oov.contains(text))
    }
}

impl Tokens {
    pub(super) fn contain(&self, token: &Token<'_>) -> bool {
        token.text.is_some_and(|text| self.texts.contains(text))
            || token.number.is_some_and(|number| self.numbers.contains(&number))
    }
}

impl Wanted {
    pub(super) fn is(&self, token: &Token<'_>) -> bool {
        match self {
            Self::Number(number) => token.number == Some(*number),
            Self::Text(text) => token.text == Some(text),
        }
    }
}

/// The vocabulary, which many copies of a pass share.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::Vocabulary;

    pub(super) fn serialize<S: Serializer>(
        vocabulary: &Option<Arc<Vocabulary>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        vocabulary.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Vocabulary>>, D::Error> {
        Ok(Option::<Vocabulary>::deserialize(deserializer)?.map(Arc::new))
    }
}
