//! Leaving out documents that came before: the same ones, and those that are nearly the same.
//!
//! A stage behind the graph and not an operation of it, because whether a row comes out depends on those before it.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use base::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::TransformError;
use crate::pack::{Row, rows};

/// Which rows are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeduplicateConfig {
    /// The feature that is compared: text, or a list of integers such as tokens.
    pub feature: String,
    /// From which share of common sequences of five words (of a text) or items (of a list) on two are the same: the
    /// Jaccard similarity, as MinHash estimates it. Without it, only equal ones are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.5, max = 1.0))]
    pub similarity: Option<f64>,
}

/// How many words or items a sequence has.
const SHINGLE: usize = 5;
/// How many numbers a signature has: each agrees for two documents with the probability of their similarity.
const NUMBERS: usize = 64;
/// How many of them make a key; two documents are looked at if any of their keys is the same.
const KEY: usize = 4;

type Signature = [u32; NUMBERS];

/// Tells documents, one after the other, from those before.
///
/// The first of some that are the same stays, so the order of the rows decides, and nothing else: not batches, not
/// threads. Missing values are the same as nothing. Near duplicates of 0.8 are found with a probability of 0.9998 and
/// more; the estimate of the similarity has a standard error of up to 0.06. Memory: 32 bytes for each document that stays,
/// and about 600 more where near ones are looked for.
///
/// # Source
///
/// Broder, "On the resemblance and containment of documents" (1997); signatures by one permutation, empty places filled
/// from the right as in Shrivastava and Li, "Densifying one permutation hashing via rotation" (2014).
#[derive(Debug)]
pub struct Deduplicator {
    config: DeduplicateConfig,
    digests: HashSet<Digest>,
    signatures: Vec<Signature>,
    by_key: HashMap<(u8, u64), Vec<u32>>,
    num_same: u64,
    num_alike: u64,
}

impl Deduplicator {
    /// Returns a deduplicator that has seen nothing.
    pub fn new(config: DeduplicateConfig) -> Self {
        Self {
            config,
            digests: HashSet::new(),
            signatures: Vec::new(),
            by_key: HashMap::new(),
            num_same: 0,
            num_alike: 0,
        }
    }

    /// Returns the name of the feature that is compared.
    pub fn feature(&self) -> &str {
        &self.config.feature
    }

    /// Returns how many rows were left out: those that were the same, and those that were nearly so.
    pub fn num_left_out(&self) -> (u64, u64) {
        (self.num_same, self.num_alike)
    }

    /// Returns the rows that are not the same as any before.
    ///
    /// # Errors
    ///
    /// [`TransformError::Deduplicate`] when the batch has no such feature, or one of another type.
    pub fn keep(&mut self, batch: &RecordBatch) -> Result<RecordBatch, TransformError> {
        let feature = self.config.feature.clone();
        let column = batch.column_by_name(&feature).map(ArrayRef::clone);
        let refused = |reason: String| TransformError::Deduplicate { feature, reason };
        let Some(column) = column else { return Err(refused("it is not there".to_owned())) };
        let Some(documents) = Documents::of(&column) else {
            let found = column.data_type();
            return Err(refused(format!("found {found}, expected text or a list of integers")));
        };
        let is_kept = |row| column.is_null(row) || self.is_new(&documents, row);
        let is_kept: BooleanArray = (0..column.len()).map(is_kept).map(Some).collect();
        filter_record_batch(batch, &is_kept).map_err(|error| refused(error.to_string()))
    }

    fn is_new(&mut self, documents: &Documents<'_>, row: usize) -> bool {
        if !self.digests.insert(documents.digest(row)) {
            self.num_same += 1;
            return false;
        }
        let Some(similarity) = self.config.similarity else { return true };
        let Some(signature) = signature(&documents.words(row)) else { return true };
        let keys: Vec<(u8, u64)> = keys(&signature).collect();
        let near =
            |other: &u32| agreement(&self.signatures[*other as usize], &signature) >= similarity;
        if keys.iter().any(|key| self.by_key.get(key).is_some_and(|others| others.iter().any(near)))
        {
            self.num_alike += 1;
            return false;
        }
        let number = u32::try_from(self.signatures.len()).unwrap_or(u32::MAX);
        self.signatures.push(signature);
        for key in keys {
            self.by_key.entry(key).or_default().push(number);
        }
        true
    }
}

