//! The `cupola` command: parses the command line, calls the crates below and shows what they say.
//!
//! One file per verb in `commands/`. Results go to standard output, as a table or with `--json` as one
//! object; progress, warnings and errors go to standard error. **Invariant:** this is where the clock, the
//! environment and the current folder are read, and where errors become exit codes.
//! Not here: anything that a library's user would miss.

mod args;
mod clock;
mod commands;
mod data;
mod documents;
mod error;
mod output;
mod progress;
mod root;
mod taxi;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let global = &cli.global;
    let outcome = match cli.command {
        Command::Run(args) => commands::run::run(&args, global),
        Command::Check(args) => commands::check::check(&args, global),
        Command::Init(args) => commands::init::init(&args, global),
        Command::Runs(command) => commands::runs::runs(&command, global),
        Command::Artifacts(command) => commands::artifacts::artifacts(&command, global),
        Command::Lineage(args) => commands::lineage::lineage(&args, global),
        Command::Stats(args) => commands::stats::stats(&args, global),
        Command::Schema(command) => commands::schema::schema(&command, global),
        Command::Validate(args) => commands::validate::validate(&args, global),
        Command::Anomalies(command) => commands::anomalies::anomalies(&command, global),
        Command::Graph(command) => commands::graph::graph(&command, global),
        Command::Export(command) => commands::export::export(&command, global),
        Command::Eval(args) => commands::eval::eval(&args, global),
        Command::Explain(args) => commands::explain::explain(&args, global),
        Command::Generate(args) => commands::generate::generate(&args, global),
        Command::Predict(args) => commands::predict::predict(&args, global),
        Command::Models(command) => commands::models::models(&command, global),
        Command::Serve(args) => commands::serve::serve(&args, global),
        Command::Completions { shell } => commands::completions::completions(shell),
    };
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => error::report(&error),
    }
}
