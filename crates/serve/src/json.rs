//! JSON as requests have it: read in one pass, straight into columns.
//!
//! What RFC 8259 has, and beside it the words `NaN`, `Infinity` and `-Infinity` for numbers, as TensorFlow Serving takes
//! and gives them. Nothing is built of a document: who reads asks for the value that has to come next. Text without
//! escapes is borrowed. Values that nobody asked for are stepped over without recursion, so depth costs nothing.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Bytes from the beginning.
    pub(crate) offset: usize,
    pub(crate) expected: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON parse error at byte {}: expected {}", self.offset, self.expected)
    }
}

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number<'a> {
    /// Digits with a sign or none, that fit 64 bits.
    Int(i64),
    /// Anything else that is a number.
    Other(&'a str),
}

impl Number<'_> {
    /// Returns the nearest float of 64 bits.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Other("Infinity") => f64::INFINITY,
            Self::Other("-Infinity") => f64::NEG_INFINITY,
            Self::Other(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// Returns the float of 32 bits that the field's readers make of it: by way of 64 bits, as CSV is read here.
    #[expect(clippy::cast_possible_truncation, reason = "features are floats of 32 bits")]
    pub(crate) fn as_f32(self) -> f32 {
        self.as_f64() as f32
    }
}

/// A place in a document.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Result<T> = std::result::Result<T, JsonError>;

impl<'a> Reader<'a> {
    /// Begins at the beginning of a document, which has to be UTF-8 throughout.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(JsonError { offset: error.valid_up_to(), expected: "UTF-8" }),
        }
    }

    /// Says that something else was expected here.
    pub(crate) fn expected(&self, expected: &'static str) -> JsonError {
        JsonError { offset: self.at, expected }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Returns what the next value is.
    #[inline]
    pub(crate) fn kind(&mut self) -> Result<Kind> {
        self.skip_space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.expected("a value")),
        }
    }

    /// Makes sure that nothing follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Steps into an object; then [`next_key`](Self::next_key) with `is_first` set for the first time.
    #[inline]
    pub(crate) fn begin_object(&mut self) -> Result<()> {
        self.skip_space();
        if self.take(b'{') { Ok(()) } else { Err(self.expected("an object")) }
    }

    /// Steps to the value of the next key, or out of the object.
    #[inline]
    pub(crate) fn next_key(&mut self, is_first: &mut bool) -> Result<Option<Cow<'a, str>>> {
        self.skip_space();
        if self.take(b'}') {
            return Ok(None);
        }
        if !std::mem::take(is_first) {
            if !self.take(b',') {
                return Err(self.expected("`,` or `}`"));
            }
            self.skip_space();
        }
        if self.byte() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let key = self.string()?;
        self.skip_space();
        if self.take(b':') { Ok(Some(key)) } else { Err(self.expected("`:`")) }
    }

    /// Steps into a list; then [`next_item`](Self::next_item).
    #[inline]
    pub(crate) fn begin_array(&mut self) -> Result<()> {
        self.skip_space();
        if self.take(b'[') { Ok(()) } else { Err(self.expected("a list")) }
    }

    /// Steps to the next value of a list, or out of it.
    #[inline]
    pub(crate) fn next_item(&mut self, is_first: &mut bool) -> Result<bool> {
        self.skip_space();
        if self.take(b']') {
            return Ok(false);
        }
        if !std::mem::take(is_first) {
            if !self.take(b',') {
                return Err(self.expected("`,` or `]`"));
            }
            self.skip_space();
            if self.byte() == Some(b']') {
                return Err(self.expected("a value"));
            }
        }
        Ok(true)
    }

    /// Reads a text.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.skip_space();
        if !self.take(b'"') {
            return Err(self.expected("a string"));
        }
        let start = self.at;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => return self.string_with_escapes(start).map(Cow::Owned),
                Some(0..=0x1f) => return Err(self.expected("no control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.expected("the end of the string")),
            }
        }
    }

    #[cold]
    fn string_with_escapes(&mut self, start: usize) -> Result<String> {
        let mut text = self.text[start..self.at].to_owned();
        loop {
            let plain = self.at;
            while !matches!(self.byte(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            text.push_str(&self.text[plain..self.at]);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.expected("no control character in a string")),
                None => return Err(self.expected("the end of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let escape = self.byte();
        self.at += 1;
        Ok(match escape {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&first) {
                    let has_second = self.take(b'\\') && self.take(b'u');
                    let second = if has_second { self.hex()? } else { 0 };
                    if !(0xdc00..0xe000).contains(&second) {
                        return Err(self.expected("the other half of a surrogate pair"));
                    }
                    0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.expected("a character"))?
            }
            _ => {
                self.at -= 1;
                return Err(self.expected("an escape"));
            }
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }

    /// Reads a number.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Number<'a>> {
        self.skip_space();
        let start = self.at;
        self.take(b'-');
        match self.byte() {
            Some(b'I') => {
                self.word("Infinity")?;
                return Ok(Number::Other(&self.text[start..self.at]));
            }
            Some(b'N') if start == self.at => {
                self.word("NaN")?;
                return Ok(Number::Other(&self.text[start..self.at]));
            }
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.expected("a number")),
        }
        let mut is_int = true;
        if self.take(b'.') {
            is_int = false;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            is_int = false;
            self.at += 1;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        match is_int.then(|| text.parse()) {
            // There is no negative zero among the integers.
            Some(Ok(int)) if int != 0 || !text.starts_with('-') => Ok(Number::Int(int)),
            _ => Ok(Number::Other(text)),
        }
    }

    #[inline]
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.expected("a digit")) }
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.expected("a value"))
        }
    }

    /// Reads a truth value.
    pub(crate) fn bool(&mut self) -> Result<bool> {
        self.skip_space();
        match self.byte() {
            Some(b't') => self.word("true").map(|()| true),
            Some(b'f') => self.word("false").map(|()| false),
            _ => Err(self.expected("a boolean")),
        }
    }

    /// Reads `null`.
    pub(crate) fn null(&mut self) -> Result<()> {
        self.skip_space();
        self.word("null")
    }

    /// Steps over a value, whatever it is, and checks that it is one. Depth costs a bit for each level.
    pub(crate) fn skip_value(&mut self) -> Result<()> {
        // Of each open level, whether it is an object.
        let mut open: Vec<bool> = Vec::new();
        let mut is_first = true;
        loop {
            let is_value = match open.last() {
                None => true,
                Some(true) => self.next_key(&mut is_first)?.is_some(),
                Some(false) => self.next_item(&mut is_first)?,
            };
            if !is_value {
                open.pop();
                is_first = false;
            } else {
                match self.kind()? {
                    Kind::Object => {
                        self.begin_object()?;
                        open.push(true);
                        is_first = true;
                        continue;
                    }
                    Kind::Array => {
                        self.begin_array()?;
                        open.push(false);
                        is_first = true;
                        continue;
                    }
                    Kind::String => drop(self.string()?),
                    Kind::Number => drop(self.number()?),
                    Kind::Bool => drop(self.bool()?),
                    Kind::Null => self.null()?,
                }
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }
}

/// Appends a float of 32 bits: the shortest decimal that reads back as the same, or a word.
pub(crate) fn put_f32(out: &mut Vec<u8>, value: f32) {
    let text = if value.is_nan() {
        "NaN"
    } else if value == f32::INFINITY {
        "Infinity"
    } else if value == f32::NEG_INFINITY {
        "-Infinity"
    } else {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
        return;
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends a text with its quotes.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            control if u32::from(control) < 0x20 => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            plain => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
