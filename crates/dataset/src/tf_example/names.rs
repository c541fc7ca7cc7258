//! Finds features by name, guessing that a record has them in the order of the one before.

use xxhash_rust::xxh3::xxh3_64;

/// No name: an empty slot of the table, or a guess that never holds.
const NONE: u32 = u32::MAX;

/// A slot of the table: the number of a name, and half of its hash, so that names are compared once.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u32,
    hash: u32,
}

/// Numbers for names, from 0 in the order in which they were added.
///
/// Writers put the features of every record in one order, so the name that came after the last one in the
/// previous record is compared first. Where that fails, the name is hashed.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: Vec<Box<[u8]>>,
    /// Open addressing, a power of two at least twice as large as the names are many.
    table: Vec<Slot>,
    /// What stood at each position of the previous record.
    order: Vec<u32>,
    position: usize,
}

/// Positions beyond this are not remembered: records repeat a name as often as they like.
const MAX_ORDER: usize = 1 << 16;

impl Names {
    /// Returns the names, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Begins another record.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.position = 0;
    }

    /// Returns the numbers of the record's names so far, one that is not known being beyond all others, or `None` of a
    /// record with too many to remember.
    pub(super) fn order(&self) -> Option<&[u32]> {
        self.order.get(..self.position)
    }

    /// Returns the number of a name, or `None` where it was never added.
    #[inline]
    pub(super) fn find(&mut self, name: &[u8]) -> Option<usize> {
        let position = self.position;
        self.position += 1;
        if let Some(&guess) = self.order.get(position)
            && let Some(known) = self.names.get(guess as usize)
            && is_same(known, name)
        {
            return Some(guess as usize);
        }
        let found = self.look_up(name);
        if let Some(guess) = self.order.get_mut(position) {
            *guess = found;
        } else if position == self.order.len() && position < MAX_ORDER {
            self.order.push(found);
        }
        (found != NONE).then_some(found as usize)
    }

    /// Returns how many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Adds a name that was not found and returns its number.
    pub(super) fn add(&mut self, name: &[u8]) -> usize {
        let number = self.names.len();
        self.names.push(name.into());
        if self.table.len() < 2 * self.names.len() {
            let size = (4 * self.names.len()).next_power_of_two();
            self.table = vec![Slot { number: NONE, hash: 0 }; size];
            (0..self.names.len()).for_each(|number| self.enter(number));
        } else {
            self.enter(number);
        }
        number
    }

    /// Enters a name into the table, which has room.
    fn enter(&mut self, number: usize) {
        let (mut slot, hash) = self.first_slot(&self.names[number]);
        while self.table[slot].number != NONE {
            slot = (slot + 1) & (self.table.len() - 1);
        }
        let number = u32::try_from(number).expect("the callers bound the names");
        self.table[slot] = Slot { number, hash };
    }

    fn look_up(&self, name: &[u8]) -> u32 {
        if self.table.is_empty() {
            return NONE;
        }
        let (mut slot, hash) = self.first_slot(name);
        loop {
            let found = self.table[slot];
            if found.number == NONE {
                return NONE;
            }
            if found.hash == hash && is_same(&self.names[found.number as usize], name) {
                return found.number;
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    /// Returns the slot where a name is looked for first, and half of its hash.
    #[inline]
    fn first_slot(&self, name: &[u8]) -> (usize, u32) {
        let [a, b, c, d, e, f, g, h] = xxh3_64(name).to_le_bytes();
        let slot = u32::from_le_bytes([a, b, c, d]) as usize & (self.table.len() - 1);
        (slot, u32::from_le_bytes([e, f, g, h]))
    }
}

/// Compares names of a few words without a call.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    words.iter().zip(other_words).all(|(a, b)| word(a) == word(b))
        && match (one.last_chunk(), other.last_chunk()) {
            // The last word overlaps the one before, which is quicker than byte by byte.
            (Some(a), Some(b)) => word(a) == word(b),
            _ => rest.iter().zip(other_rest).all(|(a, b)| a == b),
        }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_found_as_in_a_map(
            records in prop::collection::vec(prop::collection::vec("(abababab){0,2}[ab]{0,6}", 0..12), 0..20),
        ) {
            let (mut names, mut expected) = (Names::default(), BTreeMap::new());
            for record in &records {
                names.begin();
                for name in record {
                    let found = names.find(name.as_bytes());
                    prop_assert_eq!(found, expected.get(name).copied());
                    if found.is_none() && name.len() % 2 == 0 {
                        expected.insert(name.clone(), names.add(name.as_bytes()));
                    }
                }
            }
            for (name, &number) in &expected {
                prop_assert_eq!(names.iter().nth(number), Some(name.as_bytes()));
            }
        }
    }
}
