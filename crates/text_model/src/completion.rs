//! New text behind a prompt, a token at a time.

use std::sync::Arc;

use language::{Finish, Generation, Likelihood, Limits, Prompt, Sampling};
use tokenizer::{DecodeStream, TokenizerError};

use crate::stop::StopFinder;
use crate::{TextModel, TextModelError};

/// What follows a prompt, and how far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionOptions {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// At most so many new tokens; without it, as many as the model has positions for.
    pub max_tokens: Option<usize>,
    /// Texts that end the text; they are not given out.
    pub stop: Vec<String>,
    /// Says how likely each token was, and so many of the likeliest.
    pub num_top: Option<usize>,
}

/// What a new token brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// The text that is certain now. It may be empty: a part of a character, or of a text that would end the text.
    pub text: String,
    /// The token; nothing of what comes at the end without one.
    pub token: Option<NewToken>,
}

/// A new token.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToken {
    /// Its id.
    pub id: u32,
    /// How likely it was, if that was asked for.
    pub likelihood: Option<Likelihood>,
}

/// New text, piece by piece: `for piece in completion`. Each is computed when it is asked for.
#[derive(Debug)]
pub struct Completion {
    generation: Generation,
    stream: DecodeStream,
    stop: StopFinder,
    num_top: Option<usize>,
    num_tokens: usize,
    finish: Option<Finish>,
}

impl TextModel {
    /// Takes the tokens of a prompt in. Nothing where `is_unwanted` says so meanwhile.
    ///
    /// # Errors
    ///
    /// [`TextModelError::Language`] for no tokens, unknown ones, or more than the model has positions for.
    pub fn prompt(
        &self,
        tokens: &[u32],
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<Option<Prompt>, TextModelError> {
        Ok(Prompt::new(Arc::clone(self.model()), tokens, is_unwanted)?)
    }

    /// Returns what follows a prompt.
    ///
    /// # Errors
    ///
    /// [`TextModelError::Language`] for options that make no sense.
    pub fn complete(
        &self,
        prompt: Prompt,
        options: CompletionOptions,
    ) -> Result<Completion, TextModelError> {
        let CompletionOptions { sampling, max_tokens, stop, num_top } = options;
        let limits = Limits { max_tokens, stop: Vec::new() };
        Ok(Completion {
            generation: Generation::after(prompt, sampling, limits)?,
            stream: DecodeStream::new(self.tokenizer().clone(), true),
            stop: StopFinder::new(stop),
            num_top,
            num_tokens: 0,
            finish: None,
        })
    }
}

impl Completion {
    /// Returns why it ended, once it has.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// Returns how many tokens it has so far.
    pub fn num_tokens(&self) -> usize {
        self.num_tokens
    }

    fn step(&mut self) -> Result<Option<Piece>, TextModelError> {
        let decode = |source: TokenizerError| TextModelError::Decode { source };
        match self.generation.next().transpose()? {
            Some(id) => {
                self.num_tokens += 1;
                let of = |num_top| Likelihood::of(self.generation.logits(), id, num_top);
                let likelihood = self.num_top.map(of);
                let (text, is_end) = self.stop.push(&self.stream.push(id).map_err(decode)?);
                if is_end {
                    self.finish = Some(Finish::Stop);
                }
                Ok(Some(Piece { text, token: Some(NewToken { id, likelihood }) }))
            }
            None => {
                self.finish = self.generation.finish();
                let (mut text, is_end) = self.stop.push(&self.stream.finish().map_err(decode)?);
                if is_end {
                    self.finish = Some(Finish::Stop);
                } else {
                    text.push_str(&self.stop.finish());
                }
                Ok((!text.is_empty()).then_some(Piece { text, token: None }))
            }
        }
    }
}

impl Iterator for Completion {
    type Item = Result<Piece, TextModelError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finish.is_some() {
            return None;
        }
        let piece = self.step();
        if piece.is_err() {
            self.finish = Some(Finish::Stop);
        }
        piece.transpose()
    }
}
