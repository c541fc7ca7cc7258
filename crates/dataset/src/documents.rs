//! Text files as a source: one file is one document.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::{BoxError, IoError};
use dataflow::{BatchIter, Source};

use crate::DatasetError;
use crate::common::wanted;
use crate::language::language_of;

/// The columns: the name of the folder that a file is in, its own name, all that it holds, and its language.
const COLUMNS: [&str; 4] = ["folder", "name", "text", "language"];

/// No file is longer: the places in a column of text are numbers of 31 bits.
const MAX_BYTES: u64 = (1 << 31) - 1;

/// Files of UTF-8 text in the order given, one row and one partition each: `folder`, `name`, `text` and `language`.
///
/// The folder and the name are the last two parts of the path, so that a row does not depend on where the files are.
/// A byte order mark is left out; an empty file is an empty text. The language is the code that `whatlang` finds, a
/// guess from the beginning, and missing where that finds none; it is looked for only where the column is wanted.
#[derive(Clone, Debug)]
pub struct TextFiles {
    schema: SchemaRef,
    paths: Vec<PathBuf>,
}

impl TextFiles {
    /// Returns the files, which are not looked at before they are read, with some of the columns or all.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NoSuchColumn`] for a column that is none of the four.
    pub fn open_columns(
        paths: &[PathBuf],
        columns: Option<&[String]>,
    ) -> Result<Self, DatasetError> {
        let field = |name: &str| Field::new(name, DataType::Utf8, name == "language");
        let all = || COLUMNS.map(str::to_owned).to_vec();
        let names = columns.map_or_else(all, <[String]>::to_vec);
        if let Some(column) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            let path = paths.first().cloned().unwrap_or_default();
            return Err(DatasetError::NoSuchColumn { path, column: column.clone(), found: all() });
        }
        let fields: Vec<Field> = names.iter().map(|name| field(name)).collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), paths: paths.to_vec() })
    }

    /// Returns the number of each partition's file.
    pub fn file_of_partition(&self) -> impl Iterator<Item = usize> {
        0..self.paths.len()
    }
}

impl Source for TextFiles {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn num_partitions(&self) -> usize {
        self.paths.len()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let path = &self.paths[partition];
        let schema = wanted(&self.schema, columns);
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (folder, name) =
            (part(path.parent().and_then(Path::file_name)), part(path.file_name()));
        let is_wanted = |name| schema.column_with_name(name).is_some();
        let is_read = is_wanted("text") || is_wanted("language");
        let text = if is_read { text(path)? } else { String::new() };
        let columns = schema.fields().iter().map(|field| {
            let cell = match field.name().as_str() {
                "folder" => Some(folder.as_str()),
                "name" => Some(name.as_str()),
                "language" => language_of(&text),
                _ => Some(text.as_str()),
            };
            Arc::new(StringArray::from(vec![cell])) as ArrayRef
        });
        let columns = columns.collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|source| DatasetError::Arrow { path: path.clone(), source })?;
        Ok(Box::new(std::iter::once(Ok(batch))))
    }
}

/// Returns what a file holds.
fn text(path: &Path) -> Result<String, DatasetError> {
    let read = || IoError::at("read", path);
    let found = std::fs::metadata(path).map_err(read())?.len();
    if found > MAX_BYTES {
        return Err(DatasetError::LongText { path: path.to_path_buf(), found, limit: MAX_BYTES });
    }
    let bytes = std::fs::read(path).map_err(read())?;
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with('\u{feff}') => Ok(text['\u{feff}'.len_utf8()..].to_owned()),
        Ok(text) => Ok(text),
        Err(error) => {
            let place = error.utf8_error().valid_up_to() as u64;
            Err(DatasetError::NotText { path: path.to_path_buf(), place })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use arrow::array::AsArray;

    use super::*;

    fn read(paths: &[PathBuf], columns: Option<&[String]>) -> Result<Vec<Vec<String>>, String> {
        let files = TextFiles::open_columns(paths, columns).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        for partition in 0..files.num_partitions() {
            for batch in files.read(partition, None).map_err(|error| error.to_string())? {
                let batch = batch.unwrap();
                let cells = batch.columns().iter();
                let cells = cells.map(|cell| cell.as_string::<i32>().iter().next().flatten());
                rows.push(cells.map(|cell| cell.unwrap_or("-").to_owned()).collect());
            }
        }
        Ok(rows)
    }

    #[test]
    fn a_file_is_a_document_and_what_is_no_text_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("docs");
        fs::create_dir(&folder).unwrap();
        let path = |name: &str, bytes: &[u8]| {
            fs::write(folder.join(name), bytes).unwrap();
            folder.join(name)
        };
        let paths = [path("a.md", "\u{feff}ä\r\n\"b\", c".as_bytes()), path("b.txt", b"")];
        let expected = [["docs", "a.md", "ä\r\n\"b\", c", "-"], ["docs", "b.txt", "", "-"]];
        assert_eq!(read(&paths, None).unwrap(), expected);
        let only = ["text".to_owned()];
        assert_eq!(read(&paths[1..], Some(&only)).unwrap(), [[""]]);
        let spoiled = path("c.bin", b"ab\xff");
        let error = read(std::slice::from_ref(&spoiled), None).unwrap_err();
        assert_eq!(error, format!("{}: no UTF-8 text from byte 2 on", spoiled.display()));
        let error = read(&paths, Some(&["txt".to_owned()])).unwrap_err();
        assert!(error.contains("`txt` is missing"), "{error}");
    }

    #[test]
    fn a_document_has_a_language_and_names_alone_are_given_without_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        };
        let english =
            "A pipeline is a graph of nodes, and each of them is run when its inputs are there.";
        let german =
            "Eine Zeile ist ein Beispiel, und jede Spalte ist ein Merkmal, das auch fehlen kann.";
        let paths = [path("en", english), path("de", german), path("short", "ok")];
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let found = read(&paths, Some(&names(&["language", "name"]))).unwrap();
        assert_eq!(found, [["eng", "en"], ["deu", "de"], ["-", "short"]]);
        let gone = [dir.path().join("gone")];
        assert_eq!(read(&gone, Some(&names(&["name"]))).unwrap(), [["gone"]]);
        assert!(read(&gone, Some(&names(&["language"]))).unwrap_err().contains("gone"));
    }
}
