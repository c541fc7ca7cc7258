//! `cargo xtask bench`: the main road, timed as a user would see it.
//!
//! Builds the release binary, then runs it as a whole process: `--version`, the taxi pipeline into an empty
//! root, and the same once more. Prints medians as a Markdown table, as in `docs/benchmarks.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// Runs the benchmark. `args` may hold `--data FILE` (default: the generated trips of the example) and
/// `--runs N` (default 5).
pub(crate) fn bench(workspace: &Path, args: &[String]) -> Result<(), Failure> {
    let options = Options::parse(workspace, args)?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "cli"])
        .current_dir(workspace)
        .status()?;
    if !status.success() {
        return Err("the release build failed".into());
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(workspace.join("target"), PathBuf::from);
    let binary = target.join("release/cupola");
    let scratch = std::env::temp_dir().join(format!("cupola-bench-{}", std::process::id()));
    let outcome = measure(&binary, &options, &scratch);
    std::fs::remove_dir_all(&scratch).ok();
    outcome
}

struct Options {
    data: PathBuf,
    pipeline: PathBuf,
    runs: usize,
}

impl Options {
    fn parse(workspace: &Path, args: &[String]) -> Result<Self, Failure> {
        let example = workspace.join("examples/taxi");
        let mut options = Self {
            data: example.join("data/trips.csv"),
            pipeline: example.join("pipeline.toml"),
            runs: 5,
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
            match flag.as_str() {
                "--data" => options.data = std::path::absolute(value)?,
                "--runs" => options.runs = value.parse()?,
                _ => return Err(format!("unknown flag `{flag}`, expected --data or --runs").into()),
            }
        }
        Ok(options)
    }
}

fn measure(binary: &Path, options: &Options, scratch: &Path) -> Result<(), Failure> {
    let mut version = Vec::new();
    let mut first = Vec::new();
    let mut second = Vec::new();
    let mut auc = None;
    for run in 0..=options.runs {
        let root = scratch.join(run.to_string());
        let times = [
            time(Command::new(binary).arg("--version"))?,
            time(&mut pipeline(binary, options, &root))?,
            time(&mut pipeline(binary, options, &root))?,
        ];
        auc = Some(read_auc(binary, &root.join("root"))?);
        // The first round warms the caches of the disk and does not count.
        if run > 0 {
            version.push(times[0]);
            first.push(times[1]);
            second.push(times[2]);
        }
    }
    println!("median (min to max) of {} runs, {}\n", options.runs, options.data.display());
    println!("| what | time |\n| --- | --- |");
    println!("| `cupola --version` | {} |", spread(&mut version));
    println!("| `cupola run`, empty root to pushed model | {} |", spread(&mut first));
    println!("| `cupola run` again, nothing changed | {} |", spread(&mut second));
    println!("\nAUC of the evaluation: {}", auc.unwrap_or_default());
    Ok(())
}

fn pipeline(binary: &Path, options: &Options, root: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .arg("run")
        .arg(&options.pipeline)
        .arg("--quiet")
        .arg("--root")
        .arg(root.join("root"))
        .arg("--set")
        .arg(format!("nodes.example_gen.source.csv={}", options.data.display()))
        .arg("--set")
        .arg(format!("nodes.pusher.destination.directory={}", root.join("serving").display()));
    command
}

fn time(command: &mut Command) -> Result<Duration, Failure> {
    command.stdout(Stdio::null()).stdin(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    if status.success() {
        Ok(elapsed)
    } else {
        Err(format!("{command:?} ended with {status}").into())
    }
}

fn read_auc(binary: &Path, root: &Path) -> Result<String, Failure> {
    let show = Command::new(binary)
        .args(["artifacts", "list", "--type", "ModelEvaluation", "--json", "--root"])
        .arg(root)
        .output()?;
    let artifacts: serde_json::Value = serde_json::from_slice(&show.stdout)?;
    let uri = artifacts["artifacts"][0]["uri"].as_str().ok_or("no evaluation was made")?;
    let text = std::fs::read_to_string(Path::new(uri).join("evaluation.json"))?;
    let evaluation: serde_json::Value = serde_json::from_str(&text)?;
    Ok(evaluation["slices"][0]["metrics"]["auc"].to_string())
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let ms = |time: &Duration| format!("{:.0}", time.as_secs_f64() * 1000.0);
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(min), Some(median), Some(max)) => {
            format!("{} ms ({} to {})", ms(median), ms(min), ms(max))
        }
        _ => "not measured".to_owned(),
    }
}
