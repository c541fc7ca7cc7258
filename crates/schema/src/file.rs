//! Schemas as text files, `schema.pbtxt`.

use std::path::Path;

use base::IoError;
use formats::metadata::Schema;

use crate::SchemaError;

/// Reads a schema from its text form.
///
/// # Errors
///
/// [`SchemaError::Io`] when the file cannot be read, [`SchemaError::NotASchema`] when it is not UTF-8 or
/// does not parse.
pub fn read_schema(path: &Path) -> Result<Schema, SchemaError> {
    let text = std::fs::read_to_string(path).map_err(IoError::at("read", path))?;
    formats::text::parse(&text)
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
