//! The thread that generates.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use language::{Finish, Likelihood};
use text_model::TextModel;

use super::request::{Asked, Prompt};
use super::slots::Slot;
use super::{Problem, count};
use crate::entry::Entry;
use crate::failure::Code;
use crate::version::Version;

/// A token that is told of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TokenTold {
    /// Its text, or its bytes where they are no text by themselves.
    pub(crate) text: String,
    /// How many characters it adds.
    pub(crate) num_chars: usize,
    /// The logarithm of its probability; nothing of the first one of a text.
    pub(crate) log_probability: Option<f32>,
    /// The likeliest tokens there, if they were asked for.
    pub(crate) top: Option<Vec<(String, f32)>>,
}

/// What is told while a text is generated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// New text of a choice.
    Text {
        choice: usize,
        text: String,
        /// The tokens that came, where their probabilities were asked for.
        tokens: Option<Vec<TokenTold>>,
        finish: Option<&'static str>,
    },
    /// How much it was; the last that is told.
    Usage(Usage),
}

/// How many tokens there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: usize,
    pub(crate) new: usize,
}

/// A request with all that it needs.
pub(crate) struct Work {
    pub(crate) asked: Asked,
    pub(crate) version: Arc<Version>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) seed: u64,
    /// The most tokens of one text that the server allows.
    pub(crate) max_tokens: Option<usize>,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
    pub(crate) _slot: Slot,
}

/// A request whose prompts are tokens that the model can go on from.
pub(crate) struct Prepared {
    work: Work,
    text: Arc<TextModel>,
    /// Tokens, the text of the prompt, and how many tokens may follow.
    prompts: Vec<(Vec<u32>, String, usize)>,
}

impl Work {
    /// Makes tokens of the prompts, and looks whether the model can do what is asked.
    pub(crate) fn prepare(self) -> Result<Prepared, Problem> {
        let Some(text) = self.version.text.clone() else {
            return Err(Problem::no_language_model(&self.entry.name));
        };
        let shape = text.model().shape();
        let most = self.max_tokens.unwrap_or(usize::MAX);
        if self.asked.is_max_said && self.asked.max_tokens > most {
            let message = format!(
                "`max_tokens` is {}, expected at most {most} on this server",
                self.asked.max_tokens
            );
            return Err(Problem::of("max_tokens", message));
        }
        let mut prompts = Vec::with_capacity(self.asked.prompts.len());
        for prompt in &self.asked.prompts {
            let (tokens, shown) = match prompt {
                Prompt::Text(prompt) => (text.encode(prompt)?, prompt.clone()),
                Prompt::Tokens(tokens) => {
                    if let Some(token) =
                        tokens.iter().find(|token| **token as usize >= shape.vocab_size)
                    {
                        let message = format!(
                            "`prompt` has the token id {token}, the model knows those below {}",
                            shape.vocab_size
                        );
                        return Err(Problem::of("prompt", message));
                    }
                    (tokens.clone(), decode(&text, tokens)?)
                }
            };
            let room = (shape.max_positions + 1).saturating_sub(tokens.len());
            let wanted = self.asked.max_tokens.min(most);
            let is_too_long = room == 0 || (self.asked.is_max_said && wanted > room);
            if is_too_long {
                return Err(Problem::too_long(shape.max_positions, tokens.len(), wanted));
            }
            prompts.push((tokens, shown, wanted.min(room)));
        }
        Ok(Prepared { work: self, text, prompts })
    }
}

impl Prepared {
    /// Generates all texts, and tells of each token; ends where nobody wants to hear it or it takes too long.
    pub(crate) fn run(
        self,
        tell: &mut dyn FnMut(Told) -> bool,
        is_gone: &dyn Fn() -> bool,
    ) -> Result<Usage, Problem> {
        let begun = Instant::now();
        let mut usage = Usage::default();
        let result = self.texts(tell, is_gone, &mut usage);
        let metrics = &self.work.entry.slots.metrics;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        metrics.generation_micros.fetch_add(took, Ordering::Relaxed);
        metrics.new_tokens.fetch_add(usage.new as u64, Ordering::Relaxed);
        metrics.prompt_tokens.fetch_add(usage.prompt as u64, Ordering::Relaxed);
        match &result {
            Ok(()) => count(&self.work, Code::Ok),
            // Of an answer that is no stream, others count what it was refused for; nobody counts who is gone.
            Err(problem) if self.work.asked.stream || problem.code() == Code::Cancelled => {
                count(&self.work, problem.code());
            }
            Err(_) => {}
        }
        result.map(|()| usage)
    }

