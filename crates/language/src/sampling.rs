//! Choosing the next token.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::LanguageError;

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What logits are divided by: below 1 likelier, above 1 more surprising; 0 takes the likeliest.
    pub temperature: f32,
    /// Only so many of the likeliest tokens may be chosen.
    pub top_k: Option<usize>,
    /// Only the likeliest tokens that together have this probability may be chosen.
    pub top_p: f32,
    /// What is taken off the logit of every token that was chosen before, -2 to 2.
    pub presence_penalty: f32,
    /// What is taken off it for each time, -2 to 2.
    pub frequency_penalty: f32,
    /// The same seed gives the same text.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: 0,
        }
    }
}

/// Chooses tokens, one after the other.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    order: Vec<(f32, u32)>,
    /// How often each token was chosen, where that counts.
    chosen: BTreeMap<u32, u32>,
}

impl Sampler {
    /// Returns a sampler.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Sampling`] for an option that makes no sense.
    pub fn new(sampling: Sampling) -> Result<Self, LanguageError> {
        let wrong =
            |key, value: f64, expected| Err(LanguageError::Sampling { key, value, expected });
        if !(sampling.temperature >= 0.0 && sampling.temperature.is_finite()) {
            return wrong("temperature", sampling.temperature.into(), "0 or more");
        }
        if sampling.top_k == Some(0) {
            return wrong("top_k", 0.0, "1 or more");
        }
        if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
            return wrong("top_p", sampling.top_p.into(), "above 0, at most 1");
        }
        for (key, penalty) in [
            ("presence_penalty", sampling.presence_penalty),
            ("frequency_penalty", sampling.frequency_penalty),
        ] {
            if !(-2.0..=2.0).contains(&penalty) {
                return wrong(key, penalty.into(), "-2 to 2");
            }
        }
        let random = ChaCha8Rng::seed_from_u64(sampling.seed);
        Ok(Self { sampling, random, order: Vec::new(), chosen: BTreeMap::new() })
    }

    /// Chooses a token by its logits: penalties first, then temperature, then `top_k`, then `top_p`, as HuggingFace does.
    ///
    /// # Errors
    ///
    /// [`LanguageError::NotFinite`] when a logit is NaN or infinite.
    pub fn choose(&mut self, logits: &[f32]) -> Result<u32, LanguageError> {
        if logits.is_empty() || !logits.iter().all(|logit| logit.is_finite()) {
            return Err(LanguageError::NotFinite);
        }
        self.order.clear();
        self.order.extend(logits.iter().copied().zip(0..));
        for (token, count) in &self.chosen {
            let Some((logit, _)) = self.order.get_mut(*token as usize) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "texts are shorter than 2^24 tokens")]
            let of_count = self.sampling.frequency_penalty * *count as f32;
            *logit -= self.sampling.presence_penalty + of_count;
        }
        let token = self.draw();
        if self.sampling.presence_penalty != 0.0 || self.sampling.frequency_penalty != 0.0 {
            *self.chosen.entry(token).or_default() += 1;
        }
        Ok(token)
    }

    /// Draws one of the tokens in `order`, which are all of them, by their logits.
    fn draw(&mut self) -> u32 {
        // The likeliest first, and of equals the first.
        let likelier = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if self.sampling.temperature <= 0.0 {
            return self.order.iter().copied().min_by(likelier).map_or(0, |(_, token)| token);
        }
        if let Some(k) = self.sampling.top_k.filter(|k| *k < self.order.len()) {
            self.order.select_nth_unstable_by(k - 1, likelier);
            self.order.truncate(k);
        }
        self.order.sort_unstable_by(likelier);
        let temperature = f64::from(self.sampling.temperature);
        let largest = f64::from(self.order[0].0);
        let weight = |logit: f32| ((f64::from(logit) - largest) / temperature).exp();
        let total: f64 = self.order.iter().map(|(logit, _)| weight(*logit)).sum();
        let mut kept = self.order.len();
        if self.sampling.top_p < 1.0 {
            let (mut sum, limit) = (0.0, f64::from(self.sampling.top_p) * total);
            let reached = self.order.iter().position(|(logit, _)| {
                sum += weight(*logit);
                sum >= limit
            });
            kept = reached.map_or(kept, |place| place + 1);
        }
        let kept = &self.order[..kept];
        let total: f64 = kept.iter().map(|(logit, _)| weight(*logit)).sum();
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let mut rest = (self.random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0 * total;
        for (logit, token) in kept {
            rest -= weight(*logit);
            if rest < 0.0 {
                return *token;
            }
        }
        kept[kept.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sampling: Sampling, logits: &[f32]) -> Vec<usize> {
        let mut sampler = Sampler::new(sampling).expect("the options make sense");
        let mut counts = vec![0; logits.len()];
        for _ in 0..4000 {
            counts[sampler.choose(logits).expect("finite") as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_come_as_often_as_their_probabilities_say() {
        // 1 : 2 : 5
        let logits = [1.0_f32.ln(), 2.0_f32.ln(), 5.0_f32.ln()];
        let all = counts(Sampling::default(), &logits);
        assert!((400..600).contains(&all[0]) && (2300..2700).contains(&all[2]), "{all:?}");
        let two = counts(Sampling { top_k: Some(2), ..Sampling::default() }, &logits);
        assert!(two[0] == 0 && (1000..1300).contains(&two[1]), "{two:?}");
        // 5/8 is not yet 0.7, 7/8 is.
        let nucleus = counts(Sampling { top_p: 0.7, ..Sampling::default() }, &logits);
        assert!(nucleus[0] == 0 && nucleus[1] > 0, "{nucleus:?}");
        let cold = counts(Sampling { temperature: 0.5, ..Sampling::default() }, &logits);
        // 1 : 4 : 25
        assert!((80..190).contains(&cold[0]), "{cold:?}");
        let greedy = counts(Sampling { temperature: 0.0, ..Sampling::default() }, &logits);
        assert_eq!(greedy, [0, 0, 4000]);
    }

    #[test]
    fn the_same_seed_chooses_the_same() {
        let draw = |seed| {
            let mut sampler = Sampler::new(Sampling { seed, ..Sampling::default() }).expect("fine");
            (0..20).map(|_| sampler.choose(&[0.0; 50]).expect("finite")).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn penalties_make_room_for_others() {
        let first = |presence_penalty, frequency_penalty| {
            let sampling = Sampling {
                temperature: 0.0,
                presence_penalty,
                frequency_penalty,
                ..Sampling::default()
            };
            let mut sampler = Sampler::new(sampling).expect("the options make sense");
            let logits = [1.0, 0.8, 0.0];
            (0..5).map(|_| sampler.choose(&logits).expect("finite")).collect::<Vec<_>>()
        };
        assert_eq!(first(0.0, 0.0), [0; 5]);
        // Each once, then the likeliest for ever.
        assert_eq!(first(2.0, 0.0), [0, 1, 2, 0, 0]);
        assert_eq!(first(0.0, 0.5), [0, 1, 0, 1, 0]);
        assert_eq!(first(0.0, -1.0), [0; 5]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let bad = [
            Sampling { temperature: f32::NAN, ..Sampling::default() },
            Sampling { temperature: -1.0, ..Sampling::default() },
            Sampling { top_k: Some(0), ..Sampling::default() },
            Sampling { top_p: 0.0, ..Sampling::default() },
            Sampling { presence_penalty: 2.5, ..Sampling::default() },
            Sampling { frequency_penalty: f32::NAN, ..Sampling::default() },
        ];
        for sampling in bad {
            assert!(Sampler::new(sampling).is_err(), "{sampling:?}");
        }
        let mut sampler = Sampler::new(Sampling::default()).expect("fine");
        assert!(matches!(sampler.choose(&[0.0, f32::NAN]), Err(LanguageError::NotFinite)));
    }
}
