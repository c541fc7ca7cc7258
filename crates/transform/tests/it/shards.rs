//! Shards: what is known of them is not read again, and neither that nor temporary files show in a graph.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::{BatchIter, Source};
use graph::Graph;
use std::sync::Arc;
use transform::{AnalyzeOptions, Config, Shard, StateStore, analyze_with};

use crate::{config, engine, inputs, learn, partitions};

#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl StateStore for Memory {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

/// Counts the partitions that are read.
struct Counted {
    source: dataflow::Batches,
    num_reads: AtomicUsize,
}

impl Source for Counted {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn num_partitions(&self) -> usize {
        self.source.num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.num_reads.fetch_add(1, Ordering::Relaxed);
        self.source.read(partition, columns)
    }
}

fn rows(range: Range<i64>) -> RecordBatch {
    let floats = Float32Array::from_iter(range.clone().map(|i| match i % 7 {
        0 => None,
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        _ => Some((i * 37 % 101) as f32 / 8.0),
    }));
    let texts = StringArray::from_iter(range.clone().map(|i| Some(format!("t{}", i * i % 211))));
    let ints = Int64Array::from_iter(range.map(|i| Some(i % 5)));
    RecordBatch::try_from_iter([
        ("f", Arc::new(floats) as ArrayRef),
        ("s", Arc::new(texts)),
        ("i", Arc::new(ints)),
    ])
    .unwrap()
}

fn features() -> Config {
    config(
        &[],
        &[
            ("z", "scale_to_z_score(f)"),
            ("v", "vocabulary(s, top_k => 50)"),
            ("w", "vocabulary(s, weights => f, labels => i)"),
            ("c", "vocabulary(s, top_k => 5, key => i, coverage_top_k => 7)"),
            ("k", "bucketize_per_key(f, s, 3) + count_per_key(s)"),
        ],
    )
}

/// Learns from shards of two partitions each, and returns how many of them were known, and how many partitions read.
fn learn_shards(config: &Config, shards: &[Range<i64>], cache: &Memory) -> (Graph, usize, usize) {
    let all: Vec<_> = shards.iter().cloned().map(rows).collect();
    let all = arrow::compute::concat_batches(&all[0].schema(), &all).unwrap();
    let mut lengths = Vec::new();
    for shard in shards {
        let length = usize::try_from(shard.end - shard.start).unwrap();
        lengths.extend([length / 3, length - length / 3]);
    }
    // The last partition is what is left behind these: nothing.
    let source = partitions(&all, &lengths);
    let source = Counted { source, num_reads: AtomicUsize::new(0) };
    let mut known: Vec<_> = shards
        .iter()
        .enumerate()
        .map(|(place, shard)| Shard {
            digest: format!("{shard:?}"),
            partitions: 2 * place..2 * place + 2,
        })
        .collect();
    known.last_mut().unwrap().partitions.end += 1;
    let options =
        AnalyzeOptions { shards: &known, cache: Some(cache), ..AnalyzeOptions::default() };
    let analyzed = analyze_with(config, &inputs(&all), &source, &engine(2), &options).unwrap();
    let num_cached = analyzed.passes.iter().map(|pass| pass.num_cached).sum();
    (analyzed.graph, num_cached, source.num_reads.into_inner())
}

fn text(graph: &Graph) -> String {
    serde_json::to_string(graph).unwrap()
}

#[test]
fn a_rolling_window_reads_the_new_shard_alone() {
    let cache = Memory::default();
    let spans = [0..300, 300..650, 650..900, 900..1300];
    let (first, num_cached, num_reads) = learn_shards(&features(), &spans[..3], &cache);
    assert_eq!((num_cached, num_reads), (0, 7));
    let (again, num_cached, num_reads) = learn_shards(&features(), &spans[..3], &cache);
    assert_eq!((num_cached, num_reads), (3, 0));
    assert_eq!(text(&again), text(&first));
    let (next, num_cached, num_reads) = learn_shards(&features(), &spans[1..], &cache);
    // The last shard has an empty partition more.
    assert_eq!((num_cached, num_reads), (2, 3));
    assert_eq!(text(&next), text(&learn(&features(), &rows(300..1300)).unwrap()));
}

#[test]
fn what_is_learned_differently_is_read_again() {
    let cache = Memory::default();
    let spans = [0..300, 300..650];
    learn_shards(&features(), &spans, &cache);
    let other = config(&[], &[("z", "scale_to_z_score(f + 1)"), ("v", "vocabulary(s)")]);
    let (_, num_cached, num_reads) = learn_shards(&other, &spans, &cache);
    assert_eq!((num_cached, num_reads), (0, 5));
    // What depends on all examples is another thing for other examples.
    let nested = config(&[], &[("n", "max(scale_to_z_score(f))")]);
    assert_eq!(learn_shards(&nested, &spans, &cache).1, 2);
    assert_eq!(learn_shards(&nested, &spans, &cache).1, 4);
    let (graph, num_cached, _) = learn_shards(&nested, &[0..300, 300..651], &cache);
    assert_eq!(num_cached, 1);
    assert_eq!(text(&graph), text(&learn(&nested, &rows(0..651)).unwrap()));
}

#[test]
fn what_is_not_whole_is_read_again() {
    let cache = Memory::default();
    let spans = [0..300, 300..650];
    let (graph, ..) = learn_shards(&features(), &spans, &cache);
    for bytes in cache.0.lock().unwrap().values_mut() {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    }
    let (again, num_cached, _) = learn_shards(&features(), &spans, &cache);
    assert_eq!((text(&again), num_cached), (text(&graph), 0));
    cache.0.lock().unwrap().values_mut().for_each(|bytes| bytes.truncate(63));
    assert_eq!(learn_shards(&features(), &spans, &cache).1, 0);
}

#[test]
fn what_does_not_fit_in_memory_is_learned_all_the_same() {
    let all = rows(0..5_000);
    let whole = learn(&features(), &all).unwrap();
    for (max_count_bytes, lengths) in [(4_000, &[][..]), (20_000, &[700, 1_800, 900])] {
        let options = AnalyzeOptions { max_count_bytes, ..AnalyzeOptions::default() };
        let source = partitions(&all, lengths);
        let spilled = analyze_with(&features(), &inputs(&all), &source, &engine(2), &options);
        assert_eq!(text(&spilled.unwrap().graph), text(&whole));
    }
}

#[test]
fn shards_are_all_of_a_source() {
    let all = rows(0..10);
    let shard = |partitions| Shard { digest: String::new(), partitions };
    for shards in [vec![shard(0..1)], vec![shard(0..1), shard(2..3)], vec![shard(0..4)]] {
        let options = AnalyzeOptions { shards: &shards, ..AnalyzeOptions::default() };
        let source = partitions(&all, &[3, 3]);
        let refused = analyze_with(&features(), &inputs(&all), &source, &engine(1), &options);
        assert!(refused.is_err(), "{shards:?}");
    }
}
