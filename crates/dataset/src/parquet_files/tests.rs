//! Parquet that somebody damaged is an error or other rows, never a panic.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, Int64Builder, ListBuilder, RecordBatch,
    StringArray,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::*;

fn file(compression: Compression, has_dictionary: bool) -> Vec<u8> {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for row in 0..300_i64 {
        (0..row % 4).for_each(|value| lists.values().append_value(value * row));
        lists.append(row % 7 != 0);
    }
    let rows = 0..300_u16;
    let texts = rows.clone().map(|row| (row % 5 != 0).then(|| format!("text {}", row % 11)));
    let columns: [(&str, ArrayRef); 5] = [
        (
            "int",
            Arc::new(
                rows.clone()
                    .map(|row| (row % 3 > 0).then_some(i64::from(row)))
                    .collect::<Int64Array>(),
            ),
        ),
        (
            "float",
            Arc::new(rows.clone().map(|row| Some(f32::from(row) / 7.0)).collect::<Float32Array>()),
        ),
        ("text", Arc::new(texts.collect::<StringArray>())),
        (
            "bool",
            Arc::new(
                rows.map(|row| (row % 6 > 0).then_some(row % 2 > 0)).collect::<BooleanArray>(),
            ),
        ),
        ("list", Arc::new(lists.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(has_dictionary)
        .set_max_row_group_row_count(Some(200))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Reads all rows, or returns what is wrong.
fn read(path: &Path) -> Result<usize, BoxError> {
    let files = ParquetFiles::open(&[path.to_path_buf()])?;
    let mut rows = 0;
    for partition in 0..files.num_partitions() {
        for batch in files.read(partition, None)? {
            rows += batch?.num_rows();
        }
    }
    Ok(rows)
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }
}

#[test]
fn changed_bytes_are_an_error_or_other_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut num_errors = 0;
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        for has_dictionary in [false, true] {
            let whole = file(compression, has_dictionary);
            std::fs::write(&path, &whole).unwrap();
            assert_eq!(read(&path).unwrap(), 300);
            let footer = &whole[whole.len() - 8..whole.len() - 4];
            let footer = usize::try_from(u32::from_le_bytes(footer.try_into().unwrap())).unwrap();
            for _ in 0..300 {
                let mut changed = whole.clone();
                let (start, length) = match random.below(3) {
                    0 => (4, whole.len() - footer - 12),
                    _ => (whole.len() - footer - 8, footer),
                };
                for _ in 0..=random.below(3) {
                    let byte = [0, 1, 0x7f, 0x80, 0xff, random.below(256)][random.below(6)];
                    changed[start + random.below(length)] = u8::try_from(byte).unwrap();
                }
                std::fs::write(&path, &changed).unwrap();
                num_errors += usize::from(read(&path).is_err());
            }
        }
    }
    assert!((200..1200).contains(&num_errors), "{num_errors}");
}

/// What the crate `parquet` panics on: a width of integers that Arrow does not have.
#[test]
fn what_the_reader_panics_on_is_an_error() {
    let fails = || -> Result<(), parquet::errors::ParquetError> { panic!("a width of {}", 48) };
    let said = guarded(fails).unwrap_err().to_string();
    assert!(said.contains("a width of 48"), "{said}");
}

#[test]
fn values_beyond_the_end_of_a_file_are_told_by_their_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let whole = file(Compression::UNCOMPRESSED, false);
    // Without its middle, a file ends as it should.
    let cut = [&whole[..4], &whole[whole.len() / 2..]].concat();
    std::fs::write(&path, &cut).unwrap();
    let said = read(&path).unwrap_err().to_string();
    assert!(said.contains(&format!("of {} bytes: column `", cut.len())), "{said}");
}
