//! The tokens of a vocabulary, of counts.

use std::collections::{BTreeMap, HashMap, HashSet};

use graph::Vocabulary;
use sketch::bytes::Reader;
use sketch::{Count, StateError};

use super::counts::{Counts, for_each_group};
use super::frequency::Frequency;
use super::information::{Labels, recommended_min_diff_from_avg};
use super::selection::{Ordered, Selection};
use crate::TransformError;
use crate::ir::VocabularyOptions;

/// A vocabulary without tokens holds this one, as tf.Transform's does, so that there is an id.
pub(crate) const NO_TOKENS: &str = "49d0cd50-04bb-48c0-bc6f-5b575dce351a";

/// In a vocabulary of integers it is this one.
const NO_INTS: &str = "-1";

/// A token, and what it was chosen for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) frequency: Frequency,
    pub(crate) text: String,
}

/// Returns the tokens of a vocabulary in the order of their ids. With labels and keys, `keyed` counts the latter.
///
/// Memory is that of the vocabulary, not that of all texts.
pub(crate) fn tokens<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
    keyed: Option<&Counts<C>>,
) -> Result<Vec<Token>, TransformError> {
    let mut tokens = match (options.has_labels, keyed) {
        (true, Some(keyed)) => informative_with_coverage(options, counts, keyed)?,
        (true, None) => by_information(options, counts)?,
        _ if options.has_key => with_coverage(options, counts)?,
        _ => by_frequency(options, counts)?,
    };
    let reserved: HashSet<&str> = options.reserved_tokens.iter().map(String::as_str).collect();
    tokens.retain(|token| !reserved.contains(token.text.as_str()));
    if options.fingerprint_shuffle {
        tokens.sort_by_cached_key(|token| sha1_smol::Sha1::from(&token.text).digest().bytes());
    }
    let of_none = |text: &str| Token { frequency: Frequency::NONE, text: text.to_owned() };
    let mut all: Vec<Token> = options.reserved_tokens.iter().map(|text| of_none(text)).collect();
    all.append(&mut tokens);
    if all.is_empty() {
        let text = if options.are_ints { NO_INTS } else { NO_TOKENS };
        all.push(Token { frequency: Frequency::Count(1), text: text.to_owned() });
    }
    Ok(all)
}

fn by_frequency<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<Token>, TransformError> {
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
    let frequency = |count: C| of_count(count, options);
    Ok(selection.finish().into_iter().map(|(count, text)| of(frequency(count), text)).collect())
}

/// Those of all tokens, and behind them the most frequent of each key.
fn with_coverage<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<Token>, TransformError> {
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
                push_to(&mut of_keys, key, *count, token, options);
            }
        }
        Ok(())
    })?;
    let (standard, covered) = arms(selection, of_keys);
    let all = standard.into_iter().chain(covered);
    Ok(all.map(|(count, text)| of(of_count(count, options), text)).collect())
}

/// Adds a text to those of a key.
fn push_to<S: Ord>(
    of_keys: &mut BTreeMap<Vec<u8>, Selection<S>>,
    key: &[u8],
    score: S,
    token: &str,
    options: &VocabularyOptions,
) {
    if !of_keys.contains_key(key) {
        of_keys.insert(key.to_vec(), Selection::new(options.coverage_top_k));
    }
    if let Some(of_key) = of_keys.get_mut(key) {
        of_key.push(score, token);
    }
}

/// Texts with their scores.
type Scored<S> = Vec<(S, Box<str>)>;

/// Returns the texts of all, and those of keys that are not among them, each once.
fn arms<S: Ord>(
    selection: Selection<S>,
    of_keys: BTreeMap<Vec<u8>, Selection<S>>,
) -> (Scored<S>, Scored<S>) {
    let standard = selection.finish();
    let mut known: HashSet<Box<str>> = standard.iter().map(|(_, token)| token.clone()).collect();
    let mut covered = Selection::new(None);
    for (score, token) in of_keys.into_values().flat_map(Selection::finish) {
        if known.insert(token.clone()) {
            covered.push(score, &token);
        }
    }
    (standard, covered.finish())
}

