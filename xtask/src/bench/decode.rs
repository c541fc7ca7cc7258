//! Decoding of `tf.Example` beside TensorFlow's, on one thread: rows for each second of processor time.

use std::path::PathBuf;
use std::process::Command;

use super::data::Bench;
use super::files::{Size, write_trips};
use super::peers::PARSE_EXAMPLE;
use super::process::{run, run_with_output};
use crate::Failure;

/// One record for so many rows of the large table is enough.
const SHARE: usize = 10;

/// TFRecord files, plain, of one split.
const RECORDS: &str =
    "splits = { all = 1 }\noutput = { format = \"tfrecord\", compression = \"none\" }\n";

impl Bench<'_> {
    /// Records of trips to columns, by us and by TensorFlow.
    pub(super) fn decode(&self) -> Result<(), Failure> {
        let (csv, root) = (self.scratch.join("decode.csv"), self.scratch.join("decode"));
        write_trips(&self.options.data, Size::Rows(self.options.rows / SHARE), &csv)?;
        run(&mut self.example_gen(&csv, &root, RECORDS)?)?;
        let shards = std::fs::read_dir(self.examples_of(&root)?.join("Split-all"))?;
        let mut shards = shards.map(|it| Ok(it?.path())).collect::<Result<Vec<PathBuf>, Failure>>()?;
        shards.sort_unstable();

        let example = self.options.example("dataset", "decode_tf_examples")?;
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for _ in 0..self.options.runs {
            ours.push(rows_per_second(Command::new(&example).args(&shards))?);
            if let Some(python) = &self.options.tfdv {
                theirs.push(rows_per_second(&mut PARSE_EXAMPLE.command(python, &shards))?);
            }
        }
        println!("| `tf.Example` to columns, one thread | rows per second of processor time | times |");
        println!("| --- | --- | --- |");
        let theirs = median(theirs);
        let ours = median(ours).ok_or("nothing was measured")?;
        match theirs {
            Some(theirs) => {
                println!("| ours | {ours:.0} | {:.1} |", ours / theirs);
                println!("| {} | {theirs:.0} | 1.0 |", PARSE_EXAMPLE.name);
            }
            None => {
                eprintln!("skipped: {} needs --tfdv PYTHON", PARSE_EXAMPLE.name);
                println!("| ours | {ours:.0} | |");
            }
        }
        println!();
        std::fs::remove_file(&csv)?;
        std::fs::remove_dir_all(&root)?;
        Ok(())
    }
}

/// Runs a program that prints a number of rows and the seconds that they took.
fn rows_per_second(command: &mut Command) -> Result<f64, Failure> {
    let (_, printed) = run_with_output(command)?;
    let last = printed.lines().last().unwrap_or_default();
    let (rows, seconds) = last.split_once(' ').ok_or_else(|| format!("found {last:?}"))?;
    Ok(rows.parse::<f64>()? / seconds.parse::<f64>()?)
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
