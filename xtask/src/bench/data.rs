//! Reading and statistics, beside the peers that are there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::files::{Size, write_trips, write_wide};
use super::peers::{DUCKDB, POLARS, Peer, TFDV};
use super::process::{Usage, median, run, run_with_output};
use super::{Options, Scratch};
use crate::Failure;

const MEGA: f64 = 1e6;

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let binary = options.cupola()?;
    let scratch = Scratch::new()?;
    let bench = Bench { options, binary, scratch: &scratch.0 };
    let csv = scratch.0.join("trips.csv");
    let (rows, bytes) = write_trips(&options.data, Size::Rows(options.rows), &csv)?;
    println!(
        "Medians of {} runs. {rows} trips, {:.0} MB of CSV.\n",
        options.runs,
        bytes as f64 / MEGA
    );
    bench.ingest(&csv, rows, bytes)?;
    bench.statistics(&csv, rows)?;
    bench.decode()?;
    bench.scale()?;
    if options.huge {
        std::fs::remove_file(&csv)?;
        bench.memory()?;
    }
    Ok(())
}

/// What is measured, with what and where.
pub(super) struct Bench<'o> {
    pub(super) options: &'o Options,
    pub(super) binary: PathBuf,
    pub(super) scratch: &'o Path,
}

impl<'o> Bench<'o> {
    pub(super) fn new(options: &'o Options, scratch: &'o Path) -> Result<Self, Failure> {
        Ok(Self { options, binary: options.cupola()?, scratch })
    }

    /// Returns a command of what is measured.
    pub(super) fn cupola(&self) -> Command {
        Command::new(&self.binary)
    }
}

