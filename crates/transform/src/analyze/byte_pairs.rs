//! The vocabularies of byte pair encoding and of WordPiece, from how often each word occurs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

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
    let split = |word: &str| word.chars().map(String::from).collect();
    learn(graph::byte_tokens(), words, &split, vocab_size, |left, right| format!("{left}{right}"))
}

/// Returns the pieces that some words are best made of: `[UNK]`, then single characters, then what pairs make.
///
/// Words are as [`graph::ListOp::BertWords`] gives them, each once, with how often it occurs; their order does not
/// show. Every character is a piece, and with `##` before it another one if it was seen within a word; only so many are
/// taken that the pieces are at most `vocab_size`: the most frequent, of equally frequent ones the lesser. Pairs are chosen as for byte pairs.
///
/// # Source
///
/// `WordPieceTrainer` of HuggingFace's tokenizers, whose order of single characters is another from run to run.
pub(crate) fn learn_word_pieces(words: &[(String, u64)], vocab_size: usize) -> Vec<String> {
    let split = |word: &str| {
        let piece = |(place, c): (usize, char)| {
            if place == 0 { c.to_string() } else { format!("##{c}") }
        };
        word.chars().enumerate().map(piece).collect::<Vec<_>>()
    };
    // Those without `##` first.
    let mut counts: BTreeMap<(bool, String), u64> = BTreeMap::new();
    for (word, count) in words {
        // A character within a word may begin another one.
        let fronts = word.chars().map(|c| (false, String::from(c)));
        let others = split(word).into_iter().skip(1).map(|piece| (true, piece));
        for piece in fronts.chain(others) {
            let counted = counts.entry(piece).or_default();
            *counted = counted.saturating_add(*count);
        }
    }
    let mut pieces: Vec<_> =
        counts.into_iter().map(|(piece, count)| (Reverse(count), piece)).collect();
    pieces.sort_unstable();
    pieces.truncate(vocab_size.saturating_sub(1));
    pieces.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    let mut tokens: Vec<String> = pieces.into_iter().map(|(_, (_, piece))| piece).collect();
    tokens.insert(0, "[UNK]".to_owned());
    learn(tokens, words, &split, vocab_size, |left, right| {
        format!("{left}{}", right.strip_prefix("##").unwrap_or(right))
    })
}

/// Adds to some tokens what pairs of neighbours make, the most frequent first.
fn learn(
    mut tokens: Vec<String>,
    words: &[(String, u64)],
    split: &dyn Fn(&str) -> Vec<String>,
    vocab_size: usize,
    together: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let mut ids: HashMap<String, u32> = HashMap::new();
    for (id, token) in (0..).zip(&tokens) {
        ids.insert(token.clone(), id);
    }
    let mut learner = Learner::new(words, split, &ids);
    while tokens.len() < vocab_size {
        let Some((left, right)) = learner.most_frequent() else { break };
        let token = together(&tokens[left as usize], &tokens[right as usize]);
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
    /// Takes words apart; those with a part that is no token do not count.
    fn new(
        words: &[(String, u64)],
        split: &dyn Fn(&str) -> Vec<String>,
        ids: &HashMap<String, u32>,
    ) -> Self {
        let mut learner = Self {
            words: Vec::new(),
            counts: HashMap::new(),
            places: HashMap::new(),
            queue: BinaryHeap::new(),
        };
        for (word, count) in words.iter().filter(|(word, _)| word.chars().count() <= LONGEST_WORD) {
            let parts = split(word).into_iter().map(|part| ids.get(&part).copied());
            if let Some(parts) = parts.collect() {
                learner.words.push((parts, *count));
            }
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
    fn pieces_within_words_are_others_than_those_in_front() {
        let words = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        let words = words.map(|(word, count)| (word.to_owned(), count));
        let learned = learn_word_pieces(&words, 26);
        assert_eq!(
            learned.join(" "),
            "[UNK] d e i l n o r s t w ##d ##e ##i ##o ##r ##s ##t ##w ##es ##est lo low ne ##west newest"
        );
        let few = learn_word_pieces(&words, 4);
        assert_eq!(few, ["[UNK]", "e", "w", "##e"]);
        assert_eq!(learn_word_pieces(&[], 4), ["[UNK]"]);
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
