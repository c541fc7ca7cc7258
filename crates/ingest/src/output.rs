//! How the examples are written.

use arrow::datatypes::Schema;
use dataset::{ExampleEncoder, MissingFeature, Storage};
use formats::tfrecord::Compression;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Config, IngestError, Payload, SourceConfig};

/// How the examples are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// The files' format.
    #[serde(default)]
    pub format: OutputFormat,
    /// How TFRecord files are compressed: as TFX does with gzip, unless this says something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<RecordCompression>,
}

/// A format that examples are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputFormat {
    /// Parquet, with every type that the source has.
    #[default]
    Parquet,
    /// TFRecord files of `tf.Example`, or of `tf.SequenceExample` where the source is that, with TFX's names. A missing
    /// value is a feature that its record does not have; floats are rounded to 32 bits, which is all that records
    /// have; nested features have no place in them.
    Tfrecord,
}

/// How TFRecord files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordCompression {
    /// gzip: a quarter of the size or so. One thread reads a file.
    Gzip,
    /// Not at all.
    None,
}

impl OutputConfig {
    /// Returns how examples are stored, which are of `payload` where they are records.
    pub fn storage(&self, payload: Payload) -> Storage {
        if self.format == OutputFormat::Parquet {
            return Storage::Parquet;
        }
        let compression = match self.compression {
            None | Some(RecordCompression::Gzip) => Compression::Gzip,
            Some(RecordCompression::None) => Compression::None,
        };
        Storage::Records { payload: payload.into(), compression }
    }

    /// Returns whether nothing was said.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Config {
    /// Returns how the examples are stored.
    pub fn storage(&self) -> Storage {
        self.output.storage(match &self.source {
            SourceConfig::Tfrecord(source) => source.table().payload,
            _ => Payload::TfExample,
        })
    }

    /// Says no to features that cannot be written.
    pub(crate) fn check_features(&self, schema: &Schema) -> Result<(), IngestError> {
        if let Storage::Records { payload, .. } = self.storage() {
            ExampleEncoder::new(payload, MissingFeature::Omitted, schema)
                .map_err(|problem| IngestError::Unwritable { problem })?;
        }
        Ok(())
    }
}
