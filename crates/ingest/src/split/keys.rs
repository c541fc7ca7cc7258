//! What decides about a row's split.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use base::{Classify, ErrorKind, nearest};
use dataset::{ExampleEncoder, FeatureType, MissingFeature, Payload, TfExampleError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::key::row_keys;
use crate::{Config, Hash, InferredFeature, IngestError, SourceConfig};

/// What decides about a row's split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Keys {
    /// The values of all features that the row has.
    Row,
    /// The value of one feature.
    Feature(String),
    /// The row, written as TFX's `CsvExampleGen` writes it.
    TfxRow(MissingFeature),
    /// The record that the row was read from; its digest is the last column.
    TfxRecord,
    /// The value of one feature, written as a `Feature` message.
    TfxFeature(String),
}

/// Why a batch could not be split.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitError {
    /// Features of such a type were refused before.
    #[error("cannot split a batch")]
    Arrow(#[from] ArrowError),

    /// A row cannot be written as TFX would.
    #[error(transparent)]
    Example(#[from] TfExampleError),

    /// A row without the value that decides.
    #[error(
        "feature `{feature}`: is missing in a row, expected a value in all of them: it decides about the split"
    )]
    Missing { feature: String },
}

impl Classify for SplitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Arrow(_) => ErrorKind::Bug,
            Self::Example(error) => error.kind(),
            Self::Missing { .. } => ErrorKind::Data,
        }
    }
}

impl Keys {
    pub(crate) fn of(config: &Config) -> Self {
        match (config.hash, &config.partition_feature) {
            (Hash::Content, None) => Self::Row,
            (Hash::Content, Some(feature)) => Self::Feature(feature.clone()),
            (Hash::Tfx | Hash::TfxBefore024, Some(feature)) => Self::TfxFeature(feature.clone()),
            (_, None) if matches!(config.source, SourceConfig::Tfrecord(_)) => Self::TfxRecord,
            (Hash::Tfx, None) => Self::TfxRow(MissingFeature::EmptyList),
            (Hash::TfxBefore024, None) => Self::TfxRow(MissingFeature::Named),
        }
    }

    /// Returns the bucket of every row.
    ///
    /// # Source
    ///
    /// `_GeneratePartitionKey` and `_PartitionFn` of TFX's `base_example_gen_executor.py`
    pub(crate) fn buckets(
        &self,
        batch: &RecordBatch,
        num_buckets: u64,
    ) -> Result<Vec<u64>, SplitError> {
        let by_number =
            |keys: Vec<u64>| keys.into_iter().map(|key| key % num_buckets).collect::<Vec<_>>();
        let mut buckets = Vec::with_capacity(batch.num_rows());
        match self {
            Self::Row => return Ok(by_number(row_keys(batch)?)),
            Self::Feature(feature) => {
                let column = batch.schema_ref().index_of(feature)?;
                if batch.column(column).logical_null_count() > 0 {
                    return Err(SplitError::Missing { feature: feature.clone() });
                }
                return Ok(by_number(row_keys(&batch.project(&[column])?)?));
            }
            Self::TfxRow(missing) => {
                let schema = batch.schema_ref();
                ExampleEncoder::new(Payload::TfExample, *missing, schema)?.encode(
                    batch,
                    |record| {
                        buckets.push(modulo(&Sha256::digest(record), num_buckets));
                        Ok::<_, SplitError>(())
                    },
                )?;
            }
            Self::TfxFeature(feature) => {
                let column = batch.schema_ref().index_of(feature)?;
                let batch = batch.project(&[column])?;
                let schema = batch.schema_ref();
                ExampleEncoder::new(Payload::TfExample, MissingFeature::Omitted, schema)?
                    .encode_column(&batch, feature, |message| {
                        let message = message
                            .ok_or_else(|| SplitError::Missing { feature: feature.clone() })?;
                        buckets.push(modulo(&Sha256::digest(message), num_buckets));
                        Ok::<_, SplitError>(())
                    })?;
            }
            Self::TfxRecord => {
                let digests = batch.columns().last().and_then(|c| c.as_fixed_size_binary_opt());
                let digests = digests.ok_or_else(|| {
                    ArrowError::SchemaError("the source gives no digests".to_owned())
                })?;
                buckets.extend(digests.iter().flatten().map(|digest| modulo(digest, num_buckets)));
            }
        }
        Ok(buckets)
    }

    /// Returns the features of a schema, without what is there to tell splits apart.
    pub(crate) fn features_of(&self, schema: &SchemaRef) -> SchemaRef {
        match (self, schema.fields().split_last()) {
            (Self::TfxRecord, Some((_, features))) => {
                let features = features.to_vec();
                Schema::new_with_metadata(features, schema.metadata().clone()).into()
            }
            _ => SchemaRef::clone(schema),
        }
    }

    /// Returns the features of a batch, without what is there to tell splits apart.
    pub(crate) fn features(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        match self {
            Self::TfxRecord => {
                batch.project(&(0..batch.num_columns().saturating_sub(1)).collect::<Vec<_>>())
            }
            _ => Ok(batch.clone()),
        }
    }
}

/// Returns a digest, read as one number with its highest byte first, modulo `divisor`.
fn modulo(digest: &[u8], divisor: u64) -> u64 {
    let divisor = u128::from(divisor);
    let rest = digest.iter().fold(0, |rest, &byte| ((rest << 8) | u128::from(byte)) % divisor);
    u64::try_from(rest).expect("a remainder is less than its divisor")
}

/// Says no to a partition feature that is none of the features, or of a kind that does not tell rows apart.
pub(crate) fn check_partition_feature(
    config: &Config,
    features: &[InferredFeature],
) -> Result<(), IngestError> {
    let Some(feature) = &config.partition_feature else { return Ok(()) };
    let Some(found) = features.iter().find(|found| found.name == *feature) else {
        let near = nearest(feature, features.iter().map(|found| found.name.as_str()));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        return Err(IngestError::NoPartitionFeature { feature: feature.clone(), hint });
    };
    match found.feature_type {
        Some(found @ (FeatureType::Float | FeatureType::Struct)) => {
            Err(IngestError::PartitionFeatureType { feature: feature.clone(), found })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_one_large_number() {
        assert_eq!(modulo(&[], 3), 0);
        assert_eq!(modulo(&[1, 0], 7), 256 % 7);
        assert_eq!(modulo(&[0xff; 32], 1), 0);
        // 2^256 - 1 in Python: (2**256 - 1) % (2**40 - 87), % 1000.
        assert_eq!(modulo(&[0xff; 32], (1 << 40) - 87), 149_180_075_929);
        assert_eq!(modulo(&[0xff; 32], 1000), 935);
    }
}
