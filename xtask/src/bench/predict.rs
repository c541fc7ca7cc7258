//! Predictions for many rows: the taxi model over CSV and over Parquet, into a folder of Parquet shards.

use std::path::Path;
use std::process::Command;

use super::data::{Bench, cells};
use super::files::{Size, write_trips};
use super::process::{median, run};
use super::road::pipeline;
use super::{Options, Scratch};
use crate::Failure;

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let binary = options.cupola()?;
    let scratch = Scratch::new()?;
    let scratch = scratch.0.as_path();
    run(&mut pipeline(&binary, options, scratch))?;
    let csv = scratch.join("trips.csv");
    let (rows, bytes) = write_trips(&options.data, Size::Rows(options.rows), &csv)?;
    println!(
        "Medians of {} runs. {rows} trips, {:.0} MB of CSV.\n",
        options.runs,
        bytes as f64 / 1e6
    );
    let bench = Bench { options, binary, scratch };
    let root = scratch.join("examples");
    run(&mut bench.example_gen(&csv, &root, "splits = { all = 1 }\n")?)?;
    let shards = bench.examples_of(&root)?.join("Split-all/*.parquet");

    println!("| `cupola predict` | time | rate | processor time | memory |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, input) in [("CSV to Parquet shards", &csv), ("Parquet to Parquet shards", &shards)] {
        let mut usages = Vec::new();
        for round in 0..options.runs {
            let out = scratch.join(format!("predictions-{round}"));
            usages.push(run(&mut predict(&bench, scratch, input, &out))?);
            std::fs::remove_dir_all(&out)?;
        }
        let usage = median(usages)?;
        let rate = rows as f64 / 1e6 / usage.wall.as_secs_f64();
        println!("| {name} | {} |", cells(usage, &format!("{rate:.2} million rows/s")));
    }
    println!();
    Ok(())
}

fn predict(bench: &Bench<'_>, scratch: &Path, input: &Path, out: &Path) -> Command {
    let mut command = Command::new(&bench.binary);
    command.args(["predict", "--quiet", "--model"]).arg(scratch.join("serving"));
    // The slash says that it is a folder.
    command.arg("--input").arg(input).arg("--output").arg(out.join(""));
    command
}
