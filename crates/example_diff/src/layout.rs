//! An example as numbers: a key made of its identifier features, and a fingerprint for each other feature.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::values::{Floats, Values};
use crate::{Config, ExampleDiffError};

/// The numbers of a key at the start of each record.
pub(crate) const KEY: usize = 2;

/// The fingerprint of a feature that is missing.
pub(crate) const MISSING: u64 = 0;

/// Which numbers a record is made of: those of its key, then one for each of `columns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// The identifier features, by name.
    pub(crate) identifiers: Vec<(String, Floats)>,
    /// The other features: those that are compared first, each part by name.
    pub(crate) columns: Vec<Column>,
    /// How many are compared.
    pub(crate) num_compared: usize,
}

/// A feature of which a record has the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) floats: Floats,
    /// Its pairs of values are counted.
    pub(crate) is_counted: bool,
}

/// One of several ranges of keys that together are all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) index: u64,
    pub(crate) count: u64,
}

impl Range {
    /// All keys.
    pub(crate) const ALL: Self = Self { index: 0, count: 1 };

    fn has(self, key: u128) -> bool {
        // The upper 64 bits say where in all keys this one is; ranges go from the smallest keys to the greatest.
        let place = ((key >> 64) * u128::from(self.count)) >> 64;
        place == u128::from(self.index)
    }
}

/// The examples of a batch whose keys are within a range.
pub(crate) struct Records {
    /// The rows of the batch that they are in.
    pub(crate) rows: Vec<usize>,
    /// Their records, one after the other.
    pub(crate) numbers: Vec<u64>,
    /// The values of the layout's columns, where the batch has them.
    pub(crate) values: Vec<Option<Values>>,
    /// How many rows of the batch lack an identifier, whatever the range.
    pub(crate) num_missing: u64,
}

impl Layout {
    /// Returns the layout of examples of two schemas.
    pub(crate) fn new(schemas: [&Schema; 2], config: &Config) -> Self {
        let floats = |name: &str| {
            let fields = schemas.iter().filter_map(|schema| schema.field_with_name(name).ok());
            let mut types = fields.map(|field| field.data_type());
            Floats { is_single: types.any(has_singles), num_digits: config.float_round_ndigits }
        };
        let mut identifiers = config.identifier_features.clone();
        identifiers.sort();
        identifiers.dedup();

        let all = schemas.iter().flat_map(|schema| schema.fields()).map(|field| field.name());
        let mut compared: Vec<&String> = all
            .filter(|name| !identifiers.contains(name) && !config.ignore_features.contains(name))
            .collect();
        compared.sort();
        compared.dedup();
        let mut only_counted: Vec<&String> =
            config.confusion_features.iter().filter(|name| !compared.contains(name)).collect();
        only_counted.sort();
        only_counted.dedup();

        let num_compared = compared.len();
        let columns = compared.into_iter().chain(only_counted).map(|name| Column {
            name: name.clone(),
            floats: floats(name),
            is_counted: config.confusion_features.contains(name),
        });
        let columns = columns.collect();
        let identifiers =
            identifiers.into_iter().map(|name| (name.clone(), floats(&name))).collect();
        Self { identifiers, columns, num_compared }
    }

    /// Returns the number of numbers of a record.
    pub(crate) fn width(&self) -> usize {
        KEY + self.columns.len()
    }

    /// Returns the columns that records are made of.
    pub(crate) fn column_names(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|column| &column.name);
        let mut names: Vec<String> =
            self.identifiers.iter().map(|(name, _)| name).chain(columns).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the records of a batch. A column that it does not have is missing in all rows.
    pub(crate) fn records(
        &self,
        batch: &RecordBatch,
        range: Range,
    ) -> Result<Records, ExampleDiffError> {
        let values = |name: &str| {
            batch.column_by_name(name).map(|column| Values::new(column, name)).transpose()
        };
        let identifiers = self
            .identifiers
            .iter()
            .map(|(name, floats)| Ok((values(name)?, *floats)))
            .collect::<Result<Vec<_>, ExampleDiffError>>()?;
        let mut num_missing = 0;
        let mut rows = Vec::new();
        let mut keys = Vec::new();
        let mut bytes = Vec::new();
        for row in 0..batch.num_rows() {
            match key(&identifiers, row, &mut bytes) {
                None => num_missing += 1,
                Some(key) if range.has(key) => {
                    rows.push(row);
                    keys.push(key);
                }
                Some(_) => {}
            }
        }

        let width = self.width();
        let mut numbers = vec![MISSING; rows.len() * width];
        for (record, key) in numbers.chunks_exact_mut(width).zip(keys) {
            record[..KEY].copy_from_slice(&halves(key));
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter().enumerate() {
            let values = values(&column.name)?;
            if let Some(values) = &values {
                for (record, &row) in numbers.chunks_exact_mut(width).zip(&rows) {
                    bytes.clear();
                    if values.encode(row, column.floats, &mut bytes) {
                        record[KEY + place] = xxh3_64(&bytes).max(MISSING + 1);
                    }
                }
            }
            columns.push(values);
        }
        Ok(Records { rows, numbers, values: columns, num_missing })
    }
}

/// Returns the key of a row, unless it lacks an identifier. A list without values identifies nothing.
fn key(identifiers: &[(Option<Values>, Floats)], row: usize, bytes: &mut Vec<u8>) -> Option<u128> {
    bytes.clear();
    for (values, floats) in identifiers {
        let start = bytes.len();
        // What a feature appends does not tell where it ends.
        bytes.extend_from_slice(&[0; 8]);
        let is_there = values.as_ref()?.encode(row, *floats, bytes);
        let length = bytes.len() - start - 8;
        if !is_there || length == 0 {
            return None;
        }
        bytes[start..start + 8].copy_from_slice(&(length as u64).to_le_bytes());
    }
    Some(xxh3_128(bytes))
}

fn halves(key: u128) -> [u64; KEY] {
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(u64::MAX);
    [half(key >> 64), half(key)]
}

/// Whether there are floats of 32 bits or less anywhere in a type.
fn has_singles(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float16 | DataType::Float32 => true,
        DataType::List(field) | DataType::LargeList(field) => has_singles(field.data_type()),
        DataType::Dictionary(_, values) => has_singles(values),
        DataType::Struct(fields) => fields.iter().any(|field| has_singles(field.data_type())),
        _ => false,
    }
}
