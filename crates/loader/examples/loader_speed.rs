//! Times the loader over taxi-shaped examples and over tokens, and makes the files for others that read the same.
//!
//! `cargo run --release -p loader --example loader_speed make DIR [ROWS]` writes `records/` (TFRecord), `columns/` (Parquet) and
//! `tokens/`; `... speed records|columns DIR` prints the examples a second of shuffled batches of 256, from the first
//! question to the end of an epoch; `... speed tokens DIR` the gigabytes of tokens a second, those of a plain copy of
//! blocks of the same bytes in memory, drawn at random as well, and those of one long copy.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
use base::BoxError;
use dataset::{Dataset, DatasetWriter, Payload, Storage};
use formats::tfrecord::Compression;
use loader::{
    ExampleLoader, ExampleLoaderConfig, TokenLoader, TokenLoaderConfig, TokenShards,
    write_token_shard,
};

const SPLIT: &str = "train";
const NUM_TOKENS: u32 = 100_000_000;
const BLOCK_LENGTH: usize = 1024;

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), BoxError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = args.get(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    match args.first().map(String::as_str) {
        Some("make") => {
            let rows = args.get(2).and_then(|rows| rows.parse().ok()).unwrap_or(400_000);
            make(&dir, rows)?;
        }
        Some(format @ ("records" | "columns")) => {
            println!("{}", examples_per_second(&dir.join(format))?);
        }
        Some("tokens") => {
            let [tokens, blocks, copy] = gigabytes_per_second(&dir.join("tokens"))?;
            println!("{tokens} {blocks:.1} {copy:.1}");
        }
        _ => println!("speed make DIR [ROWS] | records DIR | columns DIR | tokens DIR"),
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a number to show")]
fn examples_per_second(root: &Path) -> Result<f64, BoxError> {
    let dataset = Dataset::open(root, &[SPLIT.to_owned()])?;
    let source = dataset.split(SPLIT)?.source()?;
    let config = ExampleLoaderConfig { prefetch: 16, ..ExampleLoaderConfig::new(256, Some(1)) };
    let mut loader = ExampleLoader::new(Arc::new(source), config)?;
    let begin = Instant::now();
    let mut num_rows = 0;
    while let Some(batch) = loader.next_batch()? {
        num_rows += black_box(&batch).num_rows();
    }
    Ok(num_rows as f64 / begin.elapsed().as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "numbers to show")]
fn gigabytes_per_second(dir: &Path) -> Result<[f64; 3], BoxError> {
    let shards = Arc::new(TokenShards::open(dir)?);
    let mut loader = TokenLoader::new(Arc::clone(&shards), TokenLoaderConfig::new(32, Some(1)))?;
    let mut batch = Vec::new();
    let num_batches = shards.num_blocks() / 32;
    // The files are brought into memory first.
    for _ in 0..num_batches {
        loader.next_batch(&mut batch)?;
    }
    let begin = Instant::now();
    for _ in 0..num_batches {
        loader.next_batch(&mut batch)?;
        black_box(&batch);
    }
    // Two bytes of each token are read and four are written.
    let bytes = num_batches as f64 * 32.0 * (BLOCK_LENGTH + 1) as f64 * 6.0;
    let tokens = bytes / 1e9 / begin.elapsed().as_secs_f64();

    // Blocks of as many bytes, from memory that no cache holds, to a place that stays in one.
    let from = vec![1_u8; 256 << 20];
    let block = (BLOCK_LENGTH + 1) * 2;
    let mut to = vec![0_u8; 32 * block];
    let mut random = Random(3);
    let num_places = u32::try_from(from.len() / block - 1).expect("it is a small number");
    let begin = Instant::now();
    for _ in 0..num_batches {
        for to in to.chunks_exact_mut(block) {
            let place = random.below(num_places) as usize * block;
            to.copy_from_slice(&from[place..place + block]);
        }
        black_box(&mut to);
    }
    // Both ways count.
    let bytes = num_batches as f64 * 2.0 * to.len() as f64;
    let blocks = bytes / 1e9 / begin.elapsed().as_secs_f64();

    let mut to = vec![0_u8; from.len()];
    to.copy_from_slice(&from);
    let begin = Instant::now();
    for _ in 0..4 {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    }
    let copy = 4.0 * 2.0 * from.len() as f64 / 1e9 / begin.elapsed().as_secs_f64();
    Ok([tokens, blocks, copy])
}

fn make(dir: &Path, num_rows: u32) -> Result<(), BoxError> {
    const PIECE: u32 = 50_000;
    let first = rows(0, 1)?;
    let name = SPLIT.to_owned();
    let records = Storage::Records { payload: Payload::TfExample, compression: Compression::None };
    for (format, storage) in [("records", records), ("columns", Storage::Parquet)] {
        let names = std::iter::once(&name);
        let mut writer = DatasetWriter::create(&dir.join(format), names, &first.schema(), storage)?;
        let mut start = 0;
        while start < num_rows {
            writer.write(0, &rows(start, PIECE.min(num_rows - start))?)?;
            start += PIECE;
        }
        writer.close()?;
    }
    let mut random = Random(7);
    let mut tokens = (0..NUM_TOKENS).map(|_| random.below(50_000));
    write_token_shard(&dir.join("tokens"), "tokens", 50_257, BLOCK_LENGTH, &mut tokens)?;
    Ok(())
}

/// Trips with 18 features, as those of the taxi example: seven integers, eight floats and three texts, some missing.
#[expect(clippy::cast_precision_loss, reason = "made-up numbers")]
fn rows(start: u32, count: u32) -> Result<RecordBatch, BoxError> {
    let mut random = Random(u64::from(start) + 1);
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (place, name) in ["hour", "day", "month", "pickup_area", "dropoff_area", "seconds", "tract"]
        .iter()
        .enumerate()
    {
        let values = (0..count).map(|_| {
            let value = random.below(80);
            (place < 4 || value > 3).then_some(i64::from(value))
        });
        columns.push(((*name).to_owned(), Arc::new(values.collect::<Int64Array>())));
    }
    for place in 0..8 {
        let values = (0..count).map(|_| {
            let value = random.below(10_000);
            (place < 6 || value > 300).then_some(value as f32 / 100.0)
        });
        columns.push((format!("amount_{place}"), Arc::new(values.collect::<Float32Array>())));
    }
    for (name, kinds) in [("payment_type", 6), ("company", 80), ("license", 3000)] {
        let values = (0..count).map(|_| {
            let value = random.below(kinds);
            (value > 0).then(|| format!("{name} {value}"))
        });
        columns.push((name.to_owned(), Arc::new(values.collect::<StringArray>())));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true)))
        .map_err(|source| loader::LoaderError::Columns { source }.into())
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(((self.0 >> 32) * u64::from(end)) >> 32).expect("it is below the end")
    }
}