/// A column of documents.
enum Documents<'a> {
    Texts(&'a StringArray),
    Lists(Row<'a>),
}

impl<'a> Documents<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        let texts = column.as_string_opt().map(Self::Texts);
        texts.or_else(|| rows(column).map(Self::Lists))
    }

    fn digest(&self, row: usize) -> Digest {
        match self {
            Self::Texts(texts) => Digest::of(texts.value(row).as_bytes()),
            Self::Lists(lists) => Digest::of(&items(lists, row).flatten().collect::<Vec<_>>()),
        }
    }

    /// Returns a number for each word or item.
    fn words(&self, row: usize) -> Vec<u64> {
        match self {
            Self::Texts(texts) => {
                texts.value(row).split_whitespace().map(|word| xxh3_64(word.as_bytes())).collect()
            }
            Self::Lists(lists) => items(lists, row).map(|item| xxh3_64(&item)).collect(),
        }
    }
}

/// Returns the items of a list as bytes; a missing one is told from all others.
fn items<'a>(lists: &'a Row<'_>, row: usize) -> impl Iterator<Item = [u8; 9]> + 'a {
    let (items, range) = lists(row);
    range.map(|place| {
        let mut bytes = [0; 9];
        if items.is_valid(place) {
            bytes[0] = 1;
            bytes[1..].copy_from_slice(&items.value(place).to_le_bytes());
        }
        bytes
    })
}

/// Returns the signature of a document; nothing of one without words.
fn signature(words: &[u64]) -> Option<Signature> {
    let mut least = [None::<u32>; NUMBERS];
    // A short document is one sequence.
    for sequence in words.windows(SHINGLE.min(words.len().max(1))) {
        let mut bytes = [0; SHINGLE * 8];
        for (to, word) in bytes.chunks_exact_mut(8).zip(sequence) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let hash = xxh3_64(&bytes);
        let place = usize::try_from(hash % NUMBERS as u64).unwrap_or(0);
        let number = u32::try_from(hash >> 32).unwrap_or(0);
        least[place] = Some(least[place].map_or(number, |least| least.min(number)));
    }
    least.iter().any(Option::is_some).then(|| {
        std::array::from_fn(|place| {
            // An empty place has the number of the next one that is not, changed by how far that is.
            let filled = (0..NUMBERS).find_map(|away| {
                let number = least[(place + away) % NUMBERS]?;
                Some(
                    number.wrapping_add(u32::try_from(away).unwrap_or(0).wrapping_mul(0x9E37_79B9)),
                )
            });
            filled.unwrap_or(0)
        })
    })
}

/// Returns the keys of a signature, each with its number.
fn keys(signature: &Signature) -> impl Iterator<Item = (u8, u64)> {
    (0..).zip(signature.chunks_exact(KEY)).map(|(number, part)| {
        let bytes: Vec<u8> = part.iter().flat_map(|number| number.to_le_bytes()).collect();
        (number, xxh3_64(&bytes))
    })
}

