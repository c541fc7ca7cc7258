//! The tokens of a vocabulary, of counts.

use std::collections::{BTreeMap, HashSet};

use graph::Vocabulary;
use sketch::bytes::Reader;
use sketch::{Count, StateError};

use super::counts::{Counts, for_each_group};
use super::information::Labels;
use super::selection::{Ordered, Selection};
use crate::TransformError;
use crate::ir::VocabularyOptions;

/// A vocabulary without tokens holds this one, as tf.Transform's does, so that there is an id.
pub(crate) const NO_TOKENS: &str = "49d0cd50-04bb-48c0-bc6f-5b575dce351a";

/// Returns the tokens of a vocabulary in the order of their ids.
///
/// Memory is that of the vocabulary, not that of all texts.
pub(crate) fn tokens<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<String>, TransformError> {
    let mut tokens = if options.has_labels {
        by_information(options, counts)?
    } else if options.has_key {
        with_coverage(options, counts)?
    } else {
        by_frequency(options, counts)?
    };
    let reserved: HashSet<&str> = options.reserved_tokens.iter().map(String::as_str).collect();
    tokens.retain(|token| !reserved.contains(token.as_str()));
    if options.fingerprint_shuffle {
        tokens.sort_by_cached_key(|token| sha1_smol::Sha1::from(token).digest().bytes());
    }
    let mut all = options.reserved_tokens.clone();
    all.append(&mut tokens);
    if all.is_empty() {
        all.push(NO_TOKENS.to_owned());
    }
    Ok(all)
}

fn by_frequency<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<String>, TransformError> {
    let mut selection = Selection::new(options.top_k);
    let threshold = options.threshold().unwrap_or(0.0);
    counts.for_each(&mut |bytes, count| {
        if let Some(token) = token(bytes)?
            && count.to_f64() >= threshold
        {
            selection.push(count, token);
        }
        Ok(())
    })?;
    Ok(texts(selection))
}

/// Those of all tokens, and behind them the most frequent of each key.
fn with_coverage<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<String>, TransformError> {
    let threshold = options.threshold().unwrap_or(0.0);
    let coverage_threshold = options.coverage_threshold();
    let mut selection = Selection::new(options.top_k);
    let mut of_keys: BTreeMap<Vec<u8>, Selection<C>> = BTreeMap::new();
    for_each_group(counts, &mut |bytes, keys| {
        let Some(token) = token(bytes.unwrap_or_default())? else { return Ok(()) };
        let total = keys.iter().fold(C::default(), |sum, (_, count)| sum.plus(*count));
        if total.to_f64() >= threshold {
            selection.push(total, token);
        }
        for (key, count) in keys {
            // A missing key is none.
            if let Some((_, key)) = key.split_first()
                && count.to_f64() >= coverage_threshold
            {
                if !of_keys.contains_key(key) {
                    of_keys.insert(key.to_vec(), Selection::new(options.coverage_top_k));
                }
                if let Some(of_key) = of_keys.get_mut(key) {
                    of_key.push(*count, token);
                }
            }
        }
        Ok(())
    })?;
    let standard = selection.finish();
    let mut known: HashSet<Box<str>> = standard.iter().map(|(_, token)| token.clone()).collect();
    let mut covered = Selection::new(None);
    for (count, token) in of_keys.into_values().flat_map(Selection::finish) {
        if known.insert(token.clone()) {
            covered.push(count, &token);
        }
    }
    Ok(standard.into_iter().chain(covered.finish()).map(|(_, token)| token.into()).collect())
}

/// By how much they say about the labels.
fn by_information<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<String>, TransformError> {
    let mut labels = Labels {
        all: Vec::new(),
        is_adjusted: options.use_adjusted_mutual_info,
        min_diff_from_avg: options.min_diff_from_avg(),
    };
    let threshold = options.threshold().unwrap_or(f64::NEG_INFINITY);
    let mut selection = Selection::new(options.top_k);
    for_each_group(counts, &mut |bytes, group| {
        let with = group.iter().map(|(label, count)| {
            let label = u64::read_all(label)?.cast_signed();
            Ok((label, count.to_f64()))
        });
        let mut with: Vec<(i64, f64)> = with.collect::<Result<_, StateError>>()?;
        with.sort_unstable_by_key(|&(label, _)| label);
        // All rows come before all tokens.
        let Some(bytes) = bytes else {
            labels.all = with;
            return Ok(());
        };
        if let Some(token) = token(bytes)? {
            let information = labels.information(&with);
            if information >= threshold {
                selection.push(Ordered(information), token);
            }
        }
        Ok(())
    })?;
    Ok(texts(selection))
}

fn texts<S: Ord>(selection: Selection<S>) -> Vec<String> {
    selection.finish().into_iter().map(|(_, token)| token.into()).collect()
}

/// Returns a text if a vocabulary can hold it.
fn token(bytes: &[u8]) -> Result<Option<&str>, StateError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| StateError { reason: "a text is not UTF-8" })?;
    Ok(Vocabulary::can_hold(text).then_some(text))
}

trait ReadAll: sketch::bytes::Stored {
    fn read_all(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new(bytes);
        let read = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(read)
    }
}

impl ReadAll for u64 {}
