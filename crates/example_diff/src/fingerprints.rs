//! The pass that turns one side's examples into records.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use serde::{Deserialize, Serialize};
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

use crate::ExampleDiffError;
use crate::layout::{KEY, Layout, MISSING, Range};

/// How many distinct values a feature may have for its pairs of values to be counted.
pub(crate) const MAX_COUNTED_VALUES: usize = 10_000;

/// The version of the byte form.
const VERSION: u64 = 1;

/// Makes a record of each example whose key is within a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FingerprintPass {
    pub(crate) layout: Layout,
    pub(crate) range: Range,
}

/// The records so far, in the order of the examples.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprints {
    pass: FingerprintPass,
    pub(crate) num_missing: u64,
    /// Records of [`Layout::width`] numbers, one after the other.
    pub(crate) numbers: Vec<u64>,
    /// For each column of the layout that is counted, what its fingerprints stand for; none for the others.
    pub(crate) values: Vec<BTreeMap<u64, String>>,
}

impl Pass for FingerprintPass {
    type State = Fingerprints;

    fn columns(&self) -> Option<Vec<String>> {
        Some(self.layout.column_names())
    }

    fn start(&self) -> Result<Fingerprints, BoxError> {
        let values = vec![BTreeMap::new(); self.layout.columns.len()];
        Ok(Fingerprints { pass: self.clone(), num_missing: 0, numbers: Vec::new(), values })
    }
}

impl Fingerprints {
    fn check(&self) -> Result<(), ExampleDiffError> {
        let full = self.values.iter().position(|values| values.len() > MAX_COUNTED_VALUES);
        full.map_or(Ok(()), |place| {
            let feature = self.pass.layout.columns[place].name.clone();
            Err(ExampleDiffError::ConfusionValues { feature, limit: MAX_COUNTED_VALUES })
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, ExampleDiffError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(StateError { reason: "its version is unknown" }.into());
        }
        let pass: FingerprintPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        let num_missing = input.take_total()?;
        let numbers = Vec::<u64>::read(&mut input)?;
        if numbers.len() % pass.layout.width() != 0 {
            return Err(StateError { reason: "a record is cut short" }.into());
        }
        let mut values = Vec::new();
        for _ in &pass.layout.columns {
            let mut of_column = BTreeMap::new();
            for _ in 0..u64::read(&mut input)? {
                let fingerprint = u64::read(&mut input)?;
                let text = std::str::from_utf8(input.take_bytes()?)
                    .map_err(|_| StateError { reason: "a value is not UTF-8" })?;
                of_column.insert(fingerprint, text.to_owned());
            }
            values.push(of_column);
        }
        input.finish()?;
        Ok(Self { pass, num_missing, numbers, values })
    }
}

impl Accumulator for Fingerprints {
    type Output = Self;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let layout = &self.pass.layout;
        let records = layout.records(batch, self.pass.range)?;
        self.num_missing += records.num_missing;
        let counted = layout.columns.iter().enumerate().filter(|(_, column)| column.is_counted);
        for (place, _) in counted {
            let Some(column) = &records.values[place] else { continue };
            let known = &mut self.values[place];
            let numbers = records.numbers.chunks_exact(layout.width());
            for (record, &row) in numbers.zip(&records.rows) {
                let fingerprint = record[KEY + place];
                if fingerprint != MISSING {
                    known.entry(fingerprint).or_insert_with(|| column.text(row));
                }
            }
        }
        self.numbers.extend_from_slice(&records.numbers);
        Ok(self.check()?)
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass != other.pass {
            return Err(ExampleDiffError::DifferentPass.into());
        }
        self.num_missing += other.num_missing;
        self.numbers.extend_from_slice(&other.numbers);
        for (known, others) in self.values.iter_mut().zip(other.values) {
            for (fingerprint, text) in others {
                known.entry(fingerprint).or_insert(text);
            }
        }
        Ok(self.check()?)
    }

    fn finish(self) -> Result<Self, BoxError> {
        Ok(self)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.num_missing.write(&mut out);
        self.numbers.write(&mut out);
        for values in &self.values {
            values.len().write(&mut out);
            for (fingerprint, text) in values {
                fingerprint.write(&mut out);
                write_bytes(text.as_bytes(), &mut out);
            }
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::Config;

    fn pass(confusion: &str) -> (RecordBatch, FingerprintPass) {
        let id: ArrayRef = Arc::new(Int64Array::from_iter([Some(1), None, Some(3)]));
        let paid: ArrayRef = Arc::new(StringArray::from(vec![Some("Cash"), Some("Card"), None]));
        let batch = RecordBatch::try_from_iter([("id", id), ("paid", paid)]).unwrap();
        let config = Config {
            confusion_features: vec![confusion.to_owned()],
            ..Config::new(vec!["id".to_owned()])
        };
        let schema = batch.schema();
        let layout = Layout::new([&schema, &schema], &config);
        (batch, FingerprintPass { layout, range: Range::ALL })
    }

    #[test]
    fn a_state_survives_its_bytes() {
        let (batch, pass) = pass("paid");
        let mut state = pass.start().unwrap();
        state.update(&batch).unwrap();
        let back = Fingerprints::from_bytes(&state.to_bytes()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{state:?}"));
        assert_eq!(back.num_missing, 1);
        assert_eq!(back.numbers.len(), 2 * 3);
        assert_eq!(back.values[0].values().collect::<Vec<_>>(), ["Cash"]);
        let bytes = state.to_bytes();
        for end in 0..bytes.len() {
            assert!(Fingerprints::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn states_of_other_passes_do_not_merge() {
        let (_, one) = pass("paid");
        let (_, other) = pass("id");
        let error = one.start().unwrap().merge(other.start().unwrap()).unwrap_err();
        assert_eq!(error.kind(), base::ErrorKind::Bug);
    }

    #[test]
    fn too_many_values_to_count_are_an_error() {
        let (_, pass) = pass("id");
        let count = i64::try_from(MAX_COUNTED_VALUES).unwrap();
        let ids = |from: i64, to: i64| {
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
            RecordBatch::try_from_iter([("id", ids)]).unwrap()
        };
        let mut state = pass.start().unwrap();
        state.update(&ids(0, count)).unwrap();
        let mut other = pass.start().unwrap();
        other.update(&ids(count, count + 1)).unwrap();
        let error = state.merge(other).unwrap_err().to_string();
        assert!(error.contains("`id` has more than 10000 distinct values"), "{error}");
    }
}
