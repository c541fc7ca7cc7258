//! Training beside its peers: steps a second of the taxi model, tokens a second of a small transformer, examples a second
//! of the loader. Ours are examples of the crates, theirs short programs over the same data; all of them run in turn.

mod peers;

use std::path::Path;
use std::process::Command;

use super::process::run_with_output;
use super::{Options, Scratch};
use crate::Failure;

/// Threads that everybody has.
const THREADS: &str = "2";

/// One way, with the numbers that its runs printed.
struct Way {
    name: String,
    command: Box<dyn Fn() -> Command>,
    rates: Vec<f64>,
    said: String,
}

impl Way {
    fn new(name: &str, command: impl Fn() -> Command + 'static) -> Self {
        let command = Box::new(command);
        Self { name: name.to_owned(), command, rates: Vec::new(), said: String::new() }
    }

    fn median(&mut self) -> f64 {
        self.rates.sort_by(f64::total_cmp);
        self.rates.get(self.rates.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Steps a second of a wide and deep model.
pub(super) fn steps(options: &Options) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let examples = scratch.0.join("examples");
    let ours = options.example("train", "train_speed")?;
    let file = examples.clone();
    let mut ways = vec![Way::new("ours", move || {
        let mut command = Command::new(&ours);
        command.args(["6000"]).arg(&file);
        command
    })];
    // The first run of ours writes what the others read.
    run_all(&mut ways, 1)?;
    ways[0].rates.clear();
    for (name, python, program) in [
        ("Keras `fit`, one step at a time", &options.keras, peers::KERAS),
        ("Keras `fit`, `steps_per_execution=100`, XLA", &options.keras, peers::KERAS_FAST),
        ("PyTorch", &options.torch, peers::TORCH),
    ] {
        let Some(python) = python else {
            eprintln!("skipped: {name} needs --keras PYTHON or --torch PYTHON");
            continue;
        };
        ways.push(Way::new(name, python_command(python, program, &[&examples])));
    }
    println!(
        "Wide and deep, 3 numbers and 12 categories, hidden layers of 100, 70, 50 and 25, batches of 64, Adam, \
         {THREADS} threads. Medians of {} runs.\n",
        options.runs
    );
    run_all(&mut ways, options.runs)?;
    table(&mut ways, "steps/s", 0);
    Ok(())
}

/// Tokens a second of a small transformer.
pub(super) fn language(options: &Options) -> Result<(), Failure> {
    let ours = options.example("train_language", "train_language_speed")?;
    let mut ways = vec![Way::new("ours", move || {
        let mut command = Command::new(&ours);
        command.arg("20");
        command
    })];
    let model = options.workspace.join("crates/train_language/torch/train.py");
    match &options.torch {
        None => eprintln!("skipped: PyTorch needs --torch PYTHON"),
        Some(python) => {
            ways.push(Way::new("PyTorch", python_command(python, peers::LANGUAGE, &[&model])));
        }
    }
    println!(
        "4 blocks of width 256, 8 heads, feed-forward parts of 704, 8 sequences of 256 tokens a step, a vocabulary of \
         8,192, AdamW, single precision, {THREADS} threads. Medians of {} runs.\n",
        options.runs
    );
    run_all(&mut ways, options.runs)?;
    table(&mut ways, "tokens/s", 0);
    Ok(())
}

/// Examples a second of the loader, and gigabytes of tokens.
pub(super) fn loader(options: &Options) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let ours = options.example("loader", "loader_speed")?;
    let rows = options.rows.min(400_000).to_string();
    let made = Command::new(&ours).arg("make").arg(&scratch.0).arg(&rows).status()?;
    if !made.success() {
        return Err("the files could not be made".into());
    }
    let mut ways = Vec::new();
    for (name, format) in [("ours, TFRecord", "records"), ("ours, Parquet", "columns")] {
        let (program, dir) = (ours.clone(), scratch.0.clone());
        ways.push(Way::new(name, move || {
            let mut command = Command::new(&program);
            command.arg(format).arg(&dir);
            command
        }));
    }
    for (name, python, program, format) in [
        ("`tf.data`, TFRecord", &options.keras, peers::TF_DATA, "records"),
        ("PyTorch `DataLoader`, Parquet", &options.torch, peers::DATA_LOADER, "columns"),
    ] {
        let Some(python) = python else {
            eprintln!("skipped: {name} needs --keras PYTHON or --torch PYTHON");
            continue;
        };
        let dir = scratch.0.join(format).join("Split-train");
        ways.push(Way::new(name, python_command(python, program, &[&dir])));
    }
    println!(
        "{rows} examples of 18 features, shuffled over 16,384, batches of 256, {THREADS} cores. Medians of {} runs.\n",
        options.runs
    );
    run_all(&mut ways, options.runs)?;
    table(&mut ways, "examples/s", 0);

    let (program, dir) = (ours, scratch.0.clone());
    let mut tokens = vec![Way::new("tokens, shuffled blocks of 1,024", move || {
        let mut command = Command::new(&program);
        command.arg("tokens").arg(&dir);
        command
    })];
    run_all(&mut tokens, options.runs)?;
    println!();
    table(&mut tokens, "GB/s (and of copies of such blocks, and one long copy)", 1);
    Ok(())
}

fn python_command(
    python: &Path,
    program: &'static str,
    args: &[&Path],
) -> impl Fn() -> Command + 'static {
    let python = python.to_path_buf();
    let args: Vec<_> = args.iter().map(|arg| arg.to_path_buf()).collect();
    move || {
        let mut command = Command::new(&python);
        command.arg("-c").arg(program).args(&args);
        command
    }
}

/// Runs all ways in turn, again and again.
fn run_all(ways: &mut [Way], runs: usize) -> Result<(), Failure> {
    for _ in 0..runs {
        for way in &mut *ways {
            let mut command = (way.command)();
            for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"] {
                command.env(name, THREADS);
            }
            command.env("TF_CPP_MIN_LOG_LEVEL", "3").env("CUDA_VISIBLE_DEVICES", "");
            let (_, printed) = run_with_output(&mut command)?;
            let line = printed.lines().last().unwrap_or_default();
            let mut words = line.split_whitespace();
            let rate = words.next().and_then(|word| word.parse().ok());
            way.rates.push(rate.ok_or_else(|| format!("{} printed {line:?}", way.name))?);
            way.said = words.collect::<Vec<_>>().join(" ");
        }
    }
    Ok(())
}

/// Prints the medians, what else the last runs said (losses), and how many times the first way's rate the others have.
fn table(ways: &mut [Way], unit: &str, decimals: usize) {
    println!("| | {unit} | last run said | of ours |");
    println!("| --- | --- | --- | --- |");
    let ours = ways.first_mut().map_or(f64::NAN, Way::median);
    for way in ways {
        let rate = way.median();
        let (name, said) = (&way.name, &way.said);
        println!("| {name} | {rate:.decimals$} | {said} | {:.2} |", rate / ours);
    }
}
