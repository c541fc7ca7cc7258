//! Paths to a value within JSON.

use crate::BuildError;

/// A path to one value: `$`, then `.name`, `['name']`, `["name"]` or `[place]`, again and again.
///
/// Names stand for fields of objects; in quotes they may hold anything, `\` before a character standing for that
/// character. Places of arrays count from 0. There are no wildcards, slices, filters and `..`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPath {
    source: String,
    steps: Vec<JsonStep>,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonStep {
    /// Into a field of an object.
    Field(String),
    /// To an element of an array, from 0.
    Element(usize),
}

/// How long a path may be.
const MOST_STEPS: usize = 128;

impl JsonPath {
    /// Takes a path as it was written.
    ///
    /// # Errors
    ///
    /// [`BuildError::JsonPath`], with the place of the character that is wrong.
    pub fn new(source: &str) -> Result<Self, BuildError> {
        let chars: Vec<char> = source.chars().collect();
        let mut reader = Reader { chars: &chars, at: 0 };
        if !reader.takes('$') {
            return Err(reader.wrong("`$`"));
        }
        let mut steps = Vec::new();
        while reader.at < chars.len() {
            if steps.len() == MOST_STEPS {
                return Err(reader.wrong("the end, as a path has at most 128 steps"));
            }
            steps.push(reader.step()?);
        }
        Ok(Self { source: source.to_owned(), steps })
    }

    /// Returns the path as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the steps from the whole to the value.
    pub fn steps(&self) -> &[JsonStep] {
        &self.steps
    }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, expected: &'static str) -> BuildError {
        BuildError::JsonPath { at: self.at, found: self.chars.get(self.at).copied(), expected }
    }

    fn takes(&mut self, c: char) -> bool {
        let is_there = self.chars.get(self.at) == Some(&c);
        self.at += usize::from(is_there);
        is_there
    }

    fn step(&mut self) -> Result<JsonStep, BuildError> {
        if self.takes('.') {
            let is_plain = |c: &&char| c.is_alphanumeric() || matches!(c, '_' | '-');
            let name: String = self.chars[self.at..].iter().take_while(is_plain).collect();
            if name.is_empty() {
                return Err(
                    self.wrong("a name, in `['…']` unless it is of letters, digits, `_` and `-`")
                );
            }
            self.at += name.chars().count();
            return Ok(JsonStep::Field(name));
        }
        if !self.takes('[') {
            return Err(self.wrong("`.` or `[`"));
        }
        let step = match self.chars.get(self.at) {
            Some(&quote @ ('\'' | '"')) => JsonStep::Field(self.quoted(quote)?),
            _ => self.element()?,
        };
        if self.takes(']') { Ok(step) } else { Err(self.wrong("`]`")) }
    }

    fn quoted(&mut self, quote: char) -> Result<String, BuildError> {
        self.at += 1;
        let mut name = String::new();
        loop {
            match self.chars.get(self.at) {
                Some(&c) if c == quote => {
                    self.at += 1;
                    return Ok(name);
                }
                Some('\\') if self.at + 1 < self.chars.len() => {
                    name.push(self.chars[self.at + 1]);
                    self.at += 2;
                }
                Some(&c) => {
                    name.push(c);
                    self.at += 1;
                }
                None => return Err(self.wrong("the quote that ends the name")),
            }
        }
    }

    fn element(&mut self) -> Result<JsonStep, BuildError> {
        let digits: String =
            self.chars[self.at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        match digits.parse() {
            Ok(place) => {
                self.at += digits.len();
                Ok(JsonStep::Element(place))
            }
            Err(_) => Err(self.wrong("the place of an element, from 0, or a name in quotes")),
        }
    }
}
