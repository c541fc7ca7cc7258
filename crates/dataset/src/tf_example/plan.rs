//! The features that a record is expected to have, one behind the other, learnt from the records before it.
//!
//! Where a record is as expected, its values go to their columns without a look at what else it might be. Where it is
//! not, nothing is decided here: the columns are cut back, the record is read in full, and the plan learns from it.
//! Features that are left out now and then are passed over, so that the plan is the order of all that were seen.

use std::mem;

use formats::example::ExpectedName;
use formats::wire::{DELIMITED, WireReader};

use super::column::Column;
use super::names::Names;

/// So many steps may be passed over before a record counts as another kind of record, and two for each feature found.
const MAX_PASSED_OVER: usize = 16;
/// Records that are read in full before the plan is tried again, where it never fits.
const MAX_PAUSE: u32 = 63;

/// One feature that is expected.
#[derive(Debug)]
struct Step {
    /// The number of its name.
    number: u32,
    name: ExpectedName,
    /// The column, or none where the feature is not asked for.
    column: Option<usize>,
}

/// What records are expected to have.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Step>,
    /// Records for which the plan is not tried.
    pause: u32,
    next_pause: u32,
}

impl Plan {
    /// Returns whether the next record is one to try the plan with.
    #[inline]
    pub(super) fn is_due(&mut self) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        true
    }

    /// Appends the features of a `tf.Example` to their columns, as a row. Returns how many columns have it now, or `None` where
    /// the record is not as expected; the columns are to be cut back then.
    #[inline]
    pub(super) fn follow(&mut self, record: &[u8], columns: &mut [Column]) -> Option<usize> {
        let followed = self.walk(record, columns);
        if followed.is_some() {
            self.next_pause /= 2;
        } else {
            self.pause = self.next_pause;
            self.next_pause = (2 * self.next_pause + 1).min(MAX_PAUSE);
        }
        followed
    }

    #[inline]
    fn walk(&self, record: &[u8], columns: &mut [Column]) -> Option<usize> {
        let mut example = WireReader::new(record);
        if !example.take_tag(1, DELIMITED) {
            return None;
        }
        let mut features = example.delimited().ok()?;
        if !example.is_empty() {
            return None;
        }
        let (mut num_found, mut allowance) = (0, MAX_PASSED_OVER);
        let mut steps = self.steps.iter();
        while !features.is_empty() {
            let (step, feature) = loop {
                let step = steps.next()?;
                if let Some(feature) = step.name.take(&mut features) {
                    break (step, feature);
                }
                allowance = allowance.checked_sub(1)?;
            };
            allowance += 2;
            if let Some(column) = step.column {
                if !columns[column].push_expected(feature) {
                    return None;
                }
                num_found += 1;
            }
        }
        Some(num_found)
    }

    /// Learns from a record that was read in full: `order` has the numbers of its names.
    pub(super) fn learn(&mut self, order: &[u32], names: &Names, columns: &[Option<usize>]) {
        // Between records that were not tried, nothing is learnt: it would cost more than it brings.
        if self.pause > 0 {
            return;
        }
        let Some(order) = self.merged(order, columns.len()) else {
            self.steps.clear();
            return;
        };
        let mut known: Vec<Option<Step>> = Vec::new();
        known.resize_with(columns.len(), || None);
        for step in mem::take(&mut self.steps) {
            let number = step.number as usize;
            known[number] = Some(step);
        }
        self.steps = order
            .into_iter()
            .filter_map(|number| {
                let index = number as usize;
                let known = known[index].take();
                let name = match known {
                    Some(step) => step.name,
                    None => ExpectedName::new(names.iter().nth(index)?),
                };
                Some(Step { number, name, column: columns[index] })
            })
            .collect();
    }

    /// Returns the numbers of the steps and of a record, in an order that has both as parts; where there is none, the
    /// record's alone. `None` where a name comes twice or is not known.
    fn merged(&self, order: &[u32], num_names: usize) -> Option<Vec<u32>> {
        let mut is_in_record = vec![false; num_names];
        for &number in order {
            let seen = is_in_record.get_mut(number as usize)?;
            if mem::replace(seen, true) {
                return None;
            }
        }
        let mut places = vec![None; num_names];
        for (place, step) in self.steps.iter().enumerate() {
            places[step.number as usize] = Some(place);
        }
        let mut merged = Vec::with_capacity(order.len());
        let mut begin = 0;
        for &number in order {
            match places[number as usize] {
                Some(place) if place < begin => return Some(order.to_vec()),
                Some(place) => {
                    merged.extend(self.steps[begin..=place].iter().map(|step| step.number));
                    begin = place + 1;
                }
                None => merged.push(number),
            }
        }
        merged.extend(self.steps[begin..].iter().map(|step| step.number));
        Some(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns records whose names are letters, and returns the order that is expected then.
    fn learn(records: &[&str]) -> String {
        let (mut plan, mut names) = (Plan::default(), Names::default());
        let letters = ["a", "b", "c", "d", "e"];
        for name in letters {
            names.add(name.as_bytes());
        }
        for record in records {
            let order: Vec<u32> =
                record.bytes().map(|letter| u32::from(letter).wrapping_sub(97)).collect();
            plan.learn(&order, &names, &[None; 5]);
        }
        plan.steps.iter().map(|step| letters[step.number as usize]).collect()
    }

    #[test]
    fn features_that_are_left_out_are_remembered() {
        assert_eq!(learn(&["abc"]), "abc");
        assert_eq!(learn(&["ac", "abd"]), "abdc");
        assert_eq!(learn(&["ac", "e", "abd"]), "eabdc");
        assert_eq!(learn(&["abc", "b", "c", ""]), "abc");
    }

    #[test]
    fn another_order_counts_from_then_on() {
        assert_eq!(learn(&["abc", "cab"]), "cab");
        assert_eq!(learn(&["abcd", "dc"]), "dc");
    }

    #[test]
    fn nothing_is_expected_of_names_that_repeat_or_are_not_known() {
        assert_eq!(learn(&["abca"]), "");
        assert_eq!(learn(&["abc", "az"]), "");
        assert_eq!(learn(&["abc", "ab~"]), "");
    }
}
