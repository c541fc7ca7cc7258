//! Splits of several artifacts as one source, such as those of a window of spans.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use artifact::Artifact;
use base::BoxError;
use dataflow::{BatchIter, Source};
use dataset::{Dataset, Split, SplitFiles};

use crate::ComponentError;

/// Files one behind the other, all with the features of the first.
pub(crate) struct Joined {
    parts: Vec<SplitFiles>,
    schema: SchemaRef,
}

/// Opens the datasets of some artifacts.
pub(crate) fn open_all(artifacts: &[Artifact]) -> Result<Vec<Dataset>, BoxError> {
    let open = |artifact: &Artifact| Dataset::open(&artifact.uri, &artifact.split_names());
    Ok(artifacts.iter().map(open).collect::<Result<_, _>>()?)
}

/// Returns the splits of some names, those of each dataset one behind the other; each dataset has to have all of them.
pub(crate) fn splits<'a>(
    datasets: &'a [Dataset],
    names: &[String],
) -> Result<Vec<&'a Split>, BoxError> {
    let mut splits = Vec::new();
    for dataset in datasets {
        for name in names {
            splits.push(dataset.split(name)?);
        }
    }
    Ok(splits)
}

impl Joined {
    /// Opens splits.
    ///
    /// # Errors
    ///
    /// [`ComponentError::OtherFeatures`] when they do not have the same features of the same types, in any order.
    pub(crate) fn open(splits: &[&Split]) -> Result<Self, BoxError> {
        let parts: Vec<SplitFiles> =
            splits.iter().map(|split| split.source()).collect::<Result<_, _>>()?;
        let first = parts.first().ok_or(ComponentError::NoSplits { path: Path::new("").into() })?;
        let schema = first.schema();
        for (split, part) in splits.iter().zip(&parts) {
            if let Some(feature) = difference(&schema, &part.schema()) {
                let path = split.shards.first().cloned().unwrap_or_default();
                return Err(ComponentError::OtherFeatures { path, feature }.into());
            }
        }
        Ok(Self { parts, schema })
    }

    /// Returns the files of each split.
    pub(crate) fn parts(&self) -> &[SplitFiles] {
        &self.parts
    }
}

/// Returns the first feature that is not of one type in both, or not in both.
fn difference(one: &SchemaRef, other: &SchemaRef) -> Option<String> {
    let of = |schema: &SchemaRef, name: &str| -> Option<DataType> {
        schema.field_with_name(name).ok().map(|field| field.data_type().clone())
    };
    let names = one.fields().iter().chain(other.fields()).map(|field| field.name());
    names.into_iter().find(|name| of(one, name) != of(other, name)).cloned()
}

impl Source for Joined {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.parts.iter().map(Source::num_partitions).sum()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let mut place = partition;
        for part in &self.parts {
            if let Some(rest) = place.checked_sub(part.num_partitions()) {
                place = rest;
                continue;
            }
            let batches = part.read(place, columns)?;
            let schema = SchemaRef::clone(&self.schema);
            return Ok(Box::new(batches.map(move |batch| Ok(in_order(batch?, &schema)))));
        }
        Ok(Box::new(std::iter::empty()))
    }
}

/// Returns the columns of a batch in the order of a schema.
fn in_order(batch: RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let found = batch.schema();
    let places = schema.fields().iter().filter_map(|field| found.index_of(field.name()).ok());
    let places: Vec<usize> = places.collect();
    if places.is_sorted() {
        return batch;
    }
    batch.project(&places).expect("the places are those of columns that are there")
}
