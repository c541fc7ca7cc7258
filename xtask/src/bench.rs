//! `cargo xtask bench`: whole processes, timed as a user would see them, as Markdown tables for
//! `docs/benchmarks.md`. Medians; peers run in turn with ours.

mod data;
mod decode;
mod evaluate;
mod files;
mod peers;
mod predict;
mod process;
mod road;
mod serve;
mod train;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// What can be said to a benchmark.
pub(crate) const USAGE: &str = "cargo xtask bench [road | data | evaluate | predict | serve | train | language | loader] [--data FILE] [--runs N] [--binary FILE] \
     (data, evaluate and predict: [--rows N]; data: [--peers PYTHON] [--tfdv PYTHON] [--huge]; evaluate: [--tfma PYTHON]; \
     serve: [--peers PYTHON] [--seconds N]; train, language, loader: [--keras PYTHON] [--torch PYTHON])";

/// Runs a benchmark: `road` (the default), the taxi pipeline from raw data to pushed model; `data`, reading and
/// statistics beside their peers; `evaluate`, metrics by slice with intervals; `predict`, rows through a pushed model;
/// `serve`, a server under load; `train`, steps of a wide and deep model; `language`, tokens of a small transformer; or
/// `loader`, examples and tokens as they are loaded.
pub(crate) fn bench(workspace: &Path, args: &[String]) -> Result<(), Failure> {
    match args.split_first() {
        Some((which, rest)) if which == "data" => data::bench(&Options::parse(workspace, rest)?),
        Some((which, rest)) if which == "predict" => {
            predict::bench(&Options::parse(workspace, rest)?)
        }
        Some((which, rest)) if which == "serve" => serve::bench(&Options::parse(workspace, rest)?),
        Some((which, rest)) if which == "train" => train::steps(&Options::parse(workspace, rest)?),
        Some((which, rest)) if which == "language" => {
            train::language(&Options::parse(workspace, rest)?)
        }
        Some((which, rest)) if which == "loader" => {
            train::loader(&Options::parse(workspace, rest)?)
        }
        Some((which, rest)) if which == "evaluate" => {
            let mut options = Options::parse(workspace, rest)?;
            if !rest.iter().any(|flag| flag == "--rows") {
                options.rows = 10_000_000;
            }
            evaluate::bench(&options)
        }
        Some((which, rest)) if which == "road" => road::bench(&Options::parse(workspace, rest)?),
        _ => road::bench(&Options::parse(workspace, args)?),
    }
}

/// What to measure, and with what.
struct Options {
    workspace: PathBuf,
    /// A CSV of taxi trips.
    data: PathBuf,
    runs: usize,
    /// What to measure; without it, the release binary is built.
    binary: Option<PathBuf>,
    /// How many rows the generated table has.
    rows: usize,
    /// How long each load lasts.
    seconds: u64,
    /// A Python with `duckdb` and `polars`; for `serve`, with `fastapi`, `uvicorn` and `onnxruntime`.
    peers: Option<PathBuf>,
    /// A Python with `tensorflow-data-validation`.
    tfdv: Option<PathBuf>,
    /// A Python with `tensorflow-model-analysis`.
    tfma: Option<PathBuf>,
    /// A Python with `tensorflow` and `keras`.
    keras: Option<PathBuf>,
    /// A Python with `torch`, and for `loader` with `pyarrow`.
    torch: Option<PathBuf>,
    /// Whether files of 1 and 10 GB are made and read.
    huge: bool,
}

impl Options {
    fn parse(workspace: &Path, args: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            workspace: workspace.to_path_buf(),
            data: workspace.join("examples/taxi/data/trips.csv"),
            runs: 5,
            binary: None,
            rows: 3_100_000,
            peers: None,
            tfdv: None,
            tfma: None,
            keras: None,
            torch: None,
            huge: false,
            seconds: 10,
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            if flag == "--huge" {
                options.huge = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("`{flag}` needs a value: {USAGE}"))?;
            match flag.as_str() {
                "--data" => options.data = std::path::absolute(value)?,
                "--runs" => options.runs = value.parse()?,
                "--binary" => options.binary = Some(std::path::absolute(value)?),
                "--seconds" => options.seconds = value.parse()?,
                "--rows" => options.rows = value.parse()?,
                "--peers" => options.peers = Some(std::path::absolute(value)?),
                "--tfma" => options.tfma = Some(std::path::absolute(value)?),
                "--keras" => options.keras = Some(std::path::absolute(value)?),
                "--torch" => options.torch = Some(std::path::absolute(value)?),
                "--tfdv" => options.tfdv = Some(std::path::absolute(value)?),
                _ => return Err(format!("unknown flag `{flag}`: {USAGE}").into()),
            }
        }
        Ok(options)
    }

    /// Returns the binary to measure, built as it is released.
    fn cupola(&self) -> Result<PathBuf, Failure> {
        if let Some(binary) = &self.binary {
            return Ok(binary.clone());
        }
        let status = Command::new("cargo")
            .args(["build", "--release", "--locked", "-p", "cli"])
            .current_dir(&self.workspace)
            .status()?;
        if !status.success() {
            return Err("the release build failed".into());
        }
        Ok(self.release_dir().join("cupola"))
    }

    /// Returns an example of a crate, built as what is released.
    fn example(&self, package: &str, name: &str) -> Result<PathBuf, Failure> {
        let status = Command::new("cargo")
            .args(["build", "--release", "--locked", "-p", package, "--example", name])
            .current_dir(&self.workspace)
            .status()?;
        if !status.success() {
            return Err(format!("the release build of the example `{name}` failed").into());
        }
        Ok(self.release_dir().join("examples").join(name))
    }

    fn release_dir(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or(self.workspace.join("target"), PathBuf::from);
        target.join("release")
    }
}

/// A folder that is gone when the benchmark ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("cupola-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
