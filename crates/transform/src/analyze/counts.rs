//! How often each text of an argument occurs, or each pair of a text and something beside it.
//!
//! Counts are exact. Up to a bound of bytes they are in memory, beyond it in sorted runs in a temporary file, which are
//! merged when they are asked for.

use sketch::bytes::{Reader, Stored, write_bytes};
use sketch::{Count, StateError};

use super::runs::{Runs, Visit};
use super::table::CountTable;
use crate::TransformError;

/// Texts as bytes, counted one by one.
#[derive(Debug)]
pub(crate) struct Counts<C> {
    table: CountTable<C>,
    /// A larger table is written to a run.
    max_bytes: usize,
    runs: Runs,
}

impl<C: Count> Counts<C> {
    /// Returns the counts of nothing, of which about so many bytes are kept in memory.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { table: CountTable::default(), max_bytes, runs: Runs::default() }
    }

    /// Counts a text.
    #[inline]
    pub(crate) fn add(&mut self, text: &[u8], count: C) -> Result<(), TransformError> {
        self.table.add(text, count);
        if self.table.num_bytes() > self.max_bytes { self.spill() } else { Ok(()) }
    }

    #[cold]
    fn spill(&mut self) -> Result<(), TransformError> {
        self.runs.push(&self.table.sorted())?;
        // What had grown for one large text alone is given back.
        self.table = CountTable::default();
        Ok(())
    }

    /// Returns whether some of it did not fit in memory.
    pub(crate) fn is_spilled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Takes in the counts of other rows.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), TransformError> {
        if other.runs.is_empty() {
            return other.table.iter().try_for_each(|(text, count)| self.add(text, count));
        }
        other.for_each(&mut |text, count| self.add(text, count))
    }

    /// Visits all texts in ascending order of their bytes, each with its count.
    pub(crate) fn for_each(&self, visit: &mut Visit<'_, C>) -> Result<(), TransformError> {
        self.runs.merge(&self.table.sorted(), visit)
    }

    /// Appends the bytes, those of the runs too.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), TransformError> {
        self.max_bytes.write(out);
        let at = out.len();
        0_usize.write(out);
        let mut num_texts = 0_usize;
        self.for_each(&mut |text, count| {
            num_texts += 1;
            count.write(out);
            write_bytes(text, out);
            Ok(())
        })?;
        out[at..at + 8].copy_from_slice(&(num_texts as u64).to_le_bytes());
        Ok(())
    }

    /// Takes the bytes.
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, TransformError> {
        let mut read = Self::new(usize::read(input)?);
        for _ in 0..usize::read(input)? {
            // What weighs nothing was seen all the same.
            let count = C::take(input)?;
            read.add(input.take_bytes()?, count)?;
        }
        Ok(read)
    }
}

/// Puts something beside a text; texts in ascending order are together, and nothing comes before all texts.
pub(crate) fn pair(text: Option<&[u8]>, beside: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let length = text.map_or(0, |text| text.len() + 1);
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(text.unwrap_or_default());
    out.extend_from_slice(beside);
}

/// Returns a text and what is beside it.
pub(crate) fn unpair(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), StateError> {
    let cut = StateError { reason: "a pair ends too early" };
    let (length, rest) = bytes.split_first_chunk().ok_or(cut)?;
    match (u32::from_be_bytes(*length) as usize).checked_sub(1) {
        None => Ok((None, rest)),
        Some(length) => {
            let (text, beside) = rest.split_at_checked(length).ok_or(cut)?;
            Ok((Some(text), beside))
        }
    }
}

/// Takes a text and all that is beside it.
pub(crate) type VisitGroup<'a, C> =
    dyn FnMut(Option<&[u8]>, &[(Vec<u8>, C)]) -> Result<(), TransformError> + 'a;

/// Visits each text once, with all that is beside it and how often, in ascending order.
pub(crate) fn for_each_group<C: Count>(
    counts: &Counts<C>,
    visit: &mut VisitGroup<'_, C>,
) -> Result<(), TransformError> {
    let mut group: Vec<(Vec<u8>, C)> = Vec::new();
    let mut current: Option<Option<Vec<u8>>> = None;
    counts.for_each(&mut |bytes, count| {
        let (text, beside) = unpair(bytes)?;
        if current.as_ref().is_none_or(|current| current.as_deref() != text) {
            if let Some(text) = &current {
                visit(text.as_deref(), &group)?;
            }
            group.clear();
            current = Some(text.map(<[u8]>::to_vec));
        }
        group.push((beside.to_vec(), count));
        Ok(())
    })?;
    match &current {
        Some(text) => visit(text.as_deref(), &group),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use sketch::Weight;

    use super::*;

    fn all<C: Count>(counts: &Counts<C>) -> Vec<(Vec<u8>, C)> {
        let mut found = Vec::new();
        counts
            .for_each(&mut |text, count| {
                found.push((text.to_vec(), count));
                Ok(())
            })
            .unwrap();
        found
    }

    fn count(max_bytes: usize) -> Counts<u64> {
        let mut counts = Counts::new(max_bytes);
        for number in 0..20_000_u64 {
            // Some of them far longer than a block.
            let length = if number % 5_000 == 0 { 200_000 } else { 0 };
            let text = format!("{}{}", "a".repeat(length), number % 7_001);
            counts.add(text.as_bytes(), 1 + number % 3).unwrap();
        }
        counts
    }

    #[test]
    fn what_does_not_fit_in_memory_is_counted_all_the_same() {
        let (spilled, whole) = (count(4_000), count(usize::MAX));
        assert!(whole.runs.is_empty() && !spilled.runs.is_empty());
        assert_eq!(all(&spilled), all(&whole));
        let mut merged = count(3_000);
        merged.merge(&spilled).unwrap();
        let twice: Vec<_> =
            all(&whole).into_iter().map(|(text, count)| (text, 2 * count)).collect();
        assert_eq!(all(&merged), twice);
    }

    #[test]
    fn spilled_counts_survive_as_bytes() {
        let mut bytes = Vec::new();
        count(4_000).write(&mut bytes).unwrap();
        let read = Counts::<u64>::read(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(all(&read), all(&count(usize::MAX)));
        assert!(Counts::<u64>::read(&mut Reader::new(&bytes[..bytes.len() - 1])).is_err());
    }

    #[test]
    fn texts_are_groups_of_pairs() {
        let mut counts = Counts::<Weight>::new(60);
        let mut bytes = Vec::new();
        let pairs: [(Option<&[u8]>, &[u8]); 6] = [
            (Some(b"a"), b"1"),
            (Some(b"ab"), b""),
            (None, b"x"),
            (Some(b""), b"a"),
            (Some(b"a"), b"2"),
            (Some(b"a"), b"1"),
        ];
        for (text, beside) in pairs {
            pair(text, beside, &mut bytes);
            counts.add(&bytes, Weight::new(0.5).unwrap()).unwrap();
        }
        let mut shown = Vec::new();
        for_each_group(&counts, &mut |text, group| {
            let group: Vec<_> = group
                .iter()
                .map(|(beside, weight)| {
                    format!("{}={}", String::from_utf8_lossy(beside), weight.to_f64())
                })
                .collect();
            shown.push(format!("{:?} {}", text.map(String::from_utf8_lossy), group.join(" ")));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            shown,
            ["None x=0.5", "Some(\"\") a=0.5", "Some(\"a\") 1=1 2=0.5", "Some(\"ab\") =0.5"]
        );
    }
}
