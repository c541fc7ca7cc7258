//! How long TFRecord files of `tf.Example` take to become columns.
//!
//!     decode --write TRIPS.csv OUT.tfrecord    # makes a file
//!     decode FILE.tfrecord                     # prints seconds of processor time per row, of one thread
//!
//! `cargo xtask bench data` runs it beside TensorFlow's parser.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::BoxError;
use dataflow::Source;
use dataset::{ExampleEncoder, MissingFeature, Payload};
use engine::LocalEngine;
use formats::tfrecord::{Compression, RecordWriter};
use ingest::{Config, SourceConfig};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

/// How long to measure.
const TIME: Duration = Duration::from_secs(3);

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write", csv, out] => write(csv, Path::new(out)),
        [file] => decode(file),
        _ => Err("usage: decode FILE | decode --write CSV OUT".into()),
    }
}

fn write(csv: &str, out: &Path) -> Result<(), Failure> {
    let engine = LocalEngine::with_all_cores(Arc::default());
    let config = Config::new(SourceConfig::Csv(csv.into()));
    let data = ingest::open(&config, Path::new(""), &engine)?;
    let source = data.source();
    let encoder = ExampleEncoder::new(Payload::TfExample, MissingFeature::Named, &source.schema())?;
    let mut writer =
        RecordWriter::new(Compression::None.encoder(BufWriter::new(File::create(out)?)));
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None).map_err(said)? {
            encoder.encode(&batch.map_err(said)?, |record| {
                writer.write(record).map_err(Failure::from)
            })?;
        }
    }
    writer.into_inner().finish()?.into_inner()?.sync_all()?;
    Ok(())
}

fn decode(file: &str) -> Result<(), Failure> {
    let engine = LocalEngine::with_all_cores(Arc::default());
    let config = Config::new(SourceConfig::Tfrecord(file.into()));
    let data = ingest::open(&config, Path::new(""), &engine)?;
    read(data.source())?;
    let (start, mut rows) = (now()?, 0);
    while now()? - start < TIME {
        rows += read(data.source())?;
    }
    println!("{}", (now()? - start).as_secs_f64() / rows as f64);
    Ok(())
}

fn read(source: &dyn Source) -> Result<usize, Failure> {
    let mut rows = 0;
    for partition in 0..source.num_partitions() {
        for batch in source.read(partition, None).map_err(said)? {
            rows += black_box(batch.map_err(said)?).num_rows();
        }
    }
    Ok(rows)
}

fn now() -> Result<Duration, Failure> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

fn said(error: BoxError) -> Failure {
    error.to_string().into()
}
