//! Analysis and transformation of the features of `examples/taxi` over generated trips, in memory.

#![expect(clippy::unwrap_used, reason = "benches may panic")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dataflow::{Batches, Source as _};
use engine::LocalEngine;
use graph::Shape;
use transform::{ApplyGraph, Config, InputFeature, analyze};

const NUM_BATCHES: usize = 32;
const BATCH_ROWS: usize = 8192;
const NUM_THREADS: usize = 2;

fn config() -> Config {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/taxi/pipeline.toml"));
    let pipeline: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    pipeline["nodes"]["transform"].clone().try_into().unwrap()
}

/// Generated trips: numbers of many digits, and a few thousand companies.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn trips(batch: usize) -> RecordBatch {
    let mix = |row: usize, salt: usize| {
        let seed = ((batch * BATCH_ROWS + row) * 31 + salt) as u64;
        (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
    };
    let rows = || 0..BATCH_ROWS;
    let floats = |salt: usize, least: f32, range: f32| -> ArrayRef {
        let value = |row| match mix(row, salt + 15) % 20 {
            0 => None,
            _ => Some(least + range * mix(row, salt) as f32 / (1 << 24) as f32),
        };
        Arc::new(Float32Array::from_iter(rows().map(value)))
    };
    let ints = |salt: usize, below: usize| -> ArrayRef {
        let value = |row| Some(i64::try_from(mix(row, salt) % below).unwrap());
        Arc::new(Int64Array::from_iter(rows().map(value)))
    };
    let payments = ["Cash", "Credit Card ", "Unknown", "No Charge", "Prcard"];
    let payment = |row| Some(payments[mix(row, 11) % payments.len()]);
    let company = |row| match mix(row, 12) % 4 {
        0 => None,
        _ => Some(format!("Company {} Taxi", mix(row, 13) % 3000)),
    };
    RecordBatch::try_from_iter([
        ("pickup_community_area", ints(1, 78)),
        ("fare", floats(2, 2.0, 60.0)),
        ("trip_start_hour", ints(3, 24)),
        ("pickup_latitude", floats(4, 41.7, 0.3)),
        ("pickup_longitude", floats(5, -87.9, 0.3)),
        ("trip_miles", floats(6, 0.0, 25.0)),
        ("dropoff_latitude", floats(7, 41.7, 0.3)),
        ("dropoff_longitude", floats(8, -87.9, 0.3)),
        ("payment_type", Arc::new(StringArray::from_iter(rows().map(payment))) as ArrayRef),
        ("company", Arc::new(StringArray::from_iter(rows().map(company)))),
        ("trip_seconds", ints(9, 4000)),
        ("tips", floats(10, 0.0, 12.0)),
    ])
    .unwrap()
}

fn bench(criterion: &mut Criterion) {
    let batches: Vec<_> = (0..NUM_BATCHES).map(trips).collect();
    let schema = batches[0].schema();
    let inputs: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| InputFeature {
            name: field.name().clone(),
            feature_type: None,
            shape: Shape::One,
            note: None,
        })
        .collect();
    let source = Batches::new(schema, batches);
    let engine = LocalEngine::new(NUM_THREADS.try_into().unwrap(), Arc::default());
    let config = config();
    let graph = analyze(&config, &inputs, &source, &engine).unwrap();
    let stage = ApplyGraph::new(graph);
    let apply = |stage: &ApplyGraph| {
        dataflow::map(&engine, &source, stage, &mut |batch| {
            black_box(batch);
            Ok(())
        })
        .unwrap();
    };

    let mut group = criterion.benchmark_group("taxi, two threads");
    group.sample_size(10).throughput(Throughput::Elements((NUM_BATCHES * BATCH_ROWS) as u64));
    group.bench_function("analyze", |bencher| {
        bencher.iter(|| analyze(&config, &inputs, &source, &engine).unwrap());
    });
    group.bench_function("transform", |bencher| bencher.iter(|| apply(&stage)));
    group.bench_function("analyze and transform", |bencher| {
        bencher.iter(|| {
            let graph = analyze(&config, &inputs, &source, &engine).unwrap();
            apply(&ApplyGraph::new(graph));
        });
    });
    group.finish();
    assert_eq!(source.num_partitions(), NUM_BATCHES);
}

criterion_group!(benches, bench);
criterion_main!(benches);
