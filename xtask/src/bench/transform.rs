//! Analysis and transformation of the taxi features beside tf.Transform on Beam's DirectRunner, and the rate of the
//! row-wise part.
//!
//! Both take the same file, the same schema and the same thirteen features, and end with the transformed examples of
//! all rows and the graph on the disk, in the format of each: we write Parquet, tf.Transform gzip-compressed
//! TFRecord files. Our time is that of the whole process, from its start to its end; that of tf.Transform
//! begins behind its imports. The vocabulary of companies has to be the same file in the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::data::{Bench, cells};
use super::files::{Size, write_trips};
use super::peers::TFT;
use super::process::{Usage, median, run, run_with_output};
use super::{Options, Scratch};
use crate::Failure;

/// How long tf.Transform takes for more is not worth waiting for.
pub(super) const ROWS: usize = 150_000;

/// The columns of the trips that are no integers.
const FLOATS: [&str; 7] = [
    "fare",
    "pickup_latitude",
    "pickup_longitude",
    "dropoff_latitude",
    "dropoff_longitude",
    "trip_miles",
    "tips",
];
const TEXTS: [&str; 2] = ["payment_type", "company"];

/// Where both begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Csv,
    Examples,
}

/// Runs the benchmark.
pub(super) fn bench(options: &Options) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let bench = Bench::new(options, &scratch.0)?;
    let csv = scratch.0.join("trips.csv");
    let (rows, bytes) = write_trips(&options.data, Size::Rows(options.rows), &csv)?;
    let trips = Trips { bench: &bench, csv, schema: scratch.0.join("schema.pbtxt") };
    std::fs::write(&trips.schema, schema(&trips.csv)?)?;
    println!(
        "Medians of {} runs. {rows} trips, {:.0} MB of CSV.\n",
        options.runs,
        bytes as f64 / 1e6
    );
    println!("| analyze and transform | time | rows/s | processor time | memory | times ours |");
    println!("| --- | --- | --- | --- | --- | --- |");
    trips.compare(From::Csv, rows)?;
    trips.compare(From::Examples, rows)?;
    println!();
    trips.rate()
}

/// Trips, in a CSV and with a schema.
struct Trips<'b> {
    bench: &'b Bench<'b>,
    csv: PathBuf,
    schema: PathBuf,
}

