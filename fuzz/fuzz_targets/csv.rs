//! Any bytes as comma-separated text: rows and what is wrong with some, or an error; and rows written again, all
//! cells quoted, are read again.

#![no_main]

use std::sync::LazyLock;

use dataflow::Source;
use dataset::{CsvFiles, FeatureType, TextReader, cell_type};
use fuzz::{File, read_all};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<File> = LazyLock::new(|| File::named("file.csv"));

/// Rows of cells, and whether all rows could be read.
type Table = (Vec<String>, Vec<Vec<Vec<u8>>>, bool);

fn read(input: &[u8]) -> Option<Table> {
    let paths = [FILE.write(input).to_path_buf()];
    let files = CsvFiles::open(&paths).ok()?;
    let columns = files.columns().to_vec();
    let is_compressed = TextReader::open(&paths[0]).ok()?.is_compressed();
    let (mut table, mut is_whole) = (Vec::new(), true);
    for partition in 0..files.num_partitions() {
        let mut rows = files.rows(partition).ok()?;
        while let Some(row) = rows.next_row().ok()? {
            match row {
                Ok(row) => table.push(row.cells().map(<[u8]>::to_vec).collect()),
                Err(error) => {
                    let end = error.offset + error.length;
                    assert!(is_compressed || end <= input.len() as u64, "{error}");
                    is_whole = false;
                }
            }
        }
    }
    check_types(files, &table, is_whole);
    Some((columns, table, is_whole))
}

/// Reads all columns as the widest type that their cells have.
fn check_types(files: CsvFiles, table: &[Vec<Vec<u8>>], is_whole: bool) {
    let widest = |column: usize| -> Option<FeatureType> {
        table.iter().filter_map(|row: &Vec<Vec<u8>>| cell_type(&row[column])).max()
    };
    let columns = files.columns().iter().enumerate();
    let features: Vec<_> = columns.map(|(index, name)| (name.clone(), widest(index))).collect();
    let files = files.with_features(&features).expect("these are the columns");
    if is_whole {
        let batches = read_all(&files, None).expect("every cell is of its column's type");
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), table.len());
    } else {
        read_all(&files.skip_misfits(), None);
    }
}

fn write<'a>(cells: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        out.extend(if index == 0 { b"\"".as_slice() } else { b",\"" });
        for &byte in cell {
            out.push(byte);
            if byte == b'"' {
                out.push(byte);
            }
        }
        out.push(b'"');
    }
    out.push(b'\n');
}

fuzz_target!(|input: &[u8]| {
    let Some((columns, table, _)) = read(input) else { return };
    let mut again = Vec::new();
    write(columns.iter().map(String::as_bytes), &mut again);
    table.iter().for_each(|row| write(row.iter().map(Vec::as_slice), &mut again));
    assert_eq!(read(&again), Some((columns, table, true)));
});
