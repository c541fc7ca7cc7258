//! How one text relates to another.

use std::collections::{HashMap, VecDeque};

use arrow::array::{Float64Array, Int64Array};

use super::Texts;
use crate::TextPairOp;
use crate::evaluate::Values;

/// The most that the lengths of two texts may multiply to, where each character meets each.
const MOST_PAIRS: usize = 1 << 28;

/// Computes an operation of two texts.
pub(super) fn compute(op: TextPairOp, a: Texts<'_>, b: Texts<'_>, num_rows: usize) -> Values {
    match op {
        TextPairOp::Position => Values::ints(ints(a, b, num_rows, |a, b| Some(find(a, b)))),
        TextPairOp::Levenshtein => Values::ints(ints(a, b, num_rows, levenshtein)),
        TextPairOp::JaroWinkler => Values::floats(floats(a, b, num_rows, jaro_winkler)),
        TextPairOp::Jaccard { n } => {
            let n = usize::try_from(n.get()).unwrap_or(usize::MAX);
            Values::floats(floats(a, b, num_rows, |a, b| jaccard(a, b, n)))
        }
    }
}

fn ints(
    a: Texts<'_>,
    b: Texts<'_>,
    num_rows: usize,
    f: impl Fn(&str, &str) -> Option<usize>,
) -> Int64Array {
    let of = |row| f(a.at(row)?, b.at(row)?).and_then(|value| i64::try_from(value).ok());
    (0..num_rows).map(of).collect()
}

fn floats(
    a: Texts<'_>,
    b: Texts<'_>,
    num_rows: usize,
    f: impl Fn(&str, &str) -> f64,
) -> Float64Array {
    (0..num_rows).map(|row| Some(f(a.at(row)?, b.at(row)?))).collect()
}

/// Returns the place of a part in characters from 1, and 0 where it is not.
fn find(text: &str, part: &str) -> usize {
    text.find(part).map_or(0, |at| text[..at].chars().count() + 1)
}

