//! A folder with raw data, and what becomes of it.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use base::{BoxError, Classify};
use dataflow::Source;
use dataset::Dataset;
use engine::LocalEngine;
use ingest::{Config, InferredFeature, IngestError, Outcome, SourceConfig};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

pub(crate) struct Scene {
    dir: TempDir,
}

pub(crate) fn engine(threads: usize) -> LocalEngine {
    LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::default())
}

pub(crate) fn csv(pattern: &str) -> Config {
    Config::new(SourceConfig::Csv(pattern.into()))
}

pub(crate) fn parquet(pattern: &str) -> Config {
    Config::new(SourceConfig::Parquet(pattern.into()))
}

pub(crate) fn tfrecord(pattern: &str) -> Config {
    Config::new(SourceConfig::Tfrecord(pattern.into()))
}

/// Returns the folder of shared test data, or `None` with a message.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    if shared.join("data").is_dir() {
        return Some(shared.canonicalize().unwrap());
    }
    println!("skipped: {} is not there", shared.display());
    None
}

impl Scene {
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write_parquet(&self, name: &str, batch: &RecordBatch) {
        let file = fs::File::create(self.path(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
    }

    /// Runs into the folder `out`, which is made anew.
    pub(crate) fn run(&self, config: &Config) -> Result<Outcome, IngestError> {
        self.run_on(config, 2)
    }

    pub(crate) fn run_on(&self, config: &Config, threads: usize) -> Result<Outcome, IngestError> {
        let out = self.path("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).unwrap();
        ingest::run(config, self.dir.path(), &out, &engine(threads))
    }

    pub(crate) fn infer(
        &self,
        config: &Config,
        max_bytes: Option<u64>,
    ) -> Result<Vec<InferredFeature>, IngestError> {
        ingest::infer_features(config, self.dir.path(), &engine(2), max_bytes)
    }

    /// Returns the message and the hint of an error that a check and a run both give.
    pub(crate) fn error(&self, config: &Config) -> String {
        let checked = self.said(self.infer(config, None).unwrap_err());
        let ran = self.said(self.run(config).unwrap_err());
        assert_eq!(checked, ran);
        ran
    }

    pub(crate) fn said(&self, error: IngestError) -> String {
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        let text = format!("{}{hint}", BoxError::from(error));
        let dir = self.dir.path().display().to_string();
        text.replace(&format!("{dir}/"), "").replace(&dir, "DIR")
    }

    /// Returns all rows of a split.
    pub(crate) fn split(&self, name: &str) -> RecordBatch {
        let dataset = Dataset::open(&self.path("out"), &[]).unwrap();
        rows(&dataset.split(name).unwrap().source().unwrap())
    }

    /// Returns the names and bytes of all files that were written.
    pub(crate) fn written(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.path("out"), &mut files);
        files.sort();
        files
    }
}

pub(crate) fn rows(source: &dyn Source) -> RecordBatch {
    let partitions = 0..source.num_partitions();
    let batches: Vec<_> = partitions
        .flat_map(|partition| source.read(partition, None).unwrap().map(Result::unwrap))
        .collect();
    concat_batches(&source.schema(), &batches).unwrap()
}

fn collect(dir: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}
