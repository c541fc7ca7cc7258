//! Times statistics of a made-up table like that of taxi trips: 18 columns, most of them numbers that repeat.
//!
//! `cargo run --release -p statistics --example statistics_speed -- [rows] [runs]`, on one thread; nothing is read from a disk.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use base::BoxError;
use dataflow::{Accumulator, Pass};
use statistics::{Config, StatisticsPass};
use xxhash_rust::xxh3::xxh3_64;

const BATCH_ROWS: usize = 8192;

/// A column: how many distinct values it has, and how many in a thousand are missing.
struct Column(&'static str, Kind, u64, u64);

enum Kind {
    Int,
    Float,
    Text,
}

/// As in the Chicago taxi data.
const COLUMNS: [Column; 18] = [
    Column("pickup_community_area", Kind::Int, 77, 0),
    Column("fare", Kind::Float, 3_000, 0),
    Column("trip_start_month", Kind::Int, 12, 0),
    Column("trip_start_hour", Kind::Int, 24, 0),
    Column("trip_start_day", Kind::Int, 7, 0),
    Column("trip_start_timestamp", Kind::Int, 130_000, 0),
    Column("pickup_latitude", Kind::Float, 400, 2),
    Column("pickup_longitude", Kind::Float, 400, 2),
    Column("dropoff_latitude", Kind::Float, 400, 34),
    Column("dropoff_longitude", Kind::Float, 400, 34),
    Column("trip_miles", Kind::Float, 2_000, 0),
    Column("pickup_census_tract", Kind::Int, 1, 1000),
    Column("dropoff_census_tract", Kind::Int, 280, 280),
    Column("payment_type", Kind::Text, 6, 0),
    Column("company", Kind::Text, 100, 360),
    Column("trip_seconds", Kind::Int, 5_000, 1),
    Column("dropoff_community_area", Kind::Int, 77, 33),
    Column("tips", Kind::Float, 1_500, 0),
];

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let mut number = |or: u64| args.next().and_then(|number| number.parse().ok()).unwrap_or(or);
    let (rows, runs) = (number(1_000_000).max(1), number(3));
    let batches: Vec<RecordBatch> =
        (0..rows).step_by(BATCH_ROWS).map(|first| batch(first, rows)).collect();
    let pass = StatisticsPass::new(&batches[0].schema(), &Config::default())?;
    for _ in 0..runs {
        let start = Instant::now();
        let mut state = pass.start()?;
        for batch in &batches {
            state.update(batch)?;
        }
        let taken_in = start.elapsed().as_secs_f64();
        state.finish()?;
        let all = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a speed has few digits")]
        let (rows, values) = (rows as f64, (rows * COLUMNS.len() as u64) as f64);
        println!(
            "{rows} rows: {all:.3} s, {:.3} s of that at the end: {:.2} million rows/s, {:.1} ns a value",
            all - taken_in,
            rows / all / 1e6,
            all / values * 1e9
        );
    }
    Ok(())
}

#[expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "small numbers")]
fn batch(first: u64, rows: u64) -> RecordBatch {
    let rows = first..(first + BATCH_ROWS as u64).min(rows);
    let columns =
        COLUMNS.iter().zip(0_u64..).map(|(Column(name, kind, distinct, missing), seed)| {
            let value = |row: u64| {
                let hash = xxh3_64(&[row.to_le_bytes(), seed.to_le_bytes()].concat());
                (hash % 1000 >= *missing).then(|| hash / 1000 % distinct)
            };
            let values = rows.clone().map(value);
            let column: ArrayRef = match kind {
                Kind::Int => {
                    Arc::new(Int64Array::from_iter(values.map(|it| it.map(|it| it as i64))))
                }
                Kind::Float => Arc::new(Float32Array::from_iter(
                    values.map(|it| it.map(|it| it as f32 / 20.0)),
                )),
                Kind::Text => Arc::new(StringArray::from_iter(
                    values.map(|it| it.map(|it| format!("Company number {it}"))),
                )),
            };
            (*name, column, true)
        });
    RecordBatch::try_from_iter_with_nullable(columns).expect("all columns are of one length")
}
