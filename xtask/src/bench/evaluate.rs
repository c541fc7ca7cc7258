//! Metrics by slice with intervals of many predictions, beside TensorFlow Model Analysis where it is given.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::data::{Bench, shown};
use super::files::Random;
use super::peers::TFMA;
use super::process::{Usage, median, run};
use super::{Options, Scratch};
use crate::Failure;

/// How many rows TensorFlow Model Analysis gets: it takes minutes for more.
const PEER_ROWS: usize = 5_000;

/// Twenty metrics.
const METRICS: [&str; 20] = [
    "auc",
    "auc_precision_recall",
    "accuracy",
    "precision",
    "recall",
    "f1_score",
    "log_loss",
    "calibration",
    "mean_label",
    "mean_prediction",
    "mean_squared_error",
    "mean_absolute_error",
    "specificity",
    "false_positive_rate",
    "false_negative_rate",
    "balanced_accuracy",
    "matthews_correlation_coefficient",
    "expected_calibration_error",
    "precision_at_recall@0.8",
    "recall_at_precision@0.8",
];

/// Features to slice by and how many values each has: fifty slices with the one of all rows.
const FEATURES: [(&str, usize); 4] = [("country", 10), ("hour", 24), ("device", 5), ("plan", 10)];

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let bench = Bench::new(options, &scratch.0)?;
    let csv = scratch.0.join("predictions.csv");
    write_predictions(options.rows, &csv)?;
    let root = scratch.0.join("examples");
    run(&mut bench.example_gen(&csv, &root, "")?)?;
    let parquet = bench.examples_of(&root)?.join("Split-*/*.parquet");
    std::fs::remove_file(&csv)?;
    println!(
        "Medians of {} runs. {} predictions in Parquet, {} metrics, {} slices.\n",
        options.runs,
        options.rows,
        METRICS.len(),
        1 + FEATURES.iter().map(|(_, num_values)| num_values).sum::<usize>()
    );
    println!("| `cupola eval` | time | rows/s | processor time | memory |");
    println!("| --- | --- | --- | --- | --- |");
    let ways: [(&str, &[&str]); 3] = [
        ("no intervals", &[]),
        ("jackknife, 20 parts", &["--jackknife"]),
        ("Poisson bootstrap, 20 replicates", &["--bootstrap", "20"]),
    ];
    let mut plain = None;
    for (name, flags) in ways {
        let usages: Result<Vec<_>, _> =
            (0..options.runs).map(|_| run(&mut eval(&bench, &parquet, flags))).collect();
        let usage = median(usages?)?;
        plain = plain.or(Some(usage));
        line(name, usage, options.rows);
    }
    match (&options.tfma, plain) {
        (Some(python), Some(plain)) => {
            let small = scratch.0.join("small.csv");
            let rows = PEER_ROWS.min(options.rows);
            write_predictions(rows, &small)?;
            let (usage, wall) = TFMA.run(python, &small)?;
            line(
                &format!("{}, {rows} rows, no intervals", TFMA.name),
                Usage { wall, ..usage },
                rows,
            );
            let of = |wall: Duration, rows: usize| wall.as_secs_f64() / rows as f64;
            let times = of(wall, rows) / of(plain.wall, options.rows);
            println!("\nFor each row, {} takes {times:.0} times as long.", TFMA.name);
        }
        _ => eprintln!("skipped: {} needs --tfma PYTHON", TFMA.name),
    }
    Ok(())
}

fn eval(bench: &Bench<'_>, files: &PathBuf, flags: &[&str]) -> Command {
    let mut command = bench.cupola();
    command.args(["eval", "--quiet", "--json", "--label", "label", "--prediction", "prediction"]);
    command.arg("--predictions").arg(files);
    FEATURES.iter().for_each(|(name, _)| {
        command.args(["--slice", name]);
    });
    METRICS.iter().for_each(|name| {
        command.args(["--metric", name]);
    });
    command.args(flags);
    command
}

fn line(name: &str, usage: Usage, rows: usize) {
    let rate = rows as f64 / usage.wall.as_secs_f64();
    let memory = usage.peak_memory as f64 / 1e6;
    let (wall, cpu) = (shown(usage.wall), shown(usage.cpu));
    println!("| {name} | {wall} | {rate:.0} | {cpu} | {memory:.0} MB |");
}

/// Writes labels that are 1 as often as the predictions say, and features.
fn write_predictions(rows: usize, out: &Path) -> Result<(), Failure> {
    let mut random = Random(7);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out)?);
    let names = FEATURES.map(|(name, _)| name).join(",");
    writeln!(file, "label,prediction,{names}")?;
    const STEPS: usize = 1_000_000;
    for _ in 0..rows {
        // The product of two uniform numbers: more of the predictions are low.
        let prediction = (random.below(STEPS) + 1) * (random.below(STEPS) + 1) / STEPS;
        let label = usize::from(random.below(STEPS) < prediction);
        write!(file, "{label},{:.6}", prediction as f64 / STEPS as f64)?;
        for (name, num_values) in FEATURES {
            write!(file, ",{name}_{}", random.below(num_values))?;
        }
        writeln!(file)?;
    }
    file.flush()?;
    Ok(())
}
