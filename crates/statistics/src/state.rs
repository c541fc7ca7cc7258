//! The mergeable state of the pass.

use std::collections::BTreeMap;

use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use base::BoxError;
use dataflow::Accumulator;
use formats::metadata::DatasetFeatureStatisticsList;
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};
use xxhash_rust::xxh3::xxh3_64;

use crate::part::Part;
use crate::slice::rows_of_slices;
use crate::slice_sql::SliceQueries;
use crate::weight::all_weights;
use crate::{StatisticsError, StatisticsPass};

/// The version of the byte form.
const VERSION: u64 = 3;

/// What was seen of the examples so far.
#[derive(Clone, Debug)]
pub struct StatisticsState {
    pass: StatisticsPass,
    /// Examples that went by, those left out of the sample included.
    num_rows: u64,
    all: Part,
    slices: BTreeMap<String, Part>,
    queries: SliceQueries,
}

impl StatisticsState {
    pub(crate) fn new(pass: StatisticsPass) -> Self {
        let (slices, queries) = (BTreeMap::new(), SliceQueries::default());
        Self { num_rows: 0, all: Part::new(&pass), slices, queries, pass }
    }

    fn read(bytes: &[u8]) -> Result<Self, StatisticsError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(StateError { reason: "its version is unknown" }.into());
        }
        let pass: StatisticsPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        if let Some(mistake) = pass.config.check(None).into_iter().next() {
            return Err(mistake);
        }
        if !pass.is_sound() {
            return Err(StateError { reason: "its features contradict each other" }.into());
        }
        let num_rows = input.take_total()?;
        let all = Part::read(&mut input, &pass)?;
        let mut slices = BTreeMap::new();
        for _ in 0..usize::read(&mut input)? {
            let name = std::str::from_utf8(input.take_bytes()?)
                .map_err(|_| StateError { reason: "the name of a slice is not text" })?
                .to_owned();
            slices.insert(name, Part::read(&mut input, &pass)?);
        }
        input.finish()?;
        Ok(Self { pass, num_rows, all, slices, queries: SliceQueries::default() })
    }

    /// Returns the examples that are in the sample: which they are depends on their number in their partition
    /// alone, not on what is in them nor on the batches.
    fn sample(&self, batch: &RecordBatch, rate: f64) -> RecordBatch {
        let limit = limit(rate);
        let first = self.num_rows;
        let is_in = |row: u64| xxh3_64(&(first + row).to_le_bytes()) <= limit;
        let keep: BooleanArray = (0..batch.num_rows() as u64).map(|row| Some(is_in(row))).collect();
        arrow::compute::filter_record_batch(batch, &keep).expect("there is one bit for every row")
    }

    fn update_slices(&mut self, batch: &RecordBatch) -> Result<(), StatisticsError> {
        let config = &self.pass.config;
        for (name, rows) in rows_of_slices(batch, config, &mut self.queries)? {
            if !self.slices.contains_key(&name)
                && self.slices.len() >= config.max_slices.get() as usize
            {
                return Err(StatisticsError::TooManySlices { limit: config.max_slices.get() });
            }
            let slice = self.slices.entry(name).or_insert_with(|| Part::new(&self.pass));
            let rows = UInt32Array::from(rows);
            let batch =
                arrow::compute::take_record_batch(batch, &rows).expect("the rows are of the batch");
            slice.update(&self.pass, &batch, &all_weights(&self.pass, &batch)?)?;
        }
        Ok(())
    }
}

/// Returns the greatest hash that is in a sample of this part of all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the rate is from 0 to 1"
)]
fn limit(rate: f64) -> u64 {
    (rate * u64::MAX as f64) as u64
}

impl Accumulator for StatisticsState {
    /// All examples first, without a name, then every slice in the order of the names.
    type Output = DatasetFeatureStatisticsList;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let sampled = self.pass.config.sample_rate.map(|rate| self.sample(batch, rate));
        self.num_rows += batch.num_rows() as u64;
        let batch = sampled.as_ref().unwrap_or(batch);
        self.all.update(&self.pass, batch, &all_weights(&self.pass, batch)?)?;
        if !self.pass.config.slices.is_empty() {
            self.update_slices(batch)?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass != other.pass {
            return Err(StatisticsError::DifferentPass.into());
        }
        self.num_rows += other.num_rows;
        self.all.merge(&other.all);
        for (name, slice) in other.slices {
            match self.slices.get_mut(&name) {
                Some(known) => known.merge(&slice),
                None => drop(self.slices.insert(name, slice)),
            }
        }
        let limit = self.pass.config.max_slices.get();
        if self.slices.len() > limit as usize {
            return Err(StatisticsError::TooManySlices { limit }.into());
        }
        Ok(())
    }

    fn finish(self) -> Result<DatasetFeatureStatisticsList, BoxError> {
        let slices = self.slices.iter().map(|(name, slice)| slice.message(name, &self.pass));
        let all = self.all.message("", &self.pass);
        Ok(DatasetFeatureStatisticsList { datasets: std::iter::once(all).chain(slices).collect() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.num_rows.write(&mut out);
        self.all.write(&mut out);
        self.slices.len().write(&mut out);
        for (name, slice) in &self.slices {
            write_bytes(name.as_bytes(), &mut out);
            slice.write(&mut out);
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}
