//! Statistics of a language: how much of it a vocabulary covers, and where and how often single tokens occur.
//!
//! The values of an example are the tokens of one sequence; a value of a feature without lists is a sequence by
//! itself. With a vocabulary every token is known as a text and as a number, whichever of them the data has.
//!
//! # Source
//!
//! `NLStatsGenerator` of TensorFlow Data Validation.

mod asked;
mod reported;

use arrow::array::Array;
use arrow::datatypes::DataType;
use formats::metadata::custom_statistic::Val;
use formats::metadata::histogram::Bucket;
use formats::metadata::natural_language_statistics::TokenStatistics;
use formats::metadata::natural_language_statistics::token_statistics::Token as TokenName;
use formats::metadata::rank_histogram::Bucket as Rank;
use formats::metadata::{CustomStatistic, Histogram, NaturalLanguageStatistics, RankHistogram};
use formats::{Any, Message};
use sketch::bytes::{Reader, Stored};
use sketch::{Distributed, Distribution, StateError, as_f64};

use crate::Config;
use crate::columns::{Flat, visit_numbers, visit_strings};
use crate::histogram::{quantiles_histogram, with_floats};
use crate::message::label;
use crate::strings::{StringCounts, Ties};
pub(crate) use asked::Language;
use asked::{Token, Wanted};
use reported::Reported;

/// What was seen of a language.
#[derive(Clone, Debug)]
pub(crate) struct LanguageState {
    /// Those without tokens included.
    num_sequences: u64,
    num_tokens: u64,
    /// Of those tokens, in the vocabulary.
    num_covered: u64,
    num_covered_chars: u64,
    token_lengths: Distribution,
    sequence_lengths: Distribution,
    covered: StringCounts,
    /// One for each token that is wanted.
    wanted: Vec<WantedState>,
    num_buckets: usize,
    least_covered: Reported,
    shortest: Reported,
}

/// What was seen of one token.
#[derive(Clone, Debug)]
struct WantedState {
    frequency: u64,
    num_sequences: u64,
    /// In one sequence that has any tokens.
    fewest: u64,
    most: u64,
    /// How many are in each part of their sequences.
    positions: Vec<u64>,
}

impl LanguageState {
    pub(crate) fn new(language: &Language, config: &Config) -> Self {
        let max_numbers = config.max_exact_numbers.get() as usize;
        let num_buckets = config.num_histogram_buckets.get() as usize;
        let wanted = || WantedState {
            frequency: 0,
            num_sequences: 0,
            fewest: u64::MAX,
            most: 0,
            positions: vec![0; num_buckets],
        };
        Self {
            num_sequences: 0,
            num_tokens: 0,
            num_covered: 0,
            num_covered_chars: 0,
            token_lengths: Distribution::new(max_numbers),
            sequence_lengths: Distribution::new(max_numbers),
            covered: StringCounts::new(config.max_exact_strings.get() as usize),
            wanted: language.wanted.iter().map(|_| wanted()).collect(),
            num_buckets,
            least_covered: Reported::default(),
            shortest: Reported::default(),
        }
    }

