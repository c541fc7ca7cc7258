//! Statistics against the reference's own, and properties that hold for any data.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod compare;
mod edge_cases;
mod golden;
mod properties;
mod tfx;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use dataflow::Batches;
use engine::LocalEngine;
use formats::metadata::DatasetFeatureStatistics;
use statistics::{Config, generate};

/// Statistics of a batch, cut into partitions of `partition_size` rows.
fn statistics_of(
    batch: &RecordBatch,
    partition_size: usize,
    threads: usize,
    config: &Config,
) -> DatasetFeatureStatistics {
    let starts = (0..batch.num_rows()).step_by(partition_size);
    let cut = |start| batch.slice(start, partition_size.min(batch.num_rows() - start));
    let source = Batches::new(batch.schema(), starts.map(cut).collect());
    let engine =
        LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::new(AtomicBool::new(false)));
    let mut list = generate("", &source, &engine, config).unwrap();
    list.datasets.pop().unwrap()
}
