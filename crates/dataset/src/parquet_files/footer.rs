//! The footer of a Parquet file, and what is wrong with files that have none: where, how large, and what belongs there.
//!
//! A file begins and ends with `PAR1`; before the end stands how many bytes the footer has that lies before it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use base::IoError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;

use crate::DatasetError;

const MARK: [u8; 4] = *b"PAR1";

/// The marks at both ends and the footer's length.
const LEAST_BYTES: u64 = 12;

/// Where a file is not Parquet. Offsets are in bytes, from 0.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ParquetFault {
    /// Too short for its two ends.
    #[error("expected at least {LEAST_BYTES} bytes")]
    Short,

    /// It begins as something else.
    #[error("found {found} at byte 0, expected `PAR1`")]
    Start { found: String },

    /// It does not end as Parquet does.
    #[error("found {found} at byte {offset}, expected `PAR1` at the end")]
    End { found: String, offset: u64 },

    /// The footer would begin before the file.
    #[error(
        "the length at byte {offset} says that the footer has {length} bytes, expected at most {most}"
    )]
    Length { offset: u64, length: u64, most: u64 },

    /// The footer is not one.
    #[error("the footer from byte {start} to byte {end} cannot be read: {error}")]
    Footer { start: u64, end: u64, error: ParquetError },

    /// The footer says that values are where the file has none.
    #[error("column `{column}`: the footer says that {length} bytes of it begin at byte {start}")]
    Column { column: String, start: i64, length: i64 },
}

impl ParquetFault {
    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Short | Self::End { .. } | Self::Column { .. } => {
                Some("it may have been cut short, or is still being written".to_owned())
            }
            _ => None,
        }
    }
}

/// Reads what a file says of itself.
pub(super) fn read_footer(path: &Path) -> Result<ArrowReaderMetadata, DatasetError> {
    let mut file = File::open(path).map_err(IoError::at("read", path))?;
    let size = file.metadata().map_err(IoError::at("read", path))?.len();
    let loaded = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
    let fault = match loaded {
        Ok(metadata) => match column_elsewhere(&metadata, size) {
            None => return Ok(metadata),
            Some(fault) => fault,
        },
        Err(error) => fault(&mut file, size, error).map_err(IoError::at("read", path))?,
    };
    Err(DatasetError::ParquetEnds { path: path.to_path_buf(), size, fault })
}

/// Calls into the crate `parquet`; what it panics on is an error of the file.
pub(super) fn guarded<T, E: From<ParquetError>>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(ParquetError::General(text.unwrap_or_else(|| "it is malformed".to_owned())).into())
    })
}

/// Returns a column whose values are not within a file of `size` bytes.
fn column_elsewhere(metadata: &ArrowReaderMetadata, size: u64) -> Option<ParquetFault> {
    let groups = metadata.metadata().row_groups().iter();
    groups.flat_map(|group| group.columns()).find_map(|chunk| {
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let length = chunk.compressed_size();
        let end = start.checked_add(length).filter(|_| start >= 0 && length >= 0);
        let is_within = end.is_some_and(|end| u64::try_from(end).is_ok_and(|end| end <= size));
        let column = || chunk.column_path().string();
        (!is_within).then(|| ParquetFault::Column { column: column(), start, length })
    })
}

/// Returns what is wrong with a file that could not be read because of `error`.
fn fault(file: &mut File, size: u64, error: ParquetError) -> std::io::Result<ParquetFault> {
    if size < LEAST_BYTES {
        return Ok(ParquetFault::Short);
    }
    let (mut start, mut end) = ([0; 4], [0; 8]);
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut start)?;
    file.seek(SeekFrom::Start(size - 8))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, mark @ ..] = end;
    if start != MARK {
        return Ok(ParquetFault::Start { found: shown(start) });
    }
    if mark != MARK {
        return Ok(ParquetFault::End { found: shown(mark), offset: size - 4 });
    }
    let (length, most) = (u64::from(u32::from_le_bytes([a, b, c, d])), size - LEAST_BYTES);
    if length > most {
        return Ok(ParquetFault::Length { offset: size - 8, length, most });
    }
    Ok(ParquetFault::Footer { start: size - 8 - length, end: size - 8, error })
}

fn shown(bytes: [u8; 4]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};
    use base::{Classify, ErrorKind};
    use insta::assert_snapshot;
    use parquet::arrow::ArrowWriter;

    use super::*;

    #[test]
    fn a_file_that_is_not_whole_is_named_with_its_size_and_what_belongs_where() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let column = Arc::new(Int64Array::from_iter_values(0..1000));
        let batch = RecordBatch::try_from_iter([("a", column as _)]).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        let whole = writer.into_inner().unwrap();
        let size = whole.len();
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = read_footer(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            let hint = error.hint().map_or(String::new(), |hint| format!("\n{hint}"));
            let said = format!("{error}{hint}");
            said.replace(&dir.path().display().to_string(), "")
        };
        std::fs::write(&path, &whole).unwrap();
        read_footer(&path).unwrap();
        assert_snapshot!(said(b""), @"
        /a.parquet: not a whole Parquet file of 0 bytes: expected at least 12 bytes
        it may have been cut short, or is still being written
        ");
        assert_snapshot!(said(&whole[..2000]), @r#"
        /a.parquet: not a whole Parquet file of 2000 bytes: found `\x00\xf7\x00\x00` at byte 1996, expected `PAR1` at the end
        it may have been cut short, or is still being written
        "#);
        assert_snapshot!(said(b"fare,tips\n1,2\n3,4\n"), @"/a.parquet: not a whole Parquet file of 18 bytes: found `fare` at byte 0, expected `PAR1`");
        let with = |offset: usize, bytes: &[u8]| {
            let mut changed = whole.clone();
            changed[offset..offset + bytes.len()].copy_from_slice(bytes);
            changed
        };
        let length = said(&with(size - 8, &[0xff, 0xff, 0, 0]));
        assert_eq!(
            length,
            format!(
                "/a.parquet: not a whole Parquet file of {size} bytes: the length at byte {} says that the footer has 65535 bytes, expected at most {}",
                size - 8,
                size - 12
            )
        );
        let footer = said(&with(size - 20, &[0xff; 12]));
        assert!(footer.contains(&format!("to byte {} cannot be read: ", size - 8)), "{footer}");
    }
}