impl Bench<'_> {
    /// CSV to examples, and the statistics of these.
    fn ingest(&self, csv: &Path, rows: usize, bytes: u64) -> Result<(), Failure> {
        let mut to_examples = Vec::new();
        let mut of_examples = Vec::new();
        for round in 0..self.options.runs {
            let root = self.scratch.join(format!("ingest-{round}"));
            to_examples.push(run(&mut self.example_gen(csv, &root, "")?)?);
            let shards = self.examples_of(&root)?.join("Split-*/*.parquet");
            of_examples.push(run(&mut self.stats(&[&shards]))?);
            std::fs::remove_dir_all(&root)?;
        }
        println!("| what | time | rate | processor time | memory |");
        println!("| --- | --- | --- | --- | --- |");
        let usage = median(to_examples)?;
        let rate = bytes as f64 / MEGA / usage.wall.as_secs_f64();
        row("CSV to split, sharded Parquet (`cupola run`)", usage, &format!("{rate:.0} MB/s"));
        let usage = median(of_examples)?;
        let rate = rows as f64 / MEGA / usage.cpu.as_secs_f64();
        let rate = format!("{rate:.2} million rows/s per core");
        row("statistics of that Parquet (`cupola stats`)", usage, &rate);
        println!();
        Ok(())
    }

    /// Statistics of bare CSV, by us and by others.
    fn statistics(&self, csv: &Path, rows: usize) -> Result<(), Failure> {
        println!(
            "| statistics of the CSV | time | rows/s | processor time | memory | times ours |"
        );
        println!("| --- | --- | --- | --- | --- | --- |");
        let mut ours = Vec::new();
        let mut peers = Vec::new();
        for (peer, python) in [(DUCKDB, &self.options.peers), (POLARS, &self.options.peers)] {
            match python {
                Some(python) => peers.push((peer, python, Vec::new())),
                None => eprintln!("skipped: {} needs --peers PYTHON", peer.name),
            }
        }
        for _ in 0..self.options.runs {
            ours.push(run(&mut self.stats(&[csv]))?);
            for (peer, python, found) in &mut peers {
                found.push(timed(peer, python, csv)?);
            }
        }
        let ours = median(ours)?;
        let line = |name: &str, usage: Usage, rows: usize, times: f64| {
            let rate = format!("{:.0}", rows as f64 / usage.wall.as_secs_f64());
            println!("| {name} | {} | {times:.1} |", cells(usage, &rate));
        };
        line("`cupola stats`", ours, rows, 1.0);
        for (peer, _, found) in peers {
            let usage = median(found)?;
            line(peer.name, usage, rows, usage.wall.as_secs_f64() / ours.wall.as_secs_f64());
        }
        // One run is enough for what takes minutes.
        match &self.options.tfdv {
            Some(python) => {
                let usage = timed(&TFDV, python, csv)?;
                line(TFDV.name, usage, rows, usage.wall.as_secs_f64() / ours.wall.as_secs_f64());
            }
            None => eprintln!("skipped: {} needs --tfdv PYTHON", TFDV.name),
        }
        println!();
        Ok(())
    }

    /// The cost of more rows, and of more columns.
    fn scale(&self) -> Result<(), Failure> {
        println!(
            "| `cupola stats` | time | ns per cell of processor time | processor time | memory |"
        );
        println!("| --- | --- | --- | --- | --- |");
        let file = self.scratch.join("scale.csv");
        let base = self.options.rows / 100;
        for times in [1, 10, 100] {
            write_trips(&self.options.data, Size::Rows(base * times), &file)?;
            let name = format!("{} trips, 18 columns", base * times);
            self.scaled(&name, base * times * 18, &file)?;
        }
        for columns in [10, 100, 1000] {
            let rows = 20_000;
            write_wide(columns, rows, &file)?;
            self.scaled(&format!("{rows} rows, {columns} columns"), rows * columns, &file)?;
        }
        println!();
        Ok(())
    }

    fn scaled(&self, name: &str, num_cells: usize, file: &Path) -> Result<(), Failure> {
        let usages: Result<Vec<_>, _> =
            (0..self.options.runs).map(|_| run(&mut self.stats(&[file]))).collect();
        let usage = median(usages?)?;
        row(name, usage, &format!("{:.0}", usage.cpu.as_secs_f64() * 1e9 / num_cells as f64));
        Ok(())
    }

    /// Memory, of files far larger than it. Once each.
    fn memory(&self) -> Result<(), Failure> {
        println!("| large files | time | rate | processor time | memory |");
        println!("| --- | --- | --- | --- | --- |");
        for gigabytes in [1, 10] {
            let file = self.scratch.join("huge.csv");
            let size = Size::Bytes(gigabytes * 1_000_000_000);
            let (_, bytes) = write_trips(&self.options.data, size, &file)?;
            let rate = |usage: Usage| {
                format!("{:.0} MB/s", bytes as f64 / MEGA / usage.wall.as_secs_f64())
            };
            let usage = run(&mut self.stats(&[&file]))?;
            row(&format!("`cupola stats`, {gigabytes} GB of CSV"), usage, &rate(usage));
            let root = self.scratch.join("huge");
            let usage = run(&mut self.example_gen(&file, &root, "")?)?;
            row(&format!("CSV to Parquet, {gigabytes} GB"), usage, &rate(usage));
            std::fs::remove_dir_all(&root)?;
            std::fs::remove_file(&file)?;
        }
        println!();
        Ok(())
    }

    fn stats(&self, files: &[&Path]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["stats", "--quiet"]).args(files);
        command
    }

    /// Returns the run of a pipeline of ExampleGen alone, with `more` lines of its configuration.
    pub(super) fn example_gen(
        &self,
        csv: &Path,
        root: &Path,
        more: &str,
    ) -> Result<Command, Failure> {
        std::fs::create_dir_all(root)?;
        let pipeline = root.join("pipeline.toml");
        let source = toml::Value::from(csv.display().to_string());
        let text = format!(
            "[pipeline]\nname = \"bench\"\n\n[nodes.example_gen]\nsource = {{ csv = {source} }}\n{more}"
        );
        std::fs::write(&pipeline, text)?;
        let mut command = Command::new(&self.binary);
        command.args(["run", "--quiet"]).arg(&pipeline).arg("--root").arg(root.join("root"));
        Ok(command)
    }

    /// Returns the folder of the only examples.
    pub(super) fn examples_of(&self, root: &Path) -> Result<PathBuf, Failure> {
        let mut command = Command::new(&self.binary);
        command.args(["artifacts", "list", "--type", "Examples", "--json", "--root"]);
        let (_, printed) = run_with_output(command.arg(root.join("root")))?;
        let artifacts: serde_json::Value = serde_json::from_str(&printed)?;
        let uri = artifacts["artifacts"][0]["uri"].as_str().ok_or("no examples were made")?;
        Ok(PathBuf::from(uri))
    }
}

/// Runs a peer's program; the time on the clock is that of its work alone.
fn timed(peer: &Peer, python: &Path, file: &Path) -> Result<Usage, Failure> {
    let (usage, wall) = peer.run(python, file)?;
    Ok(Usage { wall, ..usage })
}

fn row(name: &str, usage: Usage, rate: &str) {
    println!("| {name} | {} |", cells(usage, rate));
}

pub(super) fn cells(usage: Usage, rate: &str) -> String {
    let memory = usage.peak_memory as f64 / MEGA;
    format!("{} | {rate} | {} | {memory:.0} MB", shown(usage.wall), shown(usage.cpu))
}

pub(super) fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}
