//! How often each distinct string occurs, exactly up to a bound and within a stated error beyond.
//!
//! Strings are counted in a table. While a feature has at most `max_exact` distinct strings of together at
//! most [`MAX_TEXT`] bytes, counts and `unique` are exact. A table that grows beyond is thinned: all counts
//! are lowered so that at most half of the strings and of the bytes stay, as in the algorithm of Misra and
//! Gries, and a sketch of the hashes of all strings estimates how many there were. From then on a string of
//! more than [`MAX_LONG`] bytes is counted under one name with all its like. A count is never too high, and
//! too low by at most one `k + 1`-th of all values, where `k`, the number of strings that stay, is half of
//! `max_exact`, or at least `MAX_TEXT / 2 / MAX_LONG` where the bytes are the narrower bound. The same holds
//! where strings count by their weight.
//!
//! # Source
//!
//! Agarwal et al., "Mergeable summaries" (2012), for thinning and merging; Bar-Yossef et al., "Counting
//! distinct elements in a data stream" (2002), for the least hashes.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::distinct::LeastHashes;
use sketch::bytes::{Reader, Stored, write_bytes};
use sketch::{Count, StateError};

/// How many bytes of distinct strings one feature may keep.
const MAX_TEXT: usize = 64 << 20;
/// Longer strings are pooled once counts are no longer exact.
const MAX_LONG: usize = 1024;
/// The name under which they are pooled.
const LARGE_BYTES: &[u8] = b"__LARGE_BYTES__";

/// A table of distinct strings (or bytes) and how often each was seen.
#[derive(Clone, Debug)]
pub(crate) struct StringCounts<C = u64> {
    max_exact: usize,
    /// Entry numbers plus one, with the upper half of the hash beside them; zero is empty.
    slots: Vec<Slot>,
    entries: Vec<Entry<C>>,
    /// The bytes of all entries.
    text: Vec<u8>,
    /// Hashes of all strings ever seen, once the table was thinned.
    seen: Option<LeastHashes>,
    /// How often strings were seen that are too long to be kept, once the table was thinned.
    num_pooled: C,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    entry: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry<C> {
    hash: u64,
    count: C,
    start: u32,
    len: u32,
    is_utf8: bool,
}

/// One distinct string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted<'a, C = u64> {
    pub(crate) bytes: &'a [u8],
    pub(crate) count: C,
}

impl<C: Count> Counted<'_, C> {
    fn by_rank(&self, other: &Self, order: Ties) -> Ordering {
        let ties = || match order {
            Ties::GreaterBytes => other.bytes.cmp(self.bytes),
            Ties::LesserBytes => self.bytes.cmp(other.bytes),
            Ties::GreaterNumber => {
                let number =
                    |bytes| std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
                let (a, b): (Option<f64>, Option<f64>) = (number(other.bytes), number(self.bytes));
                a.partial_cmp(&b)
                    .unwrap_or(Ordering::Equal)
                    .then_with(|| other.bytes.cmp(self.bytes))
            }
        };
        other.count.cmp(&self.count).then_with(ties)
    }
}

/// Which of several strings with one count comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ties {
    /// The greater bytes.
    GreaterBytes,
    /// The lesser bytes.
    LesserBytes,
    /// The greater number that the text stands for.
    GreaterNumber,
}

impl StringCounts {
    /// Counts one string and returns whether it is UTF-8; `is_utf8` says that it is known to be.
    #[inline]
    pub(crate) fn add(&mut self, bytes: &[u8], is_utf8: bool) -> bool {
        self.add_times(bytes, 1, is_utf8)
    }
}

impl<C: Count> StringCounts<C> {
    pub(crate) fn new(max_exact: usize) -> Self {
        Self {
            max_exact,
            slots: Vec::new(),
            entries: Vec::new(),
            text: Vec::new(),
            seen: None,
            num_pooled: C::default(),
        }
    }

    /// Counts one string so many times, and returns whether it is UTF-8; `is_utf8` says that it is known to be.
    #[inline]
    pub(crate) fn add_times(&mut self, bytes: &[u8], count: C, is_utf8: bool) -> bool {
        self.add_hashed(bytes, xxh3_64(bytes), count, is_utf8)
    }

    /// Takes in another table with the same `max_exact`.
    pub(crate) fn merge(&mut self, other: &Self) {
        if let Some(seen) = &other.seen {
            self.sketch().merge(seen);
        }
        self.num_pooled = self.num_pooled.plus(other.num_pooled);
        for chunk in other.entries.chunks(16) {
            self.fetch_slots(chunk);
            for entry in chunk {
                self.add_hashed(other.bytes_of(entry), entry.hash, entry.count, entry.is_utf8);
            }
        }
    }

