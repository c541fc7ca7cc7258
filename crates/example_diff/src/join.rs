//! The join of both sides' records: which make pairs, and what of them is equal.

use std::collections::BTreeMap;

use crate::fingerprints::Fingerprints;
use crate::layout::{KEY, Layout, MISSING};
use crate::result::MatchStats;

/// What is counted of one feature, over all pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) base: u64,
    pub(crate) test: u64,
    pub(crate) matched: u64,
    pub(crate) base_only: u64,
    pub(crate) test_only: u64,
    pub(crate) mismatched: u64,
}

/// What came of the ranges of keys that were joined so far, from the smallest keys on.
pub(crate) struct Join<'a> {
    layout: &'a Layout,
    allow_duplicates: bool,
    sample_size: usize,
    pub(crate) match_stats: MatchStats,
    pub(crate) num_compared: u64,
    pub(crate) num_skewed: u64,
    /// One for each column of the layout that is compared.
    pub(crate) counts: Vec<Counts>,
    /// Records of pairs that differ, baseline first: those with the smallest keys.
    pub(crate) sample: Vec<(Vec<u64>, Vec<u64>)>,
    /// How often each pair of values was seen, by column, baseline first.
    pub(crate) confusion: BTreeMap<(usize, Option<String>, Option<String>), u64>,
}

/// The records of one side, sorted.
struct Sorted<'a> {
    side: &'a Fingerprints,
    width: usize,
    order: Vec<usize>,
}

impl<'a> Sorted<'a> {
    fn new(side: &'a Fingerprints, width: usize) -> Self {
        let mut sorted = Self { side, width, order: (0..side.numbers.len() / width).collect() };
        // By all numbers, so that the order of the examples does not show.
        let mut order = std::mem::take(&mut sorted.order);
        order.sort_unstable_by(|&a, &b| sorted.record(a).cmp(sorted.record(b)));
        sorted.order = order;
        sorted
    }

    fn record(&self, index: usize) -> &'a [u64] {
        &self.side.numbers[index * self.width..][..self.width]
    }

    fn key(&self, place: usize) -> Option<&'a [u64]> {
        self.order.get(place).map(|&index| &self.record(index)[..KEY])
    }

    /// Returns the records with a key, from a place on.
    fn group(&self, place: usize, key: &[u64]) -> Vec<&'a [u64]> {
        let records = self.order[place..].iter().map(|&index| self.record(index));
        records.take_while(|record| record[..KEY] == *key).collect()
    }
}

impl<'a> Join<'a> {
    pub(crate) fn new(layout: &'a Layout, allow_duplicates: bool, sample_size: u32) -> Self {
        Self {
            layout,
            allow_duplicates,
            sample_size: usize::try_from(sample_size).unwrap_or(usize::MAX),
            match_stats: MatchStats::default(),
            num_compared: 0,
            num_skewed: 0,
            counts: vec![Counts::default(); layout.num_compared],
            sample: Vec::new(),
            confusion: BTreeMap::new(),
        }
    }

    /// Takes in the records of both sides within the next range of keys.
    pub(crate) fn add(&mut self, base: &Fingerprints, test: &Fingerprints) {
        let width = self.layout.width();
        let (base_sorted, test_sorted) = (Sorted::new(base, width), Sorted::new(test, width));
        let (mut at_base, mut at_test) = (0, 0);
        let mut pairs = Confusion::new(self.layout);
        loop {
            let key = match (base_sorted.key(at_base), test_sorted.key(at_test)) {
                (Some(a), Some(b)) => a.min(b),
                (Some(key), None) | (None, Some(key)) => key,
                (None, None) => break,
            };
            let of_base = base_sorted.group(at_base, key);
            let of_test = test_sorted.group(at_test, key);
            at_base += of_base.len();
            at_test += of_test.len();
            self.add_group(&of_base, &of_test, &mut pairs);
        }
        let text = |values: &BTreeMap<u64, String>, fingerprint| values.get(&fingerprint).cloned();
        for (place, counts) in pairs.columns {
            for ((a, b), count) in counts {
                let key = (place, text(&base.values[place], a), text(&test.values[place], b));
                let total = self.confusion.entry(key).or_default();
                *total = total.saturating_add(count);
            }
        }
    }