    fn texts(
        &self,
        tell: &mut dyn FnMut(Told) -> bool,
        is_gone: &dyn Fn() -> bool,
        usage: &mut Usage,
    ) -> Result<(), Problem> {
        let (asked, text) = (&self.work.asked, &self.text);
        let deadline = self.work.deadline;
        let is_unwanted = || is_gone() || Instant::now() >= deadline;
        let ended = || if is_gone() { Problem::cancelled() } else { Problem::late() };
        let mut is_first = true;
        for (place, (tokens, shown, max_tokens)) in self.prompts.iter().enumerate() {
            usage.prompt += tokens.len();
            let echoed = match asked.echo {
                true => Some(self.echo(tokens, shown)?),
                false => None,
            };
            let prompt = match max_tokens {
                0 => None,
                _ => Some(text.prompt(tokens, &is_unwanted)?.ok_or_else(ended)?),
            };
            for n in 0..asked.n {
                let choice = place * asked.n + n;
                if let Some((text, tokens)) = &echoed {
                    let (text, tokens) = (text.clone(), tokens.clone());
                    if !tell(Told::Text { choice, text, tokens, finish: None }) {
                        return Err(Problem::cancelled());
                    }
                }
                let Some(prompt) = prompt.clone() else {
                    let finish = Some("length");
                    let tokens = asked.logprobs.map(|_| Vec::new());
                    if !tell(Told::Text { choice, text: String::new(), tokens, finish }) {
                        return Err(Problem::cancelled());
                    }
                    continue;
                };
                let options = asked.options(self.work.seed, choice as u64, *max_tokens);
                let mut completion = text.complete(prompt, options)?;
                while let Some(piece) = completion.next() {
                    let piece = piece?;
                    if is_unwanted() {
                        usage.new += completion.num_tokens();
                        return Err(ended());
                    }
                    if std::mem::take(&mut is_first) {
                        self.count_first();
                    }
                    let tokens = match (asked.logprobs, &piece.token) {
                        (Some(_), Some(token)) => {
                            let of = |it: &Likelihood| self.told(it, it.token);
                            Some(token.likelihood.iter().map(of).collect::<Result<_, _>>()?)
                        }
                        (Some(_), None) => Some(Vec::new()),
                        (None, _) => None,
                    };
                    let is_empty =
                        piece.text.is_empty() && tokens.as_ref().is_none_or(Vec::is_empty);
                    let told = Told::Text { choice, text: piece.text, tokens, finish: None };
                    if !is_empty && !tell(told) {
                        usage.new += completion.num_tokens();
                        return Err(Problem::cancelled());
                    }
                }
                usage.new += completion.num_tokens();
                let finish = Some(match completion.finish() {
                    Some(Finish::Stop) => "stop",
                    _ => "length",
                });
                let tokens = asked.logprobs.map(|_| Vec::new());
                if !tell(Told::Text { choice, text: String::new(), tokens, finish }) {
                    return Err(Problem::cancelled());
                }
            }
        }
        Ok(())
    }

    /// Returns the text of a prompt, and its tokens where their probabilities are asked for.
    fn echo(
        &self,
        tokens: &[u32],
        shown: &str,
    ) -> Result<(String, Option<Vec<TokenTold>>), Problem> {
        let Some(num_top) = self.work.asked.logprobs else { return Ok((shown.to_owned(), None)) };
        let model = self.text.model();
        let found = model.likelihoods(tokens, num_top);
        let found = found.map_err(text_model::TextModelError::from)?;
        let mut told = Vec::with_capacity(tokens.len());
        if let Some(first) = tokens.first() {
            let (text, num_chars) = self.shown(*first)?;
            told.push(TokenTold { text, num_chars, log_probability: None, top: None });
        }
        for likelihood in &found {
            told.push(self.told(likelihood, likelihood.token)?);
        }
        Ok((shown.to_owned(), Some(told)))
    }

    fn told(&self, likelihood: &Likelihood, token: u32) -> Result<TokenTold, Problem> {
        let (text, num_chars) = self.shown(token)?;
        let top = likelihood.top.iter().map(|(token, log)| Ok((self.shown(*token)?.0, *log)));
        let top: Vec<_> = top.collect::<Result<_, Problem>>()?;
        let log_probability = Some(likelihood.log_probability);
        let top = (!top.is_empty()).then_some(top);
        Ok(TokenTold { text, num_chars, log_probability, top })
    }

    /// Returns a token as it is shown, and how many characters of text it is.
    fn shown(&self, token: u32) -> Result<(String, usize), Problem> {
        let tokenizer = self.text.tokenizer();
        let bytes = tokenizer.bytes(token);
        let bytes = bytes.map_err(|source| text_model::TextModelError::Decode { source })?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => {
                // Special tokens are no text.
                let is_special = self.text.boundary() == Some(token);
                let num_chars = if is_special { 0 } else { text.chars().count() };
                (text, num_chars)
            }
            Err(error) => {
                let bytes = error.as_bytes().iter().map(|byte| format!("\\x{byte:02x}"));
                (format!("bytes:{}", bytes.collect::<String>()), 0)
            }
        })
    }

    fn count_first(&self) {
        let metrics = &self.work.entry.slots.metrics;
        let took = u64::try_from(self.work.arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        metrics.first_token_micros.fetch_add(took, Ordering::Relaxed);
        metrics.first_tokens.fetch_add(1, Ordering::Relaxed);
    }
}

fn decode(text: &TextModel, tokens: &[u32]) -> Result<String, Problem> {
    let decoded = text.tokenizer().decode(tokens, true);
    Ok(decoded.map_err(|source| text_model::TextModelError::Decode { source })?)
}
