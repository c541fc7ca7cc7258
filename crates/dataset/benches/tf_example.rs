//! How fast TFRecord files of taxi trips (18 features, about 500 bytes) become columns, and back.
//!
//! Run with `cargo bench -p dataset --bench tf_example`. Every number is of one thread, and in seconds of
//! processor time, so that a busy machine shows less.

#![expect(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use dataflow::{Accumulator, Pass, Source};
use dataset::{
    DiscoverFeatures, ExampleDecoder, ExampleEncoder, ExampleFiles, MissingFeature, Payload,
    TfExampleError, TfRecordFiles,
};
use formats::example::{put_bytes, put_example, put_floats, put_ints, put_named};
use formats::tfrecord::{Compression, RecordReader, RecordWriter};
use rustix::time::{ClockId, clock_gettime};

const NUM_ROWS: usize = 32_768;

/// The features of the Chicago taxi data, of which some are missing now and then.
const FEATURES: [(&str, DataType, u16); 18] = [
    ("company", DataType::Utf8, 30),
    ("dropoff_census_tract", DataType::Int64, 30),
    ("dropoff_community_area", DataType::Int64, 3),
    ("dropoff_latitude", DataType::Float32, 3),
    ("dropoff_longitude", DataType::Float32, 3),
    ("fare", DataType::Float32, 0),
    ("payment_type", DataType::Utf8, 0),
    ("pickup_census_tract", DataType::Int64, 100),
    ("pickup_community_area", DataType::Int64, 0),
    ("pickup_latitude", DataType::Float32, 0),
    ("pickup_longitude", DataType::Float32, 0),
    ("tips", DataType::Float32, 0),
    ("trip_miles", DataType::Float32, 0),
    ("trip_seconds", DataType::Int64, 0),
    ("trip_start_day", DataType::Int64, 0),
    ("trip_start_hour", DataType::Int64, 0),
    ("trip_start_month", DataType::Int64, 0),
    ("trip_start_timestamp", DataType::Int64, 0),
];

/// The processor time of this thread.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        const WALL_TIME: &WallTime = &WallTime;
        WALL_TIME.formatter()
    }
}

/// A seeded stream of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u16) -> u16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u16::try_from(self.0 % u64::from(bound)).unwrap()
    }
}

fn schema() -> SchemaRef {
    let fields = FEATURES.map(|(name, data_type, _)| Field::new(name, data_type, true));
    Arc::new(Schema::new(fields.to_vec()))
}

/// Records as TFX writes them; with `is_shuffled` the features of each come in an order of its own.
fn records(is_shuffled: bool) -> Vec<Vec<u8>> {
    let mut random = Random(42);
    let mut order: Vec<usize> = (0..FEATURES.len()).collect();
    let texts = ["Taxi Affiliation Services", "Dispatch Taxi Affiliation", "Blue Ribbon", "Cash"];
    let mut record = || {
        let mut features = Vec::new();
        if is_shuffled {
            for i in (1..18u16).rev() {
                order.swap(usize::from(i), usize::from(random.below(i + 1)));
            }
        }
        for &index in &order {
            let (name, data_type, missing_percent) = &FEATURES[index];
            let mut feature = Vec::new();
            if random.below(100) >= *missing_percent {
                match data_type {
                    DataType::Utf8 => {
                        let text = texts[usize::from(random.below(4))];
                        put_bytes(&mut feature, std::iter::once(text.as_bytes()));
                    }
                    DataType::Float32 => {
                        put_floats(&mut feature, &[f32::from(random.below(1000)) / 8.0])
                    }
                    _ if name.ends_with("tract") => {
                        put_ints(&mut feature, &[17_031_000_000 + i64::from(random.below(65_535))]);
                    }
                    _ if name.ends_with("timestamp") => {
                        put_ints(&mut feature, &[1_400_000_000 + i64::from(random.below(65_535))]);
                    }
                    _ if name.ends_with("seconds") => {
                        put_ints(&mut feature, &[i64::from(random.below(4000))]);
                    }
                    _ => put_ints(&mut feature, &[i64::from(random.below(31))]),
                }
            }
            put_named(&mut features, name, &feature);
        }
        let mut record = Vec::new();
        put_example(&mut record, &features);
        record
    };
    (0..NUM_ROWS).map(|_| record()).collect()
}