    /// Takes in a column, of lists or of values.
    pub(crate) fn update(&mut self, language: &Language, column: &dyn Array) {
        let is_list = matches!(
            column.data_type(),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)
        );
        if is_list {
            let flat = Flat::of(column).without_nulls();
            self.update_sequences(language, flat.values.as_ref(), flat.lengths.into_iter());
        } else {
            let nulls = column.logical_nulls();
            let is_there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            let lengths = (0..column.len()).map(|row| is_there(row).then_some(1));
            self.update_sequences(language, column, lengths);
        }
    }

    fn update_sequences(
        &mut self,
        language: &Language,
        values: &dyn Array,
        lengths: impl Iterator<Item = Option<usize>>,
    ) {
        let mut numbers: Vec<i64> = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        if language.are_numbers {
            #[expect(clippy::cast_possible_truncation, reason = "the type holds whole numbers")]
            visit_numbers(values, &mut |_, value| numbers.push(value as i64));
        } else {
            visit_strings(values, &mut |_, bytes, _| {
                texts.push(label(bytes));
            });
        }
        let mut start = 0;
        let mut sequence = Vec::new();
        for length in lengths.flatten() {
            sequence.clear();
            let range = start..start + length;
            start += length;
            if language.are_numbers {
                let numbers = numbers.get(range).unwrap_or_default();
                sequence.extend(numbers.iter().map(|&number| language.of_number(number)));
            } else {
                let texts = texts.get(range).unwrap_or_default();
                sequence.extend(texts.iter().map(|text| language.of_text(text)));
            }
            self.add(language, &sequence);
        }
    }

    fn add(&mut self, language: &Language, sequence: &[Token<'_>]) {
        self.num_sequences += 1;
        if sequence.is_empty() {
            return;
        }
        let num_tokens = as_f64(sequence.len() as u64);
        for (wanted, state) in language.wanted.iter().zip(&mut self.wanted) {
            let mut found = 0;
            for (place, _) in sequence.iter().enumerate().filter(|(_, token)| wanted.is(token)) {
                found += 1;
                // As the reference computes it, so that what is on a boundary goes to the same side.
                let position = as_f64(place as u64) / num_tokens * as_f64(self.num_buckets as u64);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to less than the number of buckets"
                )]
                let bucket = (position as usize).min(self.num_buckets - 1);
                state.positions[bucket] += 1;
            }
            state.frequency += found;
            state.num_sequences += u64::from(found > 0);
            state.fewest = state.fewest.min(found);
            state.most = state.most.max(found);
        }
        let length = |text: &str| text.chars().count() as u64;
        let covered = || sequence.iter().filter_map(|token| language.covered(token));
        let (num_covered, num_chars) =
            covered().fold((0, 0), |(num, chars), text| (num + 1, chars + length(text)));
        let average = if num_covered > 0 { as_f64(num_chars) / as_f64(num_covered) } else { 0.0 };
        self.least_covered.add(as_f64(num_covered) / num_tokens, sequence);
        self.shortest.add(average, sequence);

        let in_length = |token: &&Token<'_>| !language.excluded_from_length.contain(token);
        self.sequence_lengths.add(as_f64(sequence.iter().filter(in_length).count() as u64), 1);
        for token in sequence.iter().filter(|token| !language.excluded.contain(token)) {
            self.num_tokens += 1;
            if let Some(text) = language.covered(token) {
                self.num_covered += 1;
                self.num_covered_chars += length(text);
                self.token_lengths.add(as_f64(length(text)), 1);
                self.covered.add(text.as_bytes(), true);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_sequences += other.num_sequences;
        self.num_tokens += other.num_tokens;
        self.num_covered += other.num_covered;
        self.num_covered_chars += other.num_covered_chars;
        self.token_lengths.merge(&other.token_lengths);
        self.sequence_lengths.merge(&other.sequence_lengths);
        self.covered.merge(&other.covered);
        for (state, other) in self.wanted.iter_mut().zip(&other.wanted) {
            state.frequency += other.frequency;
            state.num_sequences += other.num_sequences;
            state.fewest = state.fewest.min(other.fewest);
            state.most = state.most.max(other.most);
            let counts = state.positions.iter_mut().zip(&other.positions);
            counts.for_each(|(count, other)| *count += other);
        }
        self.least_covered.merge(&other.least_covered);
        self.shortest.merge(&other.shortest);
    }

    /// Returns `nl_statistics`, as the schema's constraints look for it.
    pub(crate) fn custom_stat(&self, language: &Language, config: &Config) -> CustomStatistic {
        let part = |count: u64, whole: u64| {
            if whole == 0 { 0.0 } else { as_f64(count) / as_f64(whole) }
        };
        let num_quantiles = config.num_quantiles_histogram_buckets.get() as usize;
        let histogram = |lengths: &Distribution| {
            let Distributed { moments, ranks } = lengths.finish();
            let quantiles = with_floats(ranks.quantiles(num_quantiles));
            (moments.count > 0).then(|| quantiles_histogram(&quantiles, 0))
        };
        let sequences = self.sequence_lengths.finish().moments;
        let ends = (sequences.count > 0).then(|| (sequences.min(), sequences.max()));
        #[expect(clippy::cast_possible_truncation, reason = "lengths are whole and below 2^53")]
        let (shortest, longest) = ends.map_or((0, 0), |(min, max)| (min as i64, max as i64));
        let ranked =
            self.covered.top(config.num_rank_histogram_buckets as usize, Ties::LesserBytes);
        let rank = |(rank, counted): (usize, &crate::strings::Counted<'_>)| Rank {
            low_rank: rank as u64,
            high_rank: rank as u64,
            label: label(counted.bytes),
            sample_count: as_f64(counted.count),
        };
        let buckets: Vec<Rank> = ranked.iter().enumerate().map(rank).collect();
        let tokens = language.wanted.iter().zip(&self.wanted);
        let statistics = NaturalLanguageStatistics {
            feature_coverage: part(self.num_covered, self.num_tokens),
            avg_token_length: part(self.num_covered_chars, self.num_covered),
            token_length_histogram: histogram(&self.token_lengths),
            min_sequence_length: shortest,
            max_sequence_length: longest,
            sequence_length_histogram: histogram(&self.sequence_lengths),
            reported_sequences: self.least_covered.texts().chain(self.shortest.texts()).collect(),
            token_statistics: tokens
                .map(|(token, state)| state.message(token, self.num_sequences))
                .collect(),
            rank_histogram: (!buckets.is_empty())
                .then(|| RankHistogram { buckets, ..RankHistogram::default() }),
            ..NaturalLanguageStatistics::default()
        };
        let packed = Any {
            type_url: "type.googleapis.com/tensorflow.metadata.v0.NaturalLanguageStatistics"
                .to_owned(),
            value: statistics.encode_to_vec(),
        };
        CustomStatistic { name: "nl_statistics".to_owned(), val: Some(Val::Any(packed)) }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let counts =
            [self.num_sequences, self.num_tokens, self.num_covered, self.num_covered_chars];
        counts.iter().for_each(|count| count.write(out));
        self.token_lengths.write(out);
        self.sequence_lengths.write(out);
        self.covered.write(out);
        for state in &self.wanted {
            let counts = [state.frequency, state.num_sequences, state.fewest, state.most];
            counts.iter().chain(&state.positions).for_each(|count| count.write(out));
        }
        self.least_covered.write(out);
        self.shortest.write(out);
    }

    /// Reads what belongs to `self`, which is new.
    pub(crate) fn read(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        self.num_sequences = input.take_total()?;
        self.num_tokens = input.take_total()?;
        self.num_covered = input.take_total()?;
        self.num_covered_chars = input.take_total()?;
        self.token_lengths = Distribution::read(input)?;
        self.sequence_lengths = Distribution::read(input)?;
        self.covered = StringCounts::read(input)?;
        for state in &mut self.wanted {
            state.frequency = input.take_total()?;
            state.num_sequences = input.take_total()?;
            state.fewest = u64::read(input)?;
            state.most = input.take_total()?;
            for count in &mut state.positions {
                *count = input.take_total()?;
            }
        }
        self.least_covered = Reported::read(input)?;
        self.shortest = Reported::read(input)?;
        Ok(())
    }
}

