//! What several targets need: files in memory, sources read whole, and a server.

#[cfg(feature = "serve")]
pub mod served;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use dataflow::Source;

/// Where two parts of an input are cut.
pub const CUT: [u8; 2] = [0xfe, 0xed];

/// Rows are read up to here: few bytes may be many rows of nothing.
const MAX_ROWS: usize = 100_000;

/// Cuts an input into parts.
pub fn parts(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = rest.windows(2).position(|pair| pair == CUT) {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

/// A file of this process that is written again and again, where temporary files are: in memory, best.
pub struct File(PathBuf);

impl File {
    /// Returns a file of this name.
    pub fn named(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("cupola-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("there is a folder for temporary files");
        Self(dir.join(name))
    }

    /// Writes the file and returns where it is.
    pub fn write(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.0, bytes).expect("there is room for temporary files");
        &self.0
    }
}

/// Reads all partitions, or nothing where one of them cannot be read.
pub fn read_all(source: &dyn Source, columns: Option<&[String]>) -> Option<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    let mut num_rows = 0;
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, columns).ok()? {
            let batch: RecordBatch = batch.ok()?;
            num_rows += batch.num_rows();
            batches.push(batch);
            if num_rows > MAX_ROWS {
                return None;
            }
        }
    }
    Some(batches)
}

/// Reads a source whole and each column alone, and says no where the two are not the same.
pub fn check_columns(source: &dyn Source) {
    let Some(whole) = read_all(source, None) else { return };
    for (index, field) in source.schema().fields().iter().enumerate().take(20) {
        let name = field.name().clone();
        if source.schema().index_of(&name).ok() != Some(index) {
            // One of two columns of one name.
            continue;
        }
        let alone = read_all(source, Some(&[name])).expect("all columns could be read together");
        assert_eq!(whole.len(), alone.len());
        for (whole, alone) in whole.iter().zip(&alone) {
            assert_eq!(whole.num_rows(), alone.num_rows());
            assert_eq!(whole.column(index).to_data(), alone.column(0).to_data());
        }
    }
}
