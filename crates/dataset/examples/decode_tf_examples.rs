//! Decodes TFRecord files of `tf.Example` and prints how many there are and the seconds of processor time that took:
//! what `cargo xtask bench data` puts beside `tf.io.parse_example`.
//!
//! Records are in memory and their types are known before the clock starts; one thread decodes.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails should stop")]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dataset::{ExampleDecoder, Payload, TfRecordFiles, discover_schema};
use engine::LocalEngine;
use formats::tfrecord::{Compression, RecordReader};
use rustix::time::{ClockId, clock_gettime};

/// As many rows as the reader of files puts into a batch.
const BATCH_ROWS: usize = 8192;

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let files = TfRecordFiles::open(&paths).unwrap();
    let engine = LocalEngine::with_all_cores(Arc::default());
    let schema = discover_schema(&engine, &files, Payload::TfExample).unwrap();
    let mut records = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let mut reader = RecordReader::new(Compression::detect(&bytes).decoder(bytes.as_slice()));
        while let Some(record) = reader.next_record().unwrap() {
            records.push(record.data.to_vec());
        }
    }
    let mut decoder = ExampleDecoder::new(Payload::TfExample, schema).unwrap();
    let mut decode = |records: &[Vec<u8>]| {
        for batch in records.chunks(BATCH_ROWS) {
            batch.iter().for_each(|record| decoder.push(record).unwrap());
            black_box(decoder.finish().unwrap());
        }
    };
    // Once for the processor to get warm, as the peer does to trace its function.
    decode(&records[..records.len().min(BATCH_ROWS)]);
    let start = processor_time();
    decode(&records);
    println!("{} {}", records.len(), (processor_time() - start).as_secs_f64());
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}
