//! A folder of predictions, shard by shard.

use std::fs::{self, File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use base::{BoxError, IoError, publish};
use dataflow::{BatchIter, Engine, EngineError, ErasedStage, Source};

use crate::serialize::{MANIFEST, V1};
use crate::{Format, InferError, Inference, Sink};

/// The stem of the shards' names.
const STEM: &str = "predictions";

/// Partitions of the source in a shard, where there are many.
const MAX_PARTITIONS: usize = 8;
/// So many shards are there before one has several partitions: enough to keep all cores busy to the end.
const MIN_SHARDS: usize = 64;

/// Predictions to be written.
pub struct Job<'a> {
    /// The examples.
    pub source: &'a dyn Source,
    /// What is made of them.
    pub inference: &'a Inference<'a>,
    /// The form of the files.
    pub format: Format,
    /// A text that is another one for other examples: a folder is filled for one only.
    pub examples_identity: &'a str,
    /// A text that is another one for another model.
    pub model_identity: &'a str,
    /// Whether predictions of another run may be removed.
    pub overwrite: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// All shards, in order.
    pub shards: Vec<PathBuf>,
    /// How many of them were there already.
    pub num_kept: usize,
    /// How many rows the others have.
    pub num_rows: u64,
}

/// Fills a folder with `predictions-SSSSS-of-NNNNN` files, which have the rows of the source in its order.
///
/// Each shard has its name once it is whole, and depends on some partitions of the source alone. Shards that are there
/// are kept, so that work that was interrupted goes on where it stopped; `inference.json` says what predictions they are,
/// and for others the folder is refused. `progress` hears how many shards are done. Memory: a few batches for each
/// thread.
///
/// # Errors
///
/// [`InferError`]; shards that were finished before stay.
pub fn run(
    dir: &Path,
    job: &Job<'_>,
    engine: &dyn Engine,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Written, InferError> {
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let lock = File::open(dir).map_err(IoError::at("open", dir))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(InferError::Busy { dir: dir.to_path_buf() }),
        Err(TryLockError::Error(error)) => return Err(IoError::at("lock", dir)(error).into()),
    }
    let per_shard = job.source.num_partitions().div_ceil(MIN_SHARDS).clamp(1, MAX_PARTITIONS);
    let num_shards = job.source.num_partitions().div_ceil(per_shard).max(1);
    claim(dir, job, num_shards)?;

    let shards: Vec<PathBuf> = (0..num_shards)
        .map(|shard| {
            let suffix = job.format.suffix();
            dir.join(format!("{STEM}-{shard:05}-of-{num_shards:05}{suffix}"))
        })
        .collect();
    let missing: Vec<usize> = (0..num_shards).filter(|&shard| !shards[shard].exists()).collect();
    let num_kept = num_shards - missing.len();
    let work = Work { job, engine, per_shard, shards: &shards, missing: &missing };
    let mut num_rows = 0;
    let mut done = num_kept as u64;
    progress(done, num_shards as u64);
    let counted = engine.map(&work, &Counts, &mut |counts| {
        num_rows += counts.column(0).as_primitive::<UInt64Type>().values().iter().sum::<u64>();
        done += 1;
        progress(done, num_shards as u64);
        Ok(())
    });
    counted.map_err(|error| InferError::Work(error.into()))?;
    drop(lock);
    Ok(Written { shards, num_kept, num_rows })
}

/// Makes sure that a folder is for these predictions and no others.
fn claim(dir: &Path, job: &Job<'_>, num_shards: usize) -> Result<(), InferError> {
    let schema = job.inference.schema();
    let columns = schema.fields().iter().map(|f| format!("{}: {}", f.name(), f.data_type()));
    let (model, examples) = (job.model_identity, job.examples_identity);
    let ours = V1::new(model, examples, job.format.to_string(), columns.collect(), num_shards);
    let there = V1::load(dir);
    let there = if job.overwrite { there.unwrap_or_default() } else { there? };
    let is_ours = there.as_ref() == Some(&ours);
    let mut others = Vec::new();
    for entry in fs::read_dir(dir).map_err(IoError::at("read", dir))? {
        let entry = entry.map_err(IoError::at("read", dir))?;
        let name = entry.file_name();
        // What an interrupted run left; nobody else is writing, as the folder is locked.
        if publish::is_temporary(&name) {
            fs::remove_file(entry.path()).ok();
        } else if name.to_string_lossy().starts_with(&format!("{STEM}-")) {
            others.push(entry.path());
        } else if name != MANIFEST && there.is_none() && !job.overwrite {
            return Err(InferError::Occupied { dir: dir.to_path_buf(), manifest: MANIFEST });
        }
    }
    if is_ours && !job.overwrite {
        return Ok(());
    }
    if job.overwrite {
        // Without its record a folder holds nothing that would be gone on with.
        let manifest = dir.join(MANIFEST);
        for path in std::iter::once(&manifest).chain(&others) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(IoError::at("remove", path)(error).into());
                }
                _ => {}
            }
        }
    } else if let Some(there) = there {
        let (what, found, expected) = ours.difference(&there).unwrap_or_default();
        return Err(InferError::OtherPredictions { dir: dir.to_path_buf(), what, found, expected });
    } else if !others.is_empty() {
        return Err(InferError::Occupied { dir: dir.to_path_buf(), manifest: MANIFEST });
    }
    ours.save(dir)
}

/// The shards that are to be written, as a source: reading one writes it, and gives the number of its rows.
struct Work<'a> {
    job: &'a Job<'a>,
    engine: &'a dyn Engine,
    per_shard: usize,
    shards: &'a [PathBuf],
    missing: &'a [usize],
}

impl Work<'_> {
    fn partitions(&self, shard: usize) -> Range<usize> {
        let start = shard * self.per_shard;
        start..(start + self.per_shard).min(self.job.source.num_partitions())
    }

    fn write(&self, shard: usize) -> Result<u64, InferError> {
        let inference = self.job.inference;
        let columns = inference.columns();
        let mut num_rows = 0;
        publish::write_file_with(&self.shards[shard], |file| {
            let mut sink = Sink::new(self.job.format, inference.schema(), file)?;
            for partition in self.partitions(shard) {
                let batches = self.job.source.read(partition, columns.as_deref());
                for batch in batches.map_err(InferError::Work)? {
                    if self.engine.is_cancelled() {
                        return Err(InferError::Work(EngineError::Cancelled.into()));
                    }
                    let rows = inference.apply(&batch.map_err(InferError::Work)?);
                    let rows = rows.map_err(InferError::Work)?;
                    sink.write(&rows)?;
                    num_rows += rows.num_rows() as u64;
                }
            }
            sink.finish().map(drop)
        })?;
        Ok(num_rows)
    }
}

fn counts_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("num_rows", DataType::UInt64, false)]))
}

impl Source for Work<'_> {
    fn schema(&self) -> SchemaRef {
        counts_schema()
    }

    fn num_partitions(&self) -> usize {
        self.missing.len()
    }

    fn read(
        &self,
        partition: usize,
        _columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        let num_rows = self.write(self.missing[partition])?;
        let column: ArrayRef = Arc::new(UInt64Array::from(vec![num_rows]));
        let batch = RecordBatch::try_new(counts_schema(), vec![column]);
        let batch = batch.map_err(|source| InferError::Batch { source }.into());
        Ok(Box::new(std::iter::once(batch)))
    }
}

/// Passes the counts on.
struct Counts;

impl ErasedStage for Counts {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        Ok(batch.clone())
    }
}
