//! How often each text of an argument occurs.
//!
//! Counts are exact and every distinct text is held in memory.

use std::collections::HashMap;

use arrow::array::{Array, AsArray};
use graph::Vocabulary;
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

/// Texts, counted batch by batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokensState {
    counts: HashMap<String, u64>,
}

impl TokensState {
    /// Takes in a column of `Utf8`; missing values are left out, and so is what no vocabulary holds.
    pub(crate) fn update(&mut self, column: &dyn Array) {
        let Some(column) = column.as_string_opt::<i32>() else { return };
        for token in column.iter().flatten() {
            self.add(token, 1);
        }
    }

    #[inline]
    fn add(&mut self, token: &str, count: u64) {
        if let Some(counted) = self.counts.get_mut(token) {
            *counted += count;
        } else if Vocabulary::can_hold(token) {
            self.counts.insert(token.to_owned(), count);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if self.counts.is_empty() {
            *self = other;
            return;
        }
        other.counts.iter().for_each(|(token, &count)| self.add(token, count));
    }

    /// Returns all texts, the most frequent first, equally frequent ones in descending order of their bytes.
    pub(crate) fn finish(self) -> Vec<(String, u64)> {
        let mut tokens: Vec<(String, u64)> = self.counts.into_iter().collect();
        tokens.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| b.cmp(a)));
        tokens
    }
}

impl Stored for TokensState {
    fn write(&self, out: &mut Vec<u8>) {
        let mut tokens: Vec<_> = self.counts.iter().collect();
        tokens.sort_unstable();
        tokens.len().write(out);
        for (token, count) in tokens {
            count.write(out);
            write_bytes(token.as_bytes(), out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut read = Self::default();
        for _ in 0..usize::read(input)? {
            let count = input.take_count()?;
            let token = std::str::from_utf8(input.take_bytes()?)
                .map_err(|_| StateError { reason: "a text is not UTF-8" })?;
            read.add(token, count);
        }
        Ok(read)
    }
}
