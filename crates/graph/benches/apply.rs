//! A loaded graph over batches and over single rows: the features of `examples/taxi`, with what could be learned there.

#![expect(clippy::unwrap_used, reason = "benches may panic")]

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use graph::{
    Boundaries, BuildError, Graph, GraphBuilder, NodeId, Op, TrimSide, ValueType, Vocabulary,
};

const COMPANIES: usize = 100;

fn filled(builder: &mut GraphBuilder, name: &str) -> Result<NodeId, BuildError> {
    let column = builder.input(name, ValueType::Float)?;
    let zero = builder.literal(0.0)?;
    builder.node(Op::Coalesce, &[column, zero])
}

fn log1p(builder: &mut GraphBuilder, x: NodeId) -> Result<NodeId, BuildError> {
    let one = builder.literal(1.0)?;
    let sum = builder.node(Op::Add, &[x, one])?;
    builder.node(Op::Ln, &[sum])
}

fn boundaries(num: u32, least: f64, step: f64) -> Boundaries {
    Boundaries::new((0..num).map(|i| least + step * f64::from(i)).collect()).unwrap()
}

fn lookup(builder: &mut GraphBuilder, name: &str, tokens: &[String], num_oov_buckets: u64) -> Op {
    let vocabulary = builder.vocabulary(name, Vocabulary::new(tokens).unwrap()).unwrap();
    Op::Lookup { vocabulary, num_oov_buckets, default_value: -1 }
}

fn taxi() -> Result<Graph, BuildError> {
    let mut builder = GraphBuilder::new();
    let b = &mut builder;
    let (miles, paid) = (filled(b, "trip_miles")?, filled(b, "fare")?);
    let seconds = b.input("trip_seconds", ValueType::Int)?;
    let zero = b.literal(0)?;
    let seconds = b.node(Op::Coalesce, &[seconds, zero])?;
    let seconds = b.cast(seconds, ValueType::Float)?;
    let mut outputs = vec![("trip_miles", b.scale_to_z_score(miles, 3.2, 21.0)?)];
    let zero = b.literal(0.0)?;
    let not_negative = b.node(Op::Greatest, &[paid, zero])?;
    let log_fare = log1p(b, not_negative)?;
    outputs.push(("fare", b.scale_to_z_score(log_fare, 2.3, 0.4)?));
    let log_seconds = log1p(b, seconds)?;
    outputs.push(("trip_seconds", b.scale_to_z_score(log_seconds, 6.1, 1.2)?));
    let (half, most) = (b.literal(0.5)?, b.literal(20.0)?);
    let longer = b.node(Op::Add, &[miles, half])?;
    let per_mile = b.node(Op::Divide, &[paid, longer])?;
    let per_mile = b.node(Op::Least, &[per_mile, most])?;
    outputs.push(("fare_per_mile", b.scale_to_z_score(per_mile, 6.0, 9.0)?));
    for (name, least) in [
        ("pickup_latitude", 41.7),
        ("pickup_longitude", -87.9),
        ("dropoff_latitude", 41.7),
        ("dropoff_longitude", -87.9),
    ] {
        let column = filled(b, name)?;
        outputs.push((name, b.node(Op::Bucketize(boundaries(9, least, 0.03)), &[column])?));
    }
    let hour = b.input("trip_start_hour", ValueType::Int)?;
    outputs.push(("hour", b.node(Op::Bucketize(boundaries(23, 1.0, 1.0)), &[hour])?));
    let payment = b.input("payment_type", ValueType::String)?;
    let payment = b.node(Op::Trim(TrimSide::Both), &[payment])?;
    let payment = b.node(Op::Lower, &[payment])?;
    let types = ["credit card", "cash", "unknown", "no charge", "dispute"].map(str::to_owned);
    let op = lookup(b, "payment_type", &types, 1);
    outputs.push(("payment_type", b.node(op, &[payment])?));
    let (company, none) = (b.input("company", ValueType::String)?, b.literal("none")?);
    let company = b.node(Op::Coalesce, &[company, none])?;
    let companies: Vec<_> = (0..COMPANIES).map(|i| format!("Company {i} Taxi")).collect();
    let op = lookup(b, "company", &companies, 10);
    outputs.push(("company", b.node(op, &[company])?));
    let area = b.input("pickup_community_area", ValueType::Int)?;
    let area = b.cast(area, ValueType::String)?;
    let area = b.node(Op::Coalesce, &[area, none])?;
    outputs.push(("pickup_area", b.node(Op::Hash { num_buckets: 80 }, &[area])?));
    let tips = b.input("tips", ValueType::Float)?;
    let (fare, fifth) = (b.input("fare", ValueType::Float)?, b.literal(0.2)?);
    let fifth = b.node(Op::Multiply, &[fare, fifth])?;
    let is_big = b.node(Op::Greater, &[tips, fifth])?;
    let (yes, no) = (b.literal(1)?, b.literal(0)?);
    outputs.push(("big_tipper", b.node(Op::Select, &[is_big, yes, no])?));
    for (name, node) in outputs {
        b.output(name, node)?;
    }
    Ok(builder.build())
}

/// Generated trips, each the same whatever their number.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn trips(num_rows: usize) -> RecordBatch {
    let mix = |row: usize, salt: usize| (row * 7919 + salt * 104_729) % 1009;
    let floats = |salt: usize, least: f32, range: f32| -> ArrayRef {
        let value = |row| match mix(row, salt + 50) % 20 {
            0 => None,
            _ => Some(least + range * mix(row, salt) as f32 / 1009.0),
        };
        Arc::new(Float32Array::from_iter((0..num_rows).map(value)))
    };
    let ints = |salt: usize, below: usize| -> ArrayRef {
        let value = |row| Some(i64::try_from(mix(row, salt) % below).unwrap());
        Arc::new(Int64Array::from_iter((0..num_rows).map(value)))
    };
    let payments = ["Cash", "Credit Card ", "Unknown", "No Charge", "Prcard"];
    let payment = |row| Some(payments[mix(row, 11) % payments.len()]);
    let company = |row| match mix(row, 12) % 4 {
        0 => None,
        _ => Some(format!("Company {} Taxi", mix(row, 13) % (COMPANIES + 20))),
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
        ("payment_type", Arc::new(StringArray::from_iter((0..num_rows).map(payment))) as ArrayRef),
        ("company", Arc::new(StringArray::from_iter((0..num_rows).map(company)))),
        ("trip_seconds", ints(9, 4000)),
        ("tips", floats(10, 0.0, 12.0)),
    ])
    .unwrap()
}

fn bench(criterion: &mut Criterion) {
    let dir = std::env::temp_dir().join(format!("graph-bench-{}", std::process::id()));
    taxi().unwrap().save(&dir).unwrap();
    let graph = Graph::load(&dir).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();

    let mut group = criterion.benchmark_group("taxi");
    for num_rows in [1, 16, 8192] {
        let batch = trips(num_rows);
        group.throughput(Throughput::Elements(num_rows as u64));
        group.bench_function(format!("{num_rows} rows"), |bencher| {
            bencher.iter(|| graph.apply(black_box(&batch)).unwrap());
        });
    }
    // Another row each time, so that no branch is always the same.
    let batch = trips(1000);
    let rows: Vec<_> = (0..batch.num_rows()).map(|row| batch.slice(row, 1)).collect();
    let mut next = 0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("single rows", |bencher| {
        bencher.iter(|| {
            next = (next + 1) % rows.len();
            graph.apply(black_box(&rows[next])).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
