//! Slices by queries: what a query says of one example, whatever is beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use query::QueryError;
use query::expression::{KeyQuery, Keys};

use crate::slice::INVALID_SLICE;
use crate::{Config, StatisticsError};

/// The queries of a configuration, ready for batches of one schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct SliceQueries {
    /// What the queries are ready for; batches without any value of a feature have another type for it.
    schema: Option<SchemaRef>,
    /// The queries, with the options that they are.
    ready: Vec<(String, Arc<Keys>)>,
}

impl SliceQueries {
    /// Adds the rows of every slice of a batch, by the slice's name. Rows may come twice.
    pub(crate) fn add_slices(
        &mut self,
        batch: &RecordBatch,
        config: &Config,
        slices: &mut BTreeMap<String, Vec<u32>>,
    ) -> Result<(), StatisticsError> {
        if queries(config).next().is_none() {
            return Ok(());
        }
        for (option, keys) in self.ready_for(&batch.schema(), config)? {
            let found = keys.of(batch);
            let found = found.map_err(|error| of_keys(option.clone(), error))?;
            for (row, key) in found {
                let name = key.unwrap_or_else(|| INVALID_SLICE.to_owned());
                slices.entry(name).or_default().push(row);
            }
        }
        Ok(())
    }

    fn ready_for(
        &mut self,
        schema: &SchemaRef,
        config: &Config,
    ) -> Result<&[(String, Arc<Keys>)], StatisticsError> {
        if self.schema.as_ref() != Some(schema) {
            let keys = queries(config).map(|(option, text)| {
                let keys = compile(text, schema);
                match keys {
                    Ok(keys) => Ok((option, Arc::new(keys))),
                    Err(error) => Err(of_keys(option, error)),
                }
            });
            self.ready = keys.collect::<Result<_, _>>()?;
            self.schema = Some(Arc::clone(schema));
        }
        Ok(&self.ready)
    }
}

/// Returns what is wrong with the queries: their text and, where the columns are known, what they name. What might be
/// right if columns had other types is left to [`columns`], as types may not be known of all of them yet.
pub(crate) fn check(config: &Config, schema: Option<&Schema>) -> Vec<StatisticsError> {
    let mut mistakes = Vec::new();
    for (index, slice) in config.slices.iter().enumerate() {
        if slice.slice_keys_sql.is_some() && !(slice.features.is_empty() && slice.values.is_empty())
        {
            let option = format!("slices.{index}.slice_keys_sql");
            mistakes.push(StatisticsError::SqlBesideFeatures { option });
        }
    }
    for (option, text) in queries(config) {
        let found = match schema {
            None => KeyQuery::parse(text).map(|_| ()),
            Some(schema) => compile(text, schema).map(|_| ()),
        };
        let found = found.err().filter(|error| !error.may_be_of_types());
        mistakes.extend(found.map(|error| of_keys(option, error)));
    }
    mistakes
}

/// Returns the columns that the queries look at.
pub(crate) fn columns(config: &Config, schema: &Schema) -> Result<Vec<String>, StatisticsError> {
    let mut columns = BTreeSet::new();
    for (option, text) in queries(config) {
        let keys = compile(text, schema).map_err(|error| of_keys(option, error))?;
        columns.extend(keys.columns().map(str::to_owned));
    }
    Ok(columns.into_iter().collect())
}

fn of_keys(option: String, error: QueryError) -> StatisticsError {
    StatisticsError::SliceKeys { option, error: Box::new(error) }
}

fn compile(text: &str, schema: &Schema) -> Result<Keys, QueryError> {
    Keys::new(&KeyQuery::parse(text)?, schema)
}

/// Returns the queries with the options that they are.
fn queries(config: &Config) -> impl Iterator<Item = (String, &str)> {
    config.slices.iter().enumerate().filter_map(|(index, slice)| {
        let text = slice.slice_keys_sql.as_deref()?;
        Some((format!("slices.{index}.slice_keys_sql"), text))
    })
}
