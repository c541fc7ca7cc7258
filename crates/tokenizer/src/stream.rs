//! Text as its tokens come.

use crate::{Tokenizer, TokenizerError};

/// How many tokens are looked back at in the end; more than any decoder needs to know what came before.
const KEPT: usize = 32;
/// When older ones are forgotten.
const MOST: usize = 128;

/// What stands for bytes that are no text, or none yet.
const REPLACEMENT: char = '\u{fffd}';

/// Decodes token by token: each gives the text that is certain now, and never a part of a character.
///
/// All that is given, [`finish`](Self::finish) included, is together what [`Tokenizer::decode`] makes of all tokens;
/// but where named bytes (`<0xE4>`) that were text turn out to belong to some that are none, these alone are replaced.
#[derive(Clone, Debug)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skips_special: bool,
    /// The last tokens.
    window: Vec<u32>,
    /// How many bytes of the window's text were given.
    given: usize,
}

impl DecodeStream {
    /// Returns a stream before its first token.
    pub fn new(tokenizer: Tokenizer, skips_special: bool) -> Self {
        Self { tokenizer, skips_special, window: Vec::new(), given: 0 }
    }

    /// Takes a token, and returns what text is certain now, which may be none.
    ///
    /// # Errors
    ///
    /// [`TokenizerError::Decoder`] where the file's decoder is not known here.
    pub fn push(&mut self, id: u32) -> Result<String, TokenizerError> {
        self.window.push(id);
        let text = self.tokenizer.decode(&self.window, self.skips_special)?;
        // What ends in a replacement may be the beginning of a character.
        let certain = text.trim_end_matches(REPLACEMENT).len();
        let new = self.give(&text, certain);
        if self.window.len() > MOST && certain == text.len() {
            self.window.drain(..self.window.len() - KEPT);
            self.given = self.tokenizer.decode(&self.window, self.skips_special)?.len();
        }
        Ok(new)
    }

    /// Returns the rest, of which no more will come.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(&mut self) -> Result<String, TokenizerError> {
        let text = self.tokenizer.decode(&self.window, self.skips_special)?;
        Ok(self.give(&text, text.len()))
    }

    fn give(&mut self, text: &str, end: usize) -> String {
        if end <= self.given {
            return String::new();
        }
        // Always at a character but in the case that is told of above.
        let start = (self.given..end).find(|place| text.is_char_boundary(*place)).unwrap_or(end);
        self.given = end;
        text[start..end].to_owned()
    }
}
