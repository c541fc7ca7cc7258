//! How well a text was foreseen.

use crate::{TextModel, TextModelError};

/// How well a text was foreseen, each of its tokens from those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TextScore {
    /// How many tokens were foreseen: all but the first, which is the one that begins a text where there is one.
    pub num_tokens: u64,
    /// The sum of the negative logarithms of their probabilities, in nats.
    pub negative_log_likelihood: f64,
    /// How many of them were the likeliest.
    pub num_likeliest: u64,
    /// How many bytes of text they stand for.
    pub num_bytes: u64,
}

impl TextModel {
    /// Scores the tokens of a text, as [`documents`](Self::documents) gives them.
    ///
    /// A text longer than the model's positions is scored in pieces; the first token of each is foreseen from the last of
    /// the piece before.
    ///
    /// # Errors
    ///
    /// [`TextModelError`] for a token that the model does not know, or a tokenizer that cannot decode.
    pub fn score(&self, tokens: &[u32]) -> Result<TextScore, TextModelError> {
        let mut score = TextScore::default();
        let Some(foreseen) = tokens.get(1..).filter(|foreseen| !foreseen.is_empty()) else {
            return Ok(score);
        };
        let positions = self.model().shape().max_positions;
        for start in (0..foreseen.len()).step_by(positions) {
            let end = (start + positions).min(foreseen.len());
            for loss in self.model().losses(&tokens[start..=end])? {
                score.num_tokens += 1;
                score.negative_log_likelihood += f64::from(loss.loss);
                score.num_likeliest += u64::from(loss.is_likeliest);
            }
        }
        let decode = |error| TextModelError::Decode { source: error };
        score.num_bytes = self.tokenizer().decode(foreseen, true).map_err(decode)?.len() as u64;
        Ok(score)
    }
}
