//! What a user can say about the files of each format.

use dataset::{CsvFormat, MAX_COLUMNS};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Files, Patterns};
use crate::IngestError;

/// Files, or a table with more to say about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Form<T> {
    /// Files, and the rest as usual.
    Files(Patterns),
    /// Files with what is to be known of them.
    Table(T),
}

/// Files of text, and how their cells are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvTable {
    /// The files.
    pub files: Files,
    /// What stands between two cells: one ASCII character, such as `";"` or `"\t"`, a tabulator. Without it a header that
    /// is one cell with such a character in it is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1), extend("default" = ","))]
    pub delimiter: Option<String>,
    /// The names of the columns, for files without a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub columns: Option<Vec<String>>,
    /// The names of the features to read. Others are left out; one of these may be missing in any file, but not in all.
    /// Without it all columns are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub features: Option<Vec<String>>,
}

impl Form<CsvTable> {
    /// Returns the table, the rest as usual where only files are named.
    pub fn table(&self) -> CsvTable {
        match self {
            Self::Files(files) => {
                let files = files.clone().into();
                CsvTable { files, delimiter: None, columns: None, features: None }
            }
            Self::Table(table) => table.clone(),
        }
    }
}

impl CsvTable {
    /// Returns how files are read.
    ///
    /// # Errors
    ///
    /// [`IngestError::Delimiter`], [`IngestError::NoColumns`], [`IngestError::TooManyColumns`],
    /// [`IngestError::UnnamedColumn`] and [`IngestError::ColumnTwice`].
    pub fn format(&self) -> Result<CsvFormat, IngestError> {
        let delimiter = self.delimiter.as_deref().unwrap_or(",");
        let delimiter = match *delimiter.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | b'\0') => byte,
            _ => return Err(IngestError::Delimiter { found: delimiter.to_owned() }),
        };
        let columns = self.columns.clone();
        let names = columns.iter().flatten();
        if let Some(position) = names.clone().position(|name| name.trim().is_empty()) {
            return Err(IngestError::UnnamedColumn { position: position + 1 });
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(column) = names.clone().find(|name| !seen.insert(*name)) {
            return Err(IngestError::ColumnTwice { column: column.clone() });
        }
        match names.count() {
            0 if columns.is_some() => Err(IngestError::NoColumns),
            found if found > MAX_COLUMNS => {
                Err(IngestError::TooManyColumns { found, limit: MAX_COLUMNS })
            }
            _ => {
                let features = self.features.clone();
                Ok(CsvFormat { delimiter, columns, features })
            }
        }
    }
}

/// Files of JSON Lines, and what is read of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonTable {
    /// The files.
    pub files: Files,
    /// The names of the features to read. Others are left out; one of these may be missing in any line or file, but
    /// not in all. Without it all features are found and read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub features: Option<Vec<String>>,
}

impl Form<JsonTable> {
    /// Returns the table, the rest as usual where only files are named.
    pub fn table(&self) -> JsonTable {
        match self {
            Self::Files(files) => JsonTable { files: files.clone().into(), features: None },
            Self::Table(table) => table.clone(),
        }
    }
}

/// TFRecord files, and what their records hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TfrecordTable {
    /// The files.
    pub files: Files,
    /// What the records hold.
    #[serde(default)]
    pub payload: Payload,
    /// The features to read, by name, and what each holds, such as `{ fare = "float", tags = "string_list" }`: so
    /// the records need not be read to find them. Others are left out; one of these may be missing in any record
    /// or file, but not in all. Without it all features are found and read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<IndexMap<String, FeatureKind>>,
}

/// What records hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// `tf.Example`: features by name.
    #[default]
    TfExample,
    /// `tf.SequenceExample`: features by name, and lists of features by name, which become lists of lists.
    TfSequenceExample,
}

/// What a feature of records holds: values of one kind, one for each example or a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// A 64-bit integer.
    Int,
    /// A 32-bit float.
    Float,
    /// Text in UTF-8.
    String,
    /// Any bytes.
    Bytes,
    /// A list of 64-bit integers.
    IntList,
    /// A list of 32-bit floats.
    FloatList,
    /// A list of texts.
    StringList,
    /// A list of bytes.
    BytesList,
}

impl<T> From<String> for Form<T> {
    fn from(pattern: String) -> Self {
        Self::Files(pattern.into())
    }
}

impl<T> From<&str> for Form<T> {
    fn from(pattern: &str) -> Self {
        Self::Files(pattern.into())
    }
}

impl Form<TfrecordTable> {
    /// Returns the table, the rest as usual where only files are named.
    pub fn table(&self) -> TfrecordTable {
        match self {
            Self::Files(files) => TfrecordTable {
                files: files.clone().into(),
                payload: Payload::default(),
                features: None,
            },
            Self::Table(table) => table.clone(),
        }
    }
}

impl<T> From<Patterns> for Form<T> {
    fn from(patterns: Patterns) -> Self {
        Self::Files(patterns)
    }
}

/// Files of a format that has types, and what is read of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedTable {
    /// The files.
    pub files: Files,
    /// The names of the features to read. Others are left out; one of these may be missing in any file, but not in all.
    /// Without it all columns are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub features: Option<Vec<String>>,
}

impl Form<TypedTable> {
    /// Returns the table, the rest as usual where only files are named.
    pub fn table(&self) -> TypedTable {
        match self {
            Self::Files(files) => TypedTable { files: files.clone().into(), features: None },
            Self::Table(table) => table.clone(),
        }
    }
}
