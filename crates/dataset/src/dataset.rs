//! The dataset on disk: `Split-<name>/` folders of shards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::IoError;

use crate::record_schema::RecordSchema;
use crate::{DatasetError, ExampleFiles, ParquetFiles, SplitFiles, TfExampleError, TfRecordFiles};

const SPLIT_PREFIX: &str = "Split-";

/// Examples in a folder, split by split.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
    splits: Vec<Split>,
}

/// One named part of a dataset.
#[derive(Clone, Debug)]
pub struct Split {
    /// The split's name, such as `train`.
    pub name: String,
    /// Its shards, in order.
    pub shards: Vec<PathBuf>,
    /// What the shards hold, where they are of records.
    records: Option<Arc<RecordSchema>>,
}

impl Dataset {
    /// Returns the folder of a split below a dataset's root.
    pub fn split_dir(root: &Path, split: &str) -> PathBuf {
        root.join(format!("{SPLIT_PREFIX}{split}"))
    }

    /// Opens a dataset; its splits come in the order of `names`, or of the alphabet where that is empty.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Empty`] when there is no split, [`DatasetError::NoSuchSplit`] when one of `names` is
    /// not there, [`DatasetError::RecordSchema`] when what its records hold cannot be read.
    pub fn open(root: &Path, names: &[String]) -> Result<Self, DatasetError> {
        let records = RecordSchema::read(root)?.map(Arc::new);
        let mut splits = Vec::new();
        for dir in sorted_entries(root)? {
            let file_name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(name) = file_name.strip_prefix(SPLIT_PREFIX) {
                let (name, shards) = (name.to_owned(), sorted_entries(&dir)?);
                splits.push(Split { name, shards, records: records.clone() });
            }
        }
        if splits.is_empty() {
            return Err(DatasetError::Empty { root: root.to_path_buf() });
        }
        let mut dataset = Self { root: root.to_path_buf(), splits };
        if !names.is_empty() {
            dataset.splits =
                names.iter().map(|name| dataset.split(name).cloned()).collect::<Result<_, _>>()?;
        }
        Ok(dataset)
    }

    /// Returns the splits, in order.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// Returns one split.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NoSuchSplit`], naming those that there are.
    pub fn split(&self, name: &str) -> Result<&Split, DatasetError> {
        self.splits.iter().find(|split| split.name == name).ok_or_else(|| {
            let available: Vec<_> = self.splits.iter().map(|s| format!("`{}`", s.name)).collect();
            DatasetError::NoSuchSplit {
                root: self.root.clone(),
                split: name.to_owned(),
                available: available.join(", "),
            }
        })
    }
}

impl Split {
    /// Returns the split in a folder, `Split-<name>` of a dataset or any other folder of Parquet files; what records hold
    /// is said in the folder above.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Empty`] when there is no file, [`DatasetError::RecordSchema`] when what its records hold cannot be
    /// read.
    pub fn at(dir: &Path) -> Result<Self, DatasetError> {
        let file_name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = file_name.strip_prefix(SPLIT_PREFIX);
        let records = match (name, dir.parent()) {
            (Some(_), Some(root)) => RecordSchema::read(root)?.map(Arc::new),
            _ => None,
        };
        let shards: Vec<_> =
            sorted_entries(dir)?.into_iter().filter(|path| path.is_file()).collect();
        if shards.is_empty() {
            return Err(DatasetError::Empty { root: dir.to_path_buf() });
        }
        Ok(Self { name: name.unwrap_or(&file_name).to_owned(), shards, records })
    }

    /// Opens the split's shards for reading.
    ///
    /// # Errors
    ///
    /// As [`ParquetFiles::open`] and [`TfRecordFiles::open`].
    pub fn source(&self) -> Result<SplitFiles, DatasetError> {
        let Some(records) = &self.records else {
            return Ok(SplitFiles::Parquet(ParquetFiles::open(&self.shards)?));
        };
        let files = TfRecordFiles::open(&self.shards).map_err(TfExampleError::from)?;
        let schema = Arc::clone(&records.schema);
        let num_rows = records.num_examples.get(&self.name).copied().unwrap_or(0);
        Ok(SplitFiles::Records(ExampleFiles::new(files, records.payload, schema)?, num_rows))
    }
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let entries = fs::read_dir(dir).map_err(IoError::at("read", dir))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(IoError::at("read", dir))?;
    paths.sort_unstable();
    Ok(paths)
}