/// Returns the share of numbers that two signatures have in common.
#[expect(clippy::cast_precision_loss, reason = "at most 64")]
fn agreement(one: &Signature, other: &Signature) -> f64 {
    let common = one.iter().zip(other).filter(|(one, other)| one == other).count();
    common as f64 / NUMBERS as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::ListArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    fn texts(texts: &[Option<String>]) -> RecordBatch {
        let texts: ArrayRef = Arc::new(texts.iter().cloned().collect::<StringArray>());
        RecordBatch::try_from_iter([("text", texts)]).unwrap()
    }

    /// Words that look random.
    fn words(seed: u64, count: u64) -> Vec<String> {
        (0..count)
            .map(|n| format!("w{}", xxh3_64(&(seed * 1_000_000 + n).to_le_bytes()) % 5000))
            .collect()
    }

    fn config(similarity: Option<f64>) -> DeduplicateConfig {
        DeduplicateConfig { feature: "text".to_owned(), similarity }
    }

    #[test]
    fn the_same_is_left_out_and_what_is_missing_stays() {
        let rows = ["a b", "c", "a b", "", ""].map(|text| Some(text.to_owned()));
        let batch = texts(&[&rows[..], &[None, None]].concat());
        let mut all = Deduplicator::new(config(None));
        assert_eq!(all.keep(&batch).unwrap().num_rows(), 5);
        assert_eq!(all.num_left_out(), (2, 0));
        // Another split after it.
        assert_eq!(all.keep(&batch).unwrap().num_rows(), 2);
    }

    #[test]
    fn near_duplicates_are_left_out_and_others_are_not() {
        let original = words(1, 400);
        let near = |every: usize| {
            let changed = original.iter().enumerate();
            let changed = changed.map(|(n, word)| match n % every {
                0 => "other".to_owned(),
                _ => word.clone(),
            });
            Some(changed.collect::<Vec<_>>().join(" "))
        };
        let mut rows = vec![Some(original.join(" "))];
        // One word in a hundred: about 0.9 of the sequences. One in ten: about a third.
        rows.extend([near(100), near(10)]);
        rows.extend((2..200).map(|seed| Some(words(seed, 400).join(" "))));
        let batch = texts(&rows);
        let mut at_once = Deduplicator::new(config(Some(0.8)));
        let kept = at_once.keep(&batch).unwrap();
        assert_eq!((kept.num_rows(), at_once.num_left_out()), (rows.len() - 1, (0, 1)));
        // Batches do not show.
        let mut by_row = Deduplicator::new(config(Some(0.8)));
        let kept_by_row: usize = (0..batch.num_rows())
            .map(|row| by_row.keep(&batch.slice(row, 1)).unwrap().num_rows())
            .sum();
        assert_eq!(kept_by_row, kept.num_rows());
        let mut exact = Deduplicator::new(config(None));
        assert_eq!(exact.keep(&batch).unwrap().num_rows(), rows.len());
    }

    #[test]
    fn signatures_agree_as_far_as_documents_are_alike() {
        for (shared, expected) in [(0, 0.0), (500, 1.0 / 3.0), (900, 9.0 / 11.0)] {
            let mut sum = 0.0;
            for seed in 0..40 {
                let common = words(seed, shared);
                let document = |other: u64| {
                    let own = words(seed * 2 + other + 10_000, 1000 - shared);
                    let all: Vec<u64> =
                        common.iter().chain(&own).map(|word| xxh3_64(word.as_bytes())).collect();
                    signature(&all).unwrap()
                };
                sum += agreement(&document(0), &document(1)) / 40.0;
            }
            // The mean of 40 estimates of 64 numbers: three standard errors are 0.03.
            assert!((sum - expected).abs() < 0.035, "{sum}, expected {expected}");
        }
    }

    #[test]
    fn tokens_are_compared_as_words_are() {
        let tokens = |seed: i64| (0..50).map(|n| Some((n * 7 + seed) % 40)).collect::<Vec<_>>();
        let lists = [tokens(0), tokens(1), tokens(0), Vec::new()].map(Some);
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
        let batch = RecordBatch::try_from_iter([("text", lists)]).unwrap();
        let kept = Deduplicator::new(config(None)).keep(&batch).unwrap();
        assert_eq!(kept.num_rows(), 3);
        let numbers: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("text", numbers)]).unwrap();
        let error = Deduplicator::new(config(None)).keep(&batch).unwrap_err().to_string();
        assert_eq!(error, "comparing `text`: found Int64, expected text or a list of integers");
    }
}