impl WantedState {
    fn message(&self, token: &Wanted, num_sequences: u64) -> TokenStatistics {
        let token = Some(match token {
            Wanted::Number(number) => TokenName::IntToken(*number),
            Wanted::Text(text) => TokenName::StringToken(text.clone()),
        });
        if self.num_sequences == 0 {
            return TokenStatistics { token, ..TokenStatistics::default() };
        }
        let num_buckets = as_f64(self.positions.len() as u64);
        let parts = self.positions.iter().zip(0_u64..).filter(|&(&count, _)| count > 0);
        let bucket = |(&count, part): (&u64, u64)| Bucket {
            low_value: as_f64(part) / num_buckets,
            high_value: as_f64(part + 1) / num_buckets,
            sample_count: as_f64(count),
        };
        TokenStatistics {
            token,
            frequency: as_f64(self.frequency),
            fraction_of_sequences: as_f64(self.num_sequences) / as_f64(num_sequences),
            per_sequence_min_frequency: as_f64(self.fewest),
            per_sequence_avg_frequency: as_f64(self.frequency) / as_f64(self.num_sequences),
            per_sequence_max_frequency: as_f64(self.most),
            positions: Some(Histogram {
                buckets: parts.map(bucket).collect(),
                ..Histogram::default()
            }),
        }
    }
}
