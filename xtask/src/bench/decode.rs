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
        let mut shards =
            shards.map(|it| Ok(it?.path())).collect::<Result<Vec<PathBuf>, Failure>>()?;
        shards.sort_unstable();

        let example = self.options.example("dataset", "decode_tf_examples")?;
        let mut ours = Vec::new();
        let (mut sparse, mut dense) = (Vec::new(), Vec::new());
        for _ in 0..self.options.runs {
            ours.extend(rates(Command::new(&example).args(&shards))?);
            if let Some(python) = &self.options.tfdv {
                match rates(&mut PARSE_EXAMPLE.command(python, &shards))?.as_slice() {
                    &[of_sparse, of_dense] => {
                        sparse.push(of_sparse);
                        dense.push(of_dense);
                    }
                    other => return Err(format!("expected two rates, found {other:?}").into()),
                }
            }
        }
        println!(
            "| `tf.Example` to columns | rows per second of processor time | ours is so many times |"
        );
        println!("| --- | --- | --- |");
        let ours = median(ours).ok_or("nothing was measured")?;
        println!("| ours | {ours:.0} | 1.0 |");
        let name = PARSE_EXAMPLE.name;
        let peers = [
            ("features may be missing (`VarLenFeature`)", median(sparse)),
            ("missing is a default (`FixedLenFeature`)", median(dense)),
        ];
        for (how, rate) in peers {
            match rate {
                Some(rate) => println!("| {name}, {how} | {rate:.0} | {:.1} |", ours / rate),
                None => eprintln!("skipped: {name}, {how}, needs --tfdv PYTHON"),
            }
        }
        println!();
        std::fs::remove_file(&csv)?;
        std::fs::remove_dir_all(&root)?;
        Ok(())
    }
}

/// Runs a program that prints lines of a number of rows and the seconds that they took, and returns the rates.
fn rates(command: &mut Command) -> Result<Vec<f64>, Failure> {
    let (_, printed) = run_with_output(command)?;
    let rates = printed.lines().filter_map(|line| {
        let (rows, seconds) = line.split_once(' ')?;
        Some(rows.parse::<f64>().ok()? / seconds.parse::<f64>().ok()?)
    });
    Ok(rates.collect())
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
