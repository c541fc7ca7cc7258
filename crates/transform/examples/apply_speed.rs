//! Applies a graph to examples in memory and prints how many rows that are in a second: what
//! `cargo xtask bench transform` calls the row-wise part.
//!
//! The folder of the graph, that of the examples, and the number of threads. All examples are read, with the columns that
//! the graph needs, before the clock starts.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should stop")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dataflow::{Batches, Source};
use dataset::Dataset;
use engine::LocalEngine;
use graph::Graph;
use transform::ApplyGraph;

/// The examples are taken so often, for a time that can be told.
const ROUNDS: usize = 8;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [graph, examples, threads] = args.as_slice() else {
        panic!("usage: apply_speed GRAPH EXAMPLES THREADS")
    };
    let stage = ApplyGraph::new(Graph::load(Path::new(graph)).unwrap());
    let inputs = stage.graph().inputs().iter().map(|input| input.name.clone()).collect::<Vec<_>>();
    let dataset = Dataset::open(Path::new(examples), &[]).unwrap();
    let mut batches = Vec::new();
    for split in dataset.splits() {
        let source = split.source().unwrap();
        for partition in 0..source.num_partitions() {
            batches.extend(source.read(partition, Some(&inputs)).unwrap().map(Result::unwrap));
        }
    }
    let num_rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    let source = Batches::new(batches[0].schema(), batches);
    let engine = LocalEngine::new(threads.parse().unwrap(), Arc::default());
    let apply = || {
        let mut made = 0;
        let mut count = |batch: arrow::array::RecordBatch| {
            made += batch.num_rows();
            Ok(())
        };
        dataflow::map(&engine, &source, &stage, &mut count).unwrap();
        assert_eq!(made, num_rows);
    };
    apply();
    let start = Instant::now();
    (0..ROUNDS).for_each(|_| apply());
    println!("{}", (num_rows * ROUNDS) as f64 / start.elapsed().as_secs_f64());
}
