//! A mergeable, deterministic summary of the ranks of numbers.
//!
//! Every kept number carries the least and the greatest rank that it may have. Merging two summaries adds
//! ranks and loses nothing; pruning one to `n` entries widens the gap between neighbours by at most `1 / n`
//! of the whole, which is an error of half of that for a rank asked for.
//!
//! # Source
//!
//! Greenwald and Khanna, "Power-conserving computation of order-statistics over sensor networks" (2004);
//! Zhang and Wang, "A fast algorithm for approximate quantiles in high speed data streams" (2007). The
//! entries carry weights as in Chen and Guestrin, "XGBoost" (2016), appendix.

use crate::Count;

/// One kept number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<C = u64> {
    /// The number.
    pub value: f64,
    /// How often the number itself surely occurs.
    pub weight: C,
    /// At least this many values are less.
    pub min_rank: C,
    /// At most this many values are less or equal.
    pub max_rank: C,
}

impl<C: Count> Entry<C> {
    /// At most this many values are less.
    fn max_below(&self) -> C {
        self.max_rank.minus(self.weight)
    }

    /// At least this many values are less or equal.
    fn min_through(&self) -> C {
        self.min_rank.plus(self.weight)
    }
}

/// Some of the values of a multiset in ascending order, with bounds on their ranks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary<C = u64> {
    /// In ascending order of their values, which are distinct and not NaN.
    pub entries: Vec<Entry<C>>,
}

impl<C: Count> Summary<C> {
    /// Returns the summary that knows every rank, of distinct ascending numbers and their counts.
    pub fn exact(counts: &[(f64, C)]) -> Self {
        let mut below = C::default();
        let entry = |&(value, weight): &(f64, C)| {
            let min_rank = below;
            below = below.plus(weight);
            Entry { value, weight, min_rank, max_rank: below }
        };
        Self { entries: counts.iter().map(entry).collect() }
    }

    /// Returns how many values were summarized.
    pub fn total(&self) -> C {
        self.entries.last().map_or_else(C::default, |entry| entry.max_rank)
    }

    /// Returns the summary of both multisets together.
    pub fn merge(&self, other: &Self) -> Self {
        let (left, right) = (&self.entries, &other.entries);
        let mut entries = Vec::with_capacity(left.len() + right.len());
        let (mut i, mut j) = (0, 0);
        while i < left.len() || j < right.len() {
            let order = match (left.get(i), right.get(j)) {
                (Some(a), Some(b)) => a.value.total_cmp(&b.value),
                (Some(_), None) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            if order.is_eq() {
                let (a, b) = (left[i], right[j]);
                entries.push(Entry {
                    value: a.value,
                    weight: a.weight.plus(b.weight),
                    min_rank: a.min_rank.plus(b.min_rank),
                    max_rank: a.max_rank.plus(b.max_rank),
                });
                (i, j) = (i + 1, j + 1);
            } else if order.is_lt() {
                entries.push(between(left[i], right, j));
                i += 1;
            } else {
                entries.push(between(right[j], left, i));
                j += 1;
            }
        }
        Self { entries }
    }

    /// Keeps the first entry, the last, and those nearest to the ranks between at equal distances: at most
    /// `size + 1` in all.
    pub fn prune(&mut self, size: usize) {
        if self.entries.len() <= size + 1 {
            return;
        }
        let mut kept = Vec::with_capacity(size + 1);
        let mut previous = usize::MAX;
        for index in self.nearest(size) {
            if index != previous {
                kept.push(self.entries[index]);
                previous = index;
            }
        }
        self.entries = kept;
    }

    /// Returns the numbers at the ranks that cut the multiset into `num_quantiles` parts of equal count, the
    /// least and the greatest number included, each with how many values are at most that number.
    pub fn quantiles(&self, num_quantiles: usize) -> Vec<(f64, C)> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let entry = |index: usize| (self.entries[index].value, self.entries[index].max_rank);
        self.nearest(num_quantiles).map(entry).collect()
    }

    /// Returns the number nearest to the rank that cuts the multiset after a fraction of it, from 0 for the least number
    /// to 1 for the greatest; none when it is empty.
    pub fn quantile(&self, fraction: f64) -> Option<f64> {
        let wanted = 2.0 * fraction * self.total().to_f64();
        let num_before = |rank: f64| {
            self.entries.partition_point(|e| e.min_rank.plus(e.max_rank).to_f64() <= rank)
        };
        let current = self.entries.get(num_before(wanted).saturating_sub(1))?;
        let next = self.entries.get(num_before(wanted).max(1));
        let is_next = next
            .is_some_and(|next| wanted >= current.min_through().plus(next.max_below()).to_f64());
        Some(if is_next { next.unwrap_or(current).value } else { current.value })
    }

    /// Yields the entries nearest to the ranks `0, total / parts, …, total`; there is at least one entry.
    fn nearest(&self, parts: usize) -> impl Iterator<Item = usize> {
        let entries = &self.entries;
        let (total, parts) = (self.total(), parts.max(2));
        let mut current = 0;
        (0..=parts).map(move |part| {
            // Twice the wanted rank, which is compared with whole numbers only and so may be rounded down.
            let wanted = total.twice_part(part, parts);
            let mut next = current + 1;
            while next < entries.len()
                && wanted >= entries[next].min_rank.plus(entries[next].max_rank)
            {
                next += 1;
            }
            current = next - 1;
            let closer_to_current =
                |next: &Entry<C>| wanted < entries[current].min_through().plus(next.max_below());
            if entries.get(next).is_none_or(closer_to_current) { current } else { next }
        })
    }
}

/// Returns an entry with the ranks that it has once `others` is merged in, where `next` is the first of the
/// others that is greater.
fn between<C: Count>(entry: Entry<C>, others: &[Entry<C>], next: usize) -> Entry<C> {
    let surely_below = if next == 0 { C::default() } else { others[next - 1].min_through() };
    let at_most_below = match others.get(next) {
        Some(other) => other.max_below(),
        None => others.last().map_or_else(C::default, |last| last.max_rank),
    };
    Entry {
        min_rank: entry.min_rank.plus(surely_below),
        max_rank: entry.max_rank.plus(at_most_below),
        ..entry
    }
}
