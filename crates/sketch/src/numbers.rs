//! How often each distinct number occurs, in a table without order.

use crate::Count;

/// A table of distinct numbers and how often each was seen; NaN is not a number here.
///
/// Open addressing with linear probing; a slot with a count is 16 bytes. A small table is at most a quarter full, so that
/// most numbers are found at once, a large one half.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberCounts<C> {
    slots: Vec<Slot<C>>,
    len: usize,
    /// More numbers need a larger table.
    max_len: usize,
    /// 64 minus the logarithm of the number of slots.
    shift: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot<C> {
    /// The number's bits, negative zero made positive.
    bits: u64,
    /// Zero in an empty slot.
    count: C,
}

const MIN_SLOTS_LOG2: u32 = 7;
/// Up to here a table fits in the nearest cache.
const SMALL_SLOTS_LOG2: u32 = 11;

impl<C: Count> NumberCounts<C> {
    /// Returns how many distinct numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Counts one number `count` times; `count` is not zero and `value` not NaN.
    #[inline]
    pub(crate) fn add(&mut self, value: f64, count: C) {
        if self.len >= self.max_len {
            self.grow();
        }
        // Adding zero makes a negative zero positive and leaves all else.
        let bits = (value + 0.0).to_bits();
        let mask = self.slots.len() - 1;
        let mut index = slot_of(bits, self.shift);
        loop {
            let slot = &mut self.slots[index & mask];
            if slot.count.is_zero() {
                *slot = Slot { bits, count };
                self.len += 1;
                return;
            }
            if slot.bits == bits {
                slot.count = slot.count.plus(count);
                return;
            }
            index += 1;
        }
    }

    /// Takes in another table.
    pub(crate) fn merge(&mut self, other: &Self) {
        let used = other.slots.iter().filter(|slot| !slot.count.is_zero());
        used.for_each(|slot| self.add(f64::from_bits(slot.bits), slot.count));
    }

    /// Returns the numbers in ascending order with their counts.
    pub(crate) fn sorted(&self) -> Vec<(f64, C)> {
        let used = || self.slots.iter().filter(|slot| !slot.count.is_zero());
        let number = |ordered: u64| f64::from_bits(from_ordered(ordered));
        let mut counts = used().map(|slot| slot.count);
        if let Some(first) = counts.next()
            && counts.all(|count| count == first)
        {
            // Keys alone are sorted in half the time.
            let mut keys: Vec<u64> = Vec::with_capacity(self.len);
            keys.extend(used().map(|slot| to_ordered(slot.bits)));
            keys.sort_unstable();
            return keys.into_iter().map(|key| (number(key), first)).collect();
        }
        let mut pairs: Vec<(u64, C)> = Vec::with_capacity(self.len);
        pairs.extend(used().map(|slot| (to_ordered(slot.bits), slot.count)));
        pairs.sort_unstable_by_key(|&(key, _)| key);
        pairs.into_iter().map(|(key, count)| (number(key), count)).collect()
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::default());
        self.len = 0;
    }

    #[cold]
    fn grow(&mut self) {
        let slots_log2 = match self.slots.len() {
            0 => MIN_SLOTS_LOG2,
            slots => slots.ilog2() + 1,
        };
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); 1 << slots_log2]);
        self.shift = 64 - slots_log2;
        let spare_log2 = if slots_log2 <= SMALL_SLOTS_LOG2 { 2 } else { 1 };
        // One more than a power of two: a bound of that many is noticed before the table grows once more.
        self.max_len = (self.slots.len() >> spare_log2) + 1;
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| !slot.count.is_zero()) {
            let mut index = slot_of(slot.bits, self.shift);
            while !self.slots[index & mask].count.is_zero() {
                index += 1;
            }
            self.slots[index & mask] = slot;
        }
    }
}

/// Folds a 128-bit product, so that every bit of the number reaches the slot's index.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a product, and an index of few bits"
)]
fn slot_of(bits: u64, shift: u32) -> usize {
    let product = u128::from(bits ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    (((product as u64) ^ ((product >> 64) as u64)) >> shift) as usize
}

/// Maps a float's bits so that unsigned order is the floats' order.
fn to_ordered(bits: u64) -> u64 {
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn from_ordered(ordered: u64) -> u64 {
    if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_order_and_the_zeros_are_one() {
        let mut counts = NumberCounts::<u64>::default();
        for value in
            [3.0, -0.0, f64::NEG_INFINITY, 0.0, -2.5, f64::INFINITY, 3.0, f64::MIN_POSITIVE]
        {
            counts.add(value, 1);
        }
        let sorted = counts.sorted();
        let expected = [
            (f64::NEG_INFINITY, 1),
            (-2.5, 1),
            (0.0, 2),
            (f64::MIN_POSITIVE, 1),
            (3.0, 2),
            (f64::INFINITY, 1),
        ];
        assert_eq!(sorted, expected);
        counts.clear();
        assert_eq!((counts.len(), counts.sorted()), (0, vec![]));
    }

    #[test]
    fn many_numbers_are_all_kept() {
        let mut counts = NumberCounts::<u64>::default();
        for round in 1..=2 {
            (0..10_000_i32).for_each(|i| counts.add(f64::from(i) * 0.25, round));
        }
        let expected: Vec<_> = (0..10_000_i32).map(|i| (f64::from(i) * 0.25, 3)).collect();
        assert_eq!(counts.sorted(), expected);
    }
}
