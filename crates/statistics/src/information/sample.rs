//! A sample of examples: those with the least priorities, which are hashes.

use sketch::StateError;
use sketch::bytes::{Reader, Stored};

/// Rows of codes, at most so many.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    max_rows: usize,
    width: usize,
    /// Tidied when there are a quarter more than may be.
    rows: Vec<(u64, Box<[u64]>)>,
    /// A row with a greater priority is not among the least.
    limit: u64,
}

impl Sample {
    pub(super) fn new(max_rows: usize, width: usize) -> Self {
        Self { max_rows, width, rows: Vec::new(), limit: u64::MAX }
    }

    /// Returns whether a row of a priority may be in the sample.
    pub(super) fn may_take(&self, priority: u64) -> bool {
        priority < self.limit
    }

    pub(super) fn add(&mut self, priority: u64, codes: impl Iterator<Item = u64>) {
        if self.may_take(priority) {
            self.rows.push((priority, codes.collect()));
            if self.rows.len() > self.max_rows + self.max_rows / 4 {
                self.tidy();
            }
        }
    }

    /// Takes in another sample; of rows with one priority, those of `self` come first.
    pub(super) fn merge(&mut self, other: &Self) {
        let rows = other.rows.iter().filter(|&&(priority, _)| priority < self.limit);
        self.rows.extend(rows.cloned());
        self.tidy();
    }

    /// Returns the sample in the order of the priorities.
    pub(super) fn rows(&self) -> Vec<(u64, Box<[u64]>)> {
        let mut sorted = self.clone();
        sorted.tidy();
        sorted.rows
    }

    fn tidy(&mut self) {
        self.rows.sort_by_key(|&(priority, _)| priority);
        self.rows.truncate(self.max_rows);
        if self.rows.len() == self.max_rows {
            self.limit = self.rows.last().map_or(u64::MAX, |&(priority, _)| priority);
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let rows = self.rows();
        rows.len().write(out);
        for (priority, codes) in &rows {
            priority.write(out);
            codes.iter().for_each(|code| code.write(out));
        }
    }

    /// Reads what belongs to `self`, which is new.
    pub(super) fn read(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let num_rows = usize::read(input)?;
        if num_rows > self.max_rows {
            return Err(StateError { reason: "a sample is too large" });
        }
        for _ in 0..num_rows {
            let priority = u64::read(input)?;
            let codes = (0..self.width).map(|_| u64::read(input)).collect::<Result<_, _>>()?;
            self.rows.push((priority, codes));
        }
        self.tidy();
        Ok(())
    }
}
