//! Statistics against the reference's own, and properties that hold for any data.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod bounds;
mod compare;
mod edge_cases;
mod golden;
mod information;
mod json;
mod nested;
mod options;
mod properties;
mod reference;
mod slice_sql;
mod tfx;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use dataflow::Batches;
use engine::LocalEngine;
use formats::metadata::{DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema};
use statistics::{Config, Curated, generate_curated};

/// Statistics of a batch, cut into partitions of `partition_size` rows.
fn statistics_of(
    batch: &RecordBatch,
    partition_size: usize,
    threads: usize,
    config: &Config,
) -> DatasetFeatureStatistics {
    all_statistics_of(batch, partition_size, threads, config, None).datasets.remove(0)
}

/// The same of all slices, all examples first.
fn all_statistics_of(
    batch: &RecordBatch,
    partition_size: usize,
    threads: usize,
    config: &Config,
    schema: Option<&Schema>,
) -> DatasetFeatureStatisticsList {
    let curated = Curated { schema, ..Curated::default() };
    curated_statistics_of(batch, partition_size, threads, config, &curated)
}

/// The same with all that people say of the data.
fn curated_statistics_of(
    batch: &RecordBatch,
    partition_size: usize,
    threads: usize,
    config: &Config,
    curated: &Curated<'_>,
) -> DatasetFeatureStatisticsList {
    let starts = (0..batch.num_rows()).step_by(partition_size);
    let cut = |start| batch.slice(start, partition_size.min(batch.num_rows() - start));
    let source = Batches::new(batch.schema(), starts.map(cut).collect());
    let engine =
        LocalEngine::new(NonZeroUsize::new(threads).unwrap(), Arc::new(AtomicBool::new(false)));
    generate_curated("", &source, &engine, config, curated).unwrap()
}