impl Trips<'_> {
    /// Times both, in turn.
    fn compare(&self, from: From, rows: usize) -> Result<(), Failure> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..self.bench.options.runs {
            let root = self.bench.scratch.join(format!("round-{round}"));
            self.write_pipelines(&root, from)?;
            if from == From::Examples {
                run(&mut self.cupola(&root, "examples.toml"))?;
            }
            ours.push(run(&mut self.cupola(&root, "transform.toml"))?);
            if let Some(python) = &self.bench.options.tft {
                let files = match from {
                    From::Csv => self.csv.clone(),
                    From::Examples => {
                        self.made(&root, "example_gen", "Examples")?.join("Split-all/*.gz")
                    }
                };
                let out = root.join("tft");
                let mut command = TFT.command(python, &[files, self.schema.clone(), out.clone()]);
                let (usage, printed) = run_with_output(&mut command)?;
                let seconds: f64 = printed.lines().last().unwrap_or_default().trim().parse()?;
                theirs.push(Usage {
                    wall: std::time::Duration::try_from_secs_f64(seconds)?,
                    ..usage
                });
                self.check_same(&root, &out)?;
            }
            std::fs::remove_dir_all(&root)?;
        }
        let ours = median(ours)?;
        let line = |name: &str, usage: Usage| {
            let rate = format!("{:.0}", rows as f64 / usage.wall.as_secs_f64());
            let times = usage.wall.as_secs_f64() / ours.wall.as_secs_f64();
            println!("| {name} | {} | {times:.1} |", cells(usage, &rate));
        };
        let what = match from {
            From::Csv => "from the CSV (ours keeps the raw examples, too)",
            From::Examples => "from `tf.Example`s in TFRecord files",
        };
        line(&format!("`cupola run`, {what}"), ours);
        match median(theirs) {
            Ok(theirs) => line(&format!("{}, {what}", TFT.name), theirs),
            Err(_) => eprintln!("skipped: {} needs --tft PYTHON", TFT.name),
        }
        Ok(())
    }

    /// Writes a pipeline that makes examples, and one that transforms them, too.
    fn write_pipelines(&self, root: &Path, from: From) -> Result<(), Failure> {
        std::fs::create_dir_all(root)?;
        let text = |path: &Path| toml::Value::from(path.display().to_string());
        // Both read the same files of `tf.Example`s; else ours are as they are without being told.
        let output = match from {
            From::Csv => "",
            From::Examples => "output = { format = \"tfrecord\" }\n",
        };
        let examples = format!(
            "[pipeline]\nname = \"bench\"\n\n[nodes.example_gen]\nsource = {{ csv = {} }}\nsplits = {{ all = 1 }}\n\
             {output}\n[nodes.import_schema_gen]\nschema_file = {}\n",
            text(&self.csv),
            text(&self.schema),
        );
        let taxi = self.bench.options.workspace.join("examples/taxi/pipeline.toml");
        let taxi: toml::Table = toml::from_str(&std::fs::read_to_string(taxi)?)?;
        let node = taxi.get("nodes").and_then(|nodes| nodes.get("transform"));
        let mut node = node.and_then(toml::Value::as_table).ok_or("no transform")?.clone();
        node.insert("statistics".to_owned(), false.into());
        node.insert("splits".to_owned(), toml::toml! { analyze = "all" }.into());
        let nodes = toml::Table::from_iter([("transform".to_owned(), toml::Value::from(node))]);
        let nodes = toml::Table::from_iter([("nodes".to_owned(), toml::Value::from(nodes))]);
        let transform = format!("{examples}\n{}", toml::to_string(&nodes)?);
        std::fs::write(root.join("examples.toml"), examples)?;
        Ok(std::fs::write(root.join("transform.toml"), transform)?)
    }

    fn cupola(&self, root: &Path, pipeline: &str) -> Command {
        let mut command = self.bench.cupola();
        command.args(["run", "--quiet"]).arg(root.join(pipeline));
        command.arg("--root").arg(root.join("root"));
        command
    }

    /// Fails when the two have not learned the same.
    fn check_same(&self, root: &Path, tft: &Path) -> Result<(), Failure> {
        let ours = self.made(root, "transform", "TransformGraph")?.join("assets/company.txt");
        let theirs = tft.join("transform_fn/assets/company");
        if std::fs::read(&ours)? == std::fs::read(&theirs)? {
            return Ok(());
        }
        Err(format!("{} and {} differ", ours.display(), theirs.display()).into())
    }

    /// Returns the folder of what a node made.
    fn made(&self, root: &Path, node: &str, type_name: &str) -> Result<PathBuf, Failure> {
        let mut command = self.bench.cupola();
        command.args(["artifacts", "list", "--type", type_name, "--json", "--root"]);
        let (_, printed) = run_with_output(command.arg(root.join("root")))?;
        let found: serde_json::Value = serde_json::from_str(&printed)?;
        let uris = found["artifacts"].as_array().into_iter().flatten();
        let mut uris = uris.filter_map(|artifact| artifact["uri"].as_str()).map(PathBuf::from);
        let of_node = uris.find(|uri| uri.starts_with(root.join("root").join(node)));
        of_node.ok_or_else(|| format!("{node} made no {type_name}").into())
    }

    /// Times the row-wise part alone, of rows in memory.
    fn rate(&self) -> Result<(), Failure> {
        let root = self.bench.scratch.join("rate");
        self.write_pipelines(&root, From::Csv)?;
        run(&mut self.cupola(&root, "transform.toml"))?;
        let example = self.bench.options.example("transform", "apply_speed")?;
        let graph = self.made(&root, "transform", "TransformGraph")?;
        let examples = self.made(&root, "example_gen", "Examples")?;
        println!("| the graph over rows in memory | million rows/s |");
        println!("| --- | --- |");
        for threads in ["1", "2"] {
            let mut rates = Vec::new();
            for _ in 0..self.bench.options.runs {
                let mut command = Command::new(&example);
                let (_, printed) =
                    run_with_output(command.arg(&graph).arg(&examples).arg(threads))?;
                rates.push(printed.trim().parse::<f64>()?);
            }
            rates.sort_by(f64::total_cmp);
            let rate = rates.get(rates.len() / 2).ok_or("nothing was measured")?;
            println!("| {threads} threads | {:.2} |", rate / 1e6);
        }
        Ok(())
    }
}

/// Returns the schema of trips, which both are given.
fn schema(csv: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(csv)?;
    let header = text.lines().next().ok_or("the data has no header")?;
    let feature = |name: &str| {
        let value_type = match name {
            _ if FLOATS.contains(&name) => "FLOAT",
            _ if TEXTS.contains(&name) => "BYTES",
            _ => "INT",
        };
        format!(
            "feature {{ name: \"{name}\" type: {value_type} value_count {{ min: 1 max: 1 }} }}\n"
        )
    };
    Ok(header.split(',').map(|name| feature(name.trim())).collect())
}
