//! The most probable tokens of a text, each with a probability of its own.

use std::collections::HashMap;

use crate::TokenizerError;
use crate::byte_pairs::bytes;

pub(crate) struct Unigram {
    ids: HashMap<String, u32>,
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    has_bytes: bool,
    /// The bytes of the longest token.
    longest: usize,
    /// Tokens whose text another one has, too, that is used instead.
    twice: Vec<(u32, String)>,
}

/// What an unknown character costs more than the least probable token.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Best {
    id: u32,
    score: f64,
    start: Option<usize>,
}

impl Unigram {
    pub(crate) fn new(
        vocab: Vec<(String, f64)>,
        unknown: Option<usize>,
        has_bytes: bool,
    ) -> Result<Self, TokenizerError> {
        let part = |reason| TokenizerError::Part { part: "model.unk_id", reason };
        let unknown =
            unknown.ok_or(part("it is not given, so that unknown texts have no tokens"))?;
        let unknown = u32::try_from(unknown).ok().filter(|id| (*id as usize) < vocab.len());
        let unknown = unknown.ok_or(part("it is not in the vocabulary"))?;
        if vocab.iter().any(|(_, score)| score.is_nan()) {
            return Err(TokenizerError::Part { part: "model.vocab", reason: "a score is NaN" });
        }
        let scores: Vec<f64> = vocab.iter().map(|(_, score)| *score).collect();
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = vocab.iter().map(|(token, _)| token.len()).max().unwrap_or(0);
        // Of a token that is there twice the last one counts.
        let (mut ids, mut twice) = (HashMap::with_capacity(vocab.len()), Vec::new());
        for (id, (token, _)) in (0..).zip(vocab) {
            if let Some(before) = ids.insert(token.clone(), id) {
                twice.push((before, token));
            }
        }
        let unknown_score = least - UNKNOWN_PENALTY;
        Ok(Self { ids, scores, unknown, unknown_score, has_bytes, longest, twice })
    }

    pub(crate) fn ids(&self) -> &HashMap<String, u32> {
        &self.ids
    }

    /// Returns the tokens that are there and never used, because another one has their text.
    pub(crate) fn twice(&self) -> &[(u32, String)] {
        &self.twice
    }

    /// Returns the greatest id.
    pub(crate) fn most(&self) -> u32 {
        u32::try_from(self.scores.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    pub(crate) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        let best = self.best(text);
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        let (mut end, mut is_unknown_behind) = (text.len(), false);
        while let Some(start) = best[end].start.filter(|_| end > 0) {
            let is_unknown = best[end].id == self.unknown;
            // Unknown ones that follow each other are one.
            match ranges.last_mut() {
                Some(behind) if is_unknown && is_unknown_behind => behind.0 = start,
                _ => ranges.push((start, end)),
            }
            (end, is_unknown_behind) = (start, is_unknown);
        }
        for (start, end) in ranges.into_iter().rev() {
            let token = &text[start..end];
            match self.ids.get(token) {
                Some(id) => ids.push(*id),
                None => match self.has_bytes.then(|| bytes(token, &self.ids)).flatten() {
                    Some(bytes) => ids.extend(bytes),
                    None => ids.push(self.unknown),
                },
            }
        }
    }

    /// Returns the best way to each place.
    fn best(&self, text: &str) -> Vec<Best> {
        let mut best = vec![Best { id: 0, score: 0.0, start: None }; text.len() + 1];
        let reach = |target: &mut Best, score: f64, start: usize, id: u32| {
            if target.start.is_none() || score > target.score {
                *target = Best { id, score, start: Some(start) };
            }
        };
        for (start, first) in text.char_indices() {
            let here = best[start].score;
            let rest = &text[start..];
            let mut has_first = false;
            for (at, c) in rest.char_indices() {
                let length = at + c.len_utf8();
                if length > self.longest {
                    break;
                }
                if let Some(id) = self.ids.get(&rest[..length]) {
                    let score = self.scores[*id as usize] + here;
                    reach(&mut best[start + length], score, start, *id);
                    has_first |= at == 0;
                }
            }
            if !has_first {
                let end = start + first.len_utf8();
                reach(&mut best[end], self.unknown_score + here, start, self.unknown);
            }
        }
        best
    }
}