    /// Returns how many distinct strings there were: exact, or estimated once the table was thinned.
    pub(crate) fn unique(&self) -> u64 {
        self.seen.as_ref().map_or(self.entries.len() as u64, LeastHashes::estimate)
    }

    /// Returns how often one string was seen, as far as it was kept.
    pub(crate) fn count(&self, bytes: &[u8]) -> C {
        let hash = xxh3_64(bytes);
        let mask = self.slots.len().wrapping_sub(1);
        let (mut index, tag) = (slot_of(hash) & mask, tag_of(hash));
        while let Some(slot) = self.slots.get(index).filter(|slot| slot.entry != 0) {
            let entry = &self.entries[slot.entry as usize - 1];
            if slot.tag == tag && self.bytes_of(entry) == bytes {
                return entry.count;
            }
            index = (index + 1) & mask;
        }
        C::default()
    }

    /// Returns the `limit` most frequent strings, the most frequent first.
    pub(crate) fn top(&self, limit: usize, ties: Ties) -> Vec<Counted<'_, C>> {
        let pooled = Counted { bytes: LARGE_BYTES, count: self.num_pooled };
        let counted =
            |entry: &Entry<C>| Counted { bytes: self.bytes_of(entry), count: entry.count };
        let mut top: Vec<Counted<'_, C>> = self.entries.iter().map(counted).collect();
        top.extend((!pooled.count.is_zero()).then_some(pooled));
        let by_rank = |a: &Counted<'_, C>, b: &Counted<'_, C>| a.by_rank(b, ties);
        if limit < top.len() {
            top.select_nth_unstable_by(limit, by_rank);
            top.truncate(limit);
        }
        top.sort_unstable_by(by_rank);
        top
    }

    /// Reads the slots where some entries will be looked for: in a table beyond the caches, misses that do not
    /// wait for one another cost a fraction.
    fn fetch_slots(&self, entries: &[Entry<C>]) {
        let mask = self.slots.len().wrapping_sub(1);
        let tags = entries.iter().filter_map(|entry| self.slots.get(slot_of(entry.hash) & mask));
        std::hint::black_box(tags.fold(0, |all, slot| all ^ slot.tag));
    }

    fn bytes_of(&self, entry: &Entry<C>) -> &[u8] {
        let start = entry.start as usize;
        &self.text[start..start + entry.len as usize]
    }

    #[inline]
    fn add_hashed(&mut self, bytes: &[u8], hash: u64, count: C, is_utf8: bool) -> bool {
        if self.entries.len() * 2 >= self.slots.len() {
            self.set_slots((self.slots.len() * 2).max(MIN_SLOTS));
        }
        let mask = self.slots.len() - 1;
        let (mut index, tag) = (slot_of(hash) & mask, tag_of(hash));
        loop {
            let slot = self.slots[index];
            if slot.entry == 0 {
                return self.add_new(bytes, hash, count, is_utf8);
            }
            if slot.tag == tag {
                let entry = self.entries[slot.entry as usize - 1];
                if self.bytes_of(&entry) == bytes {
                    let counted = &mut self.entries[slot.entry as usize - 1].count;
                    *counted = counted.plus(count);
                    return entry.is_utf8;
                }
            }
            index = (index + 1) & mask;
        }
    }

    /// Counts a string that is not in the table.
    #[cold]
    fn add_new(&mut self, bytes: &[u8], hash: u64, count: C, is_utf8: bool) -> bool {
        let is_utf8 = is_utf8 || std::str::from_utf8(bytes).is_ok();
        let is_full =
            self.entries.len() >= self.max_exact || self.text.len() + bytes.len() > MAX_TEXT;
        if is_full {
            self.thin();
        }
        if let Some(seen) = &mut self.seen {
            seen.add(hash);
            if bytes.len() > MAX_LONG {
                self.num_pooled = self.num_pooled.plus(count);
                return is_utf8;
            }
        }
        self.push(bytes, hash, count, is_utf8);
        is_utf8
    }

    /// Appends an entry for which there is room.
    #[expect(clippy::cast_possible_truncation, reason = "the text has at most `MAX_TEXT` bytes")]
    fn push(&mut self, bytes: &[u8], hash: u64, count: C, is_utf8: bool) {
        let (start, len) = (self.text.len() as u32, bytes.len() as u32);
        self.text.extend_from_slice(bytes);
        self.entries.push(Entry { hash, count, start, len, is_utf8 });
        self.link(self.entries.len());
    }

    /// Finds a slot for entry `number`, counted from one.
    #[expect(clippy::cast_possible_truncation, reason = "`max_exact` has 32 bits")]
    fn link(&mut self, number: usize) {
        if number * 2 > self.slots.len() {
            self.set_slots((self.slots.len() * 2).max(MIN_SLOTS));
            return;
        }
        let mask = self.slots.len() - 1;
        let hash = self.entries[number - 1].hash;
        let mut index = slot_of(hash) & mask;
        while self.slots[index].entry != 0 {
            index = (index + 1) & mask;
        }
        self.slots[index] = Slot { tag: tag_of(hash), entry: number as u32 };
    }

    /// Makes a table of `num_slots` empty slots, and links every entry.
    fn set_slots(&mut self, num_slots: usize) {
        self.slots = vec![Slot::default(); num_slots];
        (1..=self.entries.len()).for_each(|number| self.link(number));
    }

    /// Returns the sketch of all strings seen, which begins with those in the table.
    fn sketch(&mut self) -> &mut LeastHashes {
        let entries = &self.entries;
        self.seen.get_or_insert_with(|| {
            let mut seen = LeastHashes::default();
            entries.iter().for_each(|entry| seen.add(entry.hash));
            seen
        })
    }

    /// Makes room: pools what is long, keeps the more frequent half and lowers its counts.
    fn thin(&mut self) {
        self.sketch();
        let text = std::mem::take(&mut self.text);
        let (short, long): (Vec<Entry<C>>, Vec<Entry<C>>) =
            std::mem::take(&mut self.entries).into_iter().partition(|e| e.len as usize <= MAX_LONG);
        self.num_pooled = long.iter().fold(self.num_pooled, |sum, entry| sum.plus(entry.count));
        let lowered_by = first_count_out(&short, self.max_exact / 2, MAX_TEXT / 2);
        self.set_slots(MIN_SLOTS);
        for entry in short.iter().filter(|entry| entry.count > lowered_by) {
            let bytes = &text[entry.start as usize..][..entry.len as usize];
            self.push(bytes, entry.hash, entry.count.minus(lowered_by), entry.is_utf8);
        }
    }
}

