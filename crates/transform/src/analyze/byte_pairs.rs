//! The vocabulary of byte pair encoding, from how often each word occurs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// Words that are longer would take longer than all others together, and no language has them.
const LONGEST_WORD: usize = 1000;

/// Two neighbouring tokens, by their ids.
type Pair = (u32, u32);

/// Returns the tokens that some words are best made of, at most `vocab_size` but all that stand for one byte.
///
/// Words are as [`graph::ListOp::ByteWords`] gives them, each once, with how often it occurs; their order does not
/// show. Again and again the most frequent pair of neighbouring tokens becomes a token; of equally frequent ones that
/// of the lower ids. Memory and time grow with the distinct words, time with the tokens learned too.
///
/// # Source
///
/// `BpeTrainer` of HuggingFace's tokenizers.
pub(crate) fn learn_byte_pairs(words: &[(String, u64)], vocab_size: usize) -> Vec<String> {
    let mut tokens = graph::byte_tokens();
    let mut ids: HashMap<String, u32> = HashMap::new();
    for (id, token) in (0..).zip(&tokens) {
        ids.insert(token.clone(), id);
    }
    let mut learner = Learner::new(words, &ids);
    while tokens.len() < vocab_size {
        let Some((left, right)) = learner.most_frequent() else { break };
        let token = format!("{}{}", tokens[left as usize], tokens[right as usize]);
        let Ok(next) = u32::try_from(tokens.len()) else { break };
        // Two pairs may make one token.
        let id = *ids.entry(token.clone()).or_insert(next);
        if id == next {
            tokens.push(token);
        }
        learner.join((left, right), id);
    }
    tokens
}

/// Words in the tokens so far, and how often which of these are neighbours.
struct Learner {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    /// The words that each pair is in, or was.
    places: HashMap<Pair, BTreeSet<usize>>,
    /// Pairs by how often they occurred when they were put here.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Learner {
    fn new(words: &[(String, u64)], ids: &HashMap<String, u32>) -> Self {
        let mut learner = Self {
            words: Vec::new(),
            counts: HashMap::new(),
            places: HashMap::new(),
            queue: BinaryHeap::new(),
        };
        let mut bytes = [0; 4];
        for (word, count) in words.iter().filter(|(word, _)| word.chars().count() <= LONGEST_WORD) {
            let ids = word.chars().filter_map(|c| ids.get(&*c.encode_utf8(&mut bytes)).copied());
            learner.words.push((ids.collect(), *count));
        }
        let mut pairs = BTreeSet::new();
        for place in 0..learner.words.len() {
            learner.count(place, &mut pairs);
        }
        learner.put(pairs);
        learner
    }

    /// Counts the pairs of a word, and adds them to those that are new or more frequent now.
    fn count(&mut self, place: usize, pairs: &mut BTreeSet<Pair>) {
        let (word, times) = &self.words[place];
        for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
            *self.counts.entry(pair).or_default() += times;
            self.places.entry(pair).or_default().insert(place);
            pairs.insert(pair);
        }
    }

    /// Counts the pairs of a word no longer.
    fn discount(&mut self, place: usize) {
        let (word, times) = &self.words[place];
        for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
            if let Some(count) = self.counts.get_mut(&pair) {
                *count = count.saturating_sub(*times);
            }
        }
    }

    fn put(&mut self, pairs: BTreeSet<Pair>) {
        for pair in pairs {
            self.queue.push((self.counts.get(&pair).copied().unwrap_or(0), Reverse(pair)));
        }
    }

    /// Takes out the pair that occurs most often, if any does.
    fn most_frequent(&mut self) -> Option<Pair> {
        loop {
            let (count, Reverse(pair)) = self.queue.pop()?;
            let now = self.counts.get(&pair).copied().unwrap_or(0);
            match now {
                0 => {}
                now if now == count => return Some(pair),
                now => self.queue.push((now, Reverse(pair))),
            }
        }
    }

    /// Makes one token of a pair wherever it occurs, from the left.
    fn join(&mut self, pair: Pair, id: u32) {
        let mut changed = BTreeSet::new();
        for place in self.places.remove(&pair).unwrap_or_default() {
            self.discount(place);
            let word = &mut self.words[place].0;
            let mut joined = Vec::with_capacity(word.len());
            let mut at = 0;
            while at < word.len() {
                let is_pair = at + 1 < word.len() && (word[at], word[at + 1]) == pair;
                joined.push(if is_pair { id } else { word[at] });
                at += if is_pair { 2 } else { 1 };
            }
            *word = joined;
            self.count(place, &mut changed);
        }
        // Only pairs with the new token can have become more frequent.
        changed.retain(|(left, right)| *left == id || *right == id);
        self.put(changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(words: &[(&str, u64)], num_tokens: usize) -> Vec<String> {
        let words: Vec<_> =
            words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
        learn_byte_pairs(&words, 256 + num_tokens).split_off(256)
    }

    #[test]
    fn the_most_frequent_pairs_become_tokens() {
        let words = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        assert_eq!(learned(&words, 6), ["es", "est", "lo", "low", "ew", "new"]);
        let mut reversed = words;
        reversed.reverse();
        assert_eq!(learned(&reversed, 6), learned(&words, 6));
    }

    #[test]
    fn learning_ends_when_every_word_is_a_token() {
        assert_eq!(learned(&[("ab", 1)], 100), ["ab"]);
        assert_eq!(learned(&[("aaaa", 1)], 100), ["aa", "aaaa"]);
        assert_eq!(learned(&[], 100), [""; 0]);
        assert_eq!(learned(&[(&"a".repeat(1001), 1)], 100), [""; 0]);
        assert_eq!(learn_byte_pairs(&[], 0).len(), 256);
    }
}
