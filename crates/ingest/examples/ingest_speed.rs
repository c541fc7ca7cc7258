//! Times reading comma-separated text: what finding the rows, inferring the types and writing the splits take.
//!
//! `cargo run --release -p ingest --example ingest_speed -- trips.csv [threads]`

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use base::BoxError;
use dataset::CsvFiles;
use engine::LocalEngine;
use ingest::{Config, SourceConfig};

#[expect(clippy::print_stdout, reason = "an example talks to the terminal")]
fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let path = args.next().unwrap_or_else(|| "examples/taxi/data/trips.csv".to_owned());
    let threads = args.next().and_then(|threads| threads.parse().ok());
    let engine = match threads {
        Some(threads) => LocalEngine::new(threads, Arc::default()),
        None => LocalEngine::new(NonZeroUsize::MIN.saturating_add(1), Arc::default()),
    };
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let time = |what: &str, work: &mut dyn FnMut() -> Result<(), BoxError>| {
        let start = Instant::now();
        work()?;
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a speed has few digits")]
        let speed = bytes as f64 / seconds / 1e6;
        println!("{what}: {seconds:.3} s, {speed:.0} MB/s");
        Ok::<(), BoxError>(())
    };
    let config = Config::new(SourceConfig::Csv(path.as_str().into()));
    let out = std::env::temp_dir().join(format!("ingest-speed-{}", std::process::id()));
    for _ in 0..3 {
        time("rows found", &mut || {
            CsvFiles::open(&[PathBuf::from(&path)])?;
            Ok(())
        })?;
        time("types inferred", &mut || {
            ingest::infer_features(&config, Path::new(""), &engine, None)?;
            Ok(())
        })?;
        time("splits written", &mut || {
            ingest::run(&config, Path::new(""), &out, &engine)?;
            Ok(())
        })?;
        let _ = std::fs::remove_dir_all(&out);
    }
    Ok(())
}
