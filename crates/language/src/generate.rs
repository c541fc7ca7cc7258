//! Generation, one token at a time.

use std::sync::Arc;

use crate::{KvCache, LanguageError, LanguageModel, Sampler, Sampling};

/// How many tokens of a prompt are taken in at a time, so that whoever waits can change their mind.
const PIECE: usize = 256;

/// When a generation ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// At most so many new tokens; without it, as many as the model has positions for.
    pub max_tokens: Option<usize>,
    /// Tokens that end a text, besides the model's own.
    pub stop: Vec<u32>,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// A token that ends a text was chosen; it is not given out.
    Stop,
    /// As many tokens as were asked for, or as the model has positions for.
    Length,
}

/// A prompt that was taken in: several generations can go on from it.
#[derive(Clone, Debug)]
pub struct Prompt {
    model: Arc<LanguageModel>,
    cache: KvCache,
    logits: Vec<f32>,
}

impl Prompt {
    /// Takes the tokens of a prompt in, a piece after the other. Nothing where `is_unwanted` says so between two.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] for an empty prompt, one with unknown tokens or longer than the model's positions.
    pub fn new(
        model: Arc<LanguageModel>,
        tokens: &[u32],
        is_unwanted: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, LanguageError> {
        // Before any work, what would be found after some of it.
        model.check(0, tokens)?;
        let mut cache = model.cache();
        let mut logits = Err(LanguageError::EmptyPrompt);
        for piece in tokens.chunks(PIECE) {
            if is_unwanted() {
                return Ok(None);
            }
            logits = Ok(model.extend(&mut cache, piece)?);
        }
        Ok(Some(Self { model, cache, logits: logits? }))
    }

    /// Returns how many tokens it has.
    pub fn num_tokens(&self) -> usize {
        self.cache.len()
    }
}

/// New tokens, one after the other: `for token in generation`. Each is computed when it is asked for.
#[derive(Debug)]
pub struct Generation {
    model: Arc<LanguageModel>,
    cache: KvCache,
    sampler: Sampler,
    logits: Vec<f32>,
    /// The token that was given out last, which the cache has not seen.
    last: Option<u32>,
    stop: Vec<u32>,
    left: usize,
    finish: Option<Finish>,
}

impl Generation {
    /// Takes a prompt in, and returns what follows it.
    ///
    /// # Errors
    ///
    /// [`LanguageError`] for an empty prompt, one with unknown tokens or longer than the model's positions, and
    /// for options that make no sense.
    pub fn new(
        model: Arc<LanguageModel>,
        prompt: &[u32],
        sampling: Sampling,
        limits: Limits,
    ) -> Result<Self, LanguageError> {
        let prompt = Prompt::new(model, prompt, &|| false)?.ok_or(LanguageError::EmptyPrompt)?;
        Self::after(prompt, sampling, limits)
    }

    /// Returns what follows a prompt.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Sampling`] for options that make no sense.
    pub fn after(
        prompt: Prompt,
        sampling: Sampling,
        limits: Limits,
    ) -> Result<Self, LanguageError> {
        let sampler = Sampler::new(sampling)?;
        let Prompt { model, cache, logits } = prompt;
        let mut stop = limits.stop;
        stop.extend(&model.shape().eos_tokens);
        let left = limits.max_tokens.unwrap_or(usize::MAX);
        Ok(Self { model, cache, sampler, logits, last: None, stop, left, finish: None })
    }

    /// Returns why it ended, once it has.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// Returns the logits that the last token was chosen by, before temperature and penalties.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    fn step(&mut self) -> Result<Option<u32>, LanguageError> {
        // Behind the last position nothing can be computed.
        let is_full = self.cache.len() == self.model.network().rotation.positions();
        if self.left == 0 || (self.last.is_some() && is_full) {
            self.finish = Some(Finish::Length);
            return Ok(None);
        }
        if let Some(last) = self.last.take() {
            self.logits = self.model.extend(&mut self.cache, &[last])?;
        }
        let token = self.sampler.choose(&self.logits)?;
        if self.stop.contains(&token) {
            self.finish = Some(Finish::Stop);
            return Ok(None);
        }
        self.left -= 1;
        self.last = Some(token);
        Ok(Some(token))
    }
}

impl Iterator for Generation {
    type Item = Result<u32, LanguageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finish.is_some() {
            return None;
        }
        let token = self.step();
        if token.is_err() {
            self.finish = Some(Finish::Stop);
        }
        token.transpose()
    }
}