    /// Takes in all records of both sides with one key.
    fn add_group(&mut self, base: &[&[u64]], test: &[&[u64]], pairs: &mut Confusion) {
        let (num_base, num_test) = (base.len() as u64, test.len() as u64);
        let has_duplicates = num_base > 1 || num_test > 1;
        let stats = &mut self.match_stats;
        stats.base_with_id_count += num_base;
        stats.test_with_id_count += num_test;
        stats.identifiers_count += 1;
        stats.ids_missing_in_base_count += u64::from(num_base == 0);
        stats.ids_missing_in_test_count += u64::from(num_test == 0);
        stats.matching_pairs_count =
            stats.matching_pairs_count.saturating_add(num_base.saturating_mul(num_test));
        stats.duplicate_id_count += u64::from(has_duplicates);
        if num_base == 0 || num_test == 0 || (has_duplicates && !self.allow_duplicates) {
            return;
        }
        self.num_compared = self.num_compared.saturating_add(num_base.saturating_mul(num_test));

        for (place, counts) in self.counts.iter_mut().enumerate() {
            count_feature(base, test, KEY + place, counts);
        }
        for (place, counts) in &mut pairs.columns {
            let (of_base, of_test) = (tally(base, KEY + *place), tally(test, KEY + *place));
            for &(a, times) in &of_base {
                for &(b, others) in &of_test {
                    let total = counts.entry((a, b)).or_default();
                    *total = total.saturating_add(times.saturating_mul(others));
                }
            }
        }
        self.add_skewed(base, test);
    }

    /// Counts the pairs of a key that differ, and keeps some.
    fn add_skewed(&mut self, base: &[&[u64]], test: &[&[u64]]) {
        let end = KEY + self.layout.num_compared;
        let (of_base, of_test) = (runs(base, end), runs(test, end));
        let mut num_equal = 0_u64;
        for (a, times) in &of_base {
            if let Ok(found) = of_test.binary_search_by(|(b, _)| b[..end].cmp(&a[..end])) {
                num_equal = num_equal.saturating_add(times.saturating_mul(of_test[found].1));
            }
        }
        let num_pairs = (base.len() as u64).saturating_mul(test.len() as u64);
        self.num_skewed = self.num_skewed.saturating_add(num_pairs.saturating_sub(num_equal));
        for (a, _) in &of_base {
            for (b, _) in &of_test {
                if self.sample.len() >= self.sample_size {
                    return;
                }
                if a[..end] != b[..end] {
                    self.sample.push((a.to_vec(), b.to_vec()));
                }
            }
        }
    }
}

/// How often each pair of fingerprints was seen, baseline first.
type PairCounts = BTreeMap<(u64, u64), u64>;

/// The pairs of fingerprints of each column that is counted.
struct Confusion {
    columns: Vec<(usize, PairCounts)>,
}

impl Confusion {
    fn new(layout: &Layout) -> Self {
        let columns = layout.columns.iter().enumerate();
        let counted = columns.filter(|(_, column)| column.is_counted);
        Self { columns: counted.map(|(place, _)| (place, BTreeMap::new())).collect() }
    }
}

/// Counts one feature over all pairs of a key, in time that grows with the examples and not with the pairs.
fn count_feature(base: &[&[u64]], test: &[&[u64]], place: usize, counts: &mut Counts) {
    if let ([a], [b]) = (base, test) {
        let (a, b) = (a[place], b[place]);
        counts.base += u64::from(a != MISSING);
        counts.test += u64::from(b != MISSING);
        match (a, b) {
            (MISSING, MISSING) => {}
            (_, MISSING) => counts.base_only += 1,
            (MISSING, _) => counts.test_only += 1,
            _ if a == b => counts.matched += 1,
            _ => counts.mismatched += 1,
        }
        return;
    }
    let (of_base, of_test) = (tally(base, place), tally(test, place));
    let present = |tally: &[(u64, u64)]| {
        tally.iter().filter(|(value, _)| *value != MISSING).map(|(_, times)| times).sum::<u64>()
    };
    let (num_base, num_test) = (base.len() as u64, test.len() as u64);
    let (has_base, has_test) = (present(&of_base), present(&of_test));
    let mut matched = 0_u64;
    for &(value, times) in of_base.iter().filter(|(value, _)| *value != MISSING) {
        if let Ok(found) = of_test.binary_search_by_key(&value, |(other, _)| *other) {
            matched = matched.saturating_add(times.saturating_mul(of_test[found].1));
        }
    }
    let add = |total: &mut u64, a: u64, b: u64| *total = total.saturating_add(a.saturating_mul(b));
    add(&mut counts.base, has_base, num_test);
    add(&mut counts.test, has_test, num_base);
    add(&mut counts.matched, matched, 1);
    add(&mut counts.base_only, has_base, num_test - has_test);
    add(&mut counts.test_only, num_base - has_base, has_test);
    add(&mut counts.mismatched, has_base.saturating_mul(has_test).saturating_sub(matched), 1);
}

/// Returns the numbers at one place of some records, ascending, and how often each is there.
fn tally(records: &[&[u64]], place: usize) -> Vec<(u64, u64)> {
    let mut values: Vec<u64> = records.iter().map(|record| record[place]).collect();
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
}

/// Returns the first of each run of sorted records that are equal up to a place, and how long it is.
fn runs<'a>(records: &[&'a [u64]], end: usize) -> Vec<(&'a [u64], u64)> {
    let runs = records.chunk_by(|a, b| a[..end] == b[..end]);
    runs.map(|run| (run[0], run.len() as u64)).collect()
}
