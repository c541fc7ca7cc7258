//! How often each text occurs, in a table without order.

use sketch::Count;
use xxhash_rust::xxh3::xxh3_64;

/// A table of distinct texts, as bytes, and how often each was seen.
///
/// All texts stand in one piece of memory, so that taking in one that is known allocates nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountTable<C> {
    bytes: Vec<u8>,
    entries: Vec<Entry<C>>,
    /// An open table, a power of two of slots and at most half of them taken.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<C> {
    /// Where the text ends; it starts where the one before it ends.
    end: usize,
    count: C,
}

/// An entry's place plus one, with the upper half of its text's hash beside it; zero is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    entry: u32,
}

const MIN_SLOTS: usize = 64;

impl<C: Count> CountTable<C> {
    /// Counts a text.
    #[inline]
    pub(crate) fn add(&mut self, text: &[u8], count: C) {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        match self.find(text) {
            Ok(entry) => {
                let counted = &mut self.entries[entry].count;
                *counted = counted.plus(count);
            }
            Err((slot, tag)) => {
                self.bytes.extend_from_slice(text);
                self.entries.push(Entry { end: self.bytes.len(), count });
                self.slots[slot] = Slot { tag, entry: slot_entry(self.entries.len()) };
            }
        }
    }

    /// Returns the entry of a text, or the empty slot where it would be, and its tag.
    #[inline]
    fn find(&self, text: &[u8]) -> Result<usize, (usize, u32)> {
        let (mut place, tag) = place_and_tag(text, self.slots.len());
        loop {
            let slot = self.slots[place];
            match (slot.entry as usize).checked_sub(1) {
                None => return Err((place, tag)),
                Some(entry) if slot.tag == tag && self.text(entry) == text => return Ok(entry),
                Some(_) => place = (place + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn text(&self, entry: usize) -> &[u8] {
        let start = if entry == 0 { 0 } else { self.entries[entry - 1].end };
        &self.bytes[start..self.entries[entry].end]
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![Slot::default(); (self.slots.len() * 2).max(MIN_SLOTS)];
        for entry in 0..self.entries.len() {
            let (mut place, tag) = place_and_tag(self.text(entry), self.slots.len());
            while self.slots[place].entry != 0 {
                place = (place + 1) & (self.slots.len() - 1);
            }
            self.slots[place] = Slot { tag, entry: slot_entry(entry + 1) };
        }
    }

    /// Returns how many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns how many bytes of memory it takes, about.
    pub(crate) fn num_bytes(&self) -> usize {
        self.bytes.len()
            + self.entries.len() * size_of::<Entry<C>>()
            + self.slots.len() * size_of::<Slot>()
    }

    /// Returns the texts with their counts, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], C)> {
        (0..self.len()).map(|entry| (self.text(entry), self.entries[entry].count))
    }

    /// Returns the texts with their counts, in ascending order of their bytes.
    pub(crate) fn sorted(&self) -> Vec<(&[u8], C)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable_by_key(|&(text, _)| text);
        sorted
    }
}

fn slot_entry(number: usize) -> u32 {
    u32::try_from(number).expect("a table is spilled or refused long before 2^32 texts")
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "two parts of one hash")]
fn place_and_tag(text: &[u8], num_slots: usize) -> (usize, u32) {
    let hash = xxh3_64(text);
    (hash as usize & (num_slots - 1), (hash >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_and_come_back_in_order() {
        let mut table = CountTable::<u64>::default();
        for round in 1..=2 {
            for number in 0..5_000_u64 {
                table.add(format!("text {number}").as_bytes(), round);
            }
            table.add(b"", round);
        }
        let mut expected: Vec<_> =
            (0..5_000).map(|n| (format!("text {n}").into_bytes(), 3)).collect();
        expected.push((Vec::new(), 3));
        expected.sort();
        let found: Vec<_> = table.sorted().into_iter().map(|(t, c)| (t.to_vec(), c)).collect();
        assert_eq!((found, table.len()), (expected, 5_001));
    }
}
