//! Schemas as text files, `schema.pbtxt`.

use std::path::Path;

use base::IoError;
use formats::metadata::Schema;

use crate::SchemaError;

/// Reads a schema from its text form.
///
/// # Errors
///
/// [`SchemaError::Io`] when the file cannot be read, [`SchemaError::NotText`] when it is not UTF-8, and
/// [`SchemaError::NotASchema`] when it does not parse.
pub fn read_schema(path: &Path) -> Result<Schema, SchemaError> {
    let bytes = std::fs::read(path).map_err(IoError::at("read", path))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|source| SchemaError::NotText { path: path.to_owned(), source })?;
    formats::text::parse(text)
        .map_err(|source| SchemaError::NotASchema { path: path.to_owned(), source })
}

/// Writes a schema in its text form; a reader sees the old file or the new one.
///
/// # Errors
///
/// [`SchemaError::Io`] when the file cannot be written.
pub fn write_schema(path: &Path, schema: &Schema) -> Result<(), SchemaError> {
    Ok(base::publish::write_file(path, formats::text::print(schema).as_bytes())?)
}
