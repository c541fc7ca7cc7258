//! The main road: `--version`, the taxi pipeline into an empty root, and the same once more.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::run;
use super::{Options, Scratch};
use crate::Failure;

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let binary = options.cupola()?;
    let scratch = Scratch::new()?;
    measure(&binary, options, &scratch.0)
}

fn measure(binary: &Path, options: &Options, scratch: &Path) -> Result<(), Failure> {
    let mut version = Vec::new();
    let mut first = Vec::new();
    let mut second = Vec::new();
    let mut auc = None;
    for round in 0..=options.runs {
        let root = scratch.join(round.to_string());
        let times = [
            run(Command::new(binary).arg("--version"))?.wall,
            run(&mut pipeline(binary, options, &root))?.wall,
            run(&mut pipeline(binary, options, &root))?.wall,
        ];
        auc = Some(read_auc(binary, &root.join("root"))?);
        // The first round warms the caches of the disk and does not count.
        if round > 0 {
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

/// Returns the run of the taxi pipeline below a folder, which pushes to `serving` there.
pub(super) fn pipeline(binary: &Path, options: &Options, root: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .arg("run")
        .arg(options.workspace.join("examples/taxi/pipeline.toml"))
        .arg("--quiet")
        .arg("--root")
        .arg(root.join("root"))
        .arg("--set")
        .arg(format!("nodes.example_gen.source.csv={}", options.data.display()))
        .arg("--set")
        .arg(format!("nodes.pusher.destination.directory={}", root.join("serving").display()));
    command
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