/// By how much they say about the labels.
fn by_information<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
) -> Result<Vec<Token>, TransformError> {
    let threshold = options.threshold().unwrap_or(f64::NEG_INFINITY);
    let mut selection = Selection::new(options.top_k);
    for_each_informative(options, counts, &mut |information, token| {
        if information >= threshold {
            selection.push(Ordered(information), token);
        }
    })?;
    Ok(informative(selection.finish()))
}

/// By how much they say about the labels, and behind them those of each key that say most.
fn informative_with_coverage<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
    keyed: &Counts<C>,
) -> Result<Vec<Token>, TransformError> {
    let threshold = options.threshold().unwrap_or(f64::NEG_INFINITY);
    let coverage_threshold = match options.coverage_frequency_threshold {
        Some(_) => options.coverage_threshold(),
        None => f64::NEG_INFINITY,
    };
    let mut selection = Selection::new(options.top_k);
    let mut scores: HashMap<Box<str>, f64> = HashMap::new();
    for_each_informative(options, counts, &mut |information, token| {
        if information >= threshold {
            selection.push(Ordered(information), token);
        }
        if information >= coverage_threshold {
            scores.insert(token.into(), information);
        }
    })?;
    let mut of_keys: BTreeMap<Vec<u8>, Selection<Ordered>> = BTreeMap::new();
    for_each_group(keyed, &mut |bytes, keys| {
        let Some(token) = token(bytes.unwrap_or_default())? else { return Ok(()) };
        // Examples without a label do not count.
        let Some(&information) = scores.get(token) else { return Ok(()) };
        for (key, _) in keys {
            if let Some((_, key)) = key.split_first() {
                push_to(&mut of_keys, key, Ordered(information), token, options);
            }
        }
        Ok(())
    })?;
    let (standard, covered) = arms(selection, of_keys);
    Ok(informative(standard.into_iter().chain(covered).collect()))
}

fn informative(scored: Scored<Ordered>) -> Vec<Token> {
    scored.into_iter().map(|(score, text)| of(Frequency::Float(score.0), text)).collect()
}

/// Visits all tokens with how much they say about the labels.
fn for_each_informative<C: Count>(
    options: &VocabularyOptions,
    counts: &Counts<C>,
    visit: &mut dyn FnMut(f64, &str),
) -> Result<(), TransformError> {
    let mut labels = Labels {
        all: Vec::new(),
        is_adjusted: options.use_adjusted_mutual_info,
        min_diff_from_avg: options.min_diff_from_avg().unwrap_or(0.0),
    };
    for_each_group(counts, &mut |bytes, group| {
        let with = group.iter().map(|(label, count)| {
            let label = u64::read_all(label)?.cast_signed();
            Ok((label, count.to_f64()))
        });
        let mut with: Vec<(i64, f64)> = with.collect::<Result<_, StateError>>()?;
        with.sort_unstable_by_key(|&(label, _)| label);
        // All rows come before all tokens.
        let Some(bytes) = bytes else {
            if options.min_diff_from_avg().is_none() {
                let num_examples = with.iter().map(|(_, count)| count).sum();
                labels.min_diff_from_avg = recommended_min_diff_from_avg(num_examples);
            }
            labels.all = with;
            return Ok(());
        };
        if let Some(token) = token(bytes)? {
            visit(labels.information(&with), token);
        }
        Ok(())
    })
}

fn of(frequency: Frequency, text: Box<str>) -> Token {
    Token { frequency, text: text.into() }
}

fn of_count<C: Count>(count: C, options: &VocabularyOptions) -> Frequency {
    #[expect(clippy::cast_possible_truncation, reason = "it was a count")]
    match options.has_weights {
        true => Frequency::Float(count.to_f64()),
        false => Frequency::Count(count.to_f64() as i64),
    }
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
