//! Rows that cannot be read: how many may be set aside, and where.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use base::IoError;
use dataset::{CsvError, RowError, TextReader};

use crate::IngestError;

/// The file with the rows that were set aside, in the examples' folder; there only if there are any.
///
/// Comma-separated text: the file, relative to the pipeline's folder where it is in there, the line where the
/// row begins, what is wrong with it, and the row itself with U+FFFD for what is not UTF-8.
pub const REJECTED_FILE: &str = "rejected.csv";

/// Says no to more rows that cannot be read than may be set aside.
pub(crate) fn check_budget(
    rejected: &[RowError],
    num_rejected: u64,
    num_rows: u64,
    limit: u64,
    is_complete: bool,
) -> Result<(), IngestError> {
    match rejected.first() {
        Some(first) if num_rejected > limit => {
            let first = Box::new(first.clone());
            Err(IngestError::TooManyRejected { first, num_rejected, num_rows, limit, is_complete })
        }
        _ => Ok(()),
    }
}

/// Writes the rows that were set aside, in the order of the data.
pub(crate) fn write_rejected(
    rejected: &[RowError],
    name_of: &dyn Fn(&Path) -> String,
    out_dir: &Path,
) -> Result<(), IngestError> {
    if rejected.is_empty() {
        return Ok(());
    }
    let path = out_dir.join(REJECTED_FILE);
    let mut text = BufWriter::new(File::create(&path).map_err(IoError::at("write", &path))?);
    let mut source: Option<(&Path, TextReader)> = None;
    let write = |text: &mut BufWriter<File>, line: String| {
        text.write_all(line.as_bytes()).map_err(IoError::at("write", &path))
    };
    write(&mut text, "file,line,reason,row\n".to_owned())?;
    for row in rejected {
        let reader = match source.take() {
            Some((of, reader)) if of == row.path => reader,
            _ => TextReader::open(&row.path).map_err(CsvError::from)?,
        };
        let (_, reader) = source.insert((&row.path, reader));
        let raw = reader.read_at(row.offset, row.length).map_err(CsvError::from)?;
        let name = name_of(&row.path);
        let reason = row.reason.to_string();
        let raw = String::from_utf8_lossy(&raw);
        write(
            &mut text,
            format!("{},{},{},{}\n", quoted(&name), row.line, quoted(&reason), quoted(&raw)),
        )?;
    }
    text.flush().map_err(IoError::at("write", &path))?;
    Ok(())
}

/// Returns a cell as comma-separated text has it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}
