//! Generation, one token at a time.

use std::sync::Arc;

use crate::{KvCache, LanguageError, LanguageModel, Sampler, Sampling};

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

/// New tokens, one after the other: `for token in generation`. Each is computed when it is asked for.
#[derive(Debug)]
pub struct Generation {
    model: Arc<LanguageModel>,
    cache: KvCache,
    sampler: Sampler,
    logits: Vec<f32>,
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
        let sampler = Sampler::new(sampling)?;
        let mut cache = model.cache();
        let logits = model.extend(&mut cache, prompt)?;
        let mut stop = limits.stop;
        stop.extend(&model.shape().eos_tokens);
        let left = limits.max_tokens.unwrap_or(usize::MAX);
        Ok(Self { model, cache, sampler, logits, stop, left, finish: None })
    }

    /// Returns why it ended, once it has.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    fn step(&mut self) -> Result<Option<u32>, LanguageError> {
        if self.left == 0 {
            self.finish = Some(Finish::Length);
            return Ok(None);
        }
        let token = self.sampler.choose(&self.logits)?;
        if self.stop.contains(&token) {
            self.finish = Some(Finish::Stop);
            return Ok(None);
        }
        self.left -= 1;
        if self.cache.len() == self.model.network().rotation.positions() {
            // This token is the last: there is no position to compute another from.
            self.left = 0;
        } else if self.left > 0 {
            self.logits = self.model.extend(&mut self.cache, &[token])?;
        }
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