fn file(records: &[Vec<u8>], compression: Compression) -> Vec<u8> {
    let mut writer = RecordWriter::new(compression.encoder(Vec::new()));
    records.iter().for_each(|record| writer.write(record).unwrap());
    writer.into_inner().finish().unwrap()
}

fn decode(decoder: &mut ExampleDecoder, records: &[Vec<u8>]) -> Vec<RecordBatch> {
    records
        .chunks(8192)
        .map(|chunk| {
            chunk.iter().for_each(|record| decoder.push(record).unwrap());
            decoder.finish().unwrap()
        })
        .collect()
}

fn read(source: &dyn Source) {
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None).unwrap() {
            black_box(batch.unwrap());
        }
    }
}

/// Runs one bench twice over: per row and per byte of uncompressed records.
fn both(
    group: &mut BenchmarkGroup<'_, CpuTime>,
    name: &str,
    num_bytes: usize,
    mut run: impl FnMut(),
) {
    group.throughput(Throughput::ElementsAndBytes {
        elements: NUM_ROWS as u64,
        bytes: num_bytes as u64,
    });
    group.bench_function(name, |bencher| bencher.iter(&mut run));
}

fn bench(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("tf_example");
    group.sample_size(20);
    let plain = records(false);
    let num_bytes = plain.iter().map(Vec::len).sum();
    let framed = file(&plain, Compression::None);

    both(&mut group, "framing", num_bytes, || {
        let mut reader = RecordReader::new(framed.as_slice());
        while let Some(record) = reader.next_record().unwrap() {
            black_box(record.data);
        }
    });

    let mut decoder = ExampleDecoder::new(Payload::TfExample, schema()).unwrap();
    both(&mut group, "decode", num_bytes, || drop(black_box(decode(&mut decoder, &plain))));
    let shuffled = records(true);
    both(&mut group, "decode_any_order", num_bytes, || {
        drop(black_box(decode(&mut decoder, &shuffled)));
    });
    let fields = ["fare", "company"].map(|name| schema().field_with_name(name).unwrap().clone());
    let few = Arc::new(Schema::new(fields.to_vec()));
    let mut few = ExampleDecoder::new(Payload::TfExample, few).unwrap();
    both(&mut group, "decode_2_of_18", num_bytes, || drop(black_box(decode(&mut few, &plain))));

    let dir = tempfile::tempdir().unwrap();
    for compression in [Compression::None, Compression::Gzip] {
        let path = dir.path().join(format!("taxi{}", compression.suffix()));
        fs::write(&path, file(&plain, compression)).unwrap();
        let files = TfRecordFiles::open(&[path]).unwrap();
        let batches: Vec<_> = (0..files.num_partitions())
            .flat_map(|partition| files.read(partition, None).unwrap())
            .collect::<Result<_, _>>()
            .unwrap();
        let source = ExampleFiles::new(files, Payload::TfExample, schema()).unwrap();
        let name = if compression == Compression::None { "file" } else { "file_gzip" };
        both(&mut group, name, num_bytes, || read(&source));
        if compression == Compression::None {
            let pass = DiscoverFeatures { payload: Payload::TfExample };
            both(&mut group, "discover", num_bytes, || {
                let mut state = pass.start().unwrap();
                batches.iter().for_each(|batch| state.update(batch).unwrap());
                black_box(state.finish().unwrap().schema().unwrap());
            });
        }
    }

    let batches = decode(&mut decoder, &plain);
    let encoder =
        ExampleEncoder::new(Payload::TfExample, MissingFeature::Named, &schema()).unwrap();
    both(&mut group, "encode", num_bytes, || {
        for batch in &batches {
            let write = |record: &[u8]| {
                black_box(record);
                Ok::<_, TfExampleError>(())
            };
            encoder.encode(batch, write).unwrap();
        }
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = bench
}
criterion_main!(benches);
