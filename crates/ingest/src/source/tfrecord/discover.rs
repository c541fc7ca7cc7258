//! The features of each file, so that files which do not go together are told apart.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use base::BoxError;
use dataflow::{Accumulator, Pass};
use dataset::{DiscoverFeatures, Discovered, Discovery, Payload};
use serde::{Deserialize, Serialize};

use crate::{IngestError, state};

/// The pass over raw records that finds the features of each file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DiscoverByFile(DiscoverFeatures);

impl DiscoverByFile {
    pub(super) fn new(payload: Payload) -> Self {
        Self(DiscoverFeatures { payload })
    }
}

impl Pass for DiscoverByFile {
    type State = ByFile;

    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn start(&self) -> Result<ByFile, BoxError> {
        Ok(ByFile { pass: self.clone(), files: Vec::new(), num_records: 0 })
    }
}

/// What was found so far, file by file in their order.
pub(super) struct ByFile {
    pass: DiscoverByFile,
    files: Vec<(String, Discovery)>,
    num_records: u64,
}

/// All that was found.
pub(super) struct Found {
    /// The features of each file that has records.
    by_file: Vec<(String, Discovered)>,
    /// The features of all files together.
    pub(super) all: Discovered,
    pub(super) num_records: u64,
}

impl Found {
    /// Says no to a file in which no record has a feature that those of another file have: its rows would miss the
    /// values without anybody having said so.
    pub(super) fn check_files(&self) -> Result<(), IngestError> {
        let mut first_with: BTreeMap<&str, &str> = BTreeMap::new();
        for (path, found) in &self.by_file {
            for name in found.names() {
                first_with.entry(name).or_insert(path);
            }
        }
        for (path, found) in &self.by_file {
            let names: Vec<&str> = found.names().collect();
            if names.len() == first_with.len() {
                continue;
            }
            let lost = first_with.iter().find(|(name, _)| !names.contains(*name));
            if let Some((feature, other)) = lost {
                return Err(IngestError::FeatureNotInFile {
                    path: PathBuf::from(path),
                    feature: (*feature).to_owned(),
                    other: PathBuf::from(other),
                });
            }
        }
        Ok(())
    }
}

/// The byte form.
#[derive(Serialize, Deserialize)]
struct StoredV1 {
    pass: DiscoverByFile,
    files: Vec<(String, Vec<u8>)>,
    num_records: u64,
}

/// The version of the state's bytes, their first.
const VERSION: u8 = 1;

impl Accumulator for ByFile {
    type Output = Found;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let paths = batch.column_by_name("path").and_then(|c| c.as_dictionary_opt::<Int32Type>());
        let paths = paths.and_then(|paths| paths.values().as_string_opt::<i32>());
        let Some(path) = paths.filter(|paths| paths.len() == 1).map(|paths| paths.value(0)) else {
            return Err(IngestError::BadState { reason: "a batch of another source" }.into());
        };
        self.num_records += batch.num_rows() as u64;
        if self.files.last().is_none_or(|(last, _)| last != path) {
            self.files.push((path.to_owned(), self.pass.0.start()?));
        }
        match self.files.last_mut() {
            Some((_, discovery)) => discovery.update(batch),
            None => Ok(()),
        }
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        self.num_records += other.num_records;
        for (path, theirs) in other.files {
            match self.files.last_mut() {
                Some((last, ours)) if *last == path => ours.merge(theirs)?,
                _ => self.files.push((path, theirs)),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Found, BoxError> {
        let mut all = self.pass.0.start()?;
        let mut by_file = Vec::with_capacity(self.files.len());
        for (path, discovery) in self.files {
            all.merge(discovery.clone())?;
            by_file.push((path, discovery.finish()?));
        }
        Ok(Found { by_file, all: all.finish()?, num_records: self.num_records })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let files = self.files.iter().map(|(path, found)| (path.clone(), found.to_bytes()));
        let stored = StoredV1 {
            pass: self.pass.clone(),
            files: files.collect(),
            num_records: self.num_records,
        };
        state::to_bytes(VERSION, &stored)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        let stored: StoredV1 = state::from_bytes(VERSION, bytes)?;
        let mut files = Vec::with_capacity(stored.files.len());
        for (path, bytes) in stored.files {
            files.push((path, Discovery::from_bytes(&bytes)?));
        }
        Ok(Self { pass: stored.pass, files, num_records: stored.num_records })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use dataflow::Source;
    use dataset::TfRecordFiles;
    use formats::example::{put_example, put_ints, put_named};
    use formats::tfrecord::RecordWriter;

    use super::*;

    /// A file whose records have features of these names.
    fn file(records: &[&[&str]]) -> Vec<u8> {
        let mut writer = RecordWriter::new(Vec::new());
        for names in records {
            let (mut features, mut value, mut record) = (Vec::new(), Vec::new(), Vec::new());
            put_ints(&mut value, &[1]);
            names.iter().for_each(|name| put_named(&mut features, name, &value));
            put_example(&mut record, &features);
            writer.write(&record).unwrap();
        }
        writer.into_inner()
    }

    #[test]
    fn features_are_kept_apart_by_file_and_survive_the_byte_form() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file(&[&["a"], &["b"]]), file(&[]), file(&[&["b", "a"]]), file(&[&["b"]])];
        let paths = files.iter().enumerate().map(|(index, bytes)| {
            let path = dir.path().join(index.to_string());
            fs::write(&path, bytes).unwrap();
            path
        });
        let paths: Vec<_> = paths.collect();
        let pass = DiscoverByFile::new(Payload::TfExample);
        let find = |paths: &[PathBuf]| {
            let files = TfRecordFiles::open(paths).unwrap();
            let mut merged = pass.start().unwrap();
            for partition in 0..files.num_partitions() {
                for batch in files.read(partition, None).unwrap() {
                    // A state for every record, each sent and received.
                    let batch = batch.unwrap();
                    for row in 0..batch.num_rows() {
                        let mut state = pass.start().unwrap();
                        state.update(&batch.slice(row, 1)).unwrap();
                        merged.merge(ByFile::from_bytes(&state.to_bytes()).unwrap()).unwrap();
                    }
                }
            }
            merged.finish().unwrap()
        };
        let found = find(&paths[..3]);
        assert_eq!(found.num_records, 3);
        assert!(found.check_files().is_ok());
        assert_eq!(found.all.names().collect::<Vec<_>>(), ["a", "b"]);
        let error = find(&paths).check_files().unwrap_err();
        let said = error.to_string().replace(&format!("{}/", dir.path().display()), "");
        assert_eq!(said, "3: no record has a feature `a`, which those of 0 have");
        for bytes in [b"".as_slice(), b"\x01{}", b"\x02"] {
            assert!(ByFile::from_bytes(bytes).is_err());
        }
    }
}
