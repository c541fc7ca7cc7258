//! Finds features by name, guessing that a record has them in the order of the one before.

use xxhash_rust::xxh3::xxh3_64;

/// No name: an empty slot of the table, or a guess that never holds.
const NONE: u32 = u32::MAX;

/// Numbers for names, from 0 in the order in which they were added.
///
/// Writers put the features of every record in one order, so the name that came after the last one in the
/// previous record is compared first. Where that fails, the name is hashed.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: Vec<Box<[u8]>>,
    /// Open addressing, a power of two at least twice as large as the names are many.
    table: Vec<u32>,
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

    /// Returns the number of a name, or `None` where it was never added.
    #[inline]
    pub(super) fn find(&mut self, name: &[u8]) -> Option<usize> {
        let position = self.position;
        self.position += 1;
        if let Some(&guess) = self.order.get(position)
            && let Some(known) = self.names.get(guess as usize)
            && **known == *name
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

    /// Adds a name that was not found and returns its number.
    pub(super) fn add(&mut self, name: &[u8]) -> usize {
        if self.table.len() < 2 * (self.names.len() + 1) {
            let size = (4 * (self.names.len() + 1)).next_power_of_two();
            self.table = vec![NONE; size];
            for number in 0..self.names.len() {
                let slot = self.free_slot(&self.names[number]);
                self.table[slot] = u32::try_from(number).expect("the caller bounds the names");
            }
        }
        let number = self.names.len();
        let slot = self.free_slot(name);
        self.table[slot] = u32::try_from(number).expect("the caller bounds the names");
        self.names.push(name.into());
        number
    }

    fn free_slot(&self, name: &[u8]) -> usize {
        self.probe(name)
            .find(|&slot| self.table[slot] == NONE)
            .expect("at most half of the table is full")
    }

    fn look_up(&self, name: &[u8]) -> u32 {
        if self.table.is_empty() {
            return NONE;
        }
        for slot in self.probe(name) {
            let number = self.table[slot];
            if number == NONE || *self.names[number as usize] == *name {
                return number;
            }
        }
        NONE
    }

    /// Returns the slots where a name may be, in the order in which they are tried.
    fn probe(&self, name: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let mask = self.table.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let hash = xxh3_64(name) as usize;
        (0..=mask).map(move |step| hash.wrapping_add(step) & mask)
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
            records in prop::collection::vec(prop::collection::vec("[ab]{0,6}", 0..12), 0..20),
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