/// Returns the count of the first entry in descending order of counts that is beyond one of the bounds, or
/// zero. Entries of equal count are all within or, since they lose all of their count, all out.
fn first_count_out<C: Count>(entries: &[Entry<C>], max_entries: usize, max_text: usize) -> C {
    let mut sizes: Vec<(C, u32)> = entries.iter().map(|entry| (entry.count, entry.len)).collect();
    sizes.sort_unstable_by_key(|&(count, _)| std::cmp::Reverse(count));
    let mut text_len = 0;
    let fitting = sizes.iter().take(max_entries).take_while(|&&(_, len)| {
        text_len += len as usize;
        text_len <= max_text
    });
    let num_fitting = fitting.count();
    sizes.get(num_fitting).map_or_else(C::default, |&(count, _)| count)
}

/// The table's least size.
const MIN_SLOTS: usize = 64;

/// The lower half of a hash says where a string goes, the upper half tells most others from it.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is enough")]
fn slot_of(hash: u64) -> usize {
    hash as u32 as usize
}

#[inline]
fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl<C: Count> Stored for StringCounts<C> {
    fn write(&self, out: &mut Vec<u8>) {
        self.max_exact.write(out);
        self.entries.len().write(out);
        for entry in &self.entries {
            entry.count.write(out);
            u64::from(entry.is_utf8).write(out);
            write_bytes(self.bytes_of(entry), out);
        }
        match &self.seen {
            None => 0_u64.write(out),
            Some(seen) => {
                1_u64.write(out);
                self.num_pooled.write(out);
                seen.write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut read = Self::new(usize::read(input)?);
        for _ in 0..usize::read(input)? {
            let count = C::take(input)?;
            let is_utf8 = u64::read(input)? != 0;
            let bytes = input.take_bytes()?;
            if bytes.len() + read.text.len() > MAX_TEXT || read.entries.len() >= read.max_exact {
                return Err(StateError { reason: "there are too many strings" });
            }
            read.push(bytes, xxh3_64(bytes), count, is_utf8);
        }
        if u64::read(input)? != 0 {
            read.num_pooled = C::take(input)?;
            read.seen = Some(LeastHashes::read(input)?);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
