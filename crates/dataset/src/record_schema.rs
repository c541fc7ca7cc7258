//! What examples stored as records are: a file beside the splits, as records do not tell the features of all others.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::IoError;
use serde::{Deserialize, Serialize};

use crate::{DatasetError, Payload};

/// The file's name.
pub(crate) const FILE: &str = "examples.json";

/// What the records of a dataset hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordSchema {
    pub(crate) payload: Payload,
    /// The columns that the records are read as.
    pub(crate) schema: SchemaRef,
    /// How many examples each split has.
    pub(crate) num_examples: BTreeMap<String, u64>,
}

/// The file's content, of whatever version.
#[derive(Serialize, Deserialize)]
#[serde(tag = "version")]
enum Stored {
    #[serde(rename = "1")]
    V1(V1),
}

#[derive(Serialize, Deserialize)]
struct V1 {
    payload: Payload,
    features: Vec<FeatureV1>,
    num_examples: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
struct FeatureV1 {
    name: String,
    #[serde(rename = "type")]
    value_type: TypeV1,
    /// 0 for at most one value, 1 for lists, 2 for lists of lists.
    #[serde(default, skip_serializing_if = "is_scalar")]
    depth: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_scalar(depth: &u8) -> bool {
    *depth == 0
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum TypeV1 {
    /// There is no value.
    None,
    Int,
    Float,
    String,
    Bytes,
}

impl RecordSchema {
    /// Returns what records are that examples with columns of `schema` are written as, which these can be.
    pub(crate) fn of(payload: Payload, schema: &Schema) -> Self {
        let features = schema.fields().iter().map(|field| FeatureV1::of(field));
        let schema = schema_of(features);
        Self { payload, schema, num_examples: BTreeMap::new() }
    }

    /// Reads the file of a dataset; `None` where it has none, as it is not stored as records.
    pub(crate) fn read(root: &Path) -> Result<Option<Self>, DatasetError> {
        let path = root.join(FILE);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(IoError::at("read", &path))?,
        };
        let Stored::V1(V1 { payload, features, num_examples }) = serde_json::from_slice(&text)
            .map_err(|source| DatasetError::RecordSchema { path, source })?;
        Ok(Some(Self { payload, schema: schema_of(features.into_iter()), num_examples }))
    }

    /// Writes the file.
    pub(crate) fn write(&self, root: &Path) -> Result<(), DatasetError> {
        let features = self.schema.fields().iter().map(|field| FeatureV1::of(field)).collect();
        let num_examples = self.num_examples.clone();
        let stored = Stored::V1(V1 { payload: self.payload, features, num_examples });
        let text = serde_json::to_vec_pretty(&stored).expect("names and numbers are JSON");
        let path = root.join(FILE);
        Ok(std::fs::write(&path, text).map_err(IoError::at("write", &path))?)
    }
}

impl FeatureV1 {
    fn of(field: &Field) -> Self {
        let (mut data_type, mut depth) = (field.data_type(), 0);
        let value_type = loop {
            break match data_type {
                DataType::List(item) | DataType::LargeList(item) => {
                    data_type = item.data_type();
                    depth += 1;
                    continue;
                }
                DataType::Dictionary(_, values) => {
                    data_type = values;
                    continue;
                }
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => TypeV1::String,
                DataType::Binary | DataType::LargeBinary | DataType::BinaryView => TypeV1::Bytes,
                DataType::Null => TypeV1::None,
                number if number.is_floating() => TypeV1::Float,
                _ => TypeV1::Int,
            };
        };
        Self { name: field.name().clone(), value_type, depth }
    }
}

fn schema_of(features: impl Iterator<Item = FeatureV1>) -> SchemaRef {
    let fields = features.map(|FeatureV1 { name, value_type, depth }| {
        let mut data_type = match value_type {
            TypeV1::None => DataType::Null,
            TypeV1::Int => DataType::Int64,
            TypeV1::Float => DataType::Float32,
            TypeV1::String => DataType::Utf8,
            TypeV1::Bytes => DataType::Binary,
        };
        for _ in 0..depth {
            data_type = DataType::List(Arc::new(Field::new_list_field(data_type, true)));
        }
        Field::new(name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
