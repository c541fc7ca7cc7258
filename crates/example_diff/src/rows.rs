//! The pass that finds the whole examples behind some records.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sketch::StateError;
use sketch::bytes::{Reader, Stored, write_bytes};

use crate::ExampleDiffError;
use crate::layout::{Layout, Range};
use crate::values::Values;

/// The version of the byte form.
const VERSION: u64 = 1;

/// Finds the examples whose records are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowsPass {
    pub(crate) layout: Layout,
    /// Sorted.
    pub(crate) wanted: Vec<Vec<u64>>,
}

/// The examples found so far.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pass: RowsPass,
    /// Each as the text of a JSON object. Of several with one record, which may differ in what is not compared, it
    /// is the one with the smallest text.
    found: BTreeMap<Vec<u64>, String>,
}

impl Pass for RowsPass {
    type State = Rows;

    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn start(&self) -> Result<Rows, BoxError> {
        Ok(Rows { pass: self.clone(), found: BTreeMap::new() })
    }
}

impl Rows {
    fn keep(&mut self, record: &[u64], text: String) {
        match self.found.get_mut(record) {
            Some(kept) => *kept = std::mem::take(kept).min(text),
            None => drop(self.found.insert(record.to_vec(), text)),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, ExampleDiffError> {
        let mut input = Reader::new(bytes);
        if u64::read(&mut input)? != VERSION {
            return Err(StateError { reason: "its version is unknown" }.into());
        }
        let pass: RowsPass = serde_json::from_slice(input.take_bytes()?)
            .map_err(|_| StateError { reason: "its pass cannot be read" })?;
        let mut found = BTreeMap::new();
        for _ in 0..u64::read(&mut input)? {
            let record = Vec::<u64>::read(&mut input)?;
            let text = std::str::from_utf8(input.take_bytes()?)
                .map_err(|_| StateError { reason: "an example is not UTF-8" })?;
            found.insert(record, text.to_owned());
        }
        input.finish()?;
        Ok(Self { pass, found })
    }
}

impl Accumulator for Rows {
    type Output = BTreeMap<Vec<u64>, Json>;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let records = self.pass.layout.records(batch, Range::ALL)?;
        let width = self.pass.layout.width();
        for (record, &row) in records.numbers.chunks_exact(width).zip(&records.rows) {
            if self.pass.wanted.binary_search_by(|wanted| wanted.as_slice().cmp(record)).is_ok() {
                let text = example(batch, row)?.to_string();
                self.keep(record, text);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        if self.pass != other.pass {
            return Err(ExampleDiffError::DifferentPass.into());
        }
        for (record, text) in other.found {
            self.keep(&record, text);
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Output, BoxError> {
        let parse = |text: String| serde_json::from_str(&text).map_err(ExampleDiffError::BadResult);
        let found = self.found.into_iter();
        Ok(found
            .map(|(record, text)| Ok((record, parse(text)?)))
            .collect::<Result<_, ExampleDiffError>>()?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        VERSION.write(&mut out);
        let pass = serde_json::to_vec(&self.pass).expect("a pass is names and numbers");
        write_bytes(&pass, &mut out);
        self.found.len().write(&mut out);
        for (record, text) in &self.found {
            record.write(&mut out);
            write_bytes(text.as_bytes(), &mut out);
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        Ok(Self::read(bytes)?)
    }
}

/// Returns a whole example. Columns that are no features, which must be among those ignored, are left out.
fn example(batch: &RecordBatch, row: usize) -> Result<Json, ExampleDiffError> {
    let schema = batch.schema();
    let mut features = serde_json::Map::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        match Values::new(&column.slice(row, 1), field.name()) {
            Ok(values) => drop(features.insert(field.name().clone(), values.json(0))),
            Err(ExampleDiffError::UnsupportedType { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Json::Object(features))
}