/// Returns the edit distance, or nothing where it would take too long.
fn levenshtein(a: &str, b: &str) -> Option<usize> {
    let (mut a, mut b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let num_equal = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a.truncate(a.len() - num_equal);
    b.truncate(b.len() - num_equal);
    let num_equal = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let (short, long) = (&short[num_equal..], &long[num_equal..]);
    if short.is_empty() {
        return Some(long.len());
    }
    (short.len().saturating_mul(long.len()) <= MOST_PAIRS).then(|| bit_parallel(short, long))
}

/// The edit distance by Myers' bit vectors in Hyyrö's blocks of 64 rows: one column of the matrix after another, each
/// cell as the difference to the one above it, one bit for +1 and one for -1.
fn bit_parallel(short: &[char], long: &[char]) -> usize {
    let num_blocks = short.len().div_ceil(64);
    // Where each character is in the short text; the last one is for those that are not.
    let mut rows: HashMap<char, usize> = HashMap::new();
    for c in short {
        let next = rows.len();
        rows.entry(*c).or_insert(next);
    }
    let nowhere = rows.len();
    let mut places = vec![0u64; (nowhere + 1) * num_blocks];
    for (at, c) in short.iter().enumerate() {
        places[rows[c] * num_blocks + at / 64] |= 1 << (at % 64);
    }
    let mut plus = vec![u64::MAX; num_blocks];
    let mut minus = vec![0u64; num_blocks];
    let last_bit = (short.len() - 1) % 64;
    let mut distance = short.len();
    for c in long {
        let row = rows.get(c).copied().unwrap_or(nowhere) * num_blocks;
        // What comes in from above: the first row counts up.
        let (mut carry_plus, mut carry_minus) = (1u64, 0u64);
        for block in 0..num_blocks {
            let (vertical_plus, vertical_minus) = (plus[block], minus[block]);
            let equal = places[row + block];
            let x = equal | vertical_minus;
            let equal = equal | carry_minus;
            let d = ((equal & vertical_plus).wrapping_add(vertical_plus) ^ vertical_plus) | equal;
            let mut horizontal_plus = vertical_minus | !(d | vertical_plus);
            let mut horizontal_minus = vertical_plus & d;
            if block + 1 == num_blocks {
                distance += usize::from(horizontal_plus >> last_bit & 1 == 1);
                distance -= usize::from(horizontal_minus >> last_bit & 1 == 1);
            }
            let (out_plus, out_minus) = (horizontal_plus >> 63, horizontal_minus >> 63);
            horizontal_plus = horizontal_plus << 1 | carry_plus;
            horizontal_minus = horizontal_minus << 1 | carry_minus;
            plus[block] = horizontal_minus | !(x | horizontal_plus);
            minus[block] = horizontal_plus & x;
            (carry_plus, carry_minus) = (out_plus, out_minus);
        }
    }
    distance
}

fn jaro_winkler(a: &str, b: &str) -> f64 {
    let similarity = jaro(a, b);
    if similarity <= 0.7 {
        return similarity;
    }
    let num_equal = a.chars().zip(b.chars()).take(4).take_while(|(a, b)| a == b).count();
    similarity + 0.1 * as_float(num_equal) * (1.0 - similarity)
}

/// Jaro's similarity, in time that grows with the texts and not with their product.
///
/// Characters of `a`, in order, are matched with the first equal one of `b` that is free and near enough. What was
/// too far back for one is so for all that follow, so that each character of `b` waits in a queue and is looked at
/// once.
fn jaro(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() || b.is_empty() {
        return f64::from(u8::from(a.len() == b.len()));
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut free: HashMap<char, VecDeque<usize>> = HashMap::new();
    for (at, c) in b.iter().enumerate() {
        free.entry(*c).or_default().push_back(at);
    }
    let mut is_matched = vec![false; b.len()];
    let mut matched = Vec::new();
    for (at, c) in a.iter().enumerate() {
        let Some(places) = free.get_mut(c) else { continue };
        while places.front().is_some_and(|place| place + reach < at) {
            places.pop_front();
        }
        if let Some(place) = places.pop_front_if(|place| *place <= at + reach) {
            is_matched[place] = true;
            matched.push(*c);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let others = b.iter().zip(&is_matched).filter(|(_, is_matched)| **is_matched);
    let num_moved = others.zip(&matched).filter(|((other, _), c)| other != c).count();
    let num_matched = as_float(matched.len());
    let num_in_place = as_float(matched.len() - num_moved / 2);
    (num_matched / as_float(a.len()) + num_matched / as_float(b.len()) + num_in_place / num_matched)
        / 3.0
}

/// The number of distinct runs of `n` characters in both texts, divided by that in either.
fn jaccard(a: &str, b: &str, n: usize) -> f64 {
    let (runs_a, runs_b) = (distinct_runs(a, n), distinct_runs(b, n));
    if runs_a.is_empty() && runs_b.is_empty() {
        return f64::from(u8::from(a == b));
    }
    let (mut at_a, mut at_b, mut num_both) = (0, 0, 0);
    while let (Some(run_a), Some(run_b)) = (runs_a.get(at_a), runs_b.get(at_b)) {
        let order = run_a.cmp(run_b);
        at_a += usize::from(order.is_le());
        at_b += usize::from(order.is_ge());
        num_both += usize::from(order.is_eq());
    }
    as_float(num_both) / as_float(runs_a.len() + runs_b.len() - num_both)
}

fn distinct_runs(text: &str, n: usize) -> Vec<&str> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).skip(n - 1);
    let mut runs: Vec<&str> = starts.zip(ends).map(|(start, end)| &text[start..end]).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

#[expect(clippy::cast_precision_loss, reason = "texts have less than 2^53 characters")]
fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of few different characters, so that much of them is equal.
    fn texts() -> impl Strategy<Value = (String, String)> {
        ("[abcä🚕]{0,200}", "[abcä🚕]{0,200}")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn distances_equal_the_whole_matrix((a, b) in texts()) {
            let (short, long): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let expected = strsim::generic_levenshtein(&short, &long);
            prop_assert_eq!(levenshtein(&a, &b), Some(expected));
            prop_assert_eq!(levenshtein(&b, &a), Some(expected));
            if !short.is_empty() {
                prop_assert_eq!(bit_parallel(&short, &long), expected);
            }
        }

        #[test]
        fn similarities_equal_those_of_every_pair((a, b) in texts()) {
            let (found, expected) = (jaro_winkler(&a, &b), strsim::jaro_winkler(&a, &b));
            prop_assert_eq!(found.to_bits(), expected.to_bits(), "{} {}", found, expected);
        }
    }

    #[test]
    fn long_texts_take_no_longer_than_what_is_promised() {
        let a = "ab".repeat(500_000);
        let b = "ba".repeat(500_000);
        assert_eq!(levenshtein(&a, &b), None);
        assert_eq!(levenshtein(&a, &format!("{a}c")), Some(1));
        assert_eq!(levenshtein(&a, "b"), Some(999_999));
        assert_eq!(levenshtein(&a[..16_384], &b[..16_384]), Some(2));
        assert!(jaro_winkler(&a, &b) > 0.8);
        assert!((jaccard(&a, &b, 3) - 1.0).abs() < 1e-9);
    }
}
